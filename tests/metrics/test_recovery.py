"""What an attacker recovered, against channels whose information is known."""

import math

import numpy as np
import pytest
from scipy import stats

from dan_bench.interfaces import Estimate
from dan_bench.metrics.destruction import percent_destroyed
from dan_bench.metrics.recovery import (
    dictionary_information,
    label_information,
    variance_explained,
)

# label_information


def test_sure_and_right_is_everything():
    labels = np.tile(np.arange(4), 25)
    with np.errstate(divide="ignore"):
        sure = np.log(np.eye(4)[labels])
    found = label_information(sure, labels)
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert found.details == {"bits": 2, "of_bits": 2}
    assert found.n == 100


@pytest.mark.parametrize("counts", [[50, 50], [70, 20, 10], [1, 2, 3, 94]])
def test_the_prior_is_nothing(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    prior = np.log(np.array(counts) / len(labels))
    found = label_information(np.tile(prior, (len(labels), 1)), labels)
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.high == pytest.approx(0, abs=1e-12)
    assert found.details["of_bits"] == pytest.approx(stats.entropy(counts, base=2))


def test_worse_than_the_prior_is_nothing_too():
    labels = np.tile([0, 1], 50)
    wrong = np.log(np.where(np.arange(2) == labels[:, None], 0.1, 0.9))
    found = label_information(wrong, labels)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_a_class_that_does_not_occur_costs_nothing():
    labels = np.tile([0, 2], 50)
    found = label_information(np.log(np.tile([0.5, 1e-300, 0.5], (100, 1))), labels)
    assert found.value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("slip", [1 / 8, 1 / 4, 1 / 2])
def test_a_binary_symmetric_channel_gives_its_mutual_information(slip):
    """Frequencies are exactly those of the channel, and so is 1 - h(slip)."""
    labels = np.repeat([0, 1], 400)
    flipped = np.tile(np.arange(400) < 400 * slip, 2)
    seen = labels ^ flipped
    posterior = np.where(np.arange(2) == seen[:, None], 1 - slip, slip)
    found = label_information(np.log(posterior), labels)
    truth = 1 - stats.entropy([slip, 1 - slip], base=2)
    assert found.value == pytest.approx(truth, abs=1e-12)
    assert found.low <= truth + 1e-12
    assert truth <= found.high + 1e-12


def test_a_symmetric_channel_of_ten_classes():
    """Right nine times in ten, else any of the other nine."""
    labels = np.repeat(np.arange(10), 90)
    step = np.tile(np.where(np.arange(90) < 81, 0, np.arange(90) - 80), 10)
    seen = (labels + step) % 10
    posterior = np.where(np.arange(10) == seen[:, None], 0.9, 0.1 / 9)
    found = label_information(np.log(posterior), labels)
    truth = 1 - stats.entropy([0.9] + [0.1 / 9] * 9) / math.log(10)
    assert found.value == pytest.approx(truth, abs=1e-12)


def test_the_interval_covers_the_information_as_often_as_it_says():
    """400 draws of the binary channel with 2000 rows; false alarm 1e-5."""
    rng, slip = np.random.default_rng(0), 0.2
    truth = 1 - stats.entropy([slip, 1 - slip], base=2)
    covered = 0
    for _ in range(400):
        labels = rng.integers(0, 2, 2000)
        seen = labels ^ (rng.random(2000) < slip)
        posterior = np.where(np.arange(2) == seen[:, None], 1 - slip, slip)
        found = label_information(np.log(posterior), labels)
        covered += found.low <= truth <= found.high
    assert covered >= stats.binom.ppf(1e-5, 400, 0.95)


def test_sure_and_wrong_once_recovers_nothing_and_has_an_interval():
    """A probability of 0 for what happened is infinitely bad, and not NaN."""
    labels = np.tile([0, 1], 50)
    sure = np.where(np.arange(2) == labels[:, None], 0.0, -np.inf)
    sure[0] = sure[0, ::-1]
    found = label_information(sure, labels)
    assert (found.value, found.low) == (0, 0)
    assert 0 <= found.high <= 1


def test_equal_labels_have_nothing_to_recover():
    with pytest.raises(ValueError, match="nothing to recover"):
        label_information(np.zeros((5, 3)), np.full(5, 2))


# variance_explained


def rows(n=300, d=4, seed=0):
    return np.random.default_rng(seed).normal(0, 1, (n, d))


def test_perfect_reconstruction_is_everything():
    truth = rows()
    found = variance_explained(truth, truth, truth.mean(axis=0))
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_the_mean_is_nothing():
    truth = rows()
    mean = truth.mean(axis=0)
    found = variance_explained(truth, np.tile(mean, (300, 1)), mean)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_worse_than_the_mean_is_nothing_too():
    truth = rows()
    found = variance_explained(truth, -truth, np.zeros(4))
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert found.details["r_squared"] == pytest.approx(-3)


def test_r_squared_by_hand():
    """Errors 1 and 4 of spreads 4 and 16: 1 - 5/20; every row has the same ratio."""
    truth, guess = np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 2.0]])
    found = variance_explained(truth, guess, np.zeros(2))
    assert found.value == pytest.approx(0.75)
    assert found.low == pytest.approx(0.75)
    assert found.high == pytest.approx(0.75)
    assert found.n == 2


