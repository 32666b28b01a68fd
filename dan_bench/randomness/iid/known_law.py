"""Tests whose law is known: chi-square and the longest repeated substring (SP 800-90B, 5.2)."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dan_bench.randomness.min_entropy.symbols import Symbols
from dan_bench.randomness.min_entropy.tuples import common_prefixes

ALPHA = 0.001
"""Level of these tests (SP 800-90B, section 5.2)."""

INDEPENDENCE, FIT = "chi_square_independence", "chi_square_goodness_of_fit"
REPEATS = "longest_repeated_substring"

PARTS = 10
"""Into how many parts the data are cut for the goodness of fit."""

LEAST_EXPECTED = 5
LONGEST_TUPLE = 11


@dataclass(frozen=True)
class IidTest:
    """The outcome of one test, and the statistic that it rests on.

    `passed` is None where the test did not run; `needs` then says what it lacks. `counts`
    are the permutations whose statistic was above, equal to and below that of the data, up to the
    moment when the outcome was certain; tests with a known law have `p_value` instead, and those
    by chi-square their `freedom`.
    """

    name: str
    passed: bool | None
    statistic: float | None = None
    p_value: float | None = None
    freedom: int | None = None
    counts: tuple[int, int, int] | None = None
    needs: str | None = None

    @classmethod
    def judged(
        cls, name: str, statistic: float, p_value: float, freedom: int | None = None
    ) -> Self:
        """Outcome of a test that passes where its p-value is at least 0.001."""
        return cls(name, p_value >= ALPHA, statistic, p_value, freedom)

    @classmethod
    def not_run(cls, name: str, needs: str) -> Self:
        """Outcome of a test that could not run."""
        return cls(name, None, needs=needs)


def chi_square_tests(codes: Symbols, alphabet: int) -> tuple[IidTest, IidTest]:
    """Independence and goodness of fit of symbols that are numbered 0 ... alphabet - 1.

    Every number must occur. Two symbols have tests of their own; fewer, or too few data, have none.
    """
    if alphabet < 2:
        missing = "at least 2 different symbols"
        return IidTest.not_run(INDEPENDENCE, missing), IidTest.not_run(FIT, missing)
    if alphabet == 2:
        return independence_of_bits(codes), fit_of_bits(codes)
    return independence(codes, alphabet), fit(codes, alphabet)


def independence(codes: Symbols, alphabet: int) -> IidTest:
    """Are neighbours independent? Disjoint pairs, against the product of their marginals (5.2.1).

    The number of expected pairs is that of the pairs there are, floor(L / 2). The document has the
    test for the million symbols that it asks for. It is not run where a pair is expected fewer than
    five times on average: bins of many pairs each do not follow the degrees of freedom, and every
    ideal stream of 10,000 bytes would fail.
    """
    least = 2 * LEAST_EXPECTED * alphabet**2
    if len(codes) < least:
        return IidTest.not_run(INDEPENDENCE, f"at least {least} symbols")
    shares = np.bincount(codes, minlength=alphabet) / len(codes)
    pairs = codes[: len(codes) // 2 * 2].astype(np.int64).reshape(-1, 2)
    bins, totals = bins_of(np.outer(shares, shares).ravel() * len(pairs))
    if len(totals) <= alphabet:
        return IidTest.not_run(
            INDEPENDENCE,
            f"at least {alphabet + 1} bins of {LEAST_EXPECTED} expected pairs, has {len(totals)}",
        )
    cells = bins[pairs[:, 0] * alphabet + pairs[:, 1]]
    observed = np.bincount(cells, minlength=len(totals))
    return _judged(INDEPENDENCE, observed, totals, len(totals) - alphabet)


def fit(codes: Symbols, alphabet: int) -> IidTest:
    """Does every tenth of the data have the distribution of the whole (5.2.2)?"""
    length = len(codes) // PARTS
    bins, totals = bins_of(np.bincount(codes, minlength=alphabet) / len(codes) * length)
    if len(totals) < 2:
        return IidTest.not_run(
            FIT,
            f"2 bins of {LEAST_EXPECTED} expected symbols in each tenth: "
            f"at least {2 * LEAST_EXPECTED * PARTS} symbols",
        )
    parts = bins[codes[: PARTS * length]].reshape(PARTS, length)
    observed = np.array([np.bincount(part, minlength=len(totals)) for part in parts])
    return _judged(FIT, observed, totals, (PARTS - 1) * (len(totals) - 1))


def independence_of_bits(bits: Symbols) -> IidTest:
    """Are neighbouring bits independent? Tuples of m, against the product of marginals (5.2.3).

    m is the largest up to 11 at which the rarest tuple is expected five times. Where that is 1 the
    document lets the test fail; here it is not run, since that is a lack of data.
    """
    n, p = len(bits), float(bits.mean())
    rarer = min(p, 1 - p)
    for m in range(LONGEST_TUPLE, 1, -1):
        if rarer**m * (n // m) >= LEAST_EXPECTED:
            break
    else:
        least = 2 * math.ceil(LEAST_EXPECTED / rarer**2)
        return IidTest.not_run(INDEPENDENCE, f"at least {least} bits of this bias")
    tuples = bits[: n // m * m].reshape(-1, m) @ (1 << np.arange(m))
    ones = np.bitwise_count(np.arange(1 << m))
    expected = p**ones * (1 - p) ** (m - ones) * len(tuples)
    observed = np.bincount(tuples, minlength=1 << m)
    return _judged(INDEPENDENCE, observed, expected, (1 << m) - 2)


def fit_of_bits(bits: Symbols) -> IidTest:
    """Does every tenth of the bits have as many ones as the whole (5.2.4)?"""
    length = len(bits) // PARTS
    if not length:
        return IidTest.not_run(FIT, f"at least {PARTS} bits")
    p = float(bits.mean())
    ones = bits[: PARTS * length].reshape(PARTS, length).sum(axis=1, dtype=np.int64)
    observed = np.stack([length - ones, ones], axis=1)
    return _judged(FIT, observed, np.array([1 - p, p]) * length, PARTS - 1)


def bins_of(expected: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Put cells into bins of at least five expected each, the least expected cell first.

    Returns the bin of each cell and the expected number of each bin. Cells that are equally
    expected go by their index; too little for one bin is one bin.
    """
    bins = np.empty(len(expected), dtype=np.int64)
    totals = [0.0]
    for cell in np.argsort(expected, kind="stable").tolist():
        if totals[-1] >= LEAST_EXPECTED:
            totals.append(0.0)
        bins[cell] = len(totals) - 1
        totals[-1] += float(expected[cell])
    if len(totals) > 1 and totals[-1] < LEAST_EXPECTED:
        rest = totals.pop()
        totals[-1] += rest
    return np.minimum(bins, len(totals) - 1), np.array(totals)


