"""What a file's bytes stand for: symbols as they are, as text, or as words of several bytes."""

import binascii
import math
import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Form = Callable[[Iterable[bytes], int], Iterator[Bytes]]
"""Makes symbols of that many bits out of a file's chunks, which may be cut anywhere."""

MARK = b"\xef\xbb\xbf"
"""Byte order mark, with which some editors begin UTF-8 text."""
SEPARATORS = b" \t\r\n\v\f,;"
BLANKS = b"\r\n\t "
SHOWN = 20


class MalformedInput(Exception):
    """Something in a file is not of the form asked for; the message begins with its place."""


def as_bytes(chunks: Iterable[bytes], _: int) -> Iterator[Bytes]:
    """One symbol a byte."""
    return (np.frombuffer(chunk, np.uint8) for chunk in chunks)


def of_bits(chunks: Iterable[bytes], bits: int) -> Iterator[Bytes]:
    """Digits 0 and 1; so many as a symbol has bits make one, the highest first."""
    left = b""
    for digits in only(chunks, b"01", SEPARATORS, "neither 0 nor 1"):
        digits = left + digits
        whole = len(digits) // bits * bits
        ones = np.frombuffer(digits[:whole], np.uint8).reshape(-1, bits) & 1
        yield np.packbits(ones, axis=1)[:, 0] >> np.uint8(8 - bits)
        left = digits[whole:]


def of_hex(chunks: Iterable[bytes], _: int) -> Iterator[Bytes]:
    """Two hexadecimal digits a byte."""
    left = b""
    allowed = b"0123456789abcdefABCDEF"
    for digits in only(chunks, allowed, SEPARATORS + b":", "no hexadecimal digit"):
        digits = left + digits
        whole = len(digits) // 2 * 2
        yield np.frombuffer(binascii.unhexlify(digits[:whole]), np.uint8)
        left = digits[whole:]
    if left:
        raise MalformedInput("its end is half a byte: the number of hexadecimal digits is odd")


def of_base64(chunks: Iterable[bytes], _: int) -> Iterator[Bytes]:
    """Four characters three bytes, padded by = at the end."""
    left, ended = b"", False
    allowed = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
    for characters in only(chunks, allowed, BLANKS, "no character of base64"):
        characters = left + characters
        whole = len(characters) // 4 * 4
        left = characters[whole:]
        if ended and characters:
            raise MalformedInput("its base64 goes on after the = that ends it")
        try:
            yield np.frombuffer(binascii.a2b_base64(characters[:whole], strict_mode=True), np.uint8)
        except binascii.Error as error:
            raise MalformedInput(f"its base64 does not decode: {str(error).lower()}") from error
        ended |= characters[:whole].endswith(b"=")
    if left:
        raise MalformedInput("its end is no whole group of four characters of base64")


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
        left = b""
        for chunk in chunks:
            chunk = left + chunk
            whole = len(chunk) // width * width
            low = np.frombuffer(chunk[:whole], np.uint8)[0 if order == "le" else width - 1 :: width]
            yield low & np.uint8((1 << bits) - 1)
            left = chunk[whole:]
        if left:
            raise MalformedInput(f"its length is no multiple of {width} bytes, which are a word")

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


def without_mark(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Take a byte order mark off."""
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

    def symbols(text: bytes) -> Bytes:
        nonlocal before
        made = bytearray()
        for token in text.split():
            try:
                made.append(symbol(token))
            except ValueError as error:
                place = before + len(made)
                raise MalformedInput(f"number {place:,} is {shown(token)}, {said}") from error
        before += len(made)
        return np.frombuffer(made, np.uint8)

    for chunk in without_mark(chunks):
        text = left + chunk.translate(blank)
        cut = max(text.rfind(end) for end in (b" ", b"\n", b"\t", b"\r", b"\v", b"\f")) + 1
        left = text[cut:]
        if len(left) > 1 << 16:
            raise MalformedInput(f"number {before:,} is {shown(left)}, {said}")
        yield symbols(text[:cut])
    yield symbols(left)


def shown(token: bytes) -> str:
    """Return the beginning of something as a person may read it."""
    text = token[:SHOWN].decode("utf-8", "backslashreplace")
    return repr(text + "..." if len(token) > SHOWN else text)
