"""How surely the health tests of SP 800-90B, section 4.4, find a source that has failed."""

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.health import (
    ALPHA,
    BINARY_WINDOW,
    OTHER_WINDOW,
    HealthCutoffs,
    adaptive_proportion,
    check_entropy,
    health_cutoffs,
    repetition_count,
)
from dan_bench.rng import generator

EXAMINED = 50_000
"""Samples of a failed source within which section 4.5 wants half of the faults to be found."""
LEAST = 1e-4  # bits a sample, below which a source is stuck for over a million samples


@dataclass(frozen=True)
class FaultPower:
    """How surely the tests find one kind of failed source within `samples` samples.

    The failed source repeats its last sample with probability `repeat`, and otherwise draws one
    symbol with probability `most_common` and the others equally often. `repetition` and
    `proportion` are exact probabilities; `either_observed` and the other two observed shares are
    those of `trials` injected faults, None where there were none.
    """

    fault: str
    repeat: float
    most_common: float
    samples: int
    repetition: float
    proportion: float
    trials: int = 0
    repetition_observed: float | None = None
    proportion_observed: float | None = None
    either_observed: float | None = None


def health_power(
    h: float,
    bits_per_symbol: int = 8,
    *,
    alpha: float = ALPHA,
    samples: int = EXAMINED,
    trials: int = 0,
    seed: int = 0,
) -> tuple[FaultPower, ...]:
    """Say how surely the tests find a source that has failed, of each of three kinds.

    They are those that section 4.5 asks of any other health test. The source is *stuck* for
    ceil(100 / h) + 1 samples: that must be found in 99 % of cases. It is *biased*, or *correlated*
    (a sample repeats the one before), so far that the next sample is guessed with probability
    2^(-h/2), that is, half of its entropy is lost: half of these must be found within 50,000
    samples. All other symbols are equally likely. Below `LEAST` nothing is returned.

    Args:
        h: assessed entropy, in bits a sample, above 0 and at most bits_per_symbol.
        bits_per_symbol: 1 to 8; with 1 the window is that of a source of two symbols.
        alpha: probability of a false alarm.
        samples: that the biased or correlated source gives.
        trials: how often each fault is injected, to see the shares found.
        seed: of the trials.

    Raises:
        ValueError: a number is out of its range.
    """
    check_entropy(h, bits_per_symbol)
    if samples < 1 or trials < 0:
        raise ValueError(f"samples must be 1 or more and trials 0 or more: {samples}, {trials}")
    if bits_per_symbol not in range(1, 9):
        raise ValueError(f"bits_per_symbol must lie between 1 and 8, got {bits_per_symbol}")
    cutoffs = health_cutoffs(h, alpha, BINARY_WINDOW if bits_per_symbol == 1 else OTHER_WINDOW)
    if h < LEAST:
        return ()
    guessed, size = 2 ** (-h / 2), 1 << bits_per_symbol
    even = 1 / size
    kinds = (
        ("stuck", 1.0, even, math.ceil(100 / h) + 1),
        ("biased", 0.0, guessed, samples),
        ("correlated", (guessed - even) / (1 - even), even, samples),
    )
    return tuple(
        FaultPower(
            fault,
            repeat,
            most,
            n,
            repetition_power(n, cutoffs.repetition, size, most, repeat),
            proportion_power(n, cutoffs.proportion, cutoffs.window, size, most, repeat),
            *_observed(cutoffs, size, most, repeat, n, trials, seed),
        )
        for fault, repeat, most, n in kinds
    )


