"""Where on its file system a file lies: data, holes and blocks."""

import errno
import fcntl
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass

FIEMAP = 0xC020660B  # linux/fiemap.h; Documentation/filesystems/fiemap.rst
SYNC = 0x1
LAST = 0x1
HEADER = struct.Struct("=QQIIII")
EXTENT = struct.Struct("=QQQQQIIII")
AT_ONCE = 256

UNKNOWN = 0x2 | 0x4  # no place known, or not yet chosen
ENCODED = 0x8
UNALIGNED = 0x100 | 0x200 | 0x400  # among metadata, or sharing a block with other files
UNWRITTEN = 0x800
SHARED = 0x2000

Span = tuple[int, int]
"""Bytes from start to end, the end not among them."""


@dataclass(frozen=True)
class Extent:
    """A run of a file's bytes that lies in one piece."""

    logical: int
    physical: int
    length: int
    flags: int


def extents(handle: int) -> list[Extent] | None:
    """Return all extents, after what waits in memory was written; None where they are not told."""
    found: list[Extent] = []
    start = 0
    while True:
        request = bytearray(HEADER.size + AT_ONCE * EXTENT.size)
        HEADER.pack_into(request, 0, start, (1 << 64) - 1 - start, SYNC, 0, AT_ONCE, 0)
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


def why_in_doubt(mapped: list[Extent] | None) -> tuple[str, ...]:
    """Return what about a file's extents keeps an overwrite from being verified."""
    if mapped is None:
        return ("the file system does not tell where the data lie (FIEMAP)",)
    flags = 0
    for extent in mapped:
        flags |= extent.flags
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

    That is its data and, where the file system tells, blocks that read as zeros but need not be
    zero: a range that was zeroed by fallocate(2) keeps its old blocks.
    """
    of_blocks = [(e.logical, min(size, e.logical + e.length)) for e in mapped or ()]
    return union(data_spans(handle, size) + [span for span in of_blocks if span[0] < span[1]])


def block_end(size: int, block: int, mapped: list[Extent] | None) -> int:
    """Return the end of the last block that a file of `size` bytes fills in part.

    `size` itself where it has no such block of its own, or none is known of.
    """
    for extent in mapped or ():
        holds_end = extent.logical < size <= extent.logical + extent.length
        if holds_end and not extent.flags & (UNALIGNED | ENCODED | UNKNOWN):
            return -(-size // block) * block
    return size


def moved_spans(before: list[Extent], after: list[Extent], spans: list[Span]) -> list[Span]:
    """Return which bytes of `spans` no longer lie in the blocks they lay in.

    Blocks that are merely allocated now read as zeros, and still hold what was written before.
    """
    lay, lie = (
        {
            shift: union((e.logical, e.logical + e.length) for e in group)
            for shift, group in _by_shift(mapped).items()
        }
        for mapped in (before, after)
    )
    stayed = union(
        span
        for shift, old in lay.items()
        for span in difference(old, difference(old, lie.get(shift, [])))
    )
    return difference(spans, stayed)


def _by_shift(mapped: list[Extent]) -> dict[int, list[Extent]]:
    """Written extents of known place, by physical less logical address."""
    groups: dict[int, list[Extent]] = {}
    for extent in mapped:
        if not extent.flags & (UNKNOWN | UNWRITTEN):
            groups.setdefault(extent.physical - extent.logical, []).append(extent)
    return groups


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
