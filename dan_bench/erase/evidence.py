"""Is it gone? Handles opened before an erasure, through which the old bytes are looked for."""

import os
import resource
import stat
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from functools import lru_cache
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dan_bench.erase import filesystem
from dan_bench.erase.attributes import why_attributes_doubted
from dan_bench.erase.copies import MemoryCopy, SealedCopy
from dan_bench.erase.direct import NOT_DIRECT, DeviceReader, Reader
from dan_bench.erase.filesystem import JOURNAL_DATA, JOURNALED, Extent, FileSystems, Span, length
from dan_bench.erase.handles import AnyPath, ConcurrentChange, DirectoryEntry, locate
from dan_bench.erase.overwrite import BAD_BLOCK, in_blocks, read_around
from dan_bench.erase.past_journal import SECTOR, held
from dan_bench.erase.plan import Guard, Remark, refuse_inside, walk
from dan_bench.erase.result import Fate, Survey
from dan_bench.erase.status import shared, status_of
from dan_bench.files import Closing
from dan_bench.interfaces import Bytes, Estimate
from dan_bench.metrics.destruction import disk_destruction

KEEP = 64 << 20
"""Of a file with more data than this, a random sample of that many bytes is compared."""
SAMPLE = 4096
"""Bytes of one block of the sample."""
PIECE = 1 << 20
SPARE_HANDLES = 64


class FileEvidence:
    """One file as it is now, to be looked for later.

    Keeps where its blocks lie, and its bytes, or a random sample of them, in the copy. Beside that
    it takes at most 8 MiB of memory and a word for each extent, whatever the size.

    Args:
        handle: of the file, which the caller closes when all is done.
        found: the file.
        mapped: its extents.
        copy: where to keep its bytes.
        keep: how many; of more data than that, a random sample of blocks.
        systems: the file systems as they are now, looked at once for a batch of files.
    """

    def __init__(
        self,
        handle: int,
        found: DirectoryEntry,
        mapped: list[Extent] | None,
        copy: SealedCopy | MemoryCopy,
        keep: int = KEEP,
        systems: FileSystems | None = None,
    ) -> None:
        self.path = found.path
        """How the survey names it."""
        self._handle, self._found, self._extents = handle, found, mapped
        systems = FileSystems() if systems is None else systems
        self._size = os.fstat(handle).st_size
        self._doubts = why_doubted(handle, found, mapped, systems)
        self._attributes = why_attributes_doubted(handle)
        self._spans = filesystem.data_spans(handle, self._size)
        self._sampled = length(self._spans) > keep
        self._pieces = _sample(self._spans, keep) if self._sampled else _cut(self._spans)
        self._copy, self._position = copy, copy.end
        self.unreadable: list[Span] = []
        """What could not be read; it may well be overwritten."""
        for start, end in self._pieces:
            piece, bad = read_around(handle, start, end)
            copy.put(piece)
            self.unreadable += bad
        if copy.end - self._position != length(self._pieces):
            raise ConcurrentChange("it shrank while it was read")
        if not self._doubts:
            pieces = (read_around(handle, a, b)[0] for a, b in _cut(self._spans))
            self._doubts = in_journals(handle, found, pieces, systems)

    def survey(self, systems: FileSystems | None = None, unwritable: Sequence[Span] = ()) -> Survey:
        """Find out what can still be read of the old bytes, through the handle and the path.

        What waits in memory is written first, and the page cache is passed by, so that the answer
        is the device's. Bytes that differ are in doubt where their blocks have moved, for then
        nothing is known to have overwritten the old ones.

        Args:
            systems: the file systems as they are now, after the erasure.
            unwritable: blocks that refused the noise; what they read as now is no evidence.
        """
        fate, other = at_path(self._found)
        try:
            os.fsync(self._handle)
            with DeviceReader(self._handle) as reader:
                systems = systems or FileSystems()
                return self.compared(reader, fate, other, systems, unwritable)
        except OSError as error:
            doubt = f"it could not be read again: {error.strerror}"
            return self._told(fate, 0, length(self._pieces), [*self._doubts, doubt])
        finally:
            if other is not None:
                os.close(other)

    def compared(
        self,
        reader: Reader,
        fate: Fate,
        other: int | None,
        systems: FileSystems,
        unwritable: Sequence[Span] = (),
    ) -> Survey:
        """Return what the survey finds by comparing the old bytes with those that are read now.

        Args:
            reader: of the file.
            fate: what its path leads to.
            other: handle of another file that its path leads to, if it does.
            systems: the file systems as they are now.
            unwritable: blocks that refused the noise.

        Raises:
            OSError: something else than a bad block cannot be read.
        """
        now, moved = doubts_after(
            self._handle, self._found, self._extents, self._spans, self._doubts, systems
        )
        doubts = [*self._doubts, *now]
        same, in_doubt, position = 0, 0, self._position
        unknown = filesystem.union([*moved, *self.unreadable, *unwritable])
        doubtful = iter(filesystem.intersection(self._pieces, unknown))
        span = next(doubtful, None)
        with ExitStack() as stack:
            others = [] if other is None else [stack.enter_context(DeviceReader(other))]
            for start, end in self._pieces:
                old = self._copy.get(position, end - start)
                position += end - start
                lost: list[Span] = []
                equal = _equal(reader, start, old, lost)
                for more in others:
                    equal |= _equal(more, start, old, lost)
                same += int(np.count_nonzero(equal))
                while span is not None and span[1] <= end:
                    lost.append(span)
                    span = next(doubtful, None)
                for a, b in filesystem.union(lost):
                    in_doubt += int(np.count_nonzero(~equal[a - start : b - start]))
        if not reader.direct:
            doubts.append(NOT_DIRECT)
            in_doubt = length(self._pieces) - same
        return self._told(fate, same, in_doubt, doubts)

    def _told(self, fate: Fate, same: int, in_doubt: int, doubts: Sequence[str]) -> Survey:
        compared = length(self._pieces)
        draws = len(self._pieces) if self._sampled else None
        return Survey(
            self.path,
            shared(self._size),
            shared(length(self._spans)),
            shared(compared),
            fate,
            _destruction(same, in_doubt, compared, draws) if compared else None,
            _once(tuple(dict.fromkeys((*doubts, *self._attributes)))),
        )


