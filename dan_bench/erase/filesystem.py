"""Which file systems write in place, as far as they tell."""

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path

GETFLAGS = 0x80086601  # FS_IOC_GETFLAGS, FS_JOURNAL_DATA_FL and FS_NOCOW_FL: linux/fs.h
JOURNAL_DATA = 0x00004000
NO_COPY_ON_WRITE = 0x00800000

IN_PLACE = ("ext2", "ext3", "ext4", "xfs")
"""Known to write where the data lie, and to tell where that is."""

WHY_NOT = {
    "btrfs": "btrfs writes to a new place (copy on write): the old one keeps the data",
    "overlay": "overlay keeps the file of its lower layer",
    "tmpfs": "tmpfs lies in memory and swap: there is no place on a disk to look at",
    "ramfs": "ramfs lies in memory: there is no place on a disk to look at",
    "zfs": "zfs writes to a new place (copy on write): the old one keeps the data",
    "f2fs": "f2fs writes to a new place (a log): the old one keeps the data",
}
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "virtiofs", "afs", "glusterfs", "lustre")


@dataclass(frozen=True)
class Mount:
    """A mounted file system, as /proc/self/mountinfo has it (proc(5))."""

    kind: str
    options: frozenset[str]


def mounted() -> dict[int, Mount]:
    """Return all mounts by their id; none where /proc is not there."""
    found = {}
    try:
        lines = Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return {}
    for line in lines:
        before, after = line.split(" - ", 1)
        kind, _, options = after.split(" ")[:3]
        found[int(before.split()[0])] = Mount(kind, frozenset(options.split(",")))
    return found


def why_unverifiable(mount: int | None, device: int, flags: int | None = None) -> tuple[str, ...]:
    """Return why old data may outlive an overwrite on a file system; nothing where it may not.

    Args:
        mount: id of the mount.
        device: st_dev of its files.
        flags: attributes of one file, where its own case is asked for.
    """
    of = mounted().get(mount) if mount is not None else None
    if of is None:
        return ("the kind of file system is not known: /proc does not tell",)
    reasons = []
    if of.kind == "btrfs" and flags is not None and flags & NO_COPY_ON_WRITE:
        pass  # this file is written in place, as long as its extents do not move
    elif of.kind not in IN_PLACE:
        reasons.append(WHY_NOT.get(of.kind) or _unknown(of.kind))
    if of.kind in ("ext3", "ext4"):
        journaled = "data=journal" in of.options | _ext4_options(device)
        if journaled or (flags is not None and flags & JOURNAL_DATA):
            reasons.append("the file system's journal holds copies of the data (data=journal)")
    return tuple(reasons)


def inode_flags(handle: int) -> int:
    """Return a file's attributes as lsattr shows them; 0 where the file system has none."""
    answer = bytearray(8)
    try:
        fcntl.ioctl(handle, GETFLAGS, answer, True)
    except OSError:
        return 0
    flags: int = struct.unpack_from("=I", answer)[0]
    return flags


def _unknown(kind: str) -> str:
    if kind in NETWORK or kind.startswith("fuse"):
        return f"{kind}: what its server does with the old data is not to be seen from here"
    return f"{kind} is not known to write in place"


def _ext4_options(device: int) -> frozenset[str]:
    """All options in force: mountinfo leaves out those that the superblock makes the default."""
    try:
        name = os.readlink(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").split("/")[-1]
        return frozenset(Path(f"/proc/fs/ext4/{name}/options").read_text().split())
    except OSError:
        return frozenset()
