"""Streams of symbols: what may be assessed, and the form in which the estimators take it."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Symbols: TypeAlias = NDArray[np.uint8]
Stream: TypeAlias = ArrayLike | bytes | bytearray | memoryview

# counts and places are kept in 32 bits, signed, and one of them counts twice
MOST_BITS = 1 << 30


def as_symbols(stream: Stream, width: int) -> Symbols:
    """Bytes or integers as an array of symbols of `width` bits; ValueError if they do not fit."""
    if width not in range(1, 9):
        raise ValueError(f"bits_per_symbol must lie between 1 and 8, got {width}")
    if isinstance(stream, bytes | bytearray | memoryview):
        symbols = np.frombuffer(stream, dtype=np.uint8)
    else:
        symbols = np.asarray(stream)
    if symbols.ndim != 1:
        raise ValueError(
            f"a stream has one dimension, got an array of shape {symbols.shape}: ravel it first"
        )
    if symbols.size == 0:
        raise ValueError("an empty stream cannot be assessed: it needs one symbol or more")
    if symbols.size * width > MOST_BITS:
        raise ValueError(
            f"{symbols.size} symbols of {width} bits are more than 2^30 bits: assess parts of them"
        )
    if symbols.dtype != np.bool_ and not np.issubdtype(symbols.dtype, np.integer):
        raise TypeError(f"symbols are bytes or integers, got an array of {symbols.dtype}")
    least, most = symbols.min(), symbols.max()
    if least < 0 or most >= 1 << width:
        outside = least if least < 0 else most
        raise ValueError(
            f"{outside} is no symbol of {width} bits: symbols lie between 0 and {(1 << width) - 1}"
        )
    return np.ascontiguousarray(symbols, dtype=np.uint8)


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
