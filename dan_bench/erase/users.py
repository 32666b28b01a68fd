"""Which processes have files open or mapped: to be known before they are erased."""

import os
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from dan_bench.erase.handles import DirectoryEntry, Identity, identity_of
from dan_bench.erase.plan import Remark

PROC = Path("/proc")
NAMED = 5
"""Users that are named of one file."""


def in_use(files: Collection[DirectoryEntry]) -> Iterator[Remark]:
    """Yield which files others have open or mapped, and what could not be looked into.

    One pass over all processes, whatever the number of files. Loop devices are users too: what
    lies in such a file is a file system of its own.
    """
    inodes = {file.status.st_ino for file in files}
    found: dict[Identity, dict[str, None]] = defaultdict(dict)
    closed = 0
    for entry in _entries(PROC):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        process = Path(entry.path)
        try:
            for used in _opened(process, inodes) | _mapped(process, inodes):
                found[used][f"process {entry.name} ({_name(process)})"] = None
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
        except PermissionError:
            closed += not _is_of_kernel(process)
    for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
        with suppress(OSError):
            used = identity_of(os.stat(backing.read_text().rstrip("\n")))
            found[used][backing.parts[3]] = None
    for file in files:
        if users := found.get(file.identity):
            shown = [*users][:NAMED] + [f"{len(users) - NAMED} more"] * (len(users) > NAMED)
            yield Remark(file.path, f"in use by {', '.join(shown)}: what that writes is not erased")
    if closed:
        yield Remark(
            str(PROC), f"{closed} processes of others may have files open: they cannot be looked at"
        )


def _opened(process: Path, inodes: Collection[int]) -> set[Identity]:
    """Files that a process has open."""
    found = set()
    for handle in _entries(process / "fd", strict=True):
        with suppress(FileNotFoundError):
            status = os.stat(handle.path)
            if status.st_ino in inodes:
                found.add(identity_of(status))
    return found


def _mapped(process: Path, inodes: Collection[int]) -> set[Identity]:
    """Files that a process has mapped, which may be closed by now."""
    found = set()
    with open(process / "maps", "rb") as lines:
        for line in lines:
            fields = line.rstrip(b"\n").split(maxsplit=5)
            if len(fields) < 6 or int(fields[4]) not in inodes:
                continue
            major, minor = (int(part, 16) for part in fields[3].split(b":"))
            found.add((os.makedev(major, minor), int(fields[4])))
            with suppress(OSError):  # btrfs has other device numbers here than in stat
                found.add(identity_of(os.stat(bytes(process / "root") + fields[5])))
    return found


def _entries(folder: Path, strict: bool = False) -> Iterator[os.DirEntry[str]]:
    """Entries of a folder; none where it cannot be read, unless `strict`."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        if strict:
            raise


def _is_of_kernel(process: Path) -> bool:
    """Whether it is a thread of the kernel, or has ended: neither has files or a command line."""
    try:
        return not (process / "cmdline").read_bytes()
    except OSError:
        return False


def _name(process: Path) -> str:
    """Name of a program, which may hold anything."""
    return repr((process / "comm").read_bytes().rstrip(b"\n").decode(errors="backslashreplace"))
