"""Ones, zeros, their runs and their random walk (SP 800-22 Rev. 1a, 2.1 to 2.4, 2.13 to 2.15)."""

import functools
import math
from typing import NamedTuple

import numba
import numpy as np
from scipy import special

from dan_bench.randomness.sp800_22.result import (
    Bits,
    Counts,
    Probabilities,
    SubtestResult,
    chi_squared_test,
)

# smallest n: M, longest run of the first class, class probabilities of NIST's tool (section 2.4.4
# and 3.4; the first of M = 10,000 is 2 % too large)
LONGEST = {
    750_000: (10_000, 10, (0.0882, 0.2092, 0.2483, 0.1933, 0.1208, 0.0675, 0.0727)),
    6_272: (128, 4, (0.1174035788, 0.242955959, 0.249363483, 0.17517706, 0.102701071, 0.112398847)),
    128: (8, 1, (0.21484375, 0.3671875, 0.23046875, 0.1875)),
}
NEAR = 4  # states -4 to 4 of random excursions
FAR = 9  # states -9 to 9 of the variant
VISITS = 6  # 0, 1, 2, 3, 4, and 5 or more in a cycle


def frequency(bits: Bits) -> SubtestResult:
    """Frequency (monobit) test, section 2.1: ones less zeros over sqrt(n), half-normal."""
    difference = 2 * int(np.count_nonzero(bits)) - len(bits)
    observed = abs(difference) / math.sqrt(len(bits))
    p = math.erfc(observed / math.sqrt(2))
    return SubtestResult((p,), {"sum": difference, "s_obs": observed})


def block_frequency(bits: Bits, length: int) -> SubtestResult:
    """Frequency within blocks of M bits, section 2.2; the last n mod M bits are left out."""
    blocks = len(bits) // length
    ones = bits[: blocks * length].reshape(blocks, length).sum(axis=1, dtype=np.int64)
    chi_squared = float(np.square(2 * ones - length).sum()) / length
    p = float(special.gammaincc(blocks / 2, chi_squared / 2))
    return SubtestResult(
        (p,), {"block_length": length, "blocks": blocks, "chi_squared": chi_squared}
    )


def runs(bits: Bits) -> SubtestResult:
    """Runs test, section 2.3: how many runs of equal bits there are, given the share of ones.

    The p-value is 0 where the share is 2 / sqrt(n) or more away from one half, by the document's
    prerequisite: the frequency test has failed then.
    """
    n = len(bits)
    share = int(np.count_nonzero(bits)) / n
    found = 1 + int(np.count_nonzero(bits[1:] != bits[:-1]))
    p = 0.0
    if abs(share - 0.5) < 2 / math.sqrt(n):
        spread = share * (1 - share)
        p = math.erfc(abs(found - 2 * n * spread) / (2 * math.sqrt(2 * n) * spread))
    return SubtestResult((p,), {"runs": found, "share_of_ones": share})


