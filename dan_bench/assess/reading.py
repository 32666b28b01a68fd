"""A file or a pipe, read once in blocks of bounded size: counts of all of it, and windows of it."""

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

from dan_bench.assess.forms import FORMS, MalformedInput
from dan_bench.assess.hints import hint_of
from dan_bench.interfaces import Bytes
from dan_bench.randomness.tally import Tally
from dan_bench.tables import one_line

ReadCallback = Callable[[int, int | None], None]
CHUNK = 1 << 20
WINDOW = 1 << 20
"""Symbols of a window; a shorter stream is one window."""


class UnusableInput(Exception):
    """The file cannot be assessed; the message says why, and what to do."""


@dataclass(frozen=True)
class Window:
    """Part of a stream, for the slower tests."""

    offset: int
    symbols: Bytes


@dataclass(frozen=True)
class Stream:
    """Counts of all of a stream, and some of it as it is.

    `hint` says how to read it where the form, not the source, is what makes it no noise.
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
    progress: ReadCallback = lambda *_: None,
    window: int = WINDOW,
    form: str = "bytes",
    skip: int = 0,
    choose: Callable[[Iterable[Bytes], int], list[Window]] | None = None,
) -> Stream:
    """Read a file, or standard input where the name is `-`.

    Args:
        name: path.
        bits: of a symbol.
        limit: most symbols to read: bytes, but for the forms where a symbol takes several.
        progress: called with the bytes read so far, and their total where that is known.
        window: symbols of a window.
        form: what the bytes stand for, one of `FORMS`.
        skip: bytes at the beginning that are left out.
        choose: takes all blocks and the size of a window, and returns the windows kept, of which
            there is at least one; by default `windows_of`.

    Raises:
        UnusableInput: it is no readable file, empty, endless, or not of that form.
    """
    piped, plain = name == "-", form == "bytes"
    try:
        with open(0 if piped else name, "rb", buffering=0, closefd=not piped) as file:
            status = os.fstat(file.fileno())
            if stat.S_ISCHR(status.st_mode) and limit is None:
                raise UnusableInput(
                    f"{one_line(name)} is a device and may never end: say --limit BYTES"
                )
            size = status.st_size - skip if stat.S_ISREG(status.st_mode) and not piped else None
            of = min((most for most in (size, limit if plain else None) if most), default=None)
            _skip(file, skip, status)
            chunks = _chunks_of(file, limit if plain else None, lambda done: progress(done, of))
            tally = Tally()

            def counted() -> Iterator[Bytes]:
                for block in _blocks(FORMS[form](chunks, bits), window, limit):
                    _refuse_wide(block, bits, name, tally.n, skip if plain else 0)
                    tally.add(block)
                    yield block

            windows = (choose or windows_of)(counted(), window)
    except IsADirectoryError as error:
        raise UnusableInput(f"{one_line(name)} is a folder: name the files in it") from error
    except OSError as error:
        shown = one_line(name) or repr(name)
        raise UnusableInput(f"{shown}: {error.strerror or error}") from error
    except MalformedInput as error:
        raise UnusableInput(f"{one_line(name)} is not of --form {form}: {error}") from error
    if tally.n == 0:
        left = f" after the first {skip:,} bytes" if skip else ""
        empty = f"holds no symbols{left}" if skip or not plain else "is empty"
        raise UnusableInput(f"{one_line(name)} {empty}: there is nothing to assess")
    hint = hint_of(windows[0].symbols, tally.symbols, bits) if plain else ""
    return Stream(name, tally, windows, form, hint)


def _skip(file: IO[bytes], left: int, status: os.stat_result) -> None:
    """Skip that many bytes, by reading them where the file cannot seek so far."""
    if stat.S_ISREG(status.st_mode) and left <= status.st_size:
        file.seek(left, os.SEEK_CUR)
        return
    while left and (more := file.read(min(left, CHUNK))):
        left -= len(more)


def _chunks_of(
    file: IO[bytes], limit: int | None, progress: Callable[[int], None]
) -> Iterator[bytes]:
    done, most = 0, sys.maxsize if limit is None else limit
    while done < most and (chunk := file.read(min(CHUNK, most - done))):
        yield chunk
        done += len(chunk)
        progress(done)


def _blocks(chunks: Iterable[Bytes], size: int, limit: int | None) -> Iterator[Bytes]:
    """Yield blocks of exactly `size` symbols, and a last one of the rest, up to the limit."""
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


def _refuse_wide(block: Bytes, bits: int, name: str, before: int, skipped: int) -> None:
    """Refuse a byte that is no symbol of that many bits."""
    if bits < 8 and int(block.max()) >> bits:
        place = int((block >> bits != 0).argmax())
        hint = hint_of(block, np.bincount(block, minlength=256), 8) if before == 0 else ""
        raise UnusableInput(
            f"byte {skipped + before + place:,} of {one_line(name)} is {block[place]}, and {bits} "
            f"bits end at {(1 << bits) - 1}: with --bits each byte is one symbol; leave it out "
            "where all eight bits of a byte count" + (f"; {hint}" if hint else "")
        )


def windows_of(blocks: Iterable[Bytes], size: int) -> list[Window]:
    """Return up to three windows of a stream, in order of offset, keeping little of it.

    They are the first and the last of the stream, and between them the block whose number is the
    largest power of two in the first half: it starts between a quarter and a half. So a pipe need
    not be stored, and has the windows that a file would have; the two of a stream of up to two
    windows overlap and leave nothing out.

    Args:
        blocks: all of the stream, of `size` symbols each; only the last may be short.
        size: of a window.
    """
    powers: dict[int, Bytes] = {}
    last, n = [np.zeros(0, dtype=np.uint8)], 0
    for number, block in enumerate(blocks):
        if number & (number - 1) == 0:  # a power of two, or 0
            powers[number] = block
        last, n = [last[-1], block], n + len(block)
    found = [Window(0, powers[0])] if n else []
    if n >= 3 * size:
        half = (n // size - 1) // 2
        power = 1 << half.bit_length() - 1
        found.append(Window(power * size, powers[power]))
    if n > size:
        found.append(Window(n - size, np.concatenate(last)[-size:]))
    return found
