"""SP 800-90B, section 5.2, against a transcription of its text and over ideal streams.

Statistical bounds are Z standard errors of a normal law: a false alarm of 1e-5 a comparison, and
the seeds are fixed.
"""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from iid_streams import Z, array, ideal
from scipy import stats

from dan_bench.randomness.iid.known_law import (
    bins_of,
    chi_square_tests,
    longest_repeated_substring,
    repeated_substring_test,
)


def coded(symbols):
    """Symbols numbered from 0, and how many different ones there are."""
    different, codes = np.unique(symbols, return_inverse=True)
    return codes.astype(np.uint8), len(different)


def test_bins_take_the_least_expected_cells_first():
    bins, totals = bins_of(np.array([3.0, 9.0, 1.0, 2.0, 0.5, 20.0]))
    assert bins.tolist() == [0, 1, 0, 0, 0, 2]
    assert totals.tolist() == [6.5, 9, 20]


def test_a_last_bin_that_is_too_small_joins_the_one_before():
    bins, totals = bins_of(np.full(7, 2.0))
    assert bins.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert totals.tolist() == [6, 8]
    assert bins_of(np.full(2, 2.0))[1].tolist() == [4]


@given(st.lists(st.floats(0, 30), min_size=1, max_size=80))
def test_bins_hold_all_cells_and_at_least_five_each(expected):
    bins, totals = bins_of(np.array(expected))
    for b, total in enumerate(totals):
        assert total == pytest.approx(math.fsum(np.array(expected)[bins == b].tolist()))
    assert bins.max() + 1 <= len(totals)
    assert len(totals) == 1 or totals.min() >= 5
    ordered = bins[np.argsort(expected, kind="stable")]
    assert (np.diff(ordered) >= 0).all()


