"""The random walk of a stream: how far and how often (SP 800-22 Rev. 1a, 2.13 to 2.15)."""

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import special

from dan_bench.randomness.sp800_22.bits import Bits
from dan_bench.randomness.sp800_22.result import SubtestResult

NEAR = 4  # states -4 to 4 of random excursions
FAR = 9  # states -9 to 9 of the variant
VISITS = 6  # 0, 1, 2, 3, 4, and 5 or more in a cycle


@dataclass(frozen=True)
class Walk:
    """Partial sums of +1 for a one and -1 for a zero, from 0 and, at the end, back to 0."""

    n: int
    highest: int
    lowest: int
    end: int
    cycles: int
    """J: stretches from 0 to 0, the last one closed by force."""
    visits: NDArray[np.int64]
    """How often each of the states -9 to 9 was visited."""
    cycles_by_visits: NDArray[np.int64]
    """For each of the states -4 to 4, how many cycles visited it 0, 1, 2, 3, 4, 5 or more times."""


@numba.njit(cache=True, nogil=True)
def steps(
    bits: Bits,
) -> tuple[int, int, int, int, NDArray[np.int64], NDArray[np.int64]]:
    """Highest, lowest and last sum, cycles, visits and cycles by visits; see `Walk`."""
    visits = np.zeros(2 * FAR + 1, dtype=np.int64)
    before = np.zeros(2 * FAR + 1, dtype=np.int64)
    table = np.zeros((2 * NEAR + 1, VISITS), dtype=np.int64)
    height = 0
    highest = 0
    lowest = 0
    cycles = 0
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
    return highest, lowest, height, cycles, visits, table


def walk(bits: Bits) -> Walk:
    """Go once through the stream."""
    return Walk(len(bits), *steps(bits))


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