class Evidence(Closing):
    """Files as they are before an erasure by whatever tool, held open until they are surveyed.

    Needs a handle a file, and room in the temporary folder for up to `keep` bytes of each.
    """

    def __init__(self, files: Sequence[DirectoryEntry], keep: int = KEEP) -> None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if len(files) + SPARE_HANDLES > limit:
            raise ValueError(
                f"evidence of {len(files)} files needs as many handles, and this process may have "
                f"{limit}; raise the limit (ulimit -n) or take the files in parts"
            )
        with ExitStack() as stack:
            copy = stack.enter_context(closing(SealedCopy()))
            self._files = []
            for found in files:
                with found.folder() as folder:
                    handle = found.open(folder, os.O_RDONLY)
                stack.callback(os.close, handle)
                mapped = filesystem.extents(handle)
                self._files.append(FileEvidence(handle, found, mapped, copy, keep))
            self._held = stack.pop_all()

    @classmethod
    def open(cls, paths: Sequence[AnyPath], keep: int = KEEP) -> Self:
        """Take evidence of files, and of all regular files below folders on the same mount.

        Raises:
            OSError, ValueError, ConcurrentChange: one of them cannot be opened, or has changed.
        """
        guard = Guard(hard_links=True)
        files: list[DirectoryEntry] = []
        named = [locate(path) for path in paths]
        roots = [file or root for root, file in named]
        refuse_inside(tempfile.gettempdir(), roots, "the temporary folder")
        for root, file in named:
            for met in walk(root, file, guard.why_not):
                if isinstance(met, Remark):
                    raise ConcurrentChange(f"{met.path!r}: {met.text}")
                found, refused = met
                if refused is None and stat.S_ISREG(found.status.st_mode):
                    files.append(found)
        return cls(files, keep)

    def survey(self) -> list[Survey]:
        """Look for the old bytes of every file."""
        return [file.survey() for file in self._files]

    def close(self) -> None:
        """Close every handle, and discard the sealed copy with its key."""
        self._held.close()


def at_path(found: DirectoryEntry) -> tuple[Fate, int | None]:
    """Return what a file's path leads to, and a handle of it where it is another file."""
    try:
        with found.folder() as folder:
            status, mount = status_of(folder, found.parts[-1])
            if found.is_same(status):
                return "there", None
            if not stat.S_ISREG(status.st_mode):
                return "replaced", None
            other = DirectoryEntry(found.root, found.parts, status, mount)
            return "replaced", other.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return "gone", None
    except (OSError, ConcurrentChange):
        return "replaced", None


