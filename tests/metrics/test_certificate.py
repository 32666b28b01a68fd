"""Bounds on what an output says of its input, against what it does say."""

import math

import numpy as np
import pytest
from scipy import special
from scipy.spatial.distance import pdist

from dan_bench.metrics import certificate
from dan_bench.metrics.certificate import (
    LinearChannel,
    gaussian_leak,
    largest_distance,
    naming_limit,
    reconstruction_limit,
    squared_distances,
    total_variation,
)


def exact_leak(points):
    """I(X; X + Z) in bits for numbers on a line, by the trapezoidal rule: 10 digits or more."""
    u = np.linspace(points.min() - 12, points.max() + 12, 40_001)
    densities = np.exp(-np.square(u - points[:, None]) / 2) / math.sqrt(2 * math.pi)
    mixture = densities.mean(axis=0)
    terms = special.rel_entr(densities, np.maximum(mixture, 1e-300)).mean(axis=0)
    return float(terms.sum() * (u[1] - u[0])) / math.log(2)


def sampled_leak(points, stream, draws=4000):
    """I(X; U) in bits and its standard error, by Monte Carlo: so many draws for every point."""
    n, k = points.shape
    u = np.repeat(points, draws, axis=0) + stream.normal(size=(n * draws, k))
    squares = np.square(u[:, None] - points).sum(axis=2)
    own = squares[np.arange(len(u)), np.repeat(np.arange(n), draws)]
    bits = (-own / 2 - special.logsumexp(-squares / 2, axis=1) + math.log(n)) / math.log(2)
    return bits.mean(), bits.std() / math.sqrt(len(bits))


def point_sets(count, dimensions):
    """Random sets of points: spread, in clusters, with copies; from far apart to all but equal."""
    for i in range(count):
        stream = np.random.default_rng(i)
        points = stream.normal(size=(stream.integers(2, 12), dimensions))
        if i % 3 == 1:  # two clusters
            points[::2] += 5
        if i % 3 == 2:  # copies
            points[-1] = points[0]
        yield points * 10 ** stream.uniform(-2, 1), stream


# the leak of a Gaussian channel


def test_the_leak_is_never_below_the_truth_on_a_line():
    for points, _ in point_sets(200, 1):
        assert gaussian_leak(points) >= exact_leak(points[:, 0]) - 1e-9


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_leak_is_never_below_the_truth_in_the_plane_and_in_space(dimensions):
    """Five standard errors, 60 times: a false alarm in 50,000 such tests."""
    for points, stream in point_sets(60, dimensions):
        truth, error = sampled_leak(points, stream)
        assert gaussian_leak(points) >= truth - 5 * error - 1e-9


@pytest.mark.parametrize("size", [3e-2, 1e-2, 1e-3])
def test_a_small_leak_is_stated_as_it_is(size):
    """The bound exceeds the truth by a share of the order of the points' variance."""
    points = size * np.random.default_rng(0).normal(size=(50, 1))
    assert gaussian_leak(points) == pytest.approx(exact_leak(points[:, 0]), rel=2 * size**2 + 1e-6)


@pytest.mark.parametrize("size", [1e-4, 1e-6, 1e-9, 1e-12])
def test_the_smallest_leaks_are_half_the_variance(size):
    """To first order, 1/2 tr S nats: 7e-9 bits at 1e-4, and no rounding to 0 below."""
    points = size * np.random.default_rng(0).normal(size=(40, 7))
    expected = points.var(axis=0).sum() / 2 / math.log(2)
    assert 0 < expected < 1e-6
    assert gaussian_leak(points) == pytest.approx(expected, rel=1e-5)


def test_points_of_a_normal_law_leak_what_shannon_says():
    """1/2 log2(1 + P) for a signal of power P (Shannon 1949, theorem 17)."""
    quantiles = special.ndtri((np.arange(4000) + 0.5) / 4000)[:, None]
    for power in (0.01, 1, 10):
        stated = gaussian_leak(math.sqrt(power) * quantiles)
        assert stated == pytest.approx(math.log2(1 + power * quantiles.var()) / 2, rel=1e-6)


def test_what_is_far_apart_leaks_its_name_and_no_more():
    points = 100.0 * np.arange(48).reshape(16, 3)
    assert gaussian_leak(points) == pytest.approx(4, abs=1e-9)
    twins = np.concatenate([points, points])  # 32 rows, 16 names
    assert 4 <= gaussian_leak(twins) <= 4 + 1e-7  # rounded up


