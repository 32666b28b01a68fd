"""Is it a linear recurrence? The shortest shift register that makes the stream's top bits."""

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Estimate
from dan_bench.statistics import needs_rows

Bytes = NDArray[np.uint8]
Bits = NDArray[np.uint8]
Words = NDArray[np.uint64]

BITS = 40_000
"""How many bits are looked at: twice the 19,937 at which MT19937 stops, and 126 over."""

LEAST_BITS = 64

ONE, WORD = np.uint64(1), 64


@dataclass(frozen=True)
class LinearComplexity:
    """The linear complexity of `bits` bits, what it should be, and how odd it is."""

    complexity: int
    expected: float
    p_value: float
    bits: int


def top_bits(data: bytes | Bytes, word_bytes: int = 4) -> Bits:
    """Return the most significant bit of every whole little-endian word of `word_bytes` bytes.

    Four bytes are what Python's `randbytes` and most 32-bit generators put out; one takes the top
    bit of each byte.
    """
    if word_bytes < 1:
        raise ValueError(f"a word has at least one byte, got word_bytes={word_bytes}")
    array = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else np.ravel(data)
    if array.dtype != np.uint8:
        raise TypeError(f"data must be bytes or uint8, got {array.dtype}")
    return array[word_bytes - 1 :: word_bytes] >> np.uint8(7)


def shortest_register(bits: Bits) -> int:
    """Linear complexity: the length of the shortest LFSR that makes `bits` (Massey 1969).

    `bits` is a 1-D array of zeros and ones; the result lies in [0, n].
    """
    bits = np.asarray(bits)
    if bits.ndim != 1 or bits.dtype != np.uint8 or (bits > 1).any():
        raise ValueError(
            f"bits must be a 1-D uint8 array of zeros and ones, "
            f"got shape {bits.shape} of {bits.dtype}"
        )
    # backwards, so that s(N), s(N - 1), ... is read upwards, as the polynomial is
    backwards = np.packbits(bits[::-1], bitorder="little")
    words = np.zeros(len(bits) // WORD + 2, dtype=np.uint64)
    words.view(np.uint8)[: len(backwards)] = backwards
    return int(_massey(words, len(bits)))


@numba.njit(cache=True, nogil=True)
def _massey(stream: Words, n: int) -> int:
    """Berlekamp-Massey over GF(2), 64 coefficients a word; `stream` holds the bits backwards."""
    current = np.zeros(n // 64 + 2, dtype=np.uint64)
    current[0] = ONE
    before, kept = current.copy(), np.empty_like(current)
    length, length_before, shift = 0, 0, 1
    for i in range(n):
        start = n - 1 - i
        skip, low = start >> 6, np.uint64(start & 63)
        high = np.uint64(63) - low
        parity = np.uint64(0)
        for k in range((length >> 6) + 1):
            # in two steps: a shift by all 64 bits is not defined
            window = (stream[skip + k] >> low) | ((stream[skip + k + 1] << ONE) << high)
            parity ^= current[k] & window
        for half in (32, 16, 8, 4, 2, 1):
            parity ^= parity >> np.uint64(half)
        if parity & ONE:
            grows = 2 * length <= i
            if grows:
                kept[:] = current
            skip, low = shift >> 6, np.uint64(shift & 63)
            high = np.uint64(63) - low
            last = (length_before >> 6) + 1
            carry = np.uint64(0)
            for k in range(min(last + 1, len(current) - skip)):
                current[skip + k] ^= (before[k] << low) | carry
                carry = (before[k] >> ONE) >> high
            if grows:
                before, kept = kept, before
                length, length_before = i + 1 - length, length
                shift = 0
        shift += 1
    return length


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
    data: bytes | Bytes, word_bytes: int = 4, max_bits: int = BITS
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


@needs_rows(lambda d: -(-4 * LEAST_BITS // max(d, 1)))
def linear_complexity(sample: Bytes) -> Estimate:
    """Linear complexity of the sample's top-bit stream over its expected value; 1 is noise.

    The rows are read as one stream of 32-bit little-endian words, of which at most the first
    40,000 give a bit. MT19937 shows 0.997, with a p-value of 2^-126: the value says little by
    itself, `p_value` everything. `n` counts bits; details hold `bits`, `complexity`, `expected`
    and the exact two-sided `p_value`.
    """
    found = linear_complexity_test(sample[: -(-4 * BITS // max(sample.shape[1], 1))])
    return Estimate(
        found.complexity / found.expected,
        n=found.bits,
        details={
            "bits": found.bits,
            "complexity": found.complexity,
            "expected": found.expected,
            "p_value": found.p_value,
        },
    )
