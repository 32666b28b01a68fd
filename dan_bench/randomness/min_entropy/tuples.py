"""Estimates from repeated tuples of every length: t-tuple (6.3.5) and LRS (6.3.6).

What tuples are repeated is read off the longest common prefixes of neighbours in the sorted list of
all suffixes.
"""

import numba
import numpy as np
from numpy.typing import NDArray
from pydivsufsort import divsufsort, kasai  # type: ignore[import-untyped]

from dan_bench.randomness.min_entropy.counting import bits, upper_bound
from dan_bench.randomness.min_entropy.symbols import Symbols
from dan_bench.randomness.min_entropy.words import popcount, signed

Prefixes = NDArray[np.uint8] | NDArray[np.int32]

WORD = 64
# a length of tuples is counted where its most common one occurs so often
CUTOFF = 35
LENGTHS_AT_ONCE = 1 << 20


def tuples(symbols: Symbols, alphabet: int) -> tuple[float | None, float | None]:
    """Return the t-tuple and the LRS estimate, in bits a symbol, of two symbols or more.

    The first is None where no symbol occurs 35 times, the second where every tuple that occurs
    twice is of a length at which one occurs 35 times.
    """
    n = len(symbols)
    prefixes = common_prefixes(symbols, alphabet)
    top = int(prefixes.max())
    frequent, repeated = 0.0, 0.0
    # lengths reach n in periodic streams, and each costs twenty bytes
    for low in range(0, top, LENGTHS_AT_ONCE):
        most, pairs = tally(prefixes, low, min(top, low + LENGTHS_AT_ONCE))
        of_most, of_pairs = largest(most, pairs, n, low)
        frequent, repeated = max(frequent, of_most), max(repeated, of_pairs)
    return (
        bits(upper_bound(frequent, n)) if frequent > 0 else None,
        bits(upper_bound(repeated, n)) if repeated > 0 else None,
    )


@numba.njit(cache=True, nogil=True)
def tally(prefixes: Prefixes, low: int, high: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """For each length in (low, high]: occurrences of the most common tuple, pairs of equal tuples.

    Equal tuples of a length are a run of sorted suffixes whose common prefixes are no shorter;
    runs lie within runs, so that a stack of those that are open gives each its number of
    occurrences as it closes (Kasai et al. 2001). The two columns then are a running maximum and a
    running sum from the longest length down. Position 0 stands for `low` and is without meaning.
    """
    most = np.ones(high - low + 1, dtype=np.int32)
    pairs = np.zeros(high - low + 1, dtype=np.int64)
    lengths = np.empty(high - low + 1, dtype=np.int32)
    starts = np.empty(high - low + 1, dtype=np.int32)
    lengths[0], starts[0] = 0, 0
    open_runs = 0
    for i in range(len(prefixes) + 1):
        length = 0
        if i < len(prefixes):
            length = max(0, min(signed(prefixes[i]), high) - low)
        start = i
        while lengths[open_runs] > length:
            closed = lengths[open_runs]
            start = signed(starts[open_runs])
            open_runs -= 1
            occurrences = i - start + 1
            most[closed] = max(most[closed], occurrences)
            equal = occurrences * (occurrences - 1) // 2
            pairs[closed] += equal
            pairs[max(length, lengths[open_runs])] -= equal
        if lengths[open_runs] < length:
            open_runs += 1
            lengths[open_runs], starts[open_runs] = length, start
    for t in range(high - low - 1, -1, -1):
        most[t] = max(most[t], most[t + 1])
        pairs[t] += pairs[t + 1]
    return most, pairs


@numba.njit(cache=True, nogil=True)
def largest(
    most: NDArray[np.int32], pairs: NDArray[np.int64], n: int, low: int
) -> tuple[float, float]:
    """Largest probabilities a symbol: of a frequent tuple, of a collision of rarer ones; or 0."""
    frequent, repeated = 0.0, 0.0
    for j in range(1, len(most)):
        t = low + j
        places = n - t + 1
        if most[j] >= CUTOFF:
            frequent = max(frequent, (most[j] / places) ** (1 / t))
        else:
            collision = pairs[j] / (places * (places - 1) // 2)
            repeated = max(repeated, collision ** (1 / t))
    return frequent, repeated


def common_prefixes(symbols: Symbols, alphabet: int) -> Prefixes:
    """Length, in symbols, of the common prefix of each of the n - 1 pairs of neighbouring suffixes.

    Where no two suffixes agree in 64 bits, sorting words of 64 bits does it. Others, and only
    those, need a suffix array.
    """
    width = max(1, (alphabet - 1).bit_length())
    found = short_prefixes(symbols, width)
    return long_prefixes(symbols) if found is None else found


def short_prefixes(symbols: Symbols, width: int) -> NDArray[np.uint8] | None:
    """As `common_prefixes`, at `width` bits a symbol; None if any reaches 64 bits.

    Suffixes of less than 64 bits end in zeros, which are none of theirs: such a one is the first
    of those that are equal to it, and has no more in common with the next than its own length.
    """
    n = len(symbols)
    words = np.empty(n, dtype=np.uint64)  # here, numpy asks for large pages
    suffix_words(symbols, width, words)
    short = min(n, -(-WORD // width) - 1)
    lengths = np.arange(1, short + 1)
    tails = words[n - lengths]
    words.sort()
    ranks = words.searchsorted(tails)
    for j in range(short):
        ranks[j] += np.count_nonzero(tails[:j] == tails[j])
    found, equal = neighbours(words)
    found //= np.uint8(width)
    inner = ranks < n - 1
    rank, length = ranks[inner], lengths[inner]
    resolved = np.count_nonzero(words[rank] == words[rank + 1])
    found[rank] = np.minimum(found[rank], length)
    return found if equal == resolved else None


@numba.njit(cache=True, nogil=True)
def suffix_words(symbols: Symbols, width: int, words: NDArray[np.uint64]) -> None:
    """Put the first 64 bits of every suffix, the first symbol highest, zeros after the end."""
    word = np.uint64(0)
    for i in range(len(symbols) - 1, -1, -1):
        word = (word >> np.uint64(width)) | (np.uint64(symbols[i]) << np.uint64(WORD - width))
        words[i] = word


@numba.njit(cache=True, nogil=True)
def neighbours(words: NDArray[np.uint64]) -> tuple[NDArray[np.uint8], int]:
    """Bits in common of each word and the next; how many pairs are equal."""
    n = len(words)
    found = np.empty(n - 1, dtype=np.uint8)
    equal = 0
    for i in range(n - 1):
        difference = words[i] ^ words[i + 1]
        equal += difference == 0
        for shift in (1, 2, 4, 8, 16, 32):
            difference |= difference >> np.uint64(shift)
        found[i] = WORD - popcount(difference)
    return found, equal


def long_prefixes(symbols: Symbols) -> NDArray[np.int32]:
    """As `common_prefixes`, whatever their length (Kasai et al. 2001)."""
    lengths: NDArray[np.int32] = kasai(symbols, divsufsort(symbols))
    return lengths[:-1]