@pytest.mark.parametrize("scale", [1e6, 1e12, 1e100])
def test_no_scale_is_too_large(scale):
    points = scale * np.random.default_rng(1).normal(size=(20, 3))
    assert gaussian_leak(points) == pytest.approx(math.log2(20))


@pytest.mark.parametrize("scale", [1e6, 1e8, 1e10, 1e12])
@pytest.mark.parametrize("directions", [1, 2, 3, 10])
def test_points_far_apart_on_a_line_leak_their_names(scale, directions):
    """Beside their covariance, which has no inverse, the identity of the noise is rounded away."""
    along = np.linspace(1, 2, directions)
    points = scale * (np.arange(16) % 4)[:, None] * along
    assert gaussian_leak(points) >= 2 - 1e-9


def test_rounding_hides_no_difference_far_from_the_centre():
    """Two pairs of points 1e9 apart: the distance within a pair is lost in its square."""
    points = np.array([[-1e9], [-1e9 + 3], [1e9 - 3], [1e9]])
    assert gaussian_leak(points) >= 1 + exact_leak(np.array([0.0, 3.0]))


def test_a_single_input_and_equal_inputs_leak_nothing():
    assert gaussian_leak(np.ones((1, 3))) == 0
    assert gaussian_leak(np.ones((9, 3))) == pytest.approx(0, abs=1e-15)
    assert gaussian_leak(np.ones((9, 0))) == 0


def test_turning_moving_and_reordering_change_nothing():
    for points, stream in point_sets(20, 3):
        turn, _ = np.linalg.qr(stream.normal(size=(3, 3)))
        other = stream.permutation(points @ turn + stream.normal(size=3))
        assert gaussian_leak(other) == pytest.approx(gaussian_leak(points), rel=1e-6)


def test_many_points_are_bounded_by_the_determinant_alone():
    points = np.random.default_rng(0).normal(size=(4200, 2))
    covariance = np.cov(points.T, ddof=0)
    expected = math.log2(np.linalg.det(np.eye(2) + covariance)) / 2
    assert gaussian_leak(points) == pytest.approx(expected, rel=1e-9)
    assert gaussian_leak(points[:4000]) <= expected * 1.05


def test_distances_are_never_below_the_truth():
    """Exact for whole numbers, however large."""
    stream = np.random.default_rng(0)
    for digits in (1, 4, 7):
        whole = stream.integers(-(10**digits), 10**digits, (30, 3))
        exact = [
            [sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) for b in whole.tolist()]
            for a in whole.tolist()
        ]
        found = squared_distances(whole.astype(float), whole.astype(float))
        assert (found >= np.array(exact, dtype=float)).all()
        assert found == pytest.approx(
            np.array(exact, dtype=float), rel=1e-12, abs=10.0 ** (2 * digits - 12)
        )


# from weights to points


def random_channel(stream, d=6, k=4, m=5):
    return LinearChannel(
        stream.normal(size=(k, d)), stream.normal(size=(k, m)), stream.normal(size=k)
    )


def random_inputs(stream, n=12, d=6):
    return stream.integers(0, 256, (n, d), dtype=np.uint8)


@pytest.mark.parametrize(("k", "m"), [(4, 5), (4, 4), (1, 3), (8, 9)])
def test_distances_are_those_of_mahalanobis(k, m):
    stream = np.random.default_rng(0)
    channel, inputs = random_channel(stream, k=k, m=m), random_inputs(stream)
    images = (inputs + 0.5) / 256 @ channel.data.T
    precision = np.linalg.inv(channel.noise @ channel.noise.T)
    expected = pdist(images, "mahalanobis", VI=precision)
    assert pdist(channel.whitened(inputs)) == pytest.approx(expected, rel=1e-8)
    assert channel.images(inputs) == pytest.approx(images + channel.offset)


def test_no_invertible_map_of_the_first_layer_changes_a_distance():
    stream = np.random.default_rng(0)
    channel, inputs = random_channel(stream), random_inputs(stream)
    turn = stream.normal(size=(4, 4))
    moved = LinearChannel(turn @ channel.data, turn @ channel.noise, channel.offset + 1e6)
    assert pdist(moved.whitened(inputs)) == pytest.approx(pdist(channel.whitened(inputs)), rel=1e-7)


