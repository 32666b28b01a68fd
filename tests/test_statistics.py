"""Intervals against scipy, and ranks by hand."""

import numpy as np
import pytest
from scipy import stats

from dan_bench.interfaces import Estimate
from dan_bench.statistics import binomial_interval, shared_ranks, t_interval


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


def spans(*bounds):
    return [Estimate((low + high) / 2, low, high) for low, high in bounds]


def test_methods_whose_intervals_overlap_share_a_rank():
    assert shared_ranks(spans((0.8, 0.9), (0.85, 0.95), (0.1, 0.2)), True) == [1, 1, 3]
    assert shared_ranks(spans((0.8, 0.9), (0.85, 0.95), (0.1, 0.2)), False) == [2, 2, 1]


def test_overlap_is_with_whoever_is_better_and_not_a_chain():
    """The second overlaps both; the third is clearly worse than the first alone."""
    chain = spans((5, 6), (4, 5.5), (3, 4.5))
    assert shared_ranks(chain, True) == [1, 1, 2]
    assert shared_ranks(chain, False) == [2, 1, 1]


def test_intervals_that_touch_overlap():
    assert shared_ranks(spans((1, 2), (2, 3)), True) == [1, 1]
    assert shared_ranks(spans((1, 2), (2, 3)), False) == [1, 1]


def test_points_are_ranked_as_points():
    points = [Estimate(1.0), Estimate(3.0), Estimate(3.0), Estimate(2.0)]
    assert shared_ranks(points, True) == [4, 1, 1, 3]
    assert shared_ranks(points, False) == [1, 3, 3, 2]


def test_a_point_within_an_interval_shares_its_rank():
    mixed = [Estimate(5.0), *spans((4, 6), (1, 2))]
    assert shared_ranks(mixed, True) == [1, 1, 3]


def test_ranks_of_none_and_one():
    assert shared_ranks([], True) == []
    assert shared_ranks([Estimate(0.3)], False) == [1]


def test_turning_the_axis_turns_the_direction():
    """Ranks of x by less is better are ranks of -x by more is better."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        ends = np.sort(rng.integers(0, 20, (6, 2)), axis=1)
        there = shared_ranks(spans(*ends), False)
        assert there == shared_ranks(spans(*-ends[:, ::-1]), True)
