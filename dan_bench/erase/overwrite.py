"""Noise written over a file's bytes where they lie, read back, and the generators it comes from."""

import hashlib
import hmac
import os
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from dan_bench.erase.filesystem import Span, block_end, extents, owned_spans
from dan_bench.erase.handles import ConcurrentChange
from dan_bench.interfaces import INDEPENDENT, Buffer, NoiseSource

PIECE = 4 << 20
"""Bytes at once. Two pieces of noise are in memory, and one of the original where it is needed."""
BEHIND = 4 * PIECE
"""How far the device may lag behind: about that much of the page cache is used, and no more."""


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


@dataclass(frozen=True)
class Blocks:
    """What of a file is overwritten: every byte that it holds a block for."""

    spans: list[Span]
    """Within the file's size. Holes are excluded: they hold no data, and filling them would take
    room from others."""
    size: int
    end: int
    """The end of the last block: `size` and the rest of the block behind it (the slack)."""

    @classmethod
    def of(cls, handle: int, size: int) -> "Blocks":
        """Return where a file of that size has blocks."""
        mapped = extents(handle)
        end = block_end(size, os.fstatvfs(handle).f_frsize, mapped)
        return cls(owned_spans(handle, size, mapped), size, end)

    def pieces(self) -> Iterator[Span]:
        """Yield what is written at once, in order, the slack with the last."""
        for start, end in self.spans:
            for at in range(start, end, PIECE):
                stop = min(end, at + PIECE)
                yield at, self.end if stop == self.size else stop


def overwrite(
    handle: int,
    blocks: Blocks,
    noise: NoiseSource,
    progress: Callable[[int], None],
    hashed: bool = True,
) -> str | None:
    """Overwrite a file's blocks and wait for the device; return SHA-256 of the noise in `spans`.

    The noise is made, and hashed, by a thread that is one piece ahead. Writing the slack makes the
    file longer for a moment; once that is on the device the file is cut back to its size, and the
    file system puts zeros there.

    Raises:
        ConcurrentChange: another process made the file longer or shorter.
        OSError: a write failed. What was written until then is lost.
        ValueError: the source gave too many or too few bytes.
    """
    digest, longer = hashlib.sha256(), False

    def make(span: Span) -> memoryview:
        made = memoryview(_noise(handle, noise, *span)).cast("B")
        if hashed:
            digest.update(made[: max(0, blocks.size - span[0])])
        return made

    with ThreadPoolExecutor(1) as ahead:
        try:
            pieces = blocks.pieces()
            span = next(pieces, None)
            made = span and ahead.submit(make, span)
            while span and made:
                current, start = made.result(), span[0]
                span = next(pieces, None)
                made = span and ahead.submit(make, span)
                _check_size(handle, blocks.size)
                longer = start + len(current) > blocks.size
                _write(handle, current, start)
                _flush(handle, start, len(current))
                progress(len(current))
            os.fdatasync(handle)
            _check_size(handle, blocks.end if longer else blocks.size)
        finally:
            if longer and os.fstat(handle).st_size == blocks.end:
                os.ftruncate(handle, blocks.size)
                os.fsync(handle)
    return digest.hexdigest() if hashed else None


def read_back(handle: int, spans: list[Span]) -> str:
    """Return SHA-256 of what the device has in `spans`; the handle must be a fresh one.

    The page cache is dropped first, so that the answer comes from the device, not from memory.
    """
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(min(PIECE, max((b - a for a, b in spans), default=0))))
    for start, end in spans:
        while start < end:
            n = os.preadv(handle, [buffer[: end - start]], start)
            if n == 0:
                raise ConcurrentChange(f"it ends at byte {start}, where noise was written")
            digest.update(buffer[:n])
            os.posix_fadvise(handle, start, n, os.POSIX_FADV_DONTNEED)
            start += n
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


def _noise(handle: int, noise: NoiseSource, start: int, end: int) -> Buffer:
    n = end - start
    # nothing can be read from the slack: the source is given zeros for it
    original = os.pread(handle, n, start).ljust(n, b"\0") if noise.needs_original else None
    made = noise.fill(original, start, n)
    given = memoryview(made).nbytes
    if given != n:
        raise ValueError(f"{noise.name} was asked for {n} bytes and gave {given}")
    return made


def _write(handle: int, piece: memoryview, offset: int) -> None:
    while piece:
        written = os.pwrite(handle, piece, offset)
        piece = piece[written:]
        offset += written


def _flush(handle: int, start: int, n: int) -> None:
    """Have the device start on a piece now, and drop those behind it that it has by now.

    Not waiting until the end keeps device and generator busy together, and the page cache free.
    """
    behind = min(start, BEHIND)
    os.posix_fadvise(handle, start - behind, behind + n, os.POSIX_FADV_DONTNEED)


def _check_size(handle: int, expected: int) -> None:
    now = os.fstat(handle).st_size
    if now != expected:
        verb = "grew" if now > expected else "shrank"
        raise ConcurrentChange(f"it {verb} from {expected} to {now} bytes while it was overwritten")
