"""A file or a pipe, read once in blocks of bounded size: all of it in counts, and windows of it."""

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np
from numpy.typing import NDArray

from dan_bench.assess.forms import FORMS, MalformedInput
from dan_bench.assess.hints import hint_of
from dan_bench.randomness.tally import Tally

Bytes = NDArray[np.uint8]
ReadCallback = Callable[[int, int | None], None]
CHUNK = 1 << 20
WINDOW = 1 << 20
"""Symbols of a window; a shorter stream is one window."""


class UnusableInput(Exception):
    """Something that cannot be assessed; the message says why, and what to do."""


@dataclass(frozen=True)
class Window:
    """Part of a stream that the slower tests look at."""

    offset: int
    symbols: Bytes


@dataclass(frozen=True)
class Stream:
    """All of a stream in counts, and some of it as it is.

    `hint` says how to read it where its form, and not the source, is what is no noise.
    """

    name: str
    tally: Tally
    windows: list[Window]
    form: str = "bytes"
    hint: str = ""


def read(
    name: str,
    bits: int,
    limit: int | None,
    tell: ReadCallback = lambda *_: None,
    window: int = WINDOW,
    form: str = "bytes",
    skip: int = 0,
) -> Stream:
    """Read a file, or standard input where the name is `-`.

    Args:
        name: path.
        bits: of a symbol.
        limit: most symbols to read: bytes, but for the forms where a symbol takes several.
        tell: called with the bytes read so far, and with how many there are where that is known.
        window: symbols of a window.
        form: what the bytes stand for, one of `FORMS`.
        skip: bytes at the beginning that are left out.

    Raises:
        Unusable: it is no readable file, empty, endless, or not of that form.
    """
    piped, plain = name == "-", form == "bytes"
    try:
        with open(0 if piped else name, "rb", buffering=0, closefd=not piped) as file:
            status = os.fstat(file.fileno())
            if stat.S_ISCHR(status.st_mode) and limit is None:
                raise UnusableInput(
                    f"{printable(name)} is a device and may never end: say --limit BYTES"
                )
            size = status.st_size - skip if stat.S_ISREG(status.st_mode) and not piped else None
            of = min((most for most in (size, limit if plain else None) if most), default=None)
            leave_out(file, skip, status)
            chunks = chunks_of(file, limit if plain else None, lambda done: tell(done, of))
            tally, kept = Tally(), WindowBuffer(window)
            for block in blocks(FORMS[form](chunks, bits), window, limit):
                refuse_wide(block, bits, name, tally.n, skip if plain else 0)
                tally.add(block)
                kept.add(block)
    except IsADirectoryError as error:
        raise UnusableInput(f"{printable(name)} is a folder: name the files in it") from error
    except OSError as error:
        raise UnusableInput(
            f"{printable(name) or repr(name)}: {error.strerror or error}"
        ) from error
    except MalformedInput as error:
        raise UnusableInput(f"{printable(name)} is not of --form {form}: {error}") from error
    if tally.n == 0 and (skip or not plain):
        left = f" after the first {skip:,} bytes" if skip else ""
        raise UnusableInput(f"{printable(name)} holds no symbols{left}: there is nothing to assess")
    if tally.n == 0:
        raise UnusableInput(f"{printable(name)} is empty: there is nothing to assess")
    windows = kept.windows()
    hint = hint_of(windows[0].symbols, tally.symbols, bits) if plain else ""
    return Stream(name, tally, windows, form, hint)


def printable(name: str) -> str:
    """Return a file's name as a terminal can show it: no control characters, no broken ones."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def leave_out(file: IO[bytes], left: int, status: os.stat_result) -> None:
    """Go past so many bytes; what is no file with so many has to be read."""
    if stat.S_ISREG(status.st_mode) and left <= status.st_size:
        file.seek(left, os.SEEK_CUR)
        return
    while left and (more := file.read(min(left, CHUNK))):
        left -= len(more)


def chunks_of(file: IO[bytes], limit: int | None, tell: Callable[[int], None]) -> Iterator[bytes]:
    """Yield what is read, up to the limit."""
    done, most = 0, sys.maxsize if limit is None else limit
    while done < most and (chunk := file.read(min(CHUNK, most - done))):
        yield chunk
        done += len(chunk)
        tell(done)


def blocks(chunks: Iterable[Bytes], size: int, limit: int | None) -> Iterator[Bytes]:
    """Yield blocks of exactly `size` symbols, and a last one of what is left, up to the limit."""
    left = sys.maxsize if limit is None else limit
    held = np.zeros(0, dtype=np.uint8)
    for chunk in chunks:
        held = np.concatenate([held, chunk]) if len(held) else chunk
        while left and len(held) >= min(size, left):
            block, held = held[: min(size, left)], held[min(size, left) :]
            left -= len(block)
            yield block
        if not left:
            return
    if len(held):
        yield held


def refuse_wide(block: Bytes, bits: int, name: str, before: int, skipped: int) -> None:
    """Raise where a byte is no symbol of that many bits."""
    if bits < 8 and int(block.max()) >> bits:
        place = int((block >> bits != 0).argmax())
        hint = hint_of(block, np.bincount(block, minlength=256), 8) if before == 0 else ""
        raise UnusableInput(
            f"byte {skipped + before + place:,} of {printable(name)} is {block[place]}, and {bits} "
            f"bits end at {(1 << bits) - 1}: with --bits each byte is one symbol; leave it out "
            "where all eight bits of a byte count" + (f"; {hint}" if hint else "")
        )


class WindowBuffer:
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
