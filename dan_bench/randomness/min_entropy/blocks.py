"""Bits and hits of predictors, 64 at a time.

All hits of one predictor in a block are one word, the first one lowest. Most predictors are too
far behind the one that is believed to catch up within a block: only the others, its rivals, are
followed hit by hit.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.symbols import Symbols
from dan_bench.randomness.min_entropy.words import popcount, signed

Words = NDArray[np.uint64]

WORD = 64
ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@numba.njit(cache=True, nogil=True)
def words_of(symbols: Symbols) -> Words:
    """Bits packed into words, the first one lowest; one word of zeros more than they fill."""
    n = len(symbols)
    words = np.zeros(n // WORD + 2, dtype=np.uint64)
    for k in range(n // WORD):
        word = np.uint64(0)
        for t in range(WORD):
            word |= np.uint64(symbols[WORD * k + t]) << np.uint64(t)
        words[k] = word
    for i in range(n // WORD * WORD, n):
        words[i // WORD] |= np.uint64(symbols[i]) << np.uint64(i % WORD)
    return words


@numba.njit(cache=True, nogil=True)
def word_at(words: Words, i: int) -> np.uint64:
    """64 bits from place i on."""
    shift = np.uint64(i & (WORD - 1))
    low: np.uint64 = words[i >> 6] >> shift
    high: np.uint64 = words[(i >> 6) + 1] << np.uint64(1) << (np.uint64(WORD - 1) - shift)
    return low | high


@numba.njit(cache=True, nogil=True)
def trailing_ones(word: np.uint64) -> int:
    """How many of the lowest bits are ones."""
    return popcount(word & ~(word + np.uint64(1)))


@numba.njit(cache=True, nogil=True)
def runs_through(hits: np.uint64, run: int, longest: int) -> tuple[int, int]:
    """The current run of hits and the longest one, after a block of 64 predictions."""
    if hits == ALL:
        return run + WORD, max(longest, run + WORD)
    longest = max(longest, run + trailing_ones(hits))
    # what is left are the places where more than `length` hits begin
    left, length = hits, 0
    while left != 0 and length < longest:
        step = min(length + 1, longest - length)
        left &= left >> np.uint64(step)
        length += step
    while left != 0:
        left &= left >> np.uint64(1)
        longest += 1
    above = ~hits
    for shift in (1, 2, 4, 8, 16, 32):
        above |= above >> np.uint64(shift)
    return WORD - popcount(above), longest


@numba.njit(cache=True, nogil=True)
def follow(
    hits: Words,
    scores: NDArray[np.int64],
    count: int,
    leader: int,
    correct: int,
    run: int,
    longest: int,
) -> tuple[int, int, int, int]:
    """Who of `count` rivals leads after a block; hits, the current run of them, the longest one.

    Rivals are in the order in which they gain their hits; the last to gain one leads equals.
    """
    if count == 1:
        run, longest = runs_through(hits[0], run, longest)
        return leader, correct + popcount(hits[0]), run, longest
    one = np.uint64(1)
    for t in range(WORD):
        at = np.uint64(t)
        hit = signed((hits[leader] >> at) & one)
        correct += hit
        run = (run + 1) * hit
        longest = max(longest, run)
        for j in range(count):
            if (hits[j] >> at) & one:
                scores[j] += 1
                if scores[j] >= scores[leader]:
                    leader = j
    return leader, correct, run, longest
