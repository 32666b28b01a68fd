"""Continuous health tests of a noise source: SP 800-90B, section 4.4.

The cutoffs that an assessed entropy implies, what the tests find, and how surely they find a fault.
"""

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.symbols import Stream, as_symbols
from dan_bench.rng import generator
from dan_bench.statistics import binomial_tail

ALPHA = 2.0**-20
"""Of the document's examples; it recommends 2^-20 to 2^-40."""
BINARY_WINDOW, OTHER_WINDOW = 1024, 512
EXAMINED = 50_000
"""Samples of a failed source within which section 4.5 wants half of the faults to be found."""
LEAST = 1e-4  # bits a sample, below which a source is stuck for over a million samples


@dataclass(frozen=True)
class HealthCutoffs:
    """Cutoffs C of both tests: a count that reaches C is a failure.

    `repetition` is that of the Repetition Count Test (4.4.1), `proportion` that of the Adaptive
    Proportion Test (4.4.2) on a window of `window` samples, both as the document has them.
    `proportion_exact` is the smallest C that an ideal window reaches with probability alpha at
    most: the first sample of a window always equals itself, which the document's formula overlooks.
    `false_alarm` is the probability with which a window reaches `proportion`, a little above alpha
    for that reason. No `proportion` is above its window: a test that cannot fail is none.
    """

    h: float
    alpha: float
    window: int
    repetition: int
    proportion: int
    proportion_exact: int
    false_alarm: float


@dataclass(frozen=True)
class HealthFailures:
    """What one test found in a stream.

    `places` are the samples at which a count reached the cutoff, once a run or window; `tested` is
    how many samples or windows there were (the last window may be short), `largest` the largest
    count. From a source that has the entropy claimed at most `expected` failures are expected.
    """

    cutoff: int
    tested: int
    largest: int
    expected: float
    places: tuple[int, ...]

    @property
    def failures(self) -> int:
        """How often the test failed."""
        return len(self.places)

    def to_json(self, most: int = 100) -> dict[str, Any]:
        """Plain dictionary, with the first `most` of the places."""
        return {**vars(self), "failures": self.failures, "places": list(self.places[:most])}


