"""Intervals against scipy, and ranks by hand."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from dan_bench.interfaces import Estimate
from dan_bench.statistics import (
    binomial_interval,
    binomial_tail,
    poisson_mass,
    ranks_by_test,
    t_interval,
    within,
)


@pytest.mark.parametrize("n", [2, 3, 5, 100])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_t_interval_is_scipys(n, confidence):
    x = np.random.default_rng(n).normal(3, 2, n)
    found = t_interval(x, confidence)
    low, high = stats.t.interval(confidence, n - 1, x.mean(), stats.sem(x))
    assert found.value == pytest.approx(x.mean(), rel=1e-14)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.n == n


def test_t_interval_at_95_percent_by_hand():
    found = t_interval([1.0, 2.0, 3.0])
    assert found.value == 2
    assert found.high - 2 == pytest.approx(4.302652729911275 / 3**0.5, rel=1e-9)
    assert 2 - found.low == pytest.approx(found.high - 2, rel=1e-12)


def test_one_value_has_a_mean_and_no_interval():
    assert t_interval([4.0]) == Estimate(4.0, None, None, 1)


def test_equal_values_have_an_interval_of_no_width():
    assert t_interval([0.5, 0.5, 0.5]) == Estimate(0.5, 0.5, 0.5, 3)


def test_the_mean_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no values"):
        t_interval([])


def test_t_intervals_cover_the_mean_as_often_as_they_say():
    """4000 samples of five; two-sided binomial bound at false alarm 1e-5."""
    samples = np.random.default_rng(0).normal(1, 3, (4000, 5))
    found = [t_interval(x) for x in samples]
    covered = sum(e.low <= 1 <= e.high for e in found)
    least, most = stats.binom.interval(1 - 1e-5, 4000, 0.95)
    assert least <= covered <= most


@pytest.mark.parametrize(
    ("hits", "n"),
    [(0, 1), (1, 1), (0, 50), (50, 50), (25, 50), (1, 1000), (999, 1000), (5003, 10000)],
)
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_binomial_interval_is_scipys_exact_one(hits, n, confidence):
    found = binomial_interval(hits, n, confidence)
    expected = stats.binomtest(hits, n).proportion_ci(confidence, method="exact")
    assert found.value == hits / n
    assert found.low == pytest.approx(expected.low, abs=1e-10)
    assert found.high == pytest.approx(expected.high, abs=1e-10)
    assert found.n == n


def test_nothing_and_everything_reach_the_ends():
    assert binomial_interval(0, 20).low == 0
    assert binomial_interval(20, 20).high == 1
    assert 0 < binomial_interval(0, 20).high < 1


@pytest.mark.parametrize("n", [1, 7, 30])
def test_binomial_intervals_cover_every_proportion_at_least_as_often_as_they_say(n):
    """Exact: the mass of the outcomes whose interval holds p, for each p."""
    found = [binomial_interval(hits, n) for hits in range(n + 1)]
    low, high = np.array([(e.low, e.high) for e in found]).T
    p = np.linspace(0.003, 0.997, 200)[:, None]
    mass = stats.binom.pmf(np.arange(n + 1), n, p)
    assert (mass * ((low <= p) & (p <= high))).sum(axis=1).min() >= 0.95


@pytest.mark.parametrize(("hits", "n"), [(-1, 5), (6, 5), (0, 0), (0, -1)])
def test_impossible_hits_are_refused(hits, n):
    with pytest.raises(ValueError, match=f"got {hits} of {n}"):
        binomial_interval(hits, n)


def over_runs(*groups):
    return [t_interval(group) for group in groups]


def test_a_method_ranks_behind_what_is_better_by_more_than_chance():
    clear = over_runs([7.0, 7.1, 7.2], [7.9, 7.95, 8.0], [3.0, 3.1, 3.2])
    assert ranks_by_test(clear, True) == [2, 1, 3]
    assert ranks_by_test(clear, False) == [2, 3, 1]


def test_the_tests_are_welchs_with_holms_correction():
    """Against scipy's own test, and the correction step by step."""
    rng = np.random.default_rng(1)
    for _ in range(100):
        groups = [
            rng.normal(rng.choice([0, 1, 5]), rng.choice([0.05, 0.3, 2]), rng.integers(2, 8))
            for _ in range(rng.integers(2, 12))
        ]
        tested = sorted(
            (stats.ttest_ind(groups[i], groups[j], equal_var=False).pvalue, i, j)
            for i, j in combinations(range(len(groups)), 2)
        )
        expected = [1] * len(groups)
        for k, (p, i, j) in enumerate(tested):
            if p > 0.05 / (len(tested) - k):
                break
            expected[i if np.mean(groups[i]) < np.mean(groups[j]) else j] += 1
        assert ranks_by_test(over_runs(*groups), True) == expected


