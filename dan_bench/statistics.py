"""Estimates with their intervals, and what a metric demands of its sample."""

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from dan_bench.interfaces import Estimate

CONFIDENCE = 0.95


SMOOTH = 1e6
"""How much of a level goes to the lower tail in `with_lower_tail`: one part in a million."""


def with_lower_tail(upper: float, lower: float) -> float:
    """P-value of a statistic that is suspicious where it is large, or absurdly small.

    A Bonferroni correction with unequal weights: p-values of noise stay those of the upper tail.
    """
    return min(1.0, upper, SMOOTH * lower)


def t_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> Estimate:
    """Mean and Student's t interval (ddof = 1); no interval for fewer than two values."""
    x = np.asarray(values, dtype=np.float64)
    if x.size == 0:
        raise ValueError("the mean of no values is not defined")
    mean = float(x.mean())
    if x.size == 1:
        return Estimate(mean, n=1)
    half = special.stdtrit(x.size - 1, (1 + confidence) / 2) * x.std(ddof=1) / math.sqrt(x.size)
    return Estimate(mean, mean - float(half), mean + float(half), n=x.size)


def binomial_interval(hits: int, n: int, confidence: float = CONFIDENCE) -> Estimate:
    """Proportion and its exact interval (Clopper & Pearson 1934)."""
    if not 0 <= hits <= n or n == 0:
        raise ValueError(f"hits must lie between 0 and n >= 1, got {hits} of {n}")
    tail = (1 - confidence) / 2
    low = special.betaincinv(hits, n - hits + 1, tail) if hits > 0 else 0.0
    high = special.betaincinv(hits + 1, n - hits, 1 - tail) if hits < n else 1.0
    return Estimate(hits / n, float(low), float(high), n=n)


def shared_ranks(estimates: list[Estimate], higher_is_better: bool) -> list[int]:
    """Rank of each: 1 + how many others are better by intervals that do not overlap."""

    def bounds(e: Estimate) -> tuple[float, float]:
        low = e.value if e.low is None else e.low
        high = e.value if e.high is None else e.high
        return (low, high) if higher_is_better else (-high, -low)

    spans: NDArray[np.float64] = np.array([bounds(e) for e in estimates]).reshape(-1, 2)
    lows = np.sort(spans[:, 0])
    ahead = len(lows) - np.searchsorted(lows, spans[:, 1], side="right")
    return [1 + int(count) for count in ahead]


class SampleTooSmall(ValueError):
    """A metric was asked of fewer rows than it needs."""


F = TypeVar("F", bound=Callable[..., Estimate])


def needs_rows(minimum: Callable[[int], int]) -> Callable[[F], F]:
    """Declare how many rows a metric of an N x d sample needs, as a function of d.

    The function checks its sample, and carries `minimum` for callers that ask beforehand.
    """

    def decorate(metric: F) -> F:
        @functools.wraps(metric)
        def checked(sample: NDArray[np.uint8], *args: Any, **kwargs: Any) -> Estimate:
            sample = np.asarray(sample)
            if sample.dtype != np.uint8 or sample.ndim != 2:
                raise TypeError(
                    f"{metric.__name__} needs an N x d array of uint8, "
                    f"got shape {sample.shape} of {sample.dtype}"
                )
            if len(sample) < minimum(sample.shape[1]):
                raise SampleTooSmall(
                    f"{metric.__name__} needs at least {minimum(sample.shape[1])} rows of "
                    f"{sample.shape[1]} bytes, got {len(sample)}"
                )
            return metric(sample, *args, **kwargs)

        checked.needs_rows = minimum  # type: ignore[attr-defined]
        return checked  # type: ignore[return-value]

    return decorate


def entropy_bits(counts: NDArray[np.int64]) -> float:
    """Entropy of a histogram in bits, with the Miller-Madow correction (Miller 1955).

    The plug-in estimate is too small by (occupied cells - 1) / (2 n ln 2) to first order. The
    corrected value may exceed the logarithm of the number of cells by its own noise.
    """
    occupied = counts[counts > 0].astype(np.float64)
    n = occupied.sum()
    p = occupied / n
    plug_in = -float(p @ np.log2(p))
    return plug_in + (len(occupied) - 1) / (2 * float(n) * math.log(2))
