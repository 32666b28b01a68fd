"""Estimators that count: most common value, collision, Markov, compression (6.3.1 to 6.3.4)."""

import math
from collections.abc import Callable

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.symbols import Symbols

# two-sided 99 % of the normal law, to the digits that NIST's tool uses
Z = 2.5758293035489008
BLOCK = 6
FIRST_BLOCKS = 1000
# of the standard deviation of a block's distance, in the document's step 5
COMPRESSION_FACTOR = 0.5907
MARKOV_LENGTH = 128


def upper_bound(p: float, n: int) -> float:
    """Upper end of the 99 % interval of a proportion p of n symbols, at most 1 (SP 800-90B 6.3.1).

    n is at least 2: the variance is divided by n - 1.
    """
    return min(1.0, p + Z * math.sqrt(p * (1 - p) / (n - 1)))


def bits(p: float) -> float:
    """-log2 p, and 0 rather than -0 where p is 1."""
    return max(0.0, -math.log2(p))


def bisect(too_small: Callable[[float], bool], low: float) -> float:
    """Return the p in [low, 1] up to which `too_small` holds, the next float above it."""
    high = 1.0
    while low < (p := (low + high) / 2) < high:
        low, high = (p, high) if too_small(p) else (low, p)
    return high


def most_common_value(symbols: Symbols, alphabet: int) -> float:
    """Most common value estimate (6.3.1), in bits a symbol, of two symbols or more."""
    n, others = len(symbols), np.count_nonzero(symbols)
    # a histogram of bits would copy eight times their memory
    mode = max(others, n - others) if alphabet <= 2 else int(np.bincount(symbols).max())
    return bits(upper_bound(mode / n, n))


def collision(stream: Symbols) -> float | None:
    """Collision estimate (6.3.2) of a bit string, in [0, 1]; None for fewer than two collisions.

    For bits the expected time to a collision is 2 + 2 p (1 - p), whatever Appendix G.1 evaluates:
    it is solved in closed form.
    """
    times, threes = waiting_times(stream)
    if times < 2:
        return None
    mean = 2 + threes / times
    variance = threes * (times - threes) / times / (times - 1)
    low = max(2.0, mean - Z * math.sqrt(variance / times))
    return bits(0.5 + math.sqrt(1.25 - 0.5 * low)) if low < 2.5 else 1.0


@numba.njit(cache=True, nogil=True)
def waiting_times(stream: Symbols) -> tuple[int, int]:
    """How many disjoint waits for a repeated bit there are, and how many took three bits."""
    n = len(stream)
    at, times, threes = 0, 0, 0
    while at < n - 1:
        three = stream[at] ^ stream[at + 1]
        if at + 2 + three > n:
            break
        at += 2 + three
        times += 1
        threes += three
    return times, threes


def markov(stream: Symbols) -> float:
    """Markov estimate (6.3.3) of a bit string of two bits or more, in [0, 1].

    The most likely of the six kinds of path of 128 bits that can be the likeliest one.
    """
    n = len(stream)
    ones, pairs = np.count_nonzero(stream), np.count_nonzero(stream[1:] & stream[:-1])
    first_ones = ones - int(stream[-1])
    first_zeros = n - 1 - first_ones
    from_zero = ones - int(stream[0]) - pairs
    p1 = ones / n
    p01 = from_zero / first_zeros if first_zeros else 0.0
    p11 = pairs / first_ones if first_ones else 0.0
    p00 = 1 - p01 if first_zeros else 0.0
    p10 = 1 - p11 if first_ones else 0.0
    half = MARKOV_LENGTH // 2
    paths = (
        ((1 - p1, 1), (p00, MARKOV_LENGTH - 1)),
        ((1 - p1, 1), (p01, half), (p10, half - 1)),
        ((1 - p1, 1), (p01, 1), (p11, MARKOV_LENGTH - 2)),
        ((p1, 1), (p10, 1), (p00, MARKOV_LENGTH - 2)),
        ((p1, 1), (p10, half), (p01, half - 1)),
        ((p1, 1), (p11, MARKOV_LENGTH - 1)),
    )
    possible = [path for path in paths if all(p > 0 for p, _ in path)]
    costs = [-sum(times * math.log2(p) for p, times in path) for path in possible]
    return min(max(0.0, cost) / MARKOV_LENGTH for cost in [*costs, MARKOV_LENGTH])


def compression(stream: Symbols) -> float:
    """Compression estimate (6.3.4; Maurer 1992) of a bit string, in [0, 1].

    Needs 6 x 1002 bits: a thousand blocks to begin with, two to estimate a variance.
    """
    distances = block_distances(stream)
    used = np.flatnonzero(distances)
    logs = np.log2(used)
    counts = distances[used].astype(np.float64)
    v = counts.sum()
    mean = float(counts @ logs / v)
    square = float(counts @ np.square(logs))
    deviation = COMPRESSION_FACTOR * math.sqrt(max(0.0, square / (v - 1) - mean**2))
    low = mean - Z * deviation / math.sqrt(v)
    p = likeliest_block(low, np.log2(np.arange(1, len(stream) // BLOCK + 1)))
    return bits(p) / BLOCK


@numba.njit(cache=True, nogil=True)
def block_distances(stream: Symbols) -> NDArray[np.int64]:
    """Histogram of how many blocks ago each block of six bits occurred, after the first 1000.

    A block that never occurred counts from the beginning, as if at position 0.
    """
    blocks = len(stream) // BLOCK
    distances = np.zeros(blocks + 1, dtype=np.int64)
    last = np.zeros(1 << BLOCK, dtype=np.int64)
    for i in range(blocks):
        block = 0
        for j in range(BLOCK):
            block = (block << 1) | stream[BLOCK * i + j]
        if i >= FIRST_BLOCKS:
            distances[i + 1 - last[block]] += 1
        last[block] = i + 1
    return distances


def likeliest_block(low: float, logs: NDArray[np.float64]) -> float:
    """Probability of the likeliest block for which the expected statistic is `low`.

    One block has probability p, the 63 others share the rest; 1/64 where no p fits. `logs` are
    the binary logarithms of 1 to the number of blocks.
    """
    others = (1 << BLOCK) - 1
    least = 1 / (others + 1)
    if expected_log(least, logs) * (others + 1) <= low:
        return least

    def too_small(p: float) -> bool:
        return expected_log(p, logs) + others * expected_log((1 - p) / others, logs) > low

    return bisect(too_small, least)


@numba.njit(cache=True, nogil=True)
def expected_log(z: float, logs: NDArray[np.float64]) -> float:
    """Return the document's G(z) of step 7, its double sum made a single one.

    Each log2(u) (1 - z)^(u - 1) occurs once, times z, for the last distance of every position
    u > 1000, and z^2 times for each position beyond u. The sum stops where it no longer changes.
    """
    blocks = len(logs)
    total = 0.0
    power = 1.0
    for u in range(2, blocks + 1):
        power *= 1 - z
        weight = z * z * (blocks - max(u, FIRST_BLOCKS))
        if u > FIRST_BLOCKS:
            weight += z
        total += logs[u - 1] * power * weight
        # a bound on all that follows: log2(u) < 64, the weights, and the geometric series
        if 64 * power * (z * blocks + 1) <= 1e-18 * total:
            break
    return total / (blocks - FIRST_BLOCKS)
