"""The statistics of SP 800-90B, section 5.1, whose values under permutation are compared.

All take a 1-D array of uint8 symbols and add integers, so that equal values are found equal.
"""

import bz2

import numba
import numpy as np

from dan_bench.randomness.iid.outcome import Symbols


@numba.njit(cache=True, nogil=True)
def excursion(x: Symbols) -> float:
    """Largest deviation of a running sum from its share of the whole sum (5.1.1)."""
    n, total = len(x), np.int64(0)
    for value in x:
        total += np.int64(value)
    deviation, largest = np.int64(0), np.int64(0)
    for value in x:
        deviation += n * np.int64(value) - total
        largest = max(largest, abs(deviation))
    return float(largest / n)


@numba.njit(cache=True, nogil=True)
def directional_runs(x: Symbols) -> tuple[int, int, int]:
    """Runs of falls and of other steps; the longest; and how many steps the commoner kind has.

    Sections 5.1.2 to 5.1.4. A step is a fall where the next symbol is smaller.
    """
    before = 1 if x[0] > x[1] else 0
    runs, longest, run, falls = 1, 1, 1, before
    for i in range(1, len(x) - 1):
        fall = 1 if x[i] > x[i + 1] else 0
        same = 1 if fall == before else 0
        runs += 1 - same
        run = run * same + 1
        longest = max(longest, run)
        falls += fall
        before = fall
    return runs, longest, max(falls, len(x) - 1 - falls)


@numba.njit(cache=True, nogil=True)
def median_runs(x: Symbols, twice_median: int) -> tuple[int, int]:
    """Runs of symbols below and not below the median, and the longest (5.1.5, 5.1.6)."""
    before = 1 if 2 * np.int64(x[0]) < twice_median else 0
    runs, longest, run = 1, 1, 1
    for i in range(1, len(x)):
        below = 1 if 2 * np.int64(x[i]) < twice_median else 0
        same = 1 if below == before else 0
        runs += 1 - same
        run = run * same + 1
        longest = max(longest, run)
        before = below
    return runs, longest


@numba.njit(cache=True, nogil=True)
def collisions(x: Symbols) -> tuple[float, int]:
    """Mean and largest number of symbols until one repeats (5.1.7, 5.1.8).

    Each search begins after the symbol where the last one ended; one that finds no repetition
    before the end does not count. (0, 0) where none does.
    """
    seen = np.full(256, -1)
    start, found, largest = 0, 0, 0
    for i in range(len(x)):
        if seen[x[i]] >= start:
            found += 1
            largest = max(largest, i + 1 - start)
            start = i + 1
        seen[x[i]] = i
    return (start / found if found else 0.0), largest


@numba.njit(cache=True, nogil=True)
def periodicity(x: Symbols, lag: int) -> int:
    """Return how many symbols are equal to the one `lag` places on (5.1.9)."""
    equal = 0
    for i in range(len(x) - lag):
        equal += x[i] == x[i + lag]
    return equal


@numba.njit(cache=True, nogil=True)
def covariance(x: Symbols, lag: int) -> int:
    """Sum of the products of symbols `lag` places apart (5.1.10)."""
    total = np.int64(0)
    for i in range(len(x) - lag):
        total += np.int64(x[i]) * np.int64(x[i + lag])
    return int(total)


NUMERALS = np.frombuffer(b"".join(b"%-4d" % value for value in range(256)), dtype="<u4")


def compression(x: Symbols) -> int:
    """Length in bytes of the symbols, as decimal numbers between spaces, under bzip2 (5.1.11).

    Blocks of 500 kB, as in NIST's own tool; the document leaves the size open.
    """
    padded = NUMERALS[x].view(np.uint8)
    digit = padded != ord(" ")
    # one space after each number, none after the last
    digit[1:] |= digit[:-1]
    return len(bz2.compress(padded[digit][:-1].tobytes(), 5))


def ones_in_eights(bits: Symbols) -> Symbols:
    """Conversion I: the number of ones in each block of eight bits, zeros filling the last."""
    return np.bitwise_count(np.packbits(bits))


def values_of_eights(bits: Symbols) -> Symbols:
    """Conversion II: the blocks of eight bits as numbers, first bit highest, zeros at the end."""
    return np.packbits(bits)