@numba.njit(cache=True, nogil=True)
def runs_of_ones(bits: Bits, length: int, m: int) -> tuple[Counts, Counts]:
    """Of each whole block of `length` bits: its longest run of ones, and how often m occur in it.

    Occurrences of m ones in a row may overlap.
    """
    longest = np.zeros(len(bits) // length, dtype=np.int64)
    occurrences = np.zeros_like(longest)
    for block in range(len(longest)):
        run, most, found = 0, 0, 0
        for bit in bits[block * length : (block + 1) * length]:
            run = (run + 1) * bit
            most = max(most, run)
            found += run >= m
        longest[block], occurrences[block] = most, found
    return longest, occurrences


def share_without_longer_run(length: int, longest: int) -> float:
    """Probability that no run of ones in `length` fair bits is longer than `longest`.

    Of n + 1 bits as of n, less those in which the last bits are the first longer run: a zero (none
    where the string begins there) and longest + 1 ones (Schilling 1990).
    """
    short, end = [1.0] * (longest + 1), 0.5 ** (longest + 2)
    for n in range(longest + 1, length + 1):
        before = short[n - longest - 2] if n > longest + 1 else 2.0
        short.append(short[-1] - before * end)
    return short[length]


@functools.cache
def longest_run_probabilities(
    length: int, first: int, classes: int, kind: Probabilities = "exact"
) -> tuple[float, ...]:
    """Probabilities of a longest run of at most `first` in a block, of each next one, and of more.

    "exact" counts strings. "nist" has the table of section 3.4 for the document's three blocks,
    which all published p-values come from.
    """
    if kind == "nist":
        return next(table for m, _, table in LONGEST.values() if m == length)
    ends = [share_without_longer_run(length, first + k) for k in range(classes - 1)]
    return tuple(np.diff([0.0, *ends, 1.0]).tolist())


def longest_run(bits: Bits, kind: Probabilities = "exact") -> SubtestResult:
    """Longest run of ones in a block, section 2.4; blocks of 8, 128 or 10,000 bits by n.

    All n // M blocks count, as in NIST's tool (the document's table names the fewest).
    """
    length, first, table = next(v for least, v in LONGEST.items() if len(bits) >= least)
    longest, _ = runs_of_ones(bits, length, 1)
    classes = np.clip(longest - first, 0, len(table) - 1)
    counts = np.bincount(classes, minlength=len(table))
    probabilities = longest_run_probabilities(length, first, len(table), kind)
    statistics = {"block_length": length, "probabilities": kind}
    return chi_squared_test(counts, np.array(probabilities), statistics)


class Walk(NamedTuple):
    """Partial sums of +1 for a one and -1 for a zero, from 0 and, at the end, back to 0."""

    n: int
    highest: int
    lowest: int
    end: int
    cycles: int
    """J: stretches from 0 to 0, the last one closed by force."""
    visits: Counts
    """How often each of the states -9 to 9 was visited."""
    cycles_by_visits: Counts
    """For each of the states -4 to 4, how many cycles visited it 0, 1, 2, 3, 4, 5 or more times."""


@numba.njit(cache=True, nogil=True)
def walk(bits: Bits) -> Walk:
    """Random walk of the stream, one step a bit."""
    visits = np.zeros(2 * FAR + 1, dtype=np.int64)
    before = np.zeros(2 * FAR + 1, dtype=np.int64)
    table = np.zeros((2 * NEAR + 1, VISITS), dtype=np.int64)
    height, highest, lowest, cycles = 0, 0, 0, 0
    for i in range(len(bits)):
        height += 1 if bits[i] else -1
        highest = max(highest, height)
        lowest = min(lowest, height)
        if -FAR <= height <= FAR:
            visits[height + FAR] += 1
        if height == 0 or i == len(bits) - 1:
            cycles += 1
            for state in range(-NEAR, NEAR + 1):
                here = visits[state + FAR]
                table[state + NEAR, min(here - before[state + FAR], VISITS - 1)] += 1
                before[state + FAR] = here
    return Walk(len(bits), highest, lowest, height, cycles, visits, table)


def cumulative_sums(walked: Walk) -> SubtestResult:
    """Cumulative sums test, section 2.13, forward and reverse: the farthest from the start."""
    forward = max(walked.highest, -walked.lowest)
    reverse = max(walked.end - walked.lowest, walked.highest - walked.end)
    p_values = tuple(farthest_p_value(z, walked.n) for z in (forward, reverse))
    return SubtestResult(
        p_values, {"z_forward": forward, "z_reverse": reverse}, ("forward", "reverse")
    )


def farthest_p_value(z: int, n: int) -> float:
    """Probability that a Brownian path gets as far as z in time n, by the document's sums."""

    def between(low: float, offsets: tuple[int, int]) -> float:
        k = np.arange(math.ceil(low), math.floor((n / z - 1) / 4) + 1)
        upper, lower = (special.ndtr((4 * k + o) * z / math.sqrt(n)) for o in offsets)
        return float((upper - lower).sum())

    inside = between((-n / z + 1) / 4, (1, -1)) - between((-n / z - 3) / 4, (3, 1))
    return min(1.0, max(0.0, 1 - inside))


def random_excursions(walked: Walk) -> SubtestResult:
    """Random excursions test, section 2.14: visits a cycle to each of the states -4 to 4."""
    states = [x for x in range(-NEAR, NEAR + 1) if x != 0]
    expected = walked.cycles * np.array([visit_probabilities(x) for x in states])
    observed = walked.cycles_by_visits[[x + NEAR for x in states]]
    chi_squared = (np.square(observed - expected) / expected).sum(axis=1)
    p_values = special.gammaincc((VISITS - 1) / 2, chi_squared / 2)
    return SubtestResult(
        tuple(float(p) for p in p_values),
        {"cycles": walked.cycles, "chi_squared": [float(c) for c in chi_squared]},
        tuple(f"{x:+d}" for x in states),
    )


def visit_probabilities(state: int) -> list[float]:
    """Probabilities of 0 to 4, and 5 or more, visits to a state in a cycle, section 3.14."""
    leave = 1 / (2 * abs(state))
    some = [leave**2 * (1 - leave) ** (k - 1) for k in range(1, VISITS - 1)]
    return [1 - leave, *some, leave * (1 - leave) ** (VISITS - 2)]


def random_excursions_variant(walked: Walk) -> SubtestResult:
    """Random excursions variant test, section 2.15: all visits to each of the states -9 to 9."""
    states = [x for x in range(-FAR, FAR + 1) if x != 0]
    visits = [int(walked.visits[x + FAR]) for x in states]
    p_values = tuple(
        math.erfc(abs(found - walked.cycles) / math.sqrt(2 * walked.cycles * (4 * abs(x) - 2)))
        for x, found in zip(states, visits, strict=True)
    )
    return SubtestResult(
        p_values,
        {"cycles": walked.cycles, "visits": visits},
        tuple(f"{x:+d}" for x in states),
    )
