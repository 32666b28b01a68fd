"""How often given patterns occur in a block (SP 800-22 Rev. 1a, 2.7 and 2.8)."""

import functools
import math
from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import special

from dan_bench.randomness.sp800_22.bits import Bits
from dan_bench.randomness.sp800_22.chi import chi_squared_test
from dan_bench.randomness.sp800_22.result import SubtestResult
from dan_bench.randomness.sp800_22.windows import window_counts

CLASSES = 6


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


@numba.njit(cache=True, nogil=True)
def ones_counts(bits: Bits, m: int, length: int) -> NDArray[np.int64]:
    """Overlapping occurrences of m ones in each whole block of `length` bits."""
    counts = np.zeros(len(bits) // length, dtype=np.int64)
    for block in range(len(counts)):
        run = 0
        found = 0
        for bit in bits[block * length : (block + 1) * length]:
            run = (run + 1) * bit
            found += run >= m
        counts[block] = found
    return counts


@functools.cache
def class_probabilities(
    m: int, length: int, kind: Literal["exact", "nist"] = "exact"
) -> tuple[float, ...]:
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
    bits: Bits, m: int, length: int, kind: Literal["exact", "nist"] = "exact"
) -> SubtestResult:
    """Overlapping template matching, section 2.8: occurrences of m ones in blocks of M bits."""
    found = np.minimum(ones_counts(bits, m, length), CLASSES - 1)
    counts = np.bincount(found, minlength=CLASSES)
    statistics = {"length": m, "block_length": length, "probabilities": kind}
    return chi_squared_test(counts, np.array(class_probabilities(m, length, kind)), statistics)
