"""File systems in image files, mounted for a test; their raw images are searched afterwards."""

import contextlib
import os
import re
import secrets
import shutil
import subprocess

import pytest

from dan_bench.erase.filesystem import FileSystems, data_spans
from dan_bench.erase.status import mount_id

RECORDS = 4000
MAKE = {
    "ext4": (64, ["mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"]),
    "xfs": (320, ["mkfs.xfs", "-q"]),
    "btrfs": (256, ["mkfs.btrfs", "-q"]),
}


class FileSystem:
    """An image file with a file system in it, mounted at `root` while it is needed."""

    def __init__(self, folder, kind, mkfs=(), options="loop"):
        size, command = MAKE[kind]
        if os.geteuid() != 0:
            pytest.skip("only root mounts")
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        if reasons := doubts_of(folder):
            pytest.skip(f"no claim can be made of a file system in a file here: {reasons[0]}")
        self.image = folder / "image"
        self.root = folder / "mounted"
        self.root.mkdir()
        self.mounted = False
        with self.image.open("xb") as file:
            file.truncate(size << 20)
        run(*command, *mkfs, self.image)
        self.mount(options)

    def mount(self, options="loop"):
        done = subprocess.run(
            ["mount", "-o", options, self.image, self.root], capture_output=True, text=True
        )
        if done.returncode != 0:
            pytest.skip(f"no loop mount here: {done.stderr.strip()}")
        self.mounted = True

    def unmount(self):
        if self.mounted:
            run("umount", self.root)
            self.mounted = False

    close = unmount

    def search(self, token):
        """Share of the records that the unmounted image still holds."""
        pattern = re.compile(re.escape(token) + rb"(\d{8})")
        return len({i for data in self.raw() for i in pattern.findall(data)}) / RECORDS

    def raw(self):
        """Yield all runs of data of the unmounted image."""
        self.unmount()
        with self.image.open("rb") as file:
            for start, end in data_spans(file.fileno(), self.image.stat().st_size):
                yield os.pread(file.fileno(), end - start, start)


def doubts_of(folder):
    """Why nothing that lies in a file in this folder can be vouched for."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        return FileSystems().of(mount_id(handle), os.fstat(handle).st_dev).doubts
    finally:
        os.close(handle)


def run(*command):
    subprocess.run(list(map(str, command)), check=True, capture_output=True)


@contextlib.contextmanager
def maker(folder):
    """Lend a function that makes file systems; they are unmounted whatever happens."""
    with contextlib.ExitStack() as stack:

        def of(kind, **how):
            made = FileSystem(folder, kind, **how)
            stack.callback(made.unmount)
            return made

        yield of


def marked(path):
    """Write a file of marked records to the device; return the mark."""
    token = secrets.token_hex(16).encode()
    records = b"".join(token + b"%08d" % i + secrets.token_bytes(88) for i in range(RECORDS))
    with path.open("ab") as file:
        file.write(records)
        os.fsync(file.fileno())
    return token