def test_noise_that_is_missing_in_a_direction_of_the_data_hides_nothing():
    stream = np.random.default_rng(0)
    channel, inputs = random_channel(stream, k=8, m=5), random_inputs(stream)
    assert channel.whitened(inputs) is None  # more sums than noise numbers
    silent = LinearChannel(channel.data, np.zeros((8, 5)), channel.offset)
    assert silent.whitened(inputs) is None
    without = LinearChannel(channel.data, np.zeros((8, 0)), channel.offset)
    assert without.whitened(inputs) is None


@pytest.mark.parametrize("loud", [1e3, 1e6, 1e12])
def test_a_faint_unit_without_noise_hides_nothing_beside_a_loud_one(loud):
    """The layers above may amplify it: it shows its pixel as it is, however faint."""
    channel = LinearChannel(
        np.diag([loud, 1e-7]), np.array([[1e6 * loud], [0.0]]), offset=np.zeros(2)
    )
    assert channel.whitened(np.random.default_rng(0).integers(0, 256, (9, 2), np.uint8)) is None


def test_noise_need_not_reach_where_the_data_do_not_move():
    """More sums than noise numbers, and the data among the noise: the distances of the smaller
    channel; the same where all inputs agree on the pixel that the noise does not reach."""
    stream = np.random.default_rng(0)
    small, inputs = random_channel(stream, k=3, m=3), random_inputs(stream)
    more = stream.normal(size=(8, 3))
    channel = LinearChannel(more @ small.data, more @ small.noise, stream.normal(size=8))
    assert pdist(channel.whitened(inputs)) == pytest.approx(pdist(small.whitened(inputs)))
    inputs[:, 0] = 7
    lone = np.zeros((1, 6))
    lone[0, 0] = 1.0
    wider = LinearChannel(
        np.concatenate([small.data, lone]), np.pad(small.noise, ((0, 1), (0, 0))), np.zeros(4)
    )
    assert pdist(wider.whitened(inputs)) == pytest.approx(pdist(small.whitened(inputs)))
    inputs[0, 0] = 8
    assert wider.whitened(inputs) is None


def test_faint_noise_counts_as_noise_and_not_as_silence():
    """Noise of 1e-10 beside noise of 1, and data that move 5e-10 there: five deviations."""
    channel = LinearChannel(np.diag([1.0, 5e-10]), np.diag([1.0, 1e-10]), np.zeros(2))
    inputs = np.array([[0, 0], [0, 255]], dtype=np.uint8)
    assert pdist(channel.whitened(inputs))[0] == pytest.approx(5 * 255 / 256)


def test_constant_inputs_have_no_distance_whatever_the_noise():
    stream = np.random.default_rng(0)
    inputs = np.full((5, 6), 200, dtype=np.uint8)
    for m in (0, 2, 5):
        points = random_channel(stream, m=m).whitened(inputs)
        assert gaussian_leak(points) == 0
        assert largest_distance(points) == 0


def test_a_large_offset_costs_no_digits():
    stream = np.random.default_rng(0)
    channel, inputs = random_channel(stream), random_inputs(stream)
    far = LinearChannel(1e-9 * channel.data, channel.noise, channel.offset + 1e9)
    expected = 1e-9 * pdist(channel.whitened(inputs))
    assert pdist(far.whitened(inputs)) == pytest.approx(expected, rel=1e-7)


# two inputs


def test_the_largest_distance_is_the_largest_of_all(monkeypatch):
    for pairs in (1 << 22, 1, 7):
        monkeypatch.setattr(certificate, "PAIRS", pairs)
        for dimensions in (1, 2, 5):
            for points, _ in point_sets(30, dimensions):
                expected = pdist(points).max()
                assert largest_distance(points) == pytest.approx(expected, rel=1e-7)


def test_the_largest_distance_of_hard_cases():
    """All equally far from the centre; all equal; one; two; far from the origin."""
    angles = np.linspace(0, 2 * math.pi, 301)[:-1]
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert largest_distance(circle) == pytest.approx(2)
    assert largest_distance(circle + 1e6) == pytest.approx(2, rel=1e-6)
    assert largest_distance(np.ones((4, 2))) == 0
    assert largest_distance(np.ones((1, 2))) == 0
    assert largest_distance(np.array([[0.0, 0.0], [3.0, 4.0]])) == pytest.approx(5)


