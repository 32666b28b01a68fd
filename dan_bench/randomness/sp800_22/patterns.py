"""How often each pattern occurs, and after how long (SP 800-22 Rev. 1a, 2.7-2.9, 2.11, 2.12)."""

import functools
import math

import numba
import numpy as np
from scipy import special

from dan_bench.randomness.sp800_22.counts import runs_of_ones
from dan_bench.randomness.sp800_22.result import (
    Bits,
    Counts,
    Probabilities,
    Statistic,
    SubtestResult,
    chi_squared_test,
)

# mean and variance of log2 of the distance, L = 1 to 16: the table of sections 2.9.4 and 3.9
MEANS = (
    0.7326495, 1.5374383, 2.4016068, 3.3112247, 4.2534266, 5.2177052, 6.1962507, 7.1836656,
    8.1764248, 9.1723243, 10.170032, 11.168765, 12.168070, 13.167693, 14.167488, 15.167379,
)  # fmt: skip
VARIANCES = (
    0.690, 1.338, 1.901, 2.358, 2.705, 2.954, 3.125, 3.238,
    3.311, 3.356, 3.384, 3.401, 3.410, 3.416, 3.419, 3.421,
)  # fmt: skip
CLASSES = 6


@numba.njit(cache=True, nogil=True)
def window_counts(bits: Bits, m: int) -> Counts:
    """Histogram of the len(bits) - m + 1 overlapping windows of m bits, first bit highest."""
    counts = np.zeros(1 << m, dtype=np.int64)
    mask = (1 << m) - 1
    window = 0
    for i in range(min(m - 1, len(bits))):
        window = (window << 1) | bits[i]
    for i in range(m - 1, len(bits)):
        window = ((window << 1) | bits[i]) & mask
        counts[window] += 1
    return counts


def cyclic_counts(bits: Bits, m: int) -> Counts:
    """Histogram of the n windows of m <= n bits of the stream closed to a circle."""
    return window_counts(np.concatenate([bits, bits[: m - 1]]), m)


def shorten(counts: Counts, m: int) -> Counts:
    """Cyclic histogram of windows of m bits, from one of longer windows."""
    return np.asarray(counts.reshape(2**m, -1).sum(axis=1))


@functools.cache
def aperiodic_templates(m: int) -> tuple[int, ...]:
    """Patterns of m bits that no shift lays over themselves, ascending; 148 for m = 9."""
    return tuple(
        pattern
        for pattern in range(2**m)
        if all(pattern >> k != pattern & ((1 << (m - k)) - 1) for k in range(1, m))
    )


def non_overlapping_template(bits: Bits, m: int, blocks: int) -> SubtestResult:
    """Non-overlapping template matching, section 2.7, for every aperiodic template of m bits.

    Two occurrences of such a template cannot overlap, so the document's search, which goes on
    after a match, finds as many as there are windows that are equal to it: one histogram of
    windows a block serves all templates.
    """
    length = len(bits) // blocks
    templates = list(aperiodic_templates(m))
    matches = np.stack(
        [window_counts(bits[k * length : (k + 1) * length], m)[templates] for k in range(blocks)]
    )
    mean = (length - m + 1) / 2**m
    variance = length * (1 / 2**m - (2 * m - 1) / 2 ** (2 * m))
    chi_squared = np.square(matches - mean).sum(axis=0) / variance
    p_values = special.gammaincc(blocks / 2, chi_squared / 2)
    statistics = {
        "length": m,
        "blocks": blocks,
        "block_length": length,
        "mean": mean,
        "variance": variance,
        "chi_squared": [float(c) for c in chi_squared],
    }
    names = tuple(f"{template:0{m}b}" for template in templates)
    return SubtestResult(tuple(float(p) for p in p_values), statistics, names)


@functools.cache
def class_probabilities(m: int, length: int, kind: Probabilities = "exact") -> tuple[float, ...]:
    """Probabilities of 0, 1, 2, 3, 4 and 5 or more occurrences of m ones in a block.

    "exact" walks the Markov chain of (ones at the end, occurrences so far), each capped, over the
    block's bits. "nist" is the compound-Poisson approximation of section 3.8 that NIST's published
    p-values come from.
    """
    if kind == "nist":
        return approximate_probabilities(m, length)
    step = np.zeros(((m + 1), CLASSES, (m + 1), CLASSES))
    for run in range(m + 1):
        for found in range(CLASSES):
            longer = min(run + 1, m)
            step[run, found, 0, found] += 0.5
            step[run, found, longer, min(found + (longer == m), CLASSES - 1)] += 0.5
    states = (m + 1) * CLASSES
    after = np.linalg.matrix_power(step.reshape(states, states), length)[0]
    return tuple(float(p) for p in after.reshape(m + 1, CLASSES).sum(axis=0))