def transcribed_chi_square(symbols):
    """Statistics and degrees of freedom of 5.2.1 and 5.2.2, or 5.2.3 and 5.2.4, one by one."""
    s, n = symbols.tolist(), len(symbols)
    different = sorted(set(s))
    share = {x: s.count(x) / n for x in different}

    def binned(expected):
        bins = [[]]
        for cell in sorted(expected, key=lambda cell: (expected[cell], cell)):
            if sum(expected[c] for c in bins[-1]) >= 5:
                bins.append([])
            bins[-1].append(cell)
        if len(bins) > 1 and sum(expected[c] for c in bins[-1]) < 5:
            last = bins.pop()
            bins[-1] += last
        return [set(cells) for cells in bins]

    def pearson(drawn, bins, expected):
        return sum(
            (sum(x in cells for x in drawn) - (e := sum(expected[c] for c in cells))) ** 2 / e
            for cells in bins
        )

    tenths = [s[i * (n // 10) : (i + 1) * (n // 10)] for i in range(10)]
    if len(different) > 2:
        pairs = list(zip(s[: n // 2 * 2 : 2], s[1::2], strict=True))
        expected = {(a, b): share[a] * share[b] * len(pairs) for a in different for b in different}
        bins = binned(expected)
        independence = pearson(pairs, bins, expected), len(bins) - len(different)
        expected = {x: share[x] * (n // 10) for x in different}
        bins = binned(expected)
        fit = sum(pearson(part, bins, expected) for part in tenths), 9 * (len(bins) - 1)
    else:
        p = share[different[1]]
        m = max(m for m in range(1, 12) if min(p, 1 - p) ** m * (n // m) >= 5)
        words = Counter(tuple(s[i * m : (i + 1) * m]) for i in range(n // m))
        total = 0
        for word in itertools.product((0, 1), repeat=m):
            e = math.prod(p if bit else 1 - p for bit in word) * (n // m)
            total += (words[word] - e) ** 2 / e
        independence = total, 2**m - 2
        fit = pearson_of_tenths(tenths, p), 9
    return independence, fit


def pearson_of_tenths(tenths, p):
    size = len(tenths[0])
    return sum(
        (sum(t) - p * size) ** 2 / (p * size)
        + (size - sum(t) - (1 - p) * size) ** 2 / ((1 - p) * size)
        for t in tenths
    )


@pytest.mark.parametrize(
    "symbols",
    [
        ideal(0, 2001, 6),
        ideal(1, 3003, 11),
        np.random.default_rng(2).binomial(9, 0.3, 4000).astype(np.uint8),
        np.random.default_rng(3).geometric(0.4, 2500).astype(np.uint8),
        ideal(4, 5000, 2),
        (np.random.default_rng(5).random(3001) < 0.2).astype(np.uint8),
        (np.random.default_rng(6).random(3001) < 0.9).astype(np.uint8),
        ideal(7, 70_000, 2),
    ],
    ids=["6", "11", "binomial", "geometric", "bits", "20 % ones", "90 % ones", "m = 11"],
)
def test_chi_square_is_that_of_the_text(symbols):
    codes, alphabet = coded(symbols)
    for found, (statistic, freedom) in zip(
        chi_square_tests(codes, alphabet), transcribed_chi_square(codes), strict=True
    ):
        assert found.statistic == pytest.approx(statistic, rel=1e-9)
        assert found.freedom == freedom
        assert found.p_value == pytest.approx(stats.chi2.sf(statistic, freedom), rel=1e-9)
        assert found.passed == (found.p_value >= 0.001)


@pytest.mark.parametrize(("levels", "n"), [(2, 5000), (16, 2560), (16, 10_000)])
def test_chi_square_rejects_ideal_streams_as_often_as_it_says(levels, n):
    """1,000 streams; Pearson's law holds up to about a tenth of alpha at five expected."""
    p = np.array(
        [
            [test.p_value for test in chi_square_tests(*coded(ideal(seed, n, levels)))]
            for seed in range(1000)
        ]
    )
    for alpha in (0.5, 0.1, 0.01):
        error = Z * math.sqrt(alpha * (1 - alpha) / 1000)
        assert (abs((p < alpha).mean(axis=0) - alpha) < error + alpha / 10).all()


def test_independence_waits_until_pairs_are_expected_five_times():
    """With fewer, ideal streams would fail: 1,000 of them do not."""
    for seed in range(1000):
        independence, fit = chi_square_tests(*coded(ideal(seed, 2559, 16)))
        assert independence.needs == "at least 2560 symbols"
        assert fit.p_value > 1e-6


# the longest repeated substring


def brute_repeat(s):
    n = len(s)
    for length in range(n - 1, 0, -1):
        found = [tuple(s[i : i + length]) for i in range(n - length + 1)]
        if len(set(found)) < len(found):
            return length
    return 0


@given(st.integers(1, 4).flatmap(lambda k: st.lists(st.integers(0, k), max_size=40)))
def test_the_longest_repeat_is_that_of_all_substrings(symbols):
    assert longest_repeated_substring(array(symbols)) == brute_repeat(symbols)


def test_a_planted_repeat_is_found():
    x = ideal(0, 100_000)
    x[70_000:70_100] = x[500:600]
    found = repeated_substring_test(x)
    assert found.statistic == 100
    assert (found.passed, found.p_value) == (False, pytest.approx(0, abs=1e-200))


@pytest.mark.parametrize(("levels", "n"), [(256, 5000), (4, 3000)])
def test_the_p_value_is_that_of_independent_pairs(levels, n):
    found = repeated_substring_test(ideal(1, n, levels))
    share = np.bincount(ideal(1, n, levels)) / n
    w = int(found.statistic)
    pairs = math.comb(n - w + 1, 2)
    assert found.p_value == pytest.approx(1 - (1 - float(share @ share) ** w) ** pairs, rel=1e-6)


def test_ideal_streams_repeat_nothing_that_is_too_long():
    assert all(repeated_substring_test(ideal(seed, 2000, 4)).passed for seed in range(1000))
