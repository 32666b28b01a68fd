"""What a file system discloses: how it writes, and where a file's data, holes and blocks lie."""

import errno
import fcntl
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from dan_bench.erase.devices import (
    DeviceStack,
    Mount,
    folder_of,
    judge_devices,
    loop_file,
    mounted,
    of_source,
)
from dan_bench.erase.past_journal import SEARCH, Prints
from dan_bench.erase.status import mount_id

EXT = ("ext2", "ext3", "ext4")
"""One driver mounts them all; what has a journal may be mounted as ext2 too."""
IN_PLACE = (*EXT, "xfs")
"""Known to overwrite data in place, and to disclose where they lie."""

WHY_NOT = {
    "btrfs": "btrfs writes to a new place (copy on write): the old one keeps the data",
    "overlay": "overlay keeps the file of its lower layer",
    "tmpfs": "tmpfs lies in memory and swap: there is no place on a disk to inspect",
    "ramfs": "ramfs lies in memory: there is no place on a disk to inspect",
    "zfs": "zfs writes to a new place (copy on write): the old one keeps the data",
    "f2fs": "f2fs writes to a new place (a log): the old one keeps the data",
}
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "virtiofs", "afs", "glusterfs", "lustre")
JOURNALED = "the file system's journal holds copies of the data (data=journal)"

GETFLAGS = 0x80086601  # FS_IOC_GETFLAGS, FS_JOURNAL_DATA_FL and FS_NOCOW_FL: linux/fs.h
JOURNAL_DATA = 0x00004000
NO_COPY_ON_WRITE = 0x00800000

FIEMAP = 0xC020660B  # linux/fiemap.h; Documentation/filesystems/fiemap.rst
SYNC = 0x1
LAST = 0x1
HEADER = struct.Struct("=QQIIII")
EXTENT = struct.Struct("=QQQQQIIII")
AT_ONCE = 256
# flags of extents
UNKNOWN = 0x2 | 0x4  # no place known, or not yet chosen
ENCODED = 0x8
UNALIGNED = 0x100 | 0x200 | 0x400  # among metadata, or sharing a block with other files
UNWRITTEN = 0x800
SHARED = 0x2000

Span = tuple[int, int]
"""Bytes from start to end, the end excluded."""
ADDRESSES = 1 << 80
"""More than any logical address."""

# how it writes


@dataclass
class FileSystem(DeviceStack):
    """How a mounted file system writes, down to the devices that it lies on."""

    kind: str = ""
    journals: list[Prints] = field(default_factory=list)
    """What the journals hold that may hold data."""