def approximate_probabilities(m: int, length: int) -> tuple[float, ...]:
    """Class probabilities by section 3.8: Poisson(lambda / 2) clumps of geometric size."""
    eta = (length - m + 1) / 2**m / 2
    probabilities = [math.exp(-eta)]
    for u in range(1, CLASSES - 1):
        clumps = sum(math.comb(u - 1, k - 1) * eta**k / math.factorial(k) for k in range(1, u + 1))
        probabilities.append(math.exp(-eta) / 2**u * clumps)
    return (*probabilities, 1 - sum(probabilities))


def overlapping_template(
    bits: Bits, m: int, length: int, kind: Probabilities = "exact"
) -> SubtestResult:
    """Overlapping template matching, section 2.8: occurrences of m ones in blocks of M bits."""
    found = np.minimum(runs_of_ones(bits, length, m)[1], CLASSES - 1)
    counts = np.bincount(found, minlength=CLASSES)
    statistics = {"length": m, "block_length": length, "probabilities": kind}
    return chi_squared_test(counts, np.array(class_probabilities(m, length, kind)), statistics)


@numba.njit(cache=True, nogil=True)
def sum_of_log_distances(bits: Bits, length: int, initial: int) -> float:
    """Sum over the blocks after the initial ones of log2 of how long ago each was seen last."""
    last = np.zeros(1 << length, dtype=np.int64)
    total = 0.0
    for block in range(1, len(bits) // length + 1):
        pattern = 0
        for bit in bits[(block - 1) * length : block * length]:
            pattern = (pattern << 1) | bit
        if block > initial:
            total += math.log2(block - last[pattern])
        last[pattern] = block
    return total


def universal(bits: Bits, length: int, initial: int) -> SubtestResult:
    """Universal test, section 2.9: mean log2 distance between equal blocks of L bits.

    `initial` is Q, the blocks that only fill the table; the other K = n // L - Q are tested.
    """
    tested = len(bits) // length - initial
    mean = sum_of_log_distances(bits, length, initial) / tested
    c = 0.7 - 0.8 / length + (4 + 32 / length) * tested ** (-3 / length) / 15
    sigma = c * math.sqrt(VARIANCES[length - 1] / tested)
    p = math.erfc(abs(mean - MEANS[length - 1]) / (math.sqrt(2) * sigma))
    statistics = {
        "block_length": length,
        "initial_blocks": initial,
        "tested_blocks": tested,
        "mean_log2_distance": mean,
        "expected": MEANS[length - 1],
        "sigma": sigma,
    }
    return SubtestResult((p,), statistics)


def serial(counts: Counts, m: int) -> SubtestResult:
    """Serial test, section 2.11, from cyclic `counts` of windows of at least m bits; m >= 2.

    Two p-values, of the first and the second difference of psi^2 over the pattern length.
    """
    counts = shorten(counts, m)
    psi = [psi_squared(shorten(counts, k)) for k in (m, m - 1, m - 2)]
    first, second = psi[0] - psi[1], psi[0] - 2 * psi[1] + psi[2]
    p_values = (
        float(special.gammaincc(2.0 ** (m - 2), first / 2)),
        float(special.gammaincc(2.0 ** (m - 3), second / 2)),
    )
    statistics: dict[str, Statistic] = {
        "length": m,
        "psi_squared": psi,
        "del_psi": first,
        "del2_psi": second,
    }
    return SubtestResult(p_values, statistics, ("del_psi", "del2_psi"))


def psi_squared(counts: Counts) -> float:
    """2^m / n times the sum of squared counts, less n; 0 for m = 0."""
    n = int(counts.sum())
    # integers up to the last division: the difference is much smaller than its terms
    return (len(counts) * int(counts @ counts) - n * n) / n


def approximate_entropy(counts: Counts, m: int) -> SubtestResult:
    """Approximate entropy test, section 2.12, from cyclic `counts` of at least m + 1 bits."""
    n = int(counts.sum())
    phi = []
    for length in (m, m + 1):
        share = shorten(counts, length) / n
        phi.append(float(special.xlogy(share, share).sum()))
    entropy = phi[0] - phi[1]
    chi_squared = max(0.0, 2 * n * (math.log(2) - entropy))
    p = float(special.gammaincc(2.0 ** (m - 1), chi_squared / 2))
    statistics = {"length": m, "approximate_entropy": entropy, "chi_squared": chi_squared}
    return SubtestResult((p,), statistics)
