"""Files or a pipe, read once in blocks of bounded size: counts of all of it, and windows of it."""

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import IO

import numpy as np

from dan_bench.assess.forms import MalformedInput, Values, form_of
from dan_bench.assess.hints import hint_of
from dan_bench.interfaces import Bytes
from dan_bench.randomness.bit_selection import Symbols, lanes_that_carry, take_lanes
from dan_bench.randomness.segments import SegmentReport, SegmentsUnusable, SegmentTally
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
class Layout:
    """How files become symbols.

    Attributes:
        bits: of a symbol, 1 to 16.
        form: what the bytes stand for, as `form_of` knows it.
        lanes: bits of a value that make the symbol, the lowest first; none: its lowest `bits`.
        skip: bytes at the beginning of each file that are left out.
        limit: most symbols to read: bytes, but for the forms where a symbol takes several.
    """

    bits: int = 8
    form: str = "raw"
    lanes: tuple[int, ...] = ()
    skip: int = 0
    limit: int | None = None
    strict: bool = False
    """Whether values of more than `bits` bits are refused, where no lanes are chosen."""

    @property
    def width(self) -> int:
        """Bits of a symbol, before it is mapped down to eight."""
        return len(self.lanes) or self.bits


RAW = Layout()


@dataclass(frozen=True)
class Stream:
    """Counts of all of a stream, and some of it as it is.

    `hint` says how to read it where the form, not the source, is what makes it no noise. `lanes`
    are the bits of a value that were assessed, where they are not simply its lowest; `segments`
    what changed along the stream, where that was asked for.
    """

    name: str
    tally: Tally
    windows: list[Window]
    form: str = "raw"
    hint: str = ""
    bits: int = 8
    lanes: tuple[int, ...] = ()
    segments: SegmentReport | None = None


def read(
    names: str | Sequence[str],
    layout: Layout = RAW,
    progress: ReadCallback = lambda *_: None,
    window: int = WINDOW,
    segment: int | None = None,
    choose: Callable[[Iterable[Bytes], int], list[Window]] | None = None,
) -> Stream:
    """Read a file, or standard input where the name is `-`, or several files as one stream.

    Args:
        names: path, or paths.
        layout: how they become symbols. Symbols of more than eight bits are mapped down to the bits
            that carry most, which the first window decides.
        progress: called with the bytes read so far, and their total where that is known.
        window: symbols of a window.
        segment: symbols of a segment; None: none are compared.
        choose: takes all blocks and the size of a window, and returns the windows kept, of which
            there is at least one; by default `windows_of`.

    Raises:
        UnusableInput: a file is not readable, empty, endless, or not of that form.
    """
    names = [names] if isinstance(names, str) else list(names)
    form, lanes = layout.form, layout.lanes
    tally = Tally()
    chosen, width = lanes, layout.width
    wide = width > 8
    compared: SegmentTally | None = None
    shown = " + ".join(map(one_line, names))

    def counted() -> Iterator[Bytes]:
        nonlocal chosen, width, compared
        for block in symbols_of(names, layout, window, progress):
            if wide and tally.n == 0:
                places = lanes_that_carry(block, width)
                chosen, width = tuple(lanes[k] for k in places) if lanes else places, len(places)
            narrow: Bytes = (
                take_lanes(block, places) if wide else block.astype(np.uint8, copy=False)
            )
            tally.add(narrow)
            if segment is not None:
                compared = compared or SegmentTally(segment, width)
                compared.add(narrow)
            yield narrow

    try:
        windows = (choose or windows_of)(counted(), window)
        report = compared.report() if compared else None
    except SegmentsUnusable as error:
        raise UnusableInput(f"{shown}: {error}") from error
    hinted = form == "raw" or (form == "bits" and layout.bits == 8)
    hint = hint_of(windows[0].symbols, tally.symbols, width) if hinted and not lanes else ""
    return Stream(" + ".join(names), tally, windows, form, hint, width, chosen, report)