class FileSystems:
    """File systems as they are now, each looked at once: for one batch of files, not for longer.

    Journals are searched only for files (`of` with `search`), which takes root and up to seconds.
    """

    def __init__(self) -> None:
        self.mounts = mounted()
        self._known: dict[tuple[int | None, int, bool, bool], FileSystem] = {}

    def of(
        self, mount: int | None, device: int, flags: int | None = None, search: bool = False
    ) -> FileSystem:
        """Return how the file system of a mount id and st_dev writes.

        Args:
            mount: id of the mount.
            device: st_dev of its files.
            flags: attributes of one file, where a file may be written otherwise than others.
            search: whether its journal is searched, if it has one.
        """
        no_copy = bool(flags and flags & NO_COPY_ON_WRITE)
        key = (mount, device, no_copy, search)
        if key not in self._known:
            self._known[key] = self._look(*key)
        return self._known[key]

    def _look(self, mount: int | None, device: int, no_copy: bool, search: bool) -> FileSystem:
        of = self.mounts.get(mount) if mount is not None else None
        if of is None:
            unlisted = "the kind of file system is not known: /proc does not list it"
            return FileSystem(doubts=[unlisted])
        found = FileSystem(kind=of.kind)
        # a btrfs file without copy on write is written in place, as long as its extents do not move
        if of.kind not in IN_PLACE and not (of.kind == "btrfs" and no_copy):
            unknown = f"{of.kind} is not known to write in place"
            if of.kind in NETWORK or of.kind.startswith("fuse"):
                unknown = (
                    f"{of.kind}: what its server does with the old data cannot be seen from here"
                )
            found.doubts.append(WHY_NOT.get(of.kind, unknown))
            return found
        if of.kind in EXT:
            self._look_at_journal(of, device, search, found)
        devices = of.devices
        for option in of.options:
            if option.startswith("rtdev="):
                devices += of_source(option.partition("=")[2], of.kind)
        if not devices:
            found.doubts.append(f"{of.kind}: the device that it lies on is not known")
        self._look_below(devices, search, found)
        return found

    def _look_below(self, devices: list[int], search: bool, found: FileSystem) -> None:
        for device in devices:
            judge_devices(device, found)
        for name, path in found.files:
            self._look_at_loop(name, path, search, found)

    def _look_at_journal(self, of: Mount, device: int, search: bool, found: FileSystem) -> None:
        in_force = _ext4_options(device)
        options = of.options | in_force
        # without a journal, or beside one that may hold copies from an earlier mount?
        has_none = in_force and "norecovery" not in options
        if "data=journal" in options:
            found.doubts.append(JOURNALED)
        elif search and (not has_none or any(option.startswith("data=") for option in options)):
            held = SEARCH.of(device, lasting="nodelalloc" not in options)
            if isinstance(held, str):
                found.doubts.append(
                    f"the file system's journal could not be searched ({held}): it may hold copies "
                    "of the data, if it was ever mounted with data=journal"
                )
            else:
                found.journals.append(held)

    def _look_at_loop(self, name: str, path: str, search: bool, found: FileSystem) -> None:
        """Judge what a loop device lies in: a file like any other, or a device."""
        doubts: list[str] = []
        try:
            with loop_file(name, path) as handle:
                status, flags = os.fstat(handle), inode_flags(handle)
                if stat.S_ISBLK(status.st_mode):
                    within = FileSystem()
                    self._look_below([status.st_rdev], search, within)
                else:
                    within = self.of(mount_id(handle), status.st_dev, flags, search)
                    if not within.doubts:
                        doubts += why_in_doubt(extents(handle, 0), SHARED | ENCODED)
                        doubts += [JOURNALED] if flags & JOURNAL_DATA else []
            found.devices += within.devices
            found.remarks += within.remarks
            found.journals += within.journals
            doubts += within.doubts
        except OSError as error:
            doubts.append(f"it cannot be looked at ({error.strerror})")
        found.doubts += [f"{name} lies in the file {path!r}: {doubt}" for doubt in doubts]


def inode_flags(handle: int) -> int:
    """Return a file's attributes as lsattr shows them; 0 where the file system has none."""
    answer = bytearray(8)
    try:
        fcntl.ioctl(handle, GETFLAGS, answer, True)
    except OSError:
        return 0
    flags: int = struct.unpack_from("=I", answer)[0]
    return flags


def _ext4_options(device: int) -> frozenset[str]:
    """All options in force: mountinfo omits those that the superblock makes the default."""
    try:
        options = Path(f"/proc/fs/ext4/{folder_of(device).name}/options")
        return frozenset(options.read_text().split())
    except OSError:
        return frozenset()


# where a file lies


class Extent(NamedTuple):
    """A run of a file's bytes that lies in one piece."""

    logical: int
    physical: int
    length: int
    flags: int


def extents(handle: int, how: int = SYNC) -> list[Extent] | None:
    """Return all extents; None where FIEMAP is unsupported.

    Args:
        handle: of the file.
        how: whether what is in memory is written first (SYNC), so that it has a place.
    """
    found: list[Extent] = []
    start, at_once = 0, 4  # most files have one
    while True:
        request = bytearray(HEADER.size + at_once * EXTENT.size)
        HEADER.pack_into(request, 0, start, (1 << 64) - 1 - start, how, 0, at_once, 0)
        at_once = AT_ONCE
        try:
            fcntl.ioctl(handle, FIEMAP, request, True)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EBADR):
                return None
            raise
        mapped = HEADER.unpack_from(request)[3]
        for i in range(mapped):
            logical, physical, length, _, _, flags, *_ = EXTENT.unpack_from(
                request, HEADER.size + i * EXTENT.size
            )
            found.append(Extent(logical, physical, length, flags))
        if not mapped or found[-1].flags & LAST:
            return found
        start = found[-1].logical + found[-1].length


