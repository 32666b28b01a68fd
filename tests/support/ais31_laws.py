"""How often an ideal stream fails each test of AIS 20/31: closed forms and exact recurrences."""

import math

import numpy as np
from scipy import stats

N = 20_000


def disjoint_fails() -> float:
    """P(two of 65,536 words of 48 bits are equal)."""
    return -math.expm1(sum(math.log1p(-k / 2**48) for k in range(1 << 16)))


def counted_fails(n: int, low: int, high: int) -> float:
    """P(a count of n fair bits does not lie strictly between low and high)."""
    return float(stats.binom.cdf(low, n, 0.5) + stats.binom.sf(high - 1, n, 0.5))


def poker_fails(low: float, high: float) -> float:
    """P(chi-square with 15 degrees of freedom is outside): the law for many nibbles."""
    return float(stats.chi2.cdf(low, 15) + stats.chi2.sf(high, 15))


def long_run_fails(longest: int, n: int = N) -> float:
    """P(n fair bits hold a run of at least that length), by the recurrence of its complement.

    The differences of n bits are n - 1 fair bits, and such a run is a run of zeros one shorter.
    """
    r = longest - 1
    without = [1.0] * r + [1 - 0.5**r]  # of m fair bits, no run of r zeros
    for m in range(r + 1, n):
        without.append(without[m - 1] - 0.5 ** (r + 1) * without[m - r - 1])
    return 1 - without[n - 1]


def runs_law(length: int, at_least: bool, n: int, most: int) -> np.ndarray:
    """Law of how many runs of ones of that length, or at least that length, n fair bits hold.

    Of fewer than `most` runs.
    """
    # states: in a run of zeros; in a run of ones of 1 ... length; in a longer one
    zeros = np.zeros(most)
    zeros[0] = 1.0
    ones = np.zeros((length + 2, most))
    for _ in range(n):
        ended = ones.sum(axis=0)
        counted = ones[length:].sum(axis=0) if at_least else ones[length]
        shifted = ended - counted
        shifted[1:] += counted[:-1]
        begun = np.empty_like(ones)
        begun[1] = zeros / 2
        begun[2:] = ones[1:-1] / 2
        begun[-1] += ones[-1] / 2
        begun[0] = 0.0
        zeros = (zeros + shifted) / 2
        ones = begun
    last = ones.sum(axis=0)
    counted = ones[length:].sum(axis=0) if at_least else ones[length]
    law = zeros + last - counted
    law[1:] += counted[:-1]
    return law


def runs_fail(length: int, low: int, high: int) -> float:
    """P(the number of runs of ones of that length, 6 for at least 6, is outside [low, high])."""
    law = runs_law(length, length == 6, N, high + (high - low) // 2)
    return float(law[:low].sum() + law[high + 1 :].sum())


def homogeneity_fails(n: int, bound: float) -> float:
    """P(the chi-square of two samples of n fair bits exceeds the bound), over both counts."""
    k = np.arange(n // 2 - 8 * math.isqrt(n), n // 2 + 8 * math.isqrt(n) + 1)
    law = stats.binom.pmf(k, n, 0.5)
    a, b = k[:, None].astype(float), k[None, :].astype(float)
    value = (a - b) ** 2 / (a + b) + (a - b) ** 2 / (2 * n - a - b)
    return float((law[:, None] * law[None, :])[value > bound].sum())


def repeated_fails(once: list[float]) -> tuple[float, float]:
    """P(exactly one of independent tests fails), and P(the procedure fails in the end)."""
    none = math.exp(sum(math.log1p(-p) for p in once))
    one = none * sum(p / (1 - p) for p in once)
    return one, (1 - none - one) + one * (1 - none)