def _judged(
    name: str, observed: NDArray[np.int64], expected: NDArray[np.float64], freedom: int
) -> IidTest:
    """Pearson's chi-square, summed over all axes of `observed`."""
    statistic = float((np.square(observed - expected) / expected).sum())
    return IidTest.judged(name, statistic, float(special.chdtrc(freedom, statistic)), freedom)


def longest_repeated_substring(symbols: Symbols) -> int:
    """Return the length of the longest string that occurs twice; occurrences may overlap."""
    return int(common_prefixes(symbols, 1 + int(symbols.max())).max()) if len(symbols) > 1 else 0


def repeated_substring_test(symbols: Symbols) -> IidTest:
    """Is a repeated string too long? The p-value is that of IID data repeating one as long.

    With p the probability that two symbols are equal, L - W + 1 places and independent pairs of
    them, it is 1 - (1 - p^W)^(number of pairs), which must not be below 0.001.
    """
    n = len(symbols)
    if n < 2:
        return IidTest.not_run(REPEATS, "at least 2 symbols")
    length = longest_repeated_substring(symbols)
    collision = float(np.square(np.bincount(symbols) / n).sum())
    places = n - length + 1
    repeats = collision**length
    if repeats >= 1:
        return IidTest.judged(REPEATS, length, 1.0)
    p_value = -math.expm1(places * (places - 1) / 2 * math.log1p(-repeats))
    return IidTest.judged(REPEATS, length, p_value)