@dataclass(frozen=True)
class HealthAssessment:
    """Both tests on a stream, each with its own cutoff."""

    cutoffs: HealthCutoffs
    repetition: HealthFailures
    proportion: HealthFailures

    @property
    def passed(self) -> bool:
        """Whether neither test failed."""
        return not (self.repetition.places or self.proportion.places)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries of the same names."""
        return {
            "passed": self.passed,
            "repetition": self.repetition.to_json(),
            "proportion": self.proportion.to_json(),
        }


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


def health_cutoffs(h: float, alpha: float = ALPHA, window: int = OTHER_WINDOW) -> HealthCutoffs:
    """Return the cutoffs for an assessed entropy (SP 800-90B, 4.4.1 and 4.4.2).

    Args:
        h: assessed entropy H, above 0, in bits a sample.
        alpha: probability of a false alarm, in (0, 1): of each sample, and of each window.
        window: samples W of the Adaptive Proportion Test: 1024 for two symbols, else 512.

    Raises:
        ValueError: a number is out of its range.
    """
    if not (h > 0 and math.isfinite(h)):
        raise ValueError(f"h must be above 0 bits a sample, got {h}")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must lie between 0 and 1, such as 2**-20, got {alpha}")
    if window < 2:
        raise ValueError(f"window must be 2 samples or more, got {window}")
    p = 2.0**-h
    proportion = min(window, least_count(window, p, alpha))
    return HealthCutoffs(
        h=float(h),
        alpha=float(alpha),
        window=window,
        # -log2(alpha) / h may miss a whole number by a rounding error
        repetition=1 + math.ceil(-math.log2(alpha) / h * (1 - 1e-14)),
        proportion=proportion,
        proportion_exact=min(window, 1 + least_count(window - 1, p, alpha)),
        false_alarm=float(binomial_tail(proportion - 2, window - 1, p)),
    )


def least_count(n: int, p: float, alpha: float) -> int:
    """Return the smallest C with P(X >= C) <= alpha for binomial X: 1 + CRITBINOM(n, p, 1 - alpha).

    Tails are summed from their end: at 2^-60 there is no 1 - alpha among the floats.
    """
    counts = np.arange(1, n + 2)
    return int(counts[binomial_tail(counts - 1, n, p) <= alpha].min())


def health_tests(
    samples: Stream,
    h: float,
    bits_per_symbol: int = 8,
    *,
    alpha: float = ALPHA,
    exact: bool = False,
) -> HealthAssessment:
    """Run both tests over a stream, as a device would that claims an entropy of `h` bits a sample.

    After a failure the tests go on. The window is that of a source of two symbols if no more than
    two occur.

    Args:
        samples: bytes, or integers in [0, 2^bits_per_symbol).
        h: assessed entropy, in bits a sample, above 0 and at most bits_per_symbol.
        bits_per_symbol: 1 to 8.
        alpha: probability of a false alarm.
        exact: let `proportion_exact` be the cutoff of the Adaptive Proportion Test.

    Raises:
        ValueError: samples or a number cannot be used.
    """
    symbols = as_symbols(samples, bits_per_symbol)
    _at_most(h, bits_per_symbol)
    binary = np.count_nonzero(np.bincount(symbols, minlength=256)) <= 2
    cutoffs = health_cutoffs(h, alpha, BINARY_WINDOW if binary else OTHER_WINDOW)
    n, p, window = len(symbols), 2.0**-h, cutoffs.window
    runs, longest = repetition_count(symbols, cutoffs.repetition)
    limit = cutoffs.proportion_exact if exact else cutoffs.proportion
    windows, largest = adaptive_proportion(symbols, limit, window)
    tested = -(-n // window)
    of_window = float(binomial_tail(limit - 2, window - 1, p))
    return HealthAssessment(
        cutoffs,
        HealthFailures(
            cutoffs.repetition, n, longest, n * p ** (cutoffs.repetition - 1), tuple(runs.tolist())
        ),
        HealthFailures(limit, tested, largest, tested * of_window, tuple(windows.tolist())),
    )


@numba.njit(cache=True, nogil=True)
def repetition_count(symbols: NDArray[np.uint8], cutoff: int) -> tuple[NDArray[np.int64], int]:
    """Return where runs of equal symbols reach the cutoff, and the length of the longest run."""
    places = np.empty(len(symbols) // cutoff + 1, np.int64)
    found, longest, run = 0, 1, 1
    for i in range(1, len(symbols)):
        run = run + 1 if symbols[i] == symbols[i - 1] else 1
        if run == cutoff:
            places[found] = i
            found += 1
        longest = max(longest, run)
    return places[:found], longest


@numba.njit(cache=True, nogil=True)
def adaptive_proportion(
    symbols: NDArray[np.uint8], cutoff: int, window: int
) -> tuple[NDArray[np.int64], int]:
    """Return where the first symbol of a window reaches the cutoff in it, and the largest count."""
    places = np.empty(len(symbols) // window + 1, np.int64)
    found, largest = 0, 1
    for start in range(0, len(symbols), window):
        first, count = symbols[start], 1
        for i in range(start + 1, min(start + window, len(symbols))):
            if symbols[i] == first:
                count += 1
                if count == cutoff:
                    places[found] = i
                    found += 1
        largest = max(largest, count)
    return places[:found], largest


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
    _at_most(h, bits_per_symbol)
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


def _at_most(h: float, bits_per_symbol: int) -> None:
    if not 0 < h <= bits_per_symbol:
        raise ValueError(
            f"h must be above 0 and at most the {bits_per_symbol} bits of a symbol, got {h}"
        )
