"""Estimates from repeated tuples of every length: t-tuple (6.3.5) and LRS (6.3.6)."""

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.bounds import bits, upper_bound
from dan_bench.randomness.min_entropy.integers import signed
from dan_bench.randomness.min_entropy.repeats import Prefixes, common_prefixes
from dan_bench.randomness.min_entropy.symbols import Symbols

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
