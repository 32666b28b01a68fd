"""Noise written over a file's bytes where they lie, read back, and the generators it comes from."""

import errno
import hashlib
import hmac
import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from dan_bench.erase.direct import DeviceReader
from dan_bench.erase.filesystem import (
    LAST,
    Extent,
    Span,
    beyond_end,
    block_end,
    intersection,
    owned_spans,
    union,
)
from dan_bench.erase.handles import ConcurrentChange
from dan_bench.interfaces import Buffer, Destruction, NoiseSource

PIECE = 4 << 20
"""Bytes at once. Two pieces of noise are in memory, and one of the original where it is needed."""
BLOCK = 4096
"""What is given up around a bad block."""
BAD_BLOCK = (errno.EIO, errno.ENODATA, errno.EREMOTEIO, errno.EILSEQ, errno.EBADMSG)
"""What a bad block is reported as: an error of the medium, of the transfer, or of a check sum."""
BEHIND = 4 * PIECE
"""How far the device may lag behind: about that much of the page cache is used, and no more."""

INDEPENDENT = Destruction(100.0, 100.0, "noise that does not depend on the data")


class FastNoise:
    """SFC64 (Doty-Humphrey's PractRand; 256 bits of state), keyed by the operating system.

    It passes the statistical batteries and is several times faster than any disk. It is not a
    cryptographic generator: whoever holds enough of its output can compute the rest. That reveals
    nothing of the original, on which no part of the output depends.
    """

    name = "SFC64, seeded with 256 bits of the operating system's randomness"
    needs_original = False
    destroys = INDEPENDENT

    def __init__(self) -> None:
        self._words = np.random.SFC64(np.random.SeedSequence(int.from_bytes(os.urandom(32))))

    def fill(self, original: Buffer | None, offset: int, n: int) -> Buffer:
        """Return the next n bytes."""
        return self._words.random_raw(-(-n // 8)).view(np.uint8)[:n].data


class PythonRandomNoise:
    """Python's `random`, the paper's notion of noise, seeded by the operating system."""

    name = "Python's random (MT19937), seeded by the operating system"
    needs_original = False
    destroys = INDEPENDENT

    def __init__(self) -> None:
        self._random = random.Random(os.urandom(2500))

    def fill(self, original: Buffer | None, offset: int, n: int) -> Buffer:
        """Return the next n bytes."""
        return self._random.randbytes(n)


class UrandomNoise:
    """The operating system's own generator."""

    name = "the operating system's generator (urandom)"
    needs_original = False
    destroys = INDEPENDENT

    def fill(self, original: Buffer | None, offset: int, n: int) -> Buffer:
        """Return n fresh bytes."""
        return os.urandom(n)


GENERATORS: dict[str, Callable[[], NoiseSource]] = {
    "fast": FastNoise,
    "python_random": PythonRandomNoise,
    "urandom": UrandomNoise,
}


@dataclass(frozen=True, slots=True)
class Blocks:
    """What of a file is overwritten: every byte that it holds a block for."""

    spans: list[Span]
    """Within the file's size. Holes are excluded: they hold no data, and filling them would take
    room from others."""
    size: int
    behind: list[Span]
    """Behind its end: the rest of the last block (the slack), and blocks put aside for it."""

    @classmethod
    def of(cls, handle: int, size: int, mapped: list[Extent] | None) -> "Blocks":
        """Return where a file of that size and those extents has blocks."""
        block = os.fstatvfs(handle).f_frsize
        up = -(-size // block) * block
        if mapped and len(mapped) == 1 and _is_all(mapped[0], up):  # nearly every file
            return cls([(0, size)] if size else [], size, [(size, up)] if size < up else [])
        slack = (size, block_end(size, block, mapped))
        return cls(
            owned_spans(handle, size, mapped),
            size,
            union([slack] * (slack[0] < slack[1]) + beyond_end(size, block, mapped)),
        )

    @property
    def end(self) -> int:
        """To where the file reaches for a moment, while what is behind its end is written."""
        return self.behind[-1][1] if self.behind else self.size

    def pieces(self) -> Iterator[Span]:
        """Yield what is written at once, in order, at most PIECE bytes."""
        for start, end in union(self.spans + self.behind):
            for at in range(start, end, PIECE):
                yield at, min(end, at + PIECE)


def _is_all(extent: Extent, size: int) -> bool:
    """Whether an extent is all of a file of `size` bytes, written and at a known place."""
    return (extent.logical, extent.length, extent.flags & ~LAST) == (0, size, 0)


class Overwriter:
    """Overwrites one file after another; one thread makes the noise for all of them.

    Args:
        noise: what to write.
        progress: called with the number of further bytes written.
    """

    def __init__(self, noise: NoiseSource, progress: Callable[[int], None]) -> None:
        self.noise = noise
        self.progress = progress
        self._ahead = ThreadPoolExecutor(1)

    def overwrite(self, handle: int, blocks: Blocks) -> str:
        """Overwrite a file's blocks and wait for the device; return SHA-256 of the noise in it.

        The noise is made, and hashed, by a thread that is one piece ahead. Writing behind the end
        makes the file longer for a moment; once that is on the device the file is cut back to its
        size, and the file system puts zeros there.

        Raises:
            ConcurrentChange: another process made the file longer or shorter.
            OSError: a write failed. What was written until then is lost.
            ValueError: the source gave too many or too few bytes.
        """
        try:
            return self._at_speed(handle, blocks)
        finally:
            if cut_back(handle, blocks):
                os.fsync(handle)

    def close(self) -> None:
        """End the thread."""
        self._ahead.shutdown()

    def _at_speed(self, handle: int, blocks: Blocks) -> str:
        digest, reached = hashlib.sha256(), blocks.size

        def make(span: Span) -> memoryview:
            made = noise_for(handle, self.noise, *span)
            digest.update(made[: max(0, blocks.size - span[0])])
            return made

        pieces = blocks.pieces()
        span = next(pieces, None)
        made = span and self._ahead.submit(make, span)
        while span and made:
            current, (start, end) = made.result(), span
            span = next(pieces, None)
            made = span and self._ahead.submit(make, span)
            try:
                check_size(handle, reached)
                write(handle, current, start)
            except BaseException:
                if made:
                    made.exception()  # it reads from a handle that will be closed
                raise
            reached = max(reached, end)
            _flush(handle, start, len(current))
            self.progress(len(current))
        os.fdatasync(handle)
        check_size(handle, reached)
        return digest.hexdigest()


def mend(
    handle: int,
    reader: DeviceReader,
    blocks: Blocks,
    noise_of: Callable[[int, int], memoryview],
) -> list[Span]:
    """Overwrite a file once more, with care: each piece is waited for, and read back.

    For a device that reported a bad block, or gave back something else than what was written.

    Args:
        handle: of the file.
        reader: of another handle of it.
        blocks: what to overwrite.
        noise_of: returns what to write from a start to an end.

    Returns where bad blocks are, around which all was written.
    """
    bad: list[Span] = []
    try:
        for start, end in blocks.pieces():
            bad += _write_checked(handle, reader, noise_of(start, end), start, blocks.size)
    finally:
        if cut_back(handle, blocks):
            os.fsync(handle)
    return intersection([(0, blocks.size)], union(bad))


def read_back(reader: DeviceReader, spans: list[Span]) -> str:
    """Return SHA-256 of what the device has in `spans`; the reader's handle must be a fresh one."""
    digest = hashlib.sha256()
    for start, end in spans:
        while start < end:
            piece = reader.read(end - start, start)
            if not piece:
                raise ConcurrentChange(f"it ends at byte {start}, where noise was written")
            digest.update(piece)
            start += len(piece)
    return digest.hexdigest()


def digest_of(handle: int, spans: list[Span], key: bytes) -> str:
    """Return HMAC-SHA256 (RFC 2104) of a file's data. Holes are passed over, however large.

    Of each span its start and end as 64-bit little-endian numbers, then its bytes.

    Raises:
        OSError: it cannot be read.
    """
    digest = hmac.new(key, digestmod="sha256")
    for start, end in spans:
        digest.update(start.to_bytes(8, "little") + end.to_bytes(8, "little"))
        for at in range(start, end, PIECE):
            digest.update(os.pread(handle, min(PIECE, end - at), at))
    return digest.hexdigest()


def read_around(handle: int, start: int, end: int) -> tuple[bytes, list[Span]]:
    """Read a piece past bad blocks, which are given as zeros; return it and where they are."""
    try:
        return os.pread(handle, end - start, start), []
    except OSError as error:
        if error.errno not in BAD_BLOCK:
            raise
    parts, bad = [], []
    for at, stop in in_blocks(start, end):
        try:
            parts.append(os.pread(handle, stop - at, at))
        except OSError as error:
            if error.errno not in BAD_BLOCK:
                raise
            parts.append(bytes(stop - at))
            bad.append((at, stop))
    return b"".join(parts), union(bad)


def _write_checked(
    handle: int, reader: DeviceReader, piece: memoryview, offset: int, size: int
) -> list[Span]:
    """Write a piece; if it does not arrive, block by block. Return which blocks did not."""
    bad: list[Span] = []
    for step in (max(len(piece), BLOCK), BLOCK):
        bad.clear()
        for at, stop in in_blocks(offset, offset + len(piece), step):
            part = piece[at - offset : stop - offset]
            try:
                write(handle, part, at)
                os.fdatasync(handle)
                within = max(0, min(stop, size) - at)
                if reader.read(within, at) != part[:within]:
                    raise OSError(errno.EIO, "what was written does not come back")
            except OSError as error:
                if error.errno not in (*BAD_BLOCK, errno.ENOSPC):  # of the device beneath, or clone
                    raise
                bad.append((at, stop))
        if not bad:
            break
    return bad


def in_blocks(start: int, end: int, step: int = BLOCK) -> Iterator[Span]:
    """Cut a span where the file's blocks end."""
    while start < end:
        stop = min(end, start - start % BLOCK + step)
        yield start, stop
        start = stop


def noise_for(handle: int, noise: NoiseSource, start: int, end: int) -> memoryview:
    """Return what to write from start to end, made of what is there where the source asks for it.

    Raises:
        ValueError: the source gave too many or too few bytes.
    """
    n = end - start
    # nothing can be read behind the end: the source is given zeros for it
    original = read_around(handle, start, end)[0].ljust(n, b"\0") if noise.needs_original else None
    made = memoryview(noise.fill(original, start, n)).cast("B")
    if len(made) != n:
        raise ValueError(f"{noise.name} was asked for {n} bytes and gave {len(made)}")
    return made


def write(handle: int, piece: memoryview, offset: int) -> None:
    """Write all of a piece."""
    while piece:
        written = os.pwrite(handle, piece, offset)
        piece = piece[written:]
        offset += written


def cut_back(handle: int, blocks: Blocks) -> bool:
    """Give a file the size that it had, if it has one that the overwriting gave it."""
    size = os.fstat(handle).st_size
    longer = any(start < size <= end for start, end in blocks.behind)
    if longer and (size == blocks.end or any(size == stop for _, stop in blocks.pieces())):
        os.ftruncate(handle, blocks.size)
        return True
    return False


def check_size(handle: int, expected: int) -> None:
    """Raise ConcurrentChange if a file has another size."""
    now = os.fstat(handle).st_size
    if now != expected:
        verb = "grew" if now > expected else "shrank"
        raise ConcurrentChange(f"it {verb} from {expected} to {now} bytes while it was overwritten")


def _flush(handle: int, start: int, n: int) -> None:
    """Have the device start on a piece now, and drop those behind it that it has by now.

    Not waiting until the end keeps device and generator busy together, and the page cache free.
    """
    behind = min(start, BEHIND)
    os.posix_fadvise(handle, start - behind, behind + n, os.POSIX_FADV_DONTNEED)
