"""Continuous health tests of a noise source: SP 800-90B, section 4.4.

The cutoffs that an assessed entropy implies, and what the tests find.
"""

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.symbols import Stream, as_symbols
from dan_bench.statistics import binomial_tail

ALPHA = 2.0**-20
"""Of the document's examples; it recommends 2^-20 to 2^-40."""
BINARY_WINDOW, OTHER_WINDOW = 1024, 512


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
    check_entropy(h, bits_per_symbol)
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


def check_entropy(h: float, bits_per_symbol: int) -> None:
    """Refuse an assessed entropy that a symbol cannot have."""
    if not 0 < h <= bits_per_symbol:
        raise ValueError(
            f"h must be above 0 and at most the {bits_per_symbol} bits of a symbol, got {h}"
        )
