"""What a file's bytes stand for: symbols as they are, as text, or as words of several bytes."""

import binascii
import math
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np

from dan_bench.interfaces import Bytes

Form = Callable[[Iterable[bytes], int], Iterator[Bytes]]
"""Makes symbols of that many bits of a file's chunks, which may be cut anywhere."""

MARK = b"\xef\xbb\xbf"
"""Byte order mark: some editors begin UTF-8 text with it."""
SEPARATORS = b" \t\r\n\v\f,;"
DIGITS = b"0123456789"
HEXADECIMAL = DIGITS + b"abcdefABCDEF"
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE64 = LETTERS + DIGITS + b"+/="
SHOWN = 20


class MalformedInput(Exception):
    """Something in a file is not of the form asked for; the message begins with its place."""


def as_bytes(chunks: Iterable[bytes], _: int) -> Iterator[Bytes]:
    """One symbol a byte."""
    return (np.frombuffer(chunk, np.uint8) for chunk in chunks)


def of_bits(chunks: Iterable[bytes], bits: int) -> Iterator[Bytes]:
    """Digits 0 and 1; as many as a symbol has bits make one, the highest first."""
    for digits in grouped(only(chunks, b"01", SEPARATORS, "neither 0 nor 1"), bits):
        ones = np.frombuffer(digits, np.uint8).reshape(-1, bits) & 1
        yield np.packbits(ones, axis=1)[:, 0] >> np.uint8(8 - bits)


def of_hex(chunks: Iterable[bytes], _: int) -> Iterator[Bytes]:
    """Two hexadecimal digits a byte."""
    digits = only(chunks, HEXADECIMAL, SEPARATORS + b":", "no hexadecimal digit")
    odd = "its end is half a byte: the number of hexadecimal digits is odd"
    for pairs in grouped(digits, 2, odd):
        yield np.frombuffer(binascii.unhexlify(pairs), np.uint8)


def of_base64(chunks: Iterable[bytes], _: int) -> Iterator[Bytes]:
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


def of_decimals(chunks: Iterable[bytes], bits: int) -> Iterator[Bytes]:
    """Whole numbers between white space or commas: the lowest bits of each are a symbol."""

    def symbol(token: bytes) -> int:
        return int(token) & (1 << bits) - 1

    return numbers(chunks, symbol, "no whole number")


def of_floats(chunks: Iterable[bytes], bits: int) -> Iterator[Bytes]:
    """Numbers in [0, 1): the first bits of each are a symbol."""

    def symbol(token: bytes) -> int:
        value = float(token)
        if not 0 <= value < 1:
            raise ValueError
        return math.floor(value * (1 << bits))

    return numbers(chunks, symbol, "no number of at least 0 and below 1")


def of_words(width: int, order: str) -> Form:
    """Words of that many bytes: the lowest bits of each are a symbol."""

    def words(chunks: Iterable[bytes], bits: int) -> Iterator[Bytes]:
        for whole in grouped(chunks, width, f"its length is no multiple of {width} bytes (a word)"):
            low = np.frombuffer(whole, np.uint8)[0 if order == "le" else width - 1 :: width]
            yield low & np.uint8((1 << bits) - 1)

    return words


FORMS: dict[str, Form] = {
    "bytes": as_bytes,
    "bits": of_bits,
    "hex": of_hex,
    "base64": of_base64,
    "decimal": of_decimals,
    "float": of_floats,
    **{
        f"{8 * width}{order}": of_words(width, order)
        for width in (2, 4, 8)
        for order in ("le", "be")
    },
}


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


def numbers(chunks: Iterable[bytes], symbol: Callable[[bytes], int], said: str) -> Iterator[Bytes]:
    """Yield the symbol of each number; MalformedInput where one has none."""
    blank = bytes.maketrans(b",;", b"  ")
    left, before = b"", 0
    for chunk in chain(without_mark(chunks), (b" ",)):
        text = left + chunk.translate(blank)
        cut = max(text.rfind(end) for end in (b" ", b"\n", b"\t", b"\r", b"\v", b"\f")) + 1
        left, made = text[cut:], bytearray()
        for token in text[:cut].split():
            try:
                made.append(symbol(token))
            except ValueError as error:
                place = f"number {before + len(made):,}"
                raise MalformedInput(f"{place} is {shown(token)}, {said}") from error
        before += len(made)
        if len(left) > 1 << 16:
            raise MalformedInput(f"number {before:,} is {shown(left)}, {said}")
        yield np.frombuffer(made, np.uint8)


def shown(token: bytes) -> str:
    """Return the beginning of some text, quoted."""
    text = token[:SHOWN].decode("utf-8", "backslashreplace")
    return repr(text + "..." if len(token) > SHOWN else text)
