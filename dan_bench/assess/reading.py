"""A file or a pipe, read once in blocks of bounded size: all of it in counts, and windows of it."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from dan_bench.metrics.tally import Tally

Bytes = NDArray[np.uint8]
Tell = Callable[[int, int | None], None]
WINDOW = 1 << 20
"""Symbols of a window; a shorter stream is one window."""


class Unusable(Exception):
    """Something that cannot be assessed; the message says why, and what to do."""


@dataclass(frozen=True)
class Window:
    """Part of a stream that the slower tests look at."""

    offset: int
    symbols: Bytes


@dataclass(frozen=True)
class Stream:
    """All of a stream in counts, and some of it as it is."""

    name: str
    tally: Tally
    windows: list[Window]


def read(
    name: str,
    bits: int,
    limit: int | None,
    tell: Tell = lambda *_: None,
    window: int = WINDOW,
) -> Stream:
    """Read a file, or standard input where the name is `-`.

    Args:
        name: path.
        bits: of a symbol; each byte holds one symbol.
        limit: most bytes to read.
        tell: called with the bytes read so far, and with how many there are where that is known.
        window: symbols of a window.

    Raises:
        Unusable: it is no readable file, empty, endless, or holds symbols of more bits.
    """
    piped = name == "-"
    try:
        with open(0 if piped else name, "rb", buffering=0, closefd=not piped) as file:
            status = os.fstat(file.fileno())
            if stat.S_ISCHR(status.st_mode) and limit is None:
                raise Unusable(
                    f"{printable(name)} is a device and may never end: say --limit BYTES"
                )
            size = status.st_size if stat.S_ISREG(status.st_mode) and not piped else None
            of = min((most for most in (size, limit) if most), default=None)
            tally, kept = Tally(), Kept(window)
            for block in blocks(file, window, limit):
                refuse_wide(block, bits, name, tally.n)
                tally.add(block)
                kept.add(block)
                tell(tally.n, of)
    except IsADirectoryError as error:
        raise Unusable(f"{printable(name)} is a folder: name the files in it") from error
    except OSError as error:
        raise Unusable(f"{printable(name)}: {error.strerror or error}") from error
    if tally.n == 0:
        raise Unusable(f"{printable(name)} is empty: there is nothing to assess")
    return Stream(name, tally, kept.windows())


def printable(name: str) -> str:
    """Return a file's name as a terminal can show it: no control characters, no broken ones."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def blocks(file: IO[bytes], size: int, limit: int | None) -> Iterator[Bytes]:
    """Yield blocks of exactly `size` bytes, and a last one of what is left, up to the limit."""
    left = sys.maxsize if limit is None else limit
    while left:
        block = bytearray()
        wanted = min(size, left)
        while len(block) < wanted and (more := file.read(wanted - len(block))):
            block += more
        if block:
            yield np.frombuffer(block, dtype=np.uint8)
        if len(block) < wanted:
            return
        left -= wanted


def refuse_wide(block: Bytes, bits: int, name: str, before: int) -> None:
    """Raise where a byte is no symbol of that many bits."""
    if bits < 8 and int(block.max()) >> bits:
        place = int((block >> bits != 0).argmax())
        raise Unusable(
            f"byte {before + place:,} of {printable(name)} is {block[place]}, and {bits} bits end "
            f"at {(1 << bits) - 1}: with --bits each byte is one symbol; leave it out where all "
            "eight bits of a byte count"
        )


class Kept:
    """What has to be kept of a stream in order to have its windows when it ends.

    Windows are the first and the last of the stream, and between them the block whose number is
    the largest power of two in the first half: it starts between a quarter and a half. So that
    a pipe need not be stored, and is looked at where a file is; two stretches of a stream of up
    to two windows overlap and leave nothing out.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._count = 0
        self._n = 0
        self._powers: dict[int, Bytes] = {}
        self._last = [np.zeros(0, dtype=np.uint8)]

    def add(self, block: Bytes) -> None:
        """Take the next block; only the last may be short."""
        if self._count & (self._count - 1) == 0:  # a power of two, or 0
            self._powers[self._count] = block
        self._last = [self._last[-1], block]
        self._count += 1
        self._n += len(block)

    def windows(self) -> list[Window]:
        """Return up to three windows, by their offsets."""
        found = [Window(0, self._powers[0])]
        if self._n >= 3 * self._size:
            half = (self._n // self._size - 1) // 2
            power = 1 << half.bit_length() - 1
            found.append(Window(power * self._size, self._powers[power]))
        if self._n > self._size:
            last = np.concatenate(self._last)[-self._size :]
            found.append(Window(self._n - self._size, last))
        return found
