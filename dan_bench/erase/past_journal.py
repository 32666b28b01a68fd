"""What the journal of an ext3 or ext4 file system still holds of files: copies of their data.

Mounted with data=journal, the file system writes all data to its journal first, and there they stay
until the journal has come round, whatever it is mounted with by then. Root can search for them.
"""

import mmap
import os
import select
import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dan_bench.erase.devices import folder_of
from dan_bench.files import lent
from dan_bench.interfaces import Buffer

SECTOR = 512
"""Bytes that are compared at once."""
PIECE = 1 << 20
WEIGHTS = np.random.default_rng().integers(0, 1 << 64, SECTOR // 8, np.uint64) | np.uint64(1)
WEIGHTS[0] = 0
"""The journal changes the first word of a block that looks like one of its own (jbd2(5))."""

# Documentation/filesystems/ext4/super.rst and inodes.rst
MAGIC, MAGIC_AT = b"\x53\xef", 0x38
BACKUP = struct.Struct("<15I2I")  # of the journal inode's i_block, and its size: high, low
BACKUP_AT = 0x10C
HAS_JOURNAL = 0x4  # of s_feature_compat
EXTENTS = 0xF30A

Prints = NDArray[np.uint64]
"""Fingerprints of sectors, sorted, each once; that of a sector of zeros is left out."""


def fingerprints(piece: Buffer) -> Prints:
    """Return the fingerprint of every whole sector: a hash that differs from process to process."""
    words = np.frombuffer(piece, np.uint64).reshape(-1, SECTOR // 8)
    sums: Prints = (words * WEIGHTS).sum(axis=1, dtype=np.uint64)
    return sums


def held(prints: Prints, piece: Buffer) -> int:
    """Return how many sectors of a piece are among `prints`; the last one is filled with zeros."""
    data = bytes(piece)
    wanted = fingerprints(data.ljust(-(-len(data) // SECTOR) * SECTOR, b"\0"))
    at = np.searchsorted(prints, wanted)
    return int((prints.take(at, mode="clip") == wanted).sum()) if len(prints) else 0


class JournalSearch:
    """Remembers what journals hold, until something is mounted: only that changes how one writes.

    A journal may have a gigabyte, and is read once.
    """

    def __init__(self) -> None:
        self._known: dict[int, Prints | str] = {}
        self._mounts: int | None = None

    def of(self, device: int, lasting: bool) -> Prints | str:
        """Return the fingerprints of all sectors of a journal, or why it cannot be searched.

        Args:
            device: st_dev of the file system.
            lasting: whether single files cannot switch to data=journal and back (chattr +j).
        """
        if self._mounts is None:
            self._mounts = os.open("/proc/self/mountinfo", os.O_RDONLY | os.O_CLOEXEC)
        watch = select.poll()
        watch.register(self._mounts, select.POLLPRI)  # proc(5): on every change of the mounts
        if watch.poll(0) or not lasting:
            self._known.clear()
        if device not in self._known:
            try:
                self._known[device] = _searched(device)
            except (OSError, struct.error) as error:
                self._known[device] = (error.strerror if isinstance(error, OSError) else "") or str(
                    error
                )
        return self._known[device]


SEARCH = JournalSearch()


def _searched(device: int) -> Prints:
    name = folder_of(device).name
    flags = os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC
    with lent(os.open("/dev/" + name.replace("!", "/"), flags)) as handle:
        if os.fstat(handle).st_rdev != device:
            raise OSError(None, f"/dev/{name} is another device")
        into = memoryview(mmap.mmap(-1, PIECE + 8192))
        parts = [
            fingerprints(_read(handle, into, min(PIECE, end - at), at))
            for start, end in _places(handle, into)
            for at in range(start, end, PIECE)
        ]
    found: Prints = np.unique(np.concatenate([np.zeros(1, np.uint64), *parts]))
    return found[1:]  # without that of zeros


def _places(handle: int, into: memoryview) -> list[tuple[int, int]]:
    """Return where the journal lies, as the superblock's backup of its inode has it."""
    above = bytes(_read(handle, into, 4096, 0))[1024:2048]
    if above[MAGIC_AT : MAGIC_AT + 2] != MAGIC:
        raise OSError(None, "no superblock of ext4 is where it should be")
    if not above[0x5C] & HAS_JOURNAL:
        return []
    (shift,) = struct.unpack_from("<I", above, 0x18)
    block = 1024 << shift
    outside, kind = struct.unpack_from("<I", above, 0xE4)[0], above[0xFD]
    if outside or kind != 1:
        raise OSError(None, "it lies on another device, or nothing says where")
    *pointers, high, low = BACKUP.unpack_from(above, BACKUP_AT)
    size = high << 32 | low
    node = struct.pack("<15I", *pointers)
    if struct.unpack_from("<H", node)[0] == EXTENTS:
        found = _of_extents(handle, into, node, block)
    else:
        found = _of_pointers(handle, into, list(pointers), block)
    places: list[tuple[int, int]] = []
    for first, blocks in found:
        start, end = first * block, (first + blocks) * block
        if places and places[-1][1] == start:
            start = places.pop()[0]
        places.append((start, end))
    if sum(end - start for start, end in places) < size:
        raise OSError(None, f"not all of its {size} bytes were found")
    return places


def _of_extents(
    handle: int, into: memoryview, node: bytes, block: int
) -> Iterator[tuple[int, int]]:
    magic, entries, _, depth = struct.unpack_from("<4H", node)
    if magic != EXTENTS:
        raise OSError(None, "its tree of extents is damaged")
    for i in range(entries):
        at = 12 * (i + 1)
        if depth:
            low, high = struct.unpack_from("<4xIH", node, at)
            below = bytes(_read(handle, into, max(block, 4096), (high << 32 | low) * block))
            yield from _of_extents(handle, into, below, block)
        else:
            blocks, high, low = struct.unpack_from("<4xHHI", node, at)
            yield high << 32 | low, blocks


def _of_pointers(
    handle: int, into: memoryview, pointers: list[int], block: int
) -> Iterator[tuple[int, int]]:
    """ext3: 12 blocks, and one each of blocks of pointers, of pointers to those, and so on."""

    def below(pointer: int, depth: int) -> Iterator[tuple[int, int]]:
        if not pointer:
            return
        if not depth:
            yield pointer, 1
            return
        held = bytes(_read(handle, into, block, pointer * block))
        for (inner,) in struct.iter_unpack("<I", held):
            yield from below(inner, depth - 1)

    for i, pointer in enumerate(pointers):
        yield from below(pointer, max(0, i - 11))


def _read(handle: int, into: memoryview, n: int, start: int) -> memoryview:
    """Read past the page cache, which knows nothing of what the journal wrote."""
    low = start - start % 4096
    most = -(-(start + n - low) // 4096) * 4096
    if most > len(into):
        raise OSError(None, "too much at once")
    if os.preadv(handle, [into[:most]], low) < start + n - low:
        raise OSError(None, "the device ends too early")
    return into[start - low : start - low + n]
