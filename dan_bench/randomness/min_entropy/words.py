"""Whole numbers in compiled code: signs, bits that are set, and a hash table of words.

A word of the table is a key above and a value below, 32 bits each; values are positive, so that 0
is an empty place. Keys that collide go to the next place. A table grows within one array, from
places [size, 2 size) to [2 size, 4 size): to compiled code a new array would cost more than all
of the search. What it has not grown into is not in memory.
"""

from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic
from numba.np.arrayobj import make_array
from numpy.typing import NDArray

Table = NDArray[np.uint64]

SMALLEST = 1 << 10
HALF = np.uint64(32)
LOW = np.uint64(0xFFFFFFFF)
# 2^64 over the golden ratio (Knuth, The Art of Computer Programming, volume 3, section 6.4)
FACTOR = np.uint64(0x9E3779B97F4A7C15)


@numba.njit(cache=True, nogil=True)
def signed(number: Any) -> int:
    """Return a number of any integer type as a signed one: with unsigned ones, sums are floats."""
    return np.int64(number)  # type: ignore[return-value]


@numba.njit(cache=True, nogil=True)
def popcount(word: np.uint64) -> int:
    """How many bits are set, in the form that LLVM turns into one instruction."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    word = (word & pairs) + ((word >> np.uint64(2)) & pairs)
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return signed((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


def table_for(keys: int) -> Table:
    """Return an empty table that can grow to so many keys; its size is SMALLEST."""
    size = SMALLEST
    while not roomy(size, keys):
        size *= 2
    return np.zeros(2 * size, dtype=np.uint64)


@numba.njit(cache=True, nogil=True)
def roomy(size: int, keys: int) -> bool:
    """Whether so many keys take at most four fifths of the places."""
    return 5 * keys <= 4 * size


@numba.njit(cache=True, nogil=True)
def word(key: np.uint64, value: int) -> np.uint64:
    """Key and value in one."""
    return (key << HALF) | np.uint64(value)


@numba.njit(cache=True, nogil=True)
def value(word: np.uint64) -> int:
    """Value in a word, 0 in an empty place."""
    return signed(word & LOW)


@numba.njit(cache=True, nogil=True)
def find(table: Table, size: int, key: np.uint64) -> int:
    """Place of a key, or the empty place where it belongs."""
    mask = np.uint64(size - 1)
    at = ((key * FACTOR) >> HALF) & mask
    while True:
        entry = table[np.uint64(size) | at]
        if entry == 0 or entry >> HALF == key:
            return signed(np.uint64(size) | at)
        at = (at + np.uint64(1)) & mask


@intrinsic
def prefetch(_: Any, array: Any, index: Any) -> Any:
    """Ask for an entry of a 1-D array that will be needed soon, so that it comes meanwhile."""

    def code(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        data = make_array(signature.args[0])(context, builder, given[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        place = builder.bitcast(builder.gep(data, [given[1]]), byte)
        # to read, to be kept in all caches, data
        builder.call(function, [place, *(number(choice) for choice in (0, 3, 1))])
        return context.get_dummy_value()

    return numba.void(array, index), code


@numba.njit(cache=True, nogil=True)
def make_room(table: Table, size: int, keys: int) -> int:
    """Return the size at which so many keys fit, after growing the table to it if need be."""
    if roomy(size, keys):
        return size
    for place in range(size, 2 * size):
        entry = table[place]
        if entry != 0:
            table[find(table, 2 * size, entry >> HALF)] = entry
    return 2 * size
