"""Set-ups for erase_matrix.py: file systems in image files, and in files of other file systems."""

import contextlib
import mmap
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HELD: list[mmap.mmap] = []
"""Mappings of files, for as long as the files are erased."""


class Unavailable(Exception):
    """A set-up that this machine has not got; the message says what is missing."""


def run(*command: object) -> None:
    """Run a program; what it lacks is `Unavailable`."""
    words = [os.fspath(word) if isinstance(word, Path) else str(word) for word in command]
    if shutil.which(words[0]) is None:
        raise Unavailable(f"{words[0]} is not installed")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()
        raise Unavailable(f"{words[0]}: {said[0]}")


def unmount(root: Path) -> None:
    """Unmount; a loop device in it is let go of a moment after what is mounted from it."""
    for wait in (0.1, 0.5, 2, 5):
        try:
            return run("umount", root)
        except Unavailable:
            time.sleep(wait)
    run("umount", root)


@dataclass
class Place:
    """A mounted file system, and the images that it lies in."""

    root: Path
    images: list[Path]
    source: object = None
    how: tuple[str, ...] = ()
    """Arguments of mount."""
    between: Callable[[], None] = lambda: None
    """Done when the files are written, before they are erased."""

    def mount(self, *how: str) -> None:
        """Mount it, as before or otherwise."""
        run("mount", *(how or self.how), self.source, self.root)

    def unmount(self) -> None:
        """Unmount it, if it is mounted."""
        if os.path.ismount(self.root):
            unmount(self.root)


Maker = Callable[[Path, contextlib.ExitStack], Place]


def made(
    kind: str,
    *mkfs: str,
    size: int = 64,
    options: str = "",
    inside: Maker | None = None,
    between: Callable[[Place], None] = lambda _: None,
) -> Maker:
    """Return how a file system is made in an image, `inside` of another file system or not."""

    def make(folder: Path, held: contextlib.ExitStack) -> Place:
        folder.mkdir()
        outer = inside(folder / "outer", held) if inside else None
        image = (outer.root if outer else folder) / "image"
        with image.open("xb") as file:
            file.truncate(size << 20)
        run(f"mkfs.{kind}", *mkfs, image)
        root = folder / "mounted"
        root.mkdir()
        named = ("-t", "ntfs-3g") if kind == "ntfs" else ()
        how = (*named, "-o", "loop" + (options and f",{options}"))
        place = Place(root, [image], image, how)
        place.between = lambda: between(place)
        if outer:
            place.images = outer.images or [image]
        place.mount()
        held.callback(place.unmount)
        return place

    return make


def tmpfs(folder: Path, held: contextlib.ExitStack) -> Place:
    """A tmpfs, whose image is the memory: what lies in it is searched instead."""
    folder.mkdir()
    place = Place(folder, [], "tmpfs", ("-t", "tmpfs"))
    place.mount()
    held.callback(place.unmount)
    return place


def overlay(folder: Path, held: contextlib.ExitStack) -> Place:
    """An overlay, its files in the upper layer."""
    lower = made("ext4", "-q", size=128)(folder, held)
    for name in ("lower", "upper", "work", "over"):
        (lower.root / name).mkdir()
    layers = ",".join(f"{name}dir={lower.root}/{name}" for name in ("lower", "upper", "work"))
    place = Place(lower.root / "over", lower.images, "overlay", ("-t", "overlay", "-o", layers))
    place.mount()
    held.callback(place.unmount)
    return place


