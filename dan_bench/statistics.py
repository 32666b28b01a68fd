"""Estimates with their intervals, and what a metric demands of its sample."""

import functools
import math
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dan_bench.cli import InputTypeError
from dan_bench.interfaces import Estimate

Numbers = float | NDArray[np.float64] | NDArray[np.int64]
CONFIDENCE = 0.95


class LazySpecial:
    """scipy.special, imported on first use: that takes 0.17 s, and kept tables need none of it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module("scipy.special"), name)


special = LazySpecial()

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


def binomial_tail(k: Numbers, n: Numbers, p: Numbers) -> NDArray[np.float64]:
    """Return P(X > k) of binomial X, for p in (0, 1] and -1 <= k <= n.

    To the last bit what `scipy.stats.binom.sf` gives, whose import takes half a second.
    """
    k, n, p = (np.asarray(x, dtype=np.float64) for x in (k, n, p))
    tail = np.where(k < n, special.betainc(k + 1, n - k, p), 0.0)
    return np.asarray(tail, dtype=np.float64)


def poisson_mass(k: Numbers, mean: Numbers) -> NDArray[np.float64]:
    """Return P(X = k) of Poisson X, for whole k >= 0; as `scipy.stats.poisson.pmf`."""
    k, mean = (np.asarray(x, dtype=np.float64) for x in (k, mean))
    logarithm = special.xlogy(k, mean) - special.gammaln(k + 1) - mean
    return np.asarray(np.exp(logarithm), dtype=np.float64)


BEYOND = 0.01
"""Share of what is possible by which a t interval may leave it, and is merely cut off there."""


def within(estimate: Estimate, low: float, high: float) -> Estimate:
    """Return an estimate whose interval stays within what is possible, [low, high].

    A t interval that leaves it by a little is cut off, which takes nothing from its coverage. One
    that leaves it by more is computed on the logit scale instead (delta method; Agresti,
    Categorical Data Analysis, section 3.1). A mean that is itself not inside keeps its interval.
    """
    of = estimate
    if of.low is None or of.high is None or not low <= of.value <= high:
        return of
    if low <= of.low and of.high <= high:
        return of
    if max(low - of.low, of.high - high) > BEYOND * (high - low) and low < of.value < high:
        half = (of.high - of.low) / 2 * (high - low) / ((of.value - low) * (high - of.value))
        centre = special.logit((of.value - low) / (high - low))
        ends = low + (high - low) * special.expit(np.array([centre - half, centre + half]))
        return Estimate(of.value, float(ends[0]), float(ends[1]), of.n, of.details)
    return Estimate(of.value, max(of.low, low), min(of.high, high), of.n, of.details)


def ranks_by_test(
    estimates: Sequence[Estimate],
    higher_is_better: bool,
    band: tuple[float, float] | None = None,
    level: float = 1 - CONFIDENCE,
) -> list[int]:
    """Rank means over runs: 1 + how many others are better, by more than chance.

    What lies inside the band of ideal noise, or on its better side, shares rank 1, since nothing
    can be better than noise, and is ahead of all others. Of these, one is ahead of another where
    Welch's t-test of the two means says so (Welch 1947), at `level` over all of their pairs
    together (Holm 1979). Means of several runs must have symmetric t intervals, from which their
    standard errors are taken; that of a single run is taken from its own interval.

    Args:
        estimates: means with their 95 % intervals; `n` is over how many runs.
        higher_is_better: which side of the band is the better one.
        band: where ideal noise lies.
        level: chance that any of two equal methods is ranked behind the other.
    """
    sign = 1.0 if higher_is_better else -1.0
    means = sign * np.array([of.value for of in estimates], dtype=np.float64)
    ranks = np.ones(len(means), dtype=np.int64)
    edge = math.inf if band is None else min(sign * band[0], sign * band[1])
    (out,) = np.nonzero(means < edge)
    if len(out) < len(means):
        ranks[out] += len(means) - len(out)
    errors, freedom = standard_errors([estimates[int(i)] for i in out])
    ranks[out] += worse_than(means[out], errors, freedom, level)
    return [int(place) for place in ranks]


def standard_errors(
    estimates: Sequence[Estimate],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the standard error of each mean, and its degrees of freedom."""
    halves = np.array([(of.high or 0) - (of.low or 0) for of in estimates], dtype=np.float64) / 2
    halves[[of.low is None or of.high is None for of in estimates]] = 0.0
    runs = np.array([of.n or 1 for of in estimates], dtype=np.float64)
    freedom = np.where(runs > 1, runs - 1, np.inf)
    return halves / np.abs(special.stdtrit(freedom, (1 + CONFIDENCE) / 2)), freedom


