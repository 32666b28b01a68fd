"""Whole numbers in compiled code: signs, and bits that are set."""

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def signed(number: Any) -> int:
    """Return a number of any integer type as a signed one: with unsigned ones, sums are floats."""
    return np.int64(number)  # type: ignore[return-value]


@numba.njit(cache=True, nogil=True)
def popcount(word: np.uint64) -> int:
    """How many bits are set: the form that LLVM turns into one instruction."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    word = (word & pairs) + ((word >> np.uint64(2)) & pairs)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return signed((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
