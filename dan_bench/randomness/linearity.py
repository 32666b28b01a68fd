"""Is it a linear recurrence? The shortest shift register that generates a stream of bits."""

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Bytes
from dan_bench.randomness.min_entropy.symbols import Stream, whole_numbers
from dan_bench.randomness.min_entropy.words import popcount, signed

Bits = NDArray[np.uint8]

BITS = 40_000
"""How many bits are tested: twice the 19,937 at which MT19937 stops, and 126 more."""

LEAST_BITS = 64
WORD = 64


@dataclass(frozen=True)
class LinearComplexity:
    """The linear complexity of `bits` bits, its expected value, and its exact p-value."""

    complexity: int
    expected: float
    p_value: float
    bits: int


def as_bytes(data: Stream) -> Bytes:
    """Return bytes, or integers in [0, 256), as a 1-D array of uint8; raises as `whole_numbers`."""
    return np.asarray(whole_numbers(data, 8), dtype=np.uint8)


def top_bits(data: Stream, word_bytes: int = 4) -> Bits:
    """Return the most significant bit of every whole little-endian word of `word_bytes` bytes.

    Python's `randbytes` and most 32-bit generators output words of four bytes; with one, the top
    bit of each byte is taken.
    """
    if word_bytes < 1:
        raise ValueError(f"a word has at least one byte, got word_bytes={word_bytes}")
    return as_bytes(data)[word_bytes - 1 :: word_bytes] >> np.uint8(7)


def shortest_register(bits: Bits) -> int:
    """Linear complexity: the length of the shortest LFSR that generates `bits` (Massey 1969).

    `bits` is a 1-D array of zeros and ones; the result lies in [0, n].
    """
    bits = np.asarray(bits)
    if bits.ndim != 1 or bits.dtype != np.uint8 or (bits > 1).any():
        raise ValueError(
            f"bits must be a 1-D uint8 array of zeros and ones, "
            f"got shape {bits.shape} of {bits.dtype}"
        )
    return int(linear_complexities(bits[None])[0])


def linear_complexities(rows: Bits) -> NDArray[np.int64]:
    """Linear complexity of each row of N x n zeros and ones."""
    return complexities_and_foretold(rows)[:, 0]


def complexities_and_foretold(rows: Bits) -> NDArray[np.int64]:
    """Linear complexity of each row of N x n zeros and ones, and how many bits were foretold.

    A register of length L is known after 2 L bits. What it foretold is the number of bits beyond
    those that agreed with it: max(m - 2 L(m)) over all m <= n, at least 0. The result is N x 2.
    """
    packed = np.packbits(rows, axis=1, bitorder="little")
    packed = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8)))
    return _massey(packed.view("<u8").astype(np.uint64, copy=False), rows.shape[1])


@numba.njit(cache=True, nogil=True)
def _massey(blocks: NDArray[np.uint64], length: int) -> NDArray[np.int64]:
    """Linear complexity of each row, and what was foretold: 64-bit words, first bit lowest.

    Berlekamp and Massey's algorithm, where instead of the two register polynomials C and B their
    products with the stream are kept, shifted to the current position: the discrepancy is then
    the lowest bit of `now`, and every step costs one exclusive or of a shrinking number of words.
    Bits beyond the end of the block are never read.
    """
    one = np.uint64(1)
    zero = np.uint64(0)
    found = np.zeros((len(blocks), 2), dtype=np.int64)
    words = blocks.shape[1]
    now = np.zeros(words + 1, dtype=np.uint64)
    before = np.zeros(words, dtype=np.uint64)
    for block in range(len(blocks)):
        carry = zero
        for i in range(words):
            word = blocks[block, i]
            now[i] = word
            before[i] = (word << one) | carry
            carry = word >> np.uint64(WORD - 1)
        now[words] = zero
        position = 0
        complexity = 0
        foretold = 0
        while position < length:
            live = (length - position + WORD - 1) // WORD
            low = now[0]
            if low == zero:
                for i in range(live):
                    now[i] = now[i + 1]
                position += WORD
                continue
            skip = np.uint64(popcount(~low & (low - one)))  # zeros below the lowest one
            position += signed(skip)
            if position >= length:
                break
            foretold = max(foretold, position - 2 * complexity)
            left = np.uint64(WORD - 1) - skip
            grows = 2 * complexity <= position
            if grows:
                complexity = position + 1 - complexity
            for i in range(live):
                word = (now[i] >> skip) | ((now[i + 1] << left) << one)
                now[i] = word ^ before[i]
                if grows:
                    before[i] = word
            # the discrepancy is dealt with, also where nothing could cancel it (the first one)
            now[0] &= ~one
        found[block, 0] = complexity
        found[block, 1] = max(foretold, length - 2 * complexity)
    return found


def expected_complexity(n: int) -> float:
    """Mean linear complexity of n ideal bits (Rueppel 1986, chapter 4)."""
    return n / 2 + (4 + n % 2) / 18 - math.ldexp(n / 3 + 2 / 9, -n)


def log2_probability(complexity: int, n: int) -> int:
    """Binary logarithm of the exact probability that n ideal bits have this complexity.

    2^min(2n - 2L, 2L - 1) of the 2^n strings have complexity L > 0, and one has 0 (Rueppel 1986;
    Menezes, van Oorschot & Vanstone, section 6.2.3).
    """
    if not 0 <= complexity <= n:
        raise ValueError(f"the complexity of {n} bits lies in [0, {n}], got {complexity}")
    return min(2 * n - 2 * complexity, 2 * complexity - 1) - n if complexity else -n


def linear_complexity_test(
    data: Stream, word_bytes: int = 4, max_bits: int = BITS
) -> LinearComplexity:
    """Linear complexity of the first `max_bits` top bits of `data`, and its exact p-value.

    The p-value is two-sided: the probability that ideal bits have a complexity no more probable
    than this one. The probabilities are 1/2, 1/4, 1/8, ... from the middle outwards, on
    alternating sides, so it is exactly twice the probability of what was found, and a value
    2^-k has false-alarm rate 2^-k.

    ValueError for fewer than 64 words.
    """
    bits = top_bits(data, word_bytes)[:max_bits]
    n = len(bits)
    if n < LEAST_BITS:
        raise ValueError(
            f"linear complexity needs at least {LEAST_BITS} words of {word_bytes} bytes, got {n}"
        )
    complexity = shortest_register(bits)
    p_value = math.ldexp(1.0, log2_probability(complexity, n) + 1)
    return LinearComplexity(complexity, expected_complexity(n), p_value, n)