def why_doubted(
    handle: int, found: DirectoryEntry, mapped: list[Extent] | None, systems: FileSystems
) -> tuple[str, ...]:
    """Return why an overwrite of this file could not be verified as things stand.

    Its journal is not searched: only `FileEvidence` does, and only before the overwrite.
    """
    flags = filesystem.inode_flags(handle)
    of = systems.of(found.mount, found.status.st_dev, flags)
    doubts = tuple(of.doubts)
    if of.kind in filesystem.EXT and flags & JOURNAL_DATA:
        doubts = (*doubts, JOURNALED)
    return doubts or filesystem.why_in_doubt(mapped)


def doubts_after(
    handle: int,
    found: DirectoryEntry,
    before: list[Extent] | None,
    data: list[Span],
    doubts: Sequence[str],
    systems: FileSystems,
) -> tuple[list[str], list[Span]]:
    """Return why an erasure is in doubt now, and which data nothing is known to have overwritten.

    Args:
        handle: of the file.
        found: the file.
        before: its extents before.
        data: what it held.
        doubts: those of before, by which all data are in doubt.
        systems: the file systems as they are now.
    """
    mapped = filesystem.extents(handle)
    more = list(why_doubted(handle, found, mapped, systems))
    if doubts or more or before is None or mapped is None:
        return more, data
    moved = filesystem.moved_spans(before, mapped, data)
    if moved:
        more.append(
            f"{length(moved)} of {length(data)} bytes lie in other blocks now: nothing is known to "
            "have overwritten the old ones"
        )
    return more, moved


def in_journals(
    handle: int, found: DirectoryEntry, data: Iterable[bytes], systems: FileSystems
) -> tuple[str, ...]:
    """Look for a file's data, all of them, in what the file system's journal holds.

    Returns:
        What is found there, or why that cannot be searched, as a doubt.
    """
    flags = filesystem.inode_flags(handle)
    within = systems.of(found.mount, found.status.st_dev, flags, search=True)
    if within.doubts or not within.journals:
        return tuple(within.doubts)
    sectors = sum(held(prints, piece) for piece in data for prints in within.journals)
    text = f"the file system's journal holds {sectors * SECTOR} bytes of the data or more, from "
    return (text + "when it was mounted with data=journal",) if sectors else ()


def _equal(reader: Reader, start: int, old: Bytes, lost: list[Span]) -> NDArray[np.bool_]:
    """Which bytes of `old` are read at `start`: none behind the end, and none of a bad block.

    Bad blocks are added to `lost`.
    """
    equal = np.zeros(len(old), dtype=np.bool_)
    try:
        now = np.frombuffer(reader.read(len(old), start), np.uint8)
        np.equal(now, old[: len(now)], out=equal[: len(now)])
    except OSError as error:
        if error.errno not in BAD_BLOCK:
            raise
        blocks = list(in_blocks(start, start + len(old)))
        if len(blocks) == 1:
            lost += blocks
            return equal
        for at, end in blocks:
            part = slice(at - start, end - start)
            equal[part] = _equal(reader, at, old[part], lost)
    return equal


@lru_cache(10_000)
def _destruction(same: int, in_doubt: int, compared: int, draws: int | None) -> Estimate:
    """%_dd, one object for all files of the same counts."""
    return disk_destruction(same, in_doubt, compared, draws)


@lru_cache(1000)
def _once(doubts: tuple[str, ...]) -> tuple[str, ...]:
    """One object for all files of the same doubts."""
    return doubts


def _cut(spans: list[Span]) -> list[Span]:
    """Cut spans into pieces of at most PIECE bytes."""
    return [(at, min(end, at + PIECE)) for start, end in spans for at in range(start, end, PIECE)]


def _sample(spans: list[Span], keep: int) -> list[Span]:
    """Draw `keep` bytes of blocks from spans that hold more, without replacement, in order."""
    blocks = np.array([-(-(end - start) // SAMPLE) for start, end in spans])
    ends = np.cumsum(blocks)
    drawn = np.random.default_rng().choice(ends[-1], -(-keep // SAMPLE), False, shuffle=False)
    drawn.sort()
    of = np.searchsorted(ends, drawn, side="right")
    within = drawn - (ends[of] - blocks[of])
    starts = (spans[span][0] + int(block) * SAMPLE for span, block in zip(of, within, strict=True))
    limits = (spans[span][1] for span in of)
    return [(at, min(end, at + SAMPLE)) for at, end in zip(starts, limits, strict=True)]
