"""What a file's bytes stand for: values as they are, as text, or as words of several bytes."""

import binascii
import csv
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Bytes

Values = NDArray[np.unsignedinteger]


@dataclass(frozen=True)
class FileFormat:
    """How values are read.

    `values` makes them of a file's chunks, which may be cut anywhere, and of the number of bits of
    a symbol. `width` is how many bits a value has; None: as many as a symbol.
    """

    values: Callable[[Iterable[bytes], int], Iterator[Values]]
    width: int | None


MARK = b"\xef\xbb\xbf"
"""Byte order mark: some editors begin UTF-8 text with it."""
SEPARATORS = b" \t\r\n\v\f,;"
DIGITS = b"0123456789"
HEXADECIMAL = DIGITS + b"abcdefABCDEF"
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE64 = LETTERS + DIGITS + b"+/="
SHOWN = 20
ROWS = 1 << 16
LONGEST_ROW = 1 << 20


class MalformedInput(Exception):
    """Something in a file is not of the form asked for; the message begins with its place."""


def as_bytes(chunks: Iterable[bytes], _: int) -> Iterator[Values]:
    """One value a byte."""
    return (np.frombuffer(chunk, np.uint8) for chunk in chunks)


def of_bits(chunks: Iterable[bytes], bits: int) -> Iterator[Values]:
    """Eight bits a byte, the highest first; as many as a symbol has bits make one."""
    left = b""
    for chunk in chunks:
        joined = left + chunk
        whole = len(joined) // bits * bits  # so many bytes are eight symbols
        yield symbols_of_bits(np.unpackbits(np.frombuffer(joined[:whole], np.uint8)), bits)
        left = joined[whole:]
    rest = np.unpackbits(np.frombuffer(left, np.uint8))
    yield symbols_of_bits(rest[: len(rest) // bits * bits], bits)


def of_digits(chunks: Iterable[bytes], bits: int) -> Iterator[Values]:
    """Digits 0 and 1; as many as a symbol has bits make one, the highest first."""
    for digits in grouped(only(chunks, b"01", SEPARATORS, "neither 0 nor 1"), bits):
        yield symbols_of_bits(np.frombuffer(digits, np.uint8) & np.uint8(1), bits)


def symbols_of_bits(ones: Bytes, bits: int) -> Values:
    """Return the symbols that whole groups of bits are, the highest bit of each first."""
    pairs = np.packbits(ones.reshape(-1, bits), axis=1)
    if bits <= 8:
        return pairs[:, 0] >> np.uint8(8 - bits)
    return pairs.view(">u2")[:, 0].astype(np.uint16) >> np.uint16(16 - bits)


def of_hex(chunks: Iterable[bytes], _: int) -> Iterator[Values]:
    """Two hexadecimal digits a byte."""
    digits = only(chunks, HEXADECIMAL, SEPARATORS + b":", "no hexadecimal digit")
    odd = "its end is half a byte: the number of hexadecimal digits is odd"
    for pairs in grouped(digits, 2, odd):
        yield np.frombuffer(binascii.unhexlify(pairs), np.uint8)


def of_base64(chunks: Iterable[bytes], _: int) -> Iterator[Values]:
    """Four characters three bytes, padded by = at the end."""
    characters = only(chunks, BASE64, b"\r\n\t ", "no character of base64")
    ended = False
    for fours in grouped(characters, 4, "its end is no whole group of four characters of base64"):
        if ended and fours:
            raise MalformedInput("its base64 goes on after the = that ends it")
        try:
            yield np.frombuffer(binascii.a2b_base64(fours, strict_mode=True), np.uint8)
        except binascii.Error as error:
            raise MalformedInput(f"its base64 does not decode: {str(error).lower()}") from error
        ended |= fours.endswith(b"=")


def whole_number(token: bytes | str) -> int:
    """Return a whole number of up to 64 bits; negative ones in two's complement."""
    number = int(token)
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError
    return number & (1 << 64) - 1


def of_decimals(chunks: Iterable[bytes], _: int) -> Iterator[Values]:
    """Whole numbers between white space or commas."""
    return numbers(chunks, whole_number, "no whole number of up to 64 bits")


def of_floats(chunks: Iterable[bytes], bits: int) -> Iterator[Values]:
    """Numbers in [0, 1): the first bits of each are a symbol."""

    def symbol(token: bytes) -> int:
        value = float(token)
        if not 0 <= value < 1:
            raise ValueError
        return math.floor(value * (1 << bits))

    return numbers(chunks, symbol, "no number of at least 0 and below 1")


def of_words(width: int, order: str) -> FileFormat:
    """Words of that many bytes."""
    dtype = np.dtype(f"{'<' if order == 'le' else '>'}u{width}")

    def words(chunks: Iterable[bytes], _: int) -> Iterator[Values]:
        for whole in grouped(chunks, width, f"its length is no multiple of {width} bytes (a word)"):
            yield np.frombuffer(whole, dtype).astype(dtype.newbyteorder("="), copy=False)

    return FileFormat(words, 8 * width)


def of_csv(column: str) -> FileFormat:
    """Whole numbers of one column of rows, named by its heading or counted from 1.

    Cells are separated by what the first row has most of: commas, semicolons or tabs. A first row
    without a number in the column is its heading.
    """

    def values(chunks: Iterable[bytes], _: int) -> Iterator[Values]:
        lines = text_lines(chunks)
        first = next(lines, "")
        rows = csv.reader(chain((first,), lines), delimiter=max(",;\t", key=first.count))
        heading = [cell.strip() for cell in next(rows, [])]
        place = int(column) - 1 if column.isdigit() else -1
        if not column.isdigit():
            if column not in heading:
                there = ", ".join(heading)[:200]
                raise MalformedInput(f"it has no column {column!r}: there are {there}")
            place = heading.index(column)
        elif 0 <= place < len(heading) and re.fullmatch("[+-]?[0-9]+", heading[place]):
            yield np.array([_cell(heading, place, 1)], np.uint64)
        while made := [_cell(row, place, rows.line_num) for row in islice(rows, ROWS)]:
            yield np.array([value for value in made if value is not None], np.uint64)

    return FileFormat(values, 64)


def _cell(row: list[str], place: int, line: int) -> int | None:
    """Return the number in a row; None of an empty line."""
    if not row:
        return None
    try:
        return whole_number(row[place])
    except IndexError:
        raise MalformedInput(f"line {line:,} ends before column {place + 1}") from None
    except ValueError:
        cell = shown(row[place].encode("utf-8", "surrogateescape"))
        raise MalformedInput(
            f"line {line:,} has {cell} there, no whole number of up to 64 bits"
        ) from None


def text_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Yield the lines of a text with their ends."""
    left = b""
    for chunk in chain(without_mark(chunks), (b"",)):
        parts = (left + chunk).splitlines(keepends=True)
        # what ends in a carriage return may go on with the line feed that belongs to it
        left = parts.pop() if parts and chunk and not parts[-1].endswith(b"\n") else b""
        if len(left) > LONGEST_ROW:
            raise MalformedInput(f"a row is longer than {LONGEST_ROW:,} bytes")
        yield from (line.decode("utf-8", "surrogateescape") for line in parts)


FORMS: dict[str, FileFormat] = {
    "raw": FileFormat(as_bytes, 8),
    "bits": FileFormat(of_bits, None),
    "ascii01": FileFormat(of_digits, None),
    "hex": FileFormat(of_hex, 8),
    "base64": FileFormat(of_base64, 8),
    "decimal": FileFormat(of_decimals, 64),
    "float": FileFormat(of_floats, None),
    **{
        f"u{8 * width}{order}": of_words(width, order)
        for width in (2, 4, 8)
        for order in ("le", "be")
    },
}
NAMED = (*FORMS, "csv:COLUMN")
FORMERLY = {"bytes": "raw", "bits": "ascii01"} | {
    name.removeprefix("u"): name for name in FORMS if name.startswith("u")
}
"""What the forms were called when the option was `--form`."""


def form_of(name: str) -> FileFormat:
    """Return a form by its name; ValueError where there is none."""
    if name in FORMS:
        return FORMS[name]
    kind, _, column = name.partition(":")
    if kind == "csv" and column and column != "0":
        return of_csv(column)
    raise ValueError(f"must be one of {', '.join(NAMED)}")


def grouped(chunks: Iterable[bytes], size: int, rest: str = "") -> Iterator[bytes]:
    """Cut chunks anew, each into a multiple of `size` bytes.

    What is left over at the end is dropped, or MalformedInput with the text `rest`.
    """
    left = b""
    for chunk in chunks:
        joined = left + chunk
        whole = len(joined) // size * size
        yield joined[:whole]
        left = joined[whole:]
    if left and rest:
        raise MalformedInput(rest)


def without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Remove a byte order mark."""
    head = b""
    whole = iter(chunks)
    for chunk in whole:
        head += chunk
        if len(head) >= len(MARK):
            break
    yield head.removeprefix(MARK)
    yield from whole


def only(chunks: Iterable[bytes], allowed: bytes, ignored: bytes, said: str) -> Iterator[bytes]:
    """Yield the allowed characters, without the ignored; MalformedInput where there are others."""
    other = re.compile(b"[^" + re.escape(allowed + ignored) + b"]")
    before = 0
    for chunk in without_mark(chunks):
        if found := other.search(chunk):
            # places are those of the text: a mark is no character of it
            raise MalformedInput(
                f"character {before + found.start():,} is {shown(found[0])}, {said}"
            )
        before += len(chunk)
        yield chunk.translate(None, ignored)


def numbers(chunks: Iterable[bytes], symbol: Callable[[bytes], int], said: str) -> Iterator[Values]:
    """Yield the value of each number; MalformedInput where one has none."""
    blank = bytes.maketrans(b",;", b"  ")
    left, before = b"", 0
    for chunk in chain(without_mark(chunks), (b" ",)):
        text = left + chunk.translate(blank)
        cut = max(text.rfind(end) for end in (b" ", b"\n", b"\t", b"\r", b"\v", b"\f")) + 1
        left, made = text[cut:], list[int]()
        for token in text[:cut].split():
            try:
                made.append(symbol(token))
            except ValueError as error:
                place = f"number {before + len(made):,}"
                raise MalformedInput(f"{place} is {shown(token)}, {said}") from error
        before += len(made)
        if len(left) > 1 << 16:
            raise MalformedInput(f"number {before:,} is {shown(left)}, {said}")
        yield np.array(made, np.uint64)


def shown(token: bytes) -> str:
    """Return the beginning of some text, quoted."""
    text = token[:SHOWN].decode("utf-8", "backslashreplace")
    return repr(text + "..." if len(token) > SHOWN else text)