def symbols_of(
    names: Sequence[str],
    layout: Layout,
    block: int,
    progress: ReadCallback = lambda *_: None,
) -> Iterator[Symbols]:
    """Yield the symbols of files, one after another, in blocks; the last one may be short.

    Symbols of up to eight bits are bytes, wider ones words of sixteen bits.

    Raises:
        UnusableInput: as `read`.
    """
    lanes = layout.lanes or range(layout.bits)
    values = values_of(names, layout, progress)
    return _blocks((take_lanes(some, lanes) for some in values), block, layout.limit)


def values_of(
    names: Sequence[str], layout: Layout, progress: ReadCallback = lambda *_: None
) -> Iterator[Values]:
    """Yield the values of files, of all their bits, in pieces; little beyond the limit is read."""
    left = layout.limit
    for name in names:
        for values in _values_of_file(name, replace(layout, limit=left), progress):
            yield values
            left = None if left is None else left - len(values)
            if left is not None and left <= 0:
                return


def _values_of_file(name: str, layout: Layout, progress: ReadCallback) -> Iterator[Values]:
    piped, plain, skip, limit = name == "-", layout.form == "raw", layout.skip, layout.limit
    form, done = form_of(layout.form), 0
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
            for values in form.values(chunks, layout.bits):
                kept = values[: limit and limit - done]
                if form.width == 8 and layout.bits < 8:
                    _refuse_wide(kept, layout.bits, name, done, skip if plain else 0)
                elif layout.strict and form.width and not layout.lanes:
                    _refuse_high(kept, layout.bits, name, done)
                done += len(values)
                yield values
    except IsADirectoryError as error:
        raise UnusableInput(f"{one_line(name)} is a folder: name the files in it") from error
    except OSError as error:
        shown = one_line(name) or repr(name)
        raise UnusableInput(f"{shown}: {error.strerror or error}") from error
    except MalformedInput as error:
        raise UnusableInput(
            f"{one_line(name)} is not of --format {layout.form}: {error}"
        ) from error
    if done == 0:
        left = f" after the first {skip:,} bytes" if skip else ""
        empty = f"holds no symbols{left}" if skip or not plain else "is empty"
        raise UnusableInput(f"{one_line(name)} {empty}: there is nothing to assess")


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


def _blocks(chunks: Iterable[Symbols], size: int, limit: int | None) -> Iterator[Symbols]:
    """Yield blocks of exactly `size` symbols, and a last one of the rest, up to the limit."""
    left = sys.maxsize if limit is None else limit
    held: Symbols = np.zeros(0, dtype=np.uint8)
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


def _refuse_wide(block: Values, bits: int, name: str, before: int, skipped: int) -> None:
    """Refuse a byte that is no symbol of that many bits."""
    if len(block) and int(block.max()) >> bits:
        place = int((block >> np.uint8(bits) != 0).argmax())
        head = block.astype(np.uint8, copy=False)
        hint = hint_of(head, np.bincount(head, minlength=256), 8) if before == 0 else ""
        raise UnusableInput(
            f"byte {skipped + before + place:,} of {one_line(name)} is {block[place]}, and {bits} "
            f"bits end at {(1 << bits) - 1}: with --bits each byte is one symbol; leave it out "
            "where all eight bits of a byte count" + (f"; {hint}" if hint else "")
        )


def _refuse_high(values: Values, bits: int, name: str, before: int) -> None:
    """Refuse a word or a number that is more than its lowest bits."""
    high = values >> values.dtype.type(bits) if bits < 8 * values.dtype.itemsize else values[:0]
    if high.any():
        place = int((high != 0).argmax())
        lanes = f"--lane 0-{bits - 1}" if bits > 1 else "--lane 0"
        raise UnusableInput(
            f"value {before + place:,} of {one_line(name)} is {values[place]}, and {bits} bits end "
            f"at {(1 << bits) - 1}: {lanes} takes the lowest bits of each value, --advise says "
            "which bits carry entropy"
        )


def windows_of(blocks: Iterable[Bytes], size: int) -> list[Window]:
    """Return up to three windows of a stream, in order of offset, keeping little of it.

    They are the first and the last of the stream, and between them the block whose number is the
    largest power of two in the first half: it starts between a quarter and a half. So a pipe need
    not be stored, and has the windows that a file would have; the two of a stream of up to two
    windows overlap and leave nothing out. `blocks` are all of the stream, of `size` symbols each;
    only the last may be short.
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
