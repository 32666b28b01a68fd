"""What is never erased, or only on a second word: homes, the system, what is on no disk."""

import os
import pwd
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from dan_bench.erase.devices import Mount
from dan_bench.erase.handles import Identity, identity_of

PACKAGE = Path(__file__).resolve().parents[1]
SYSTEM = (
    *("/proc", "/sys", "/dev", "/etc", "/boot", "/efi", "/usr"),
    *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
)
"""Refused with everything in them."""
SHARED_MEMORY = Path("/dev/shm")
"""Holds users' files, though it lies in /dev."""
SYSTEM_STATE = ("/var", "/var/lib", "/run")
"""Refused, but not what is in them: programs and people keep files of their own there."""
WITHOUT_DEVICE = ("tmpfs", "ramfs", "btrfs", "zfs", "bcachefs", "overlay", "aufs", "ecryptfs")
"""File systems on a disk, or in memory, whose files have no device number of a disk."""
TWICE = "anyway=True (--anyway) allows it"


def identity(path: Path) -> Identity | None:
    """Return device and inode of what a path leads to; None where it leads to nothing."""
    try:
        return identity_of(path.stat())
    except OSError:
        return None


def folders(anyway: bool) -> dict[Identity | None, str]:
    """Return which folders are refused, and what each of them is.

    Args:
        anyway: whether the system's own are allowed.
    """
    found: dict[Identity | None, str] = {}
    for meaning, folder in _own_folders():
        found.setdefault(identity(folder), meaning)
        for above in folder.parents:
            found.setdefault(identity(above), f"a folder above {meaning}")
    found[identity(Path("/"))] = "the root of the file system"
    if not anyway:
        for name in (*SYSTEM, *SYSTEM_STATE):
            found.setdefault(identity(Path(name)), f"{name}, which the system needs; {TWICE}")
    return found


def why_system(path: Path) -> str | None:
    """Return which folder of the system a path is, or lies in."""
    system = {identity(Path(name)): name for name in SYSTEM}
    system.pop(None, None)
    shared = identity(SHARED_MEMORY)
    for folder in (path, *path.parents):
        found = identity(folder)
        if found is not None and found == shared:
            return None
        if found in system:
            return f"in {system[found]}, which the system needs; {TWICE}"
    return None


def why_on_no_disk(mount: int | None, device: int, mounts: Mapping[int, Mount]) -> str | None:
    """Return why files of a mount are on no disk of this machine, and in no tmpfs.

    Args:
        mount: its id; where that is not known, nothing is refused.
        device: st_dev of the files.
        mounts: all mounts.
    """
    of = mounts.get(mount) if mount is not None else None
    if of is None or os.major(device) or of.kind in WITHOUT_DEVICE:
        return None
    return f"on {of.kind}, which is no file system of a disk, nor tmpfs; {TWICE}"


def _own_folders() -> Iterator[tuple[str, Path]]:
    """The home folders, the working folder and the package, each with its meaning."""
    homes = [os.path.expanduser("~")]
    for user in (str(os.getuid()), os.environ.get("SUDO_UID", "")):
        with suppress(KeyError, ValueError, OverflowError):  # a user without an entry, or no number
            homes.append(pwd.getpwuid(int(user)).pw_dir)
    for home in filter(os.path.isabs, homes):
        yield "the home folder", Path(home).resolve()
    yield "the package dan_bench", PACKAGE
    try:
        yield "the working folder", Path.cwd()
    except FileNotFoundError:  # it was removed: nothing lies above it
        return