def failed_source(
    n: int, size: int, most_common: float, repeat: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return n samples of a failed source (see `FaultPower`) of `size` symbols, 0 the commonest."""
    fresh = rng.integers(1, size, n, dtype=np.uint8)
    fresh[rng.random(n) < most_common] = 0
    drawn = np.where(rng.random(n) < repeat, 0, np.arange(n))
    drawn[0] = 0
    return fresh[np.maximum.accumulate(drawn)]


def _observed(
    cutoffs: HealthCutoffs,
    size: int,
    most_common: float,
    repeat: float,
    n: int,
    trials: int,
    seed: int,
) -> tuple[int, float | None, float | None, float | None]:
    """Inject a fault that often; the shares found by the first test, the second, and either."""
    if not trials:
        return 0, None, None, None
    rng = generator(seed, "health/faults")
    found = np.zeros((trials, 2), bool)
    for i in range(trials):
        source = failed_source(n, size, most_common, repeat, rng)
        found[i, 0] = len(repetition_count(source, cutoffs.repetition)[0])
        found[i, 1] = len(adaptive_proportion(source, cutoffs.proportion, cutoffs.window)[0])
    shares = found.mean(axis=0)
    return trials, float(shares[0]), float(shares[1]), float(found.any(axis=1).mean())


@numba.njit(cache=True, nogil=True)
def repetition_power(n: int, cutoff: int, size: int, most_common: float, repeat: float) -> float:
    """Return the exact probability that n samples of a failed source hold a run of the cutoff."""
    if cutoff > n or repeat == 1:
        return 1.0 if cutoff <= n else 0.0
    other = (1 - most_common) / (size - 1)
    fresh = 1 - repeat
    # by length: probability that no run was found, and that the current one has that length
    common, rare = np.zeros(cutoff), np.zeros(cutoff)
    common[1], rare[1] = most_common, 1 - most_common
    stay_common, stay_rare = repeat + fresh * most_common, repeat + fresh * other
    for _ in range(1, n):
        of_common, of_rare = common.sum(), rare.sum()
        for length in range(cutoff - 1, 1, -1):
            common[length] = common[length - 1] * stay_common
            rare[length] = rare[length - 1] * stay_rare
        common[1] = of_rare * fresh * most_common
        rare[1] = fresh * (of_common * (1 - most_common) + of_rare * (1 - most_common - other))
    return float(max(0.0, 1 - common.sum() - rare.sum()))


def proportion_power(
    n: int, cutoff: int, window: int, size: int, most_common: float, repeat: float
) -> float:
    """Return the exact probability that one of the windows of n samples reaches the cutoff."""
    unfound = np.array([most_common, 1 - most_common])  # by what the next window begins with
    whole, rest = divmod(n, window)
    within = unfound_window(window, cutoff, size, most_common, repeat)
    unfound = unfound @ np.linalg.matrix_power(within, whole)
    if rest:
        unfound = unfound @ unfound_window(rest, cutoff, size, most_common, repeat)
    return max(0.0, 1 - float(unfound.sum()))


@numba.njit(cache=True, nogil=True)
def unfound_window(
    window: int, cutoff: int, size: int, most_common: float, repeat: float
) -> NDArray[np.float64]:
    """Return P(not found, next window begins with the commonest or not | this one begins so).

    The commonest symbol has index 0 and all others 1. Within a window a sample is the first symbol
    of it, or the commonest if that is another one, or any third.
    """
    other = (1 - most_common) / (size - 1)
    fresh = 1 - repeat
    found = np.zeros((2, 2))
    for begins in range(2):
        if begins == 0:
            chances = np.array([most_common, 0.0, 1 - most_common])
        else:
            chances = np.array([other, most_common, max(0.0, 1 - most_common - other)])
        now = np.zeros((3, cutoff))  # by the last sample, and by how often the first has come
        if cutoff > 1:
            now[0, 1] = 1.0
        for _ in range(1, window):
            after = np.zeros((3, cutoff))
            for count in range(1, cutoff):
                total = now[0, count] + now[1, count] + now[2, count]
                for kind in range(3):
                    moved = repeat * now[kind, count] + fresh * chances[kind] * total
                    if kind:
                        after[kind, count] = moved
                    elif count + 1 < cutoff:
                        after[0, count + 1] = moved
            now = after
        for kind in range(3):
            common = fresh * most_common + repeat * ((kind == 0) if begins == 0 else (kind == 1))
            chance = now[kind].sum()
            found[begins, 0] += chance * common
            found[begins, 1] += chance * (1 - common)
    return found