BLOCK = 64
"""Rows of pairs that are looked at together: what they take fits into a processor's cache."""


def far_apart(
    means: NDArray[np.float64], variance: NDArray[np.float64], level: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs (i, j > i) of descending means that any t-test may tell apart at a level.

    That is those whose t would do if it were normal: no other law of t has lighter tails.
    """
    least = (1 - 1e-9) * special.ndtri(1 - level / 2) ** 2  # the factor is for rounding
    found = [np.empty((2, 0), dtype=np.int64)]
    for start in range(0, len(means), BLOCK):
        rows = slice(start, start + BLOCK)
        far = np.subtract.outer(means[rows], means[start:]) ** 2
        far = far >= least * np.add.outer(variance[rows], variance[start:])
        found.append(start + np.stack(np.nonzero(far)))
    first, second = np.concatenate(found, axis=1)
    return first[first < second], second[first < second]


def worse_than(
    means: NDArray[np.float64],
    errors: NDArray[np.float64],
    freedom: NDArray[np.float64],
    level: float,
) -> NDArray[np.int64]:
    """Count those that have a greater mean than each, by Welch's test and Holm's correction."""
    counts = np.zeros(len(means), dtype=np.int64)
    pairs = len(means) * (len(means) - 1) // 2
    order = np.argsort(-means, kind="stable")  # so that the second of a pair is the one behind
    m, variance, df = means[order], errors[order] ** 2, freedom[order]
    first, second = far_apart(m, variance, level)
    apart = m[first] - m[second]
    real = apart > 1e-9 * np.maximum(np.abs(m[first]), np.abs(m[second]))
    first, second, apart = first[real], second[real], apart[real]
    if not len(first):
        return counts
    both = variance[first] + variance[second]
    with np.errstate(divide="ignore"):
        t = apart / np.sqrt(both)
    # Few p-values decide: Holm rejects all below level / pairs, and none above the level divided
    # by the pairs that are not rejected, which are at least all those that were left out above.
    found = t >= special.stdtrit(float(freedom.min()), 1 - level / pairs / 2)
    highest = level / max(1, pairs - len(first))
    (open_,) = np.nonzero(~found & (t >= (1 - 1e-9) * special.ndtri(1 - highest / 2)))
    first_open, second_open, both = first[open_], second[open_], both[open_]
    own = variance**2 / df
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(both > 0, both**2 / (own[first_open] + own[second_open]), np.inf)
    p = 2 * special.stdtr(df, -t[open_])
    nearest = np.argsort(p, kind="stable")
    steps = pairs - np.count_nonzero(found) - np.arange(len(nearest))
    rejected = np.logical_and.accumulate(p[nearest] <= level / steps)
    found[open_[nearest[rejected]]] = True
    counts[order] = np.bincount(second[found], minlength=len(m))
    return counts


def array_of(given: ArrayLike, wanted: str) -> NDArray[Any]:
    """Return anything as an array; InputTypeError, which begins with `wanted`, if numpy refuses."""
    try:
        return np.asarray(given)
    except (ValueError, TypeError, RuntimeError) as error:  # torch raises all three
        ragged = "inhomogeneous" in str(error)
        why = "lists of different lengths" if ragged else f"a {type(given).__name__}: {error}"
        raise InputTypeError(f"{wanted}, got {why}") from None


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
            if np.ma.is_masked(sample):
                raise InputTypeError(f"{metric.__name__} needs all values, got masked ones")
            wanted = f"{metric.__name__} needs an N x d array of uint8, a row each"
            sample = array_of(sample, wanted)
            if sample.dtype != np.uint8 or sample.ndim != 2 or sample.shape[1] == 0:
                raise InputTypeError(
                    f"{wanted}, got shape {sample.shape} of {sample.dtype}: reshape it to N x d, "
                    "or convert values of 0 to 255 with .astype(np.uint8)"
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