def why_in_doubt(mapped: list[Extent] | None, of: int = ~0) -> tuple[str, ...]:
    """Return what about a file's extents, of the flags `of`, keeps it from being verified."""
    if mapped is None:
        return ("the file system does not disclose where the data lie (FIEMAP)",)
    flags = 0
    for extent in mapped:
        flags |= extent.flags & of
    shared = sum(extent.length for extent in mapped if extent.flags & SHARED)
    reasons = {
        f"{shared} bytes of extents are shared with a snapshot or another file": flags & SHARED,
        "compressed or encrypted extents": flags & ENCODED,
        "data among the file system's own (inline), which its journal copies": flags & UNALIGNED,
        "extents at no known place": flags & UNKNOWN,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def data_spans(handle: int, size: int) -> list[Span]:
    """Return what of the first `size` bytes is data: not a hole, and not merely allocated."""
    spans: list[Span] = []
    end = 0
    while end < size:
        try:
            start = os.lseek(handle, end, os.SEEK_DATA)
            end = min(size, os.lseek(handle, start, os.SEEK_HOLE))
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole up to the end
                break
            raise
        if start >= size:
            break
        spans.append((start, end))
    return spans


def owned_spans(handle: int, size: int, mapped: list[Extent] | None) -> list[Span]:
    """Return which of the first `size` bytes a file holds blocks for.

    That is its data and, where FIEMAP is supported, blocks that read as zeros but need not be zero:
    a range that was zeroed by fallocate(2) keeps its old blocks.
    """
    of_blocks = [(e.logical, min(size, e.logical + e.length)) for e in mapped or ()]
    return union(data_spans(handle, size) + [span for span in of_blocks if span[0] < span[1]])


def beyond_end(size: int, block: int, mapped: list[Extent] | None) -> list[Span]:
    """Return the blocks that a file holds behind the one that its end lies in.

    fallocate(2) puts them there, with whatever their last owner left in them.
    """
    end = block_end(size, block, mapped)
    known = [e for e in mapped or () if not e.flags & (UNALIGNED | ENCODED | UNKNOWN)]
    spans = union((e.logical, e.logical + e.length) for e in known)
    return difference(spans, [(0, max(end, -(-size // block) * block))])


def block_end(size: int, block: int, mapped: list[Extent] | None) -> int:
    """Return the end of the last block that a file of `size` bytes fills in part.

    `size` itself where it has no such block of its own, or none is known.
    """
    for extent in mapped or ():
        holds_end = extent.logical < size <= extent.logical + extent.length
        if holds_end and not extent.flags & (UNALIGNED | ENCODED | UNKNOWN):
            return -(-size // block) * block
    return size


def moved_spans(before: list[Extent], after: list[Extent], spans: list[Span]) -> list[Span]:
    """Return which bytes of `spans` no longer lie in the blocks that they lay in.

    Blocks that are merely allocated now read as zeros, and still hold what was written before.
    """
    stayed = intersection(_placed(before), _placed(after))
    return difference(spans, union((start % ADDRESSES, end % ADDRESSES) for start, end in stayed))


def _placed(mapped: list[Extent]) -> list[Span]:
    """Written extents of known place, each shift from logical to physical on a line of its own."""
    starts = [
        ((e.physical - e.logical) * ADDRESSES + e.logical, e.length)
        for e in mapped
        if not e.flags & (UNKNOWN | UNWRITTEN)
    ]
    return union((start, start + length) for start, length in starts)


def length(spans: Iterable[Span]) -> int:
    """Return the number of bytes in spans."""
    return sum(end - start for start, end in spans)


def union(spans: Iterable[Span]) -> list[Span]:
    """Return the same bytes as sorted spans that do not touch."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def difference(spans: list[Span], taken: list[Span]) -> list[Span]:
    """Return the bytes of `spans` that are not in `taken`; both sorted, neither overlapping."""
    left: list[Span] = []
    at = 0
    for start, end in spans:
        while at < len(taken) and taken[at][0] < end:
            low, high = taken[at]
            if start < low:
                left.append((start, low))
            start = max(start, high)
            if high > end:
                break
            at += 1
        if start < end:
            left.append((start, end))
    return left


def intersection(spans: list[Span], others: list[Span]) -> list[Span]:
    """Return the bytes of `spans` that are in `others`; both sorted, neither overlapping."""
    return difference(spans, difference(spans, others))
