"""Longest common prefixes of neighbours in the sorted list of all suffixes."""

import numba
import numpy as np
import pydivsufsort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.integers import popcount
from dan_bench.randomness.min_entropy.symbols import Symbols

Prefixes = NDArray[np.uint8] | NDArray[np.int32]

WORD = 64


def common_prefixes(symbols: Symbols, alphabet: int) -> Prefixes:
    """Lengths, in symbols, that each of the n - 1 neighbouring suffixes have in common.

    Where no two suffixes agree in 64 bits, sorting words of 64 bits does it. Others, and only
    those, need a suffix array.
    """
    width = max(1, (alphabet - 1).bit_length())
    found = short_prefixes(symbols, width)
    return long_prefixes(symbols) if found is None else found


def short_prefixes(symbols: Symbols, width: int) -> NDArray[np.uint8] | None:
    """As `common_prefixes`, or None if any reach 64 bits, at `width` bits a symbol.

    Suffixes of less than 64 bits end in zeros, which are none of theirs: such a one is the first
    of those that are equal to it, and has no more in common with the next than its own length.
    """
    words = suffix_words(symbols, width)
    n = len(words)
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
def suffix_words(symbols: Symbols, width: int) -> NDArray[np.uint64]:
    """First 64 bits of every suffix, the first symbol highest, zeros after the end."""
    n = len(symbols)
    words = np.empty(n, dtype=np.uint64)
    word = np.uint64(0)
    for i in range(n - 1, -1, -1):
        word = (word >> np.uint64(width)) | (np.uint64(symbols[i]) << np.uint64(WORD - width))
        words[i] = word
    return words


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
    """As `common_prefixes`, whatever there is in common."""
    suffixes: NDArray[np.int32] = pydivsufsort.divsufsort(symbols)
    replace_by_prefixes(symbols, suffixes)
    return suffixes[1:]


@numba.njit(cache=True, nogil=True)
def replace_by_prefixes(symbols: Symbols, suffixes: NDArray[np.int32]) -> None:
    """Turn a suffix array into common prefixes with the one before, in place.

    Kaerkkaeinen, Manzini & Puglisi 2009: in the order of the text, each prefix is at most one
    shorter than the last.
    """
    n = len(suffixes)
    before = np.empty(n, dtype=np.int32)
    before[suffixes[0]] = -1
    for r in range(1, n):
        before[suffixes[r]] = suffixes[r - 1]
    length = 0
    for i in range(n):
        j = before[i]
        if j < 0:
            length = 0
        else:
            end = n - max(i, j)
            while length < end and symbols[i + length] == symbols[j + length]:
                length += 1
        before[i] = length
        length = max(0, length - 1)
    for r in range(n):
        suffixes[r] = before[suffixes[r]]
