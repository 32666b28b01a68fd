"""A file or a pipe, read once in chunks of bounded size, and windows of it."""

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from dan_bench.metrics.tally import Tally

Bytes = NDArray[np.uint8]
Tell = Callable[[int, int | None], None]
CHUNK = 1 << 22
WINDOW = 1_000_000
WINDOWS = 3
"""Windows of a long stream: its first, its middle and its last megabyte."""


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


def read(name: str, bits: int, limit: int | None, tell: Tell = lambda *_: None) -> Stream:
    """Read a file, or standard input where the name is `-`.

    Args:
        name: path.
        bits: of a symbol; each byte holds one symbol.
        limit: most bytes to read.
        tell: called with the bytes read so far, and with how many there are where that is known.

    Raises:
        Unusable: it is no readable file, empty, endless, or holds symbols of more bits.
    """
    if name == "-":
        with tempfile.TemporaryFile() as spool:
            tally = count(sys.stdin.buffer, bits, limit, name, lambda n: tell(n, limit), spool)
            return Stream(name, tally, windows(spool, tally.n))
    try:
        with open(name, "rb", buffering=0) as file:
            kind = os.fstat(file.fileno()).st_mode
            if stat.S_ISCHR(kind) and limit is None:
                raise Unusable(f"{name} is a device and may never end: say --limit BYTES")
            if stat.S_ISREG(kind):
                size = min(os.fstat(file.fileno()).st_size, sys.maxsize if limit is None else limit)
                tally = count(file, bits, limit, name, lambda n: tell(n, size))
                return Stream(name, tally, windows(file, tally.n))
            with tempfile.TemporaryFile() as spool:
                tally = count(file, bits, limit, name, lambda n: tell(n, limit), spool)
                return Stream(name, tally, windows(spool, tally.n))
    except OSError as error:
        raise Unusable(f"{name}: {error.strerror or error}") from error


def count(
    file: IO[bytes],
    bits: int,
    limit: int | None,
    name: str,
    tell: Callable[[int], None],
    spool: IO[bytes] | None = None,
) -> Tally:
    """Count all of it, keeping a copy in `spool` where one is given."""
    tally, left = Tally(), sys.maxsize if limit is None else limit
    while left and (chunk := file.read(min(CHUNK, left))):
        left -= len(chunk)
        symbols = np.frombuffer(chunk, dtype=np.uint8)
        if bits < 8 and int(symbols.max()) >> bits:
            raise Unusable(
                f"{name} holds the byte {symbols.max()}, which {bits} bits do not: with --bits "
                f"each byte is one symbol below {1 << bits}; without it bytes have 8 bits"
            )
        tally.add(symbols)
        if spool is not None:
            spool.write(chunk)
        tell(tally.n)
    if tally.n == 0:
        raise Unusable(f"{name} is empty: there is nothing to assess")
    return tally


def windows(file: IO[bytes], n: int) -> list[Window]:
    """Read all of a short stream; of one of at least two windows, up to three spread over it."""
    count = max(1, min(WINDOWS, n // WINDOW))
    last = max(0, n - WINDOW)
    offsets = [i * last // (count - 1) for i in range(count)] if count > 1 else [0]
    found = []
    for offset in offsets:
        file.seek(offset)
        data = b""
        while len(data) < min(WINDOW, n - offset) and (more := file.read(WINDOW - len(data))):
            data += more
        found.append(Window(offset, np.frombuffer(data[: n - offset], dtype=np.uint8)))
    return found