def test_r_squared_is_of_all_bytes_together_and_not_a_mean_over_them():
    truth = np.array([[10.0, 1.0], [-10.0, -1.0]])
    found = variance_explained(truth, truth * [1, 0], np.zeros(2))
    assert found.value == pytest.approx(1 - 2 / 202)


def test_the_interval_covers_a_known_r_squared_as_often_as_it_says():
    """truth = guess + noise: R^2 = 1 / (1 + 0.25). 400 draws of 1000 rows; false alarm 1e-5."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        guess = rng.normal(0, 1, (1000, 3))
        truth = guess + rng.normal(0, 0.5, (1000, 3))
        found = variance_explained(truth, guess, np.zeros(3))
        covered += found.low <= 0.8 <= found.high
    least, most = stats.binom.interval(1 - 1e-5, 400, 0.95)
    assert least <= covered <= most


def test_rows_that_equal_the_mean_have_nothing_to_recover():
    with pytest.raises(ValueError, match="nothing to recover"):
        variance_explained(np.ones((3, 2)), np.zeros((3, 2)), np.ones(2))


# dictionary_information


@pytest.mark.parametrize("k", [2, 16, 1024])
def test_equal_scores_name_nobody(k):
    found = dictionary_information(np.full((20, k), 3.0), np.arange(20) % k)
    assert found.value == pytest.approx(0, abs=1e-12)
    assert found.details["of_bits"] == math.log2(k)
    assert found.details["candidates"] == k


@pytest.mark.parametrize("k", [2, 16, 1024])
def test_the_sure_and_right_name_everybody(k):
    true = np.arange(20) % k
    found = dictionary_information(1000.0 * np.eye(k)[true], true)
    assert (found.value, found.low, found.high) == (1, 1, 1)
    assert found.details["named"] == 1


@pytest.mark.parametrize("k", [4, 1024])
def test_two_that_cannot_be_told_apart_cost_one_bit(k):
    true = np.arange(20) % k
    scores = np.full((20, k), -np.inf)
    scores[np.arange(20), true] = scores[np.arange(20), (true + 1) % k] = 7.0
    found = dictionary_information(scores, true)
    share = (math.log2(k) - 1) / math.log2(k)
    assert found.value == pytest.approx(share, abs=1e-12)
    assert found.low == pytest.approx(share, abs=1e-12)


def test_a_constant_a_row_changes_nothing():
    rng = np.random.default_rng(0)
    scores, true = rng.normal(0, 1, (30, 8)), rng.integers(0, 8, 30)
    shifted = scores + rng.normal(0, 100, (30, 1))
    a, b = dictionary_information(scores, true), dictionary_information(shifted, true)
    assert a.value == pytest.approx(b.value, abs=1e-9)


def test_the_sure_and_wrong_name_nobody():
    true = np.zeros(20, dtype=np.int64)
    found = dictionary_information(1000.0 * np.eye(4)[true + 1], true)
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert found.details["named"] == 0


# percent_destroyed


def test_percent_destroyed_is_100_less_the_best_attack():
    found = percent_destroyed(
        {
            "label": Estimate(0.25, 0.125, 0.5, 1000),
            "reconstruction": Estimate(0.0, 0.0, 0.0625, 500),
            "dictionary": Estimate(0.375, 0.3125, 0.4375, 256),
        }
    )
    assert found.value == 62.5
    # from the largest upper end, label's, to the largest lower end, dictionary's
    assert (found.low, found.high) == (50, 68.75)
    assert found.n == 256
    assert found.details == {"label": 25, "reconstruction": 0, "dictionary": 37.5}


@pytest.mark.parametrize(("share", "percent"), [(0.0, 100), (1.0, 0)])
def test_nothing_recovered_is_100_and_everything_0(share, percent):
    found = percent_destroyed({"a": Estimate(share, share, share, 10)})
    assert (found.value, found.low, found.high) == (percent, percent, percent)


def test_an_attack_without_an_interval_counts_as_a_point():
    found = percent_destroyed({"a": Estimate(0.5), "b": Estimate(0.25, 0.125, 0.75)})
    assert (found.low, found.value, found.high, found.n) == (25, 50, 50, None)


def test_the_interval_holds_the_value():
    rng = np.random.default_rng(0)
    for _ in range(100):
        ends = np.sort(rng.random((3, 3)), axis=1)
        found = percent_destroyed(
            {str(i): Estimate(v, lo, hi) for i, (lo, v, hi) in enumerate(ends)}
        )
        assert found.low <= found.value <= found.high


def test_no_attack_at_all_is_refused():
    with pytest.raises(ValueError, match="at least one attack"):
        percent_destroyed({})


def test_who_has_several_guesses_names_one_of_them_by_chance():
    scores = np.zeros((4, 8))
    assert dictionary_information(scores, np.arange(4)).details["named"] == 1 / 8
    scores[2, 2:4] = 1
    assert dictionary_information(scores, np.arange(4)).details["named"] == (3 / 8 + 1 / 2) / 4