def test_equal_methods_are_seldom_ranked_apart():
    """At 5 % over all pairs of the column together."""
    rng = np.random.default_rng(2)
    apart = sum(
        set(ranks_by_test(over_runs(*rng.normal(size=(8, 5))), True)) != {1} for _ in range(1000)
    )
    assert apart <= stats.binom.isf(1e-4, 1000, 0.05)


def test_what_lies_in_the_band_of_noise_ties_for_first_and_is_ahead_of_all_others():
    """However wide the interval of the others, and however narrow its own."""
    noise, close = [7.9999, 7.9999, 7.9999], [7.99985, 7.99985, 7.99985]
    wild = [7.9, 1.0, 2.0]
    found = over_runs(noise, close, wild, [8.001, 8.002])
    assert ranks_by_test(found, True, (7.9998, 8.0001)) == [1, 1, 4, 1]
    turned = [Estimate(-of.value, -of.high, -of.low, of.n) for of in found]
    assert ranks_by_test(turned, False, (-8.0001, -7.9998)) == [1, 1, 4, 1]
    assert ranks_by_test(found, True) == [
        1,
        2,
        1,
        1,
    ]  # without a band, its spread protects the third


def test_one_run_is_compared_by_its_own_interval():
    assert ranks_by_test([Estimate(5, 4.9, 5.1, 1), Estimate(4, 3.9, 4.1, 1)], True) == [1, 2]
    assert ranks_by_test([Estimate(5, 4, 6, 1), Estimate(4, 3, 5, 1)], True) == [1, 1]


def test_values_without_spread_are_ranked_as_they_are_but_for_rounding():
    points = [Estimate(1.0), Estimate(3.0), Estimate(3.0 + 1e-14), Estimate(2.0)]
    assert ranks_by_test(points, True) == [4, 1, 1, 3]
    assert ranks_by_test(points, False) == [1, 3, 3, 2]


def test_ranks_of_none_and_one():
    assert ranks_by_test([], True) == []
    assert ranks_by_test([Estimate(0.3)], False) == [1]


def test_an_interval_stays_within_what_is_possible():
    wild = within(t_interval([0.2, 7.0, 7.5]), 0, 8)
    assert t_interval([0.2, 7.0, 7.5]).high > 8
    assert 0 < wild.low < wild.value < wild.high < 8
    # delta method by hand: the logit of the mean +- half / (m (8 - m) / 8)
    plain = t_interval([0.2, 7.0, 7.5])
    half = (plain.high - plain.value) * 8 / (plain.value * (8 - plain.value))
    centre = np.log(plain.value / (8 - plain.value))
    assert wild.high == pytest.approx(8 / (1 + np.exp(-centre - half)))
    assert wild.low == pytest.approx(8 / (1 + np.exp(-centre + half)))
    assert within(Estimate(99.99, 99.97, 100.01), 0, 100) == Estimate(99.99, 99.97, 100)
    for kept in (Estimate(3.6, 3, 4.2), Estimate(8.2, 8.1, 8.3), Estimate(5.0)):
        assert within(kept, 0, 8) == kept


@pytest.mark.parametrize("n", [1, 7, 1023, 10**6])
@pytest.mark.parametrize("p", [1e-9, 0.1, 0.5, 0.93, 1.0])
def test_tails_and_masses_are_scipys(n, p):
    k = np.unique(np.r_[-1, 0, n, np.random.default_rng(n).integers(0, n + 1, 200)])
    assert np.array_equal(binomial_tail(k, n, p), stats.binom.sf(k, n, p))
    k = np.arange(2000)
    assert np.array_equal(poisson_mass(k, n * p), stats.poisson.pmf(k, n * p))