def test_total_variation_is_what_the_best_test_has_beyond_a_coin():
    """It says the nearer of the two: right with probability Phi(d / 2)."""
    for distance in (0, 1e-9, 0.3, 1, 4, 100):
        best = special.ndtr(distance / 2)
        assert (1 + total_variation(distance)) / 2 == pytest.approx(best, abs=1e-15)
    assert total_variation(1e-9) == pytest.approx(1e-9 / math.sqrt(2 * math.pi))
    u = np.random.default_rng(0).normal(size=400_000)  # of the one; the other lies at 1.5
    right = (u < 0.75).mean()
    assert right == pytest.approx((1 + total_variation(1.5)) / 2, abs=0.004)


# from bits to what they buy


@pytest.mark.parametrize("candidates", [2, 10, 1024, 10**6])
@pytest.mark.parametrize("bits", [1e-12, 1e-8, 1e-3, 0.5, 0.99])
def test_the_limit_on_naming_solves_its_equation(bits, candidates):
    p, chance = naming_limit(bits, candidates), 1 / candidates
    nats = special.rel_entr(p, chance) + special.rel_entr(1 - p, 1 - chance)
    assert chance <= p <= 1
    assert nats / math.log(2) == pytest.approx(bits, rel=1e-6, abs=1e-11)


def test_the_limit_on_naming_at_its_ends():
    assert naming_limit(0.0, 8) == 1 / 8
    assert naming_limit(3.0, 8) == 1
    assert naming_limit(50.0, 8) == 1
    assert naming_limit(math.inf, 8) == 1
    assert naming_limit(2.999, 8) < 1


@pytest.mark.parametrize("right", [0.2, 0.5, 0.9, 0.999])
def test_a_symmetric_channel_reaches_the_limit_on_naming(right):
    """Right with that probability, wrong in every other way alike: I = log2 K - H(p, ...)."""
    k = 8
    wrong = (1 - right) / (k - 1)
    bits = math.log2(k) + right * math.log2(right) + (k - 1) * wrong * math.log2(wrong)
    assert naming_limit(bits, k) == pytest.approx(right)


def test_no_bayes_attacker_names_more_than_the_limit():
    """40 channels, each attacked by the best guess there is; four standard errors."""
    for points, stream in point_sets(40, 2):
        n, draws = len(points), 3000
        u = np.repeat(points, draws, axis=0) + stream.normal(size=(n * draws, 2))
        guess = np.square(u[:, None] - points).sum(axis=2).argmin(axis=1)
        # copies are one name: the best that can be done is to guess among them
        right = (guess == np.repeat(np.arange(n), draws)).mean()
        error = math.sqrt(right * (1 - right) / len(u))
        assert right - 4 * error <= naming_limit(gaussian_leak(points), n)


def posterior_mean_r_squared(inputs, points, stream, draws=2000):
    """R^2 of the best reconstruction there is, on fresh noise, and its standard error."""
    n, k = points.shape
    truth = np.repeat(inputs, draws, axis=0).astype(float)
    u = np.repeat(points, draws, axis=0) + stream.normal(size=(n * draws, k))
    posterior = special.softmax(-np.square(u[:, None] - points).sum(axis=2) / 2, axis=1)
    errors = np.square(truth - posterior @ inputs).sum(axis=1)
    variance = inputs.var(axis=0).sum()
    return 1 - errors.mean() / variance, errors.std() / math.sqrt(len(errors)) / variance


def test_no_reconstruction_is_better_than_the_limit():
    limited = 0
    for i in range(30):
        stream = np.random.default_rng(i)
        channel, inputs = random_channel(stream), random_inputs(stream)
        inputs[:, i % 6] = 0
        quiet = LinearChannel(
            10 ** -stream.uniform(-0.5, 2) * channel.data, channel.noise, channel.offset
        )
        points = quiet.whitened(inputs)
        limit = reconstruction_limit(gaussian_leak(points), inputs)
        limited += limit < 1
        best, error = posterior_mean_r_squared(inputs, points, stream)
        assert best - 4 * error <= limit <= 1
    assert limited > 15


def test_the_limit_on_reconstruction_by_hand():
    """One bit pixel, 0 or 255, I bits: 255^2 I ln 2 / (2 * 127.5^2) = 2 ln 2 I."""
    inputs = np.array([[0, 9], [255, 9]], dtype=np.uint8)
    assert reconstruction_limit(0.01, inputs) == pytest.approx(0.02 * math.log(2))
    assert reconstruction_limit(1.0, inputs) == 1
    assert reconstruction_limit(0.0, inputs) == 0
    assert reconstruction_limit(0.5, np.full((4, 3), 7, dtype=np.uint8)) == 0
    assert reconstruction_limit(math.inf, inputs) == 1