def mapped(table: str) -> Maker:
    """An ext4 on a device mapper device: LOOP and SIZE in the table are the loop device's."""

    def make(folder: Path, held: contextlib.ExitStack) -> Place:
        folder.mkdir()
        image, root, name = folder / "image", folder / "mounted", f"erase-{secrets.token_hex(5)}"
        root.mkdir()
        with image.open("xb") as file:
            file.truncate(64 << 20)
        run("dmsetup", "targets")
        done = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, check=True)
        loop = done.stdout.decode().strip()
        held.callback(run, "losetup", "-d", loop)
        lines = table.replace("LOOP", loop).replace("SIZE", str((64 << 20) // 512))
        run("dmsetup", "create", name, "--table", lines)
        held.callback(run, "dmsetup", "remove", name)
        device = f"/dev/mapper/{name}"
        run("mkfs.ext4", "-q", device)
        place = Place(root, [image], device)
        place.mount()
        held.callback(place.unmount)
        return place

    return make


def clone_of_image(place: Place) -> None:
    """Make a reflink of the image that a file system lies in."""
    image = Path(str(place.source))
    os.sync()
    run("cp", "--reflink=always", image, image.with_name("clone"))


def no_longer_journaled(place: Place) -> None:
    """Mount what the image lies in otherwise than with data=journal, as it was until now."""
    outer = Path(str(place.source)).parent
    image = outer.parent / "image"
    HELD.clear()
    place.unmount()
    unmount(outer)
    run("mount", "-o", "loop", image, outer)
    place.mount()


def snapshot(place: Place) -> None:
    """Make a snapshot of a btrfs."""
    run("btrfs", "subvolume", "snapshot", place.root, place.root / "snapshot")


EXT4 = ("-q", "-b", "4096")
XFS = made("xfs", "-q", "-m", "reflink=1", size=512)
BTRFS = made("btrfs", "-q", size=512, options="nodiscard")
SETUPS: dict[str, Maker] = {
    "ext2": made("ext2", "-q"),
    "ext3": made("ext3", "-q"),
    "ext4": made("ext4", *EXT4),
    "ext4, 1 KiB blocks": made("ext4", "-q", "-b", "1024"),
    "ext4, bigalloc": made("ext4", *EXT4, "-O", "bigalloc", "-C", "65536", size=256),
    "ext4, no journal": made("ext4", *EXT4, "-O", "^has_journal"),
    "ext4, inline_data": made("ext4", *EXT4, "-O", "inline_data", "-I", "512"),
    "ext4, fast_commit": made("ext4", *EXT4, "-O", "fast_commit"),
    "ext4, nodelalloc": made("ext4", *EXT4, options="nodelalloc"),
    "ext4, discard": made("ext4", *EXT4, options="discard"),
    "ext4, data=journal": made("ext4", *EXT4, options="data=journal"),
    "xfs": made("xfs", "-q", "-m", "reflink=1", size=320),
    "xfs, no reflink": made("xfs", "-q", "-m", "reflink=0", size=320),
    "xfs, 1 KiB blocks": made("xfs", "-q", "-b", "size=1024", size=320),
    "btrfs": BTRFS,
    "btrfs, nodatacow": made("btrfs", "-q", size=256, options="nodiscard,nodatacow"),
    "btrfs, nodatacow, snapshot": made(
        "btrfs", "-q", size=256, options="nodiscard,nodatacow", between=snapshot
    ),
    "btrfs, compressed": made("btrfs", "-q", size=256, options="nodiscard,compress-force"),
    "ext4 in a file on ext4": made("ext4", *EXT4, inside=made("ext4", *EXT4, size=256)),
    "ext4 in a file on ext4, data=journal": made(
        "ext4", *EXT4, inside=made("ext4", *EXT4, size=256, options="data=journal")
    ),
    "ext4 in a file on ext4, once data=journal": made(
        "ext4",
        *EXT4,
        size=24,
        inside=made("ext4", *EXT4, "-J", "size=64", size=256, options="data=journal"),
        between=no_longer_journaled,
    ),
    "ext4 in a file on xfs": made("ext4", *EXT4, inside=XFS),
    "ext4 in a cloned file on xfs": made("ext4", *EXT4, inside=XFS, between=clone_of_image),
    "ext4 in a file on btrfs": made("ext4", *EXT4, inside=BTRFS),
    "xfs in a file in a file on btrfs": made(
        "xfs", "-q", size=320, inside=made("ext4", *EXT4, size=400, inside=BTRFS)
    ),
    "ext4 in a file on tmpfs": made("ext4", *EXT4, inside=tmpfs),
    "overlay on ext4": overlay,
    "vfat": made("vfat"),
    "ntfs (ntfs-3g)": made("ntfs", "-q", "-F", options="streams_interface=windows"),
    "ext4 on dm-linear": mapped("0 SIZE linear LOOP 0"),
    "ext4 on dm-crypt": mapped(f"0 SIZE crypt aes-xts-plain64 {'0f' * 32} 0 LOOP 0"),
}
