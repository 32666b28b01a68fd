"""Streams of symbols: what may be assessed, and the form in which the estimators take it."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dan_bench.cli import InputError, InputTypeError
from dan_bench.statistics import array_of

Symbols: TypeAlias = NDArray[np.uint8]
Stream: TypeAlias = ArrayLike | bytes | bytearray | memoryview

# counts and places are kept in 32 bits, signed, and one of them counts twice
MOST_BITS = 1 << 30


def as_array(given: Stream, name: str = "symbols", remedy: str = "") -> NDArray[Any]:
    """Bytes as an array, or any array; InputTypeError for what numpy refuses and masked values."""
    if isinstance(given, bytes | bytearray):
        return np.frombuffer(given, dtype=np.uint8)
    array = array_of(given, f"{name} are an array")
    if array.ndim == 0:
        raise InputTypeError(f"{name} are a 1-D array of integers, got {given!r:.60}{remedy}")
    if np.ma.is_masked(given):
        masked = np.ma.count_masked(given)
        raise InputTypeError(f"{masked} {name} are masked: give .compressed(), or .filled(value)")
    return array


def whole_numbers(
    given: Stream, width: int, name: str = "symbols", remedy: str = ""
) -> NDArray[Any]:
    """A stream as a 1-D array of integers in [0, 2^width), of any length and of its own type.

    Raises InputTypeError where it has not one dimension or its elements are no integers, InputError
    where one does not fit. `name` is what they are called, `remedy` what a message ends with.
    """
    values = as_array(given, name, remedy)
    wanted = f"{name} are a 1-D array of integers"
    if values.ndim > 1:
        raise InputTypeError(f"{wanted}, got shape {values.shape}: ravel it first{remedy}")
    if values.size == 0:
        return values.astype(np.uint8)
    kind = values.dtype.kind
    if kind not in "bui":
        first = f"an array of {values.dtype} that begins with {values[0]!r:.40}"
        raise InputTypeError(f"{wanted}, got {first}: round it, then .astype(np.uint8){remedy}")
    if kind == "i" or (kind == "u" and 8 * values.dtype.itemsize > width):
        least, most = int(values.min()), int(values.max())
        if least < 0 or most >> width:
            if width == 8 and values.dtype.itemsize > 1:
                remedy = f"{remedy}; the bytes of wider words are words.view(np.uint8)"
            what = f"{least if least < 0 else most} is no {name[:-1]}"
            if width == 1:
                raise InputError(f"{what}: {name} are 0 or 1{remedy}")
            ends = f"{name} lie between 0 and {(1 << width) - 1}"
            raise InputError(f"{what} of {width} bits: {ends}{remedy}")
    return values


def whole_width(width: object, most: int) -> bool:
    """Whether a width is an integer from 1 to `most`, of a type in which sums do not overflow."""
    whole = isinstance(width, int | np.int64) and not isinstance(width, bool)
    return whole and width in range(1, most + 1)


def as_symbols(stream: Stream, width: int, least: int = 1) -> Symbols:
    """Bytes or integers as an array of `least` or more symbols of `width` bits.

    Raises as `whole_numbers` does, and InputError where there are fewer or more than 2^30 bits.
    """
    if not whole_width(width, 8):
        raise InputError(f"bits_per_symbol must lie between 1 and 8, got {width!r}; give an int")
    given = as_array(stream)
    if given.size < least:
        raise InputError("an empty stream cannot be assessed: it needs one symbol or more")
    if given.size * width > MOST_BITS:
        raise InputError(
            f"{given.size} symbols of {width} bits are more than 2^30 bits: assess parts of them"
        )
    return np.ascontiguousarray(whole_numbers(given, width), dtype=np.uint8)


def rank(symbols: Symbols) -> tuple[Symbols, int]:
    """Symbols numbered from 0 in their order, leaving out those that do not occur; how many do.

    NIST's tool calls this mapping down: the size of the alphabet is what occurs in the stream.
    """
    occurs = np.bincount(symbols, minlength=256) > 0
    numbers: Symbols = (np.cumsum(occurs) - occurs).astype(np.uint8)
    return numbers[symbols], int(occurs.sum())


def bit_string(symbols: Symbols, width: int) -> Symbols:
    """Bits of the symbols, the highest of `width` first."""
    if width == 8:
        return np.unpackbits(symbols)
    return np.unpackbits(symbols[:, None], axis=1)[:, 8 - width :].ravel()


def packed(symbols: Symbols, width: int) -> Symbols:
    """Whole bytes of the bit string of symbols."""
    if width == 8:
        return symbols
    string = bit_string(symbols, width)
    return np.packbits(string[: len(string) // 8 * 8])
