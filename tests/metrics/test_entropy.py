"""Entropies against closed forms.

Statistical bounds are Z standard errors of a normal law: a false alarm of 1e-5 a comparison, and
the seeds are fixed.
"""

import math
import re

import numpy as np
import pytest
from scipy import integrate, special, stats

from dan_bench.metrics.entropy import (
    bit_bias,
    effective_dimensions,
    entropy_bits,
    joint_bits,
    shannon_bits,
)
from dan_bench.statistics import SampleTooSmall

Z = float(stats.norm.isf(0.5e-5))
METRICS = [shannon_bits, bit_bias, joint_bits, effective_dimensions]


def ideal(seed, n, d):
    return np.random.default_rng(seed).integers(0, 256, (n, d), dtype=np.uint8)


def plug_in(sample):
    p = np.bincount(sample.ravel(), minlength=256) / sample.size
    return -float(special.xlogy(p, p).sum()) / math.log(2)


def expected_entropy(n):
    """Exact means of the plug-in and the Miller-Madow entropy of n uniform bytes, in bits."""
    k = np.arange(n + 1)
    mass = stats.binom.pmf(k, n, 1 / 256)
    plain = -256 * float(mass @ special.xlogy(k / n, k / n)) / math.log(2)
    occupied = 256 * (1 - (255 / 256) ** n)
    return plain, plain + (occupied - 1) / (2 * n * math.log(2))


# shannon_bits


def test_a_constant_has_no_entropy():
    assert shannon_bits(np.full((50, 3), 7, dtype=np.uint8)).value == 0


@pytest.mark.parametrize("levels", [2, 4, 16, 256])
def test_equally_frequent_bytes_have_the_logarithm_of_their_number(levels):
    """Up to the Miller-Madow term, which is known exactly where counts are."""
    sample = np.tile(np.arange(levels, dtype=np.uint8), 1000)[:, None]
    n = sample.size
    correction = (levels - 1) / (2 * n * math.log(2))
    assert shannon_bits(sample).value == pytest.approx(math.log2(levels) + correction, abs=1e-12)
    assert shannon_bits(sample).n == n


def test_a_dyadic_law_has_its_entropy():
    sample = np.repeat(np.array([9, 5, 200, 0], dtype=np.uint8), [4000, 2000, 1000, 1000])
    correction = 3 / (2 * 8000 * math.log(2))
    found = shannon_bits(sample.reshape(-1, 8)).value
    assert found == pytest.approx(1.75 + correction, abs=1e-12)


def test_empty_cells_do_not_count():
    assert entropy_bits(np.array([5, 0, 5, 0])) == entropy_bits(np.array([5, 5]))


def test_miller_madow_takes_off_the_bias_that_the_plug_in_has():
    """500 ideal samples of 2000 bytes; the plain estimate would be 0.09 bits too small."""
    samples = [ideal(seed, 100, 20) for seed in range(500)]
    corrected = np.array([shannon_bits(sample).value for sample in samples])
    plain = np.array([plug_in(sample) for sample in samples])
    error = Z * corrected.std(ddof=1) / math.sqrt(500)
    of_plain, of_corrected = expected_entropy(2000)
    assert abs(corrected.mean() - of_corrected) < error
    assert abs(plain.mean() - of_plain) < error
    # what second order leaves of the bias is 0.002 bits
    assert abs(corrected.mean() - 8) < 0.003 + error < 0.006
    assert abs(plain.mean() - 8) > 0.08


# bit_bias


@pytest.mark.parametrize(
    ("values", "bias"),
    [
        ([0], 0.5),
        ([255], 0.5),
        (range(256), 0.0),
        ([0, 255], 0.0),
        (range(128), 0.5),  # the top bit is never set
        ([0, 0, 0, 255], 0.25),
        ([0, 0, 0, 0, 1], 0.5),  # seven planes hold nothing but zeros
        ([0b11111110, 0b1, 0b11111111, 0b1, 0], 0.1),
    ],
)
def test_bit_bias_of_known_bytes(values, bias):
    sample = np.array(list(values), dtype=np.uint8)[:, None]
    assert bit_bias(sample).value == pytest.approx(bias, abs=1e-15)


def test_bit_bias_of_noise_is_the_largest_of_eight_half_normals():
    """0.89 / sqrt(n): half of the mean of the largest of eight, by integration."""
    n = 8000
    mean, _ = integrate.quad(lambda x: 1 - (2 * stats.norm.cdf(x) - 1) ** 8, 0, 20)
    found = np.array([bit_bias(ideal(seed, n // 8, 8)).value for seed in range(400)])
    level = mean / 2 / math.sqrt(n)
    # moments of the discrete law differ from the normal ones by terms of order 1/n
    assert abs(found.mean() - level) < Z * found.std(ddof=1) / math.sqrt(400) + level / n
    assert level * math.sqrt(n) == pytest.approx(0.8917, abs=1e-4)


def test_the_level_that_bit_bias_documents_is_that_of_noise():
    documented = float(re.search(r"([\d.]+) / sqrt", bit_bias.__doc__)[1])
    mean, _ = integrate.quad(lambda x: 1 - (2 * stats.norm.cdf(x) - 1) ** 8, 0, 20)
    assert documented == pytest.approx(mean / 2, abs=0.05)


# joint_bits


@pytest.mark.parametrize(
    ("n", "d", "repeats"),
    [(1000, 1, 20), (2000, 16, 20), (4096, 64, 8), (1002, 200, 6), (1002, 1000, 2)],
)
def test_ideal_noise_has_8_joint_bits_at_any_n_and_d(n, d, repeats):
    """Exact mean: the marginals' Miller-Madow mean, and a total correlation of 0.

    Standard errors: of log det R, that of a Wishart's log det less that of its diagonal; of a
    marginal, sqrt(255 / 2) / n nats.
    """
    found = [joint_bits(ideal(1000 + seed, n, d)) for seed in range(repeats)]
    freedom = n - 1
    variance = special.polygamma(1, (freedom - np.arange(d)) / 2).sum()
    variance -= d * special.polygamma(1, freedom / 2)
    of_total = 0.5 * math.sqrt(max(0, variance)) / math.log(2) / d / math.sqrt(repeats)
    of_marginals = math.sqrt(255 / 2) / n / math.log(2) / math.sqrt(d * repeats)
    total = np.mean([e.details["total_correlation_bits"] for e in found])
    value = np.mean([e.value for e in found])
    assert abs(total) <= Z * of_total + 1e-12
    assert abs(value - expected_entropy(n)[1]) < Z * math.hypot(of_total, of_marginals)
    # what second order leaves of the marginals' bias: 0.016 bits at n = 1000
    assert abs(value - 8) < 0.02


def lost_to_the_cells():
    """Share of a standard normal's variance that lies within the cells of floor(256 Phi(z))."""
    density = stats.norm.pdf(stats.norm.ppf(np.arange(257) / 256))
    means = 256 * -np.diff(density)
    return 1 - float(np.square(means).mean())


def ar1(rho, d):
    return rho ** np.abs(np.subtract.outer(np.arange(d), np.arange(d)))


def equicorrelated(rho, d):
    return np.full((d, d), rho) + (1 - rho) * np.eye(d)


@pytest.mark.parametrize("law", [ar1, equicorrelated])
@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9])
def test_a_gaussian_copula_has_the_total_correlation_of_its_matrix(law, rho):
    """Between that of R and that of R blurred by the cells; the marginals stay uniform.

    Standard error of log det R-hat: sqrt(2 / n) times the Frobenius norm of R - I.
    """
    n, d = 20000, 12
    matrix = law(rho, d)
    z = np.random.default_rng(5).multivariate_normal(np.zeros(d), matrix, n, method="cholesky")
    sample = np.minimum(256 * stats.norm.cdf(z), 255).astype(np.uint8)
    found = joint_bits(sample)

    def total(r):
        return -0.5 * np.linalg.slogdet(r)[1] / math.log(2) / d

    kept = 1 - lost_to_the_cells()
    blurred = kept * matrix + (1 - kept) * np.eye(d)
    error = 0.5 * math.sqrt(2 / n) * np.linalg.norm(matrix - np.eye(d)) / math.log(2) / d
    measured = found.details["total_correlation_bits"]
    assert total(blurred) - Z * error < measured < total(matrix) + Z * error
    of_marginals = math.sqrt(255 / 2) / n / math.log(2)  # equal columns at the worst
    assert abs(found.details["marginal_bits"] - 8) < Z * of_marginals + 1e-4
    assert found.value == pytest.approx(found.details["marginal_bits"] - measured, abs=1e-12)


@pytest.mark.parametrize("d", [2, 8, 32, 128])
def test_equal_columns_are_far_below_8_and_not_below_the_truth(d):
    """The true joint entropy is that of one column, 8 / d bits a byte."""
    found = joint_bits(np.repeat(ideal(0, 4000, 1), d, axis=1))
    assert math.isfinite(found.value)
    assert all(math.isfinite(x) for x in found.details.values())
    assert 8 / d <= found.value < {2: 6, 8: 4, 32: 3, 128: 2.2}[d]


def test_a_copied_row_of_columns_halves_what_is_seen_of_it():
    """Each column twice: half of the bytes are redundant, and most of that is noticed."""
    once = joint_bits(ideal(0, 4000, 10)).value
    twice = joint_bits(np.tile(ideal(0, 4000, 10), 2)).value
    assert 4 <= twice < 6 < once


def test_constant_columns_have_no_entropy():
    """The total correlation of what the cells are filled with is noise around 0."""
    n, d = 1000, 20
    found = joint_bits(np.full((n, d), 255, dtype=np.uint8))
    deviation = 0.5 * math.sqrt(d * (d - 1)) / n / math.log(2) / d
    assert found.details["marginal_bits"] == 0
    assert abs(found.details["total_correlation_bits"]) < Z * deviation
    assert 0 <= found.value < Z * deviation


def test_constant_columns_beside_noise_add_nothing():
    noise = ideal(3, 4000, 8)
    both = np.concatenate([noise, np.zeros_like(noise)], axis=1)
    assert joint_bits(both).value == pytest.approx(joint_bits(noise).value / 2, abs=2e-3)


def correlated(n=20000, d=12):
    z = np.random.default_rng(9).multivariate_normal(np.zeros(d), ar1(0.8, d), n)
    return np.minimum(256 * stats.norm.cdf(z), 255).astype(np.uint8)


@pytest.mark.parametrize(
    "make", [lambda: ideal(2, 3000, 12), correlated], ids=["noise", "correlated"]
)
def test_joint_bits_does_not_depend_on_the_order_of_columns_or_rows(make):
    """The spreading within cells moves it by 2e-4 where columns are correlated (deviation)."""
    sample = make()
    rng = np.random.default_rng(0)
    first = joint_bits(sample).value
    assert joint_bits(sample).value == first
    for _ in range(3):
        assert joint_bits(sample[:, rng.permutation(12)]).value == pytest.approx(first, abs=1e-3)
        assert joint_bits(rng.permutation(sample)).value == pytest.approx(first, abs=1e-3)


@pytest.mark.parametrize("metric", METRICS)
def test_no_metric_depends_on_how_the_sample_was_put_together(metric):
    sample = correlated()
    kept = sample.copy()
    parts = [sample[:7].copy(), sample[7:2000].copy(), sample[2000:].copy()]
    expected = metric(sample)
    assert metric(np.concatenate(parts)) == expected
    assert metric(np.asfortranarray(sample)) == expected
    assert metric(np.repeat(sample, 2, axis=1)[:, ::2]) == expected
    assert np.array_equal(sample, kept)


def test_joint_bits_does_not_touch_the_global_random_state():
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    joint_bits(ideal(0, 1000, 4))
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


# effective_dimensions


@pytest.mark.parametrize(("n", "d", "repeats"), [(2000, 50, 10), (1000, 784, 4), (300, 784, 6)])
def test_ideal_noise_has_all_the_dimensions_that_its_n_allows(n, d, repeats):
    """The mean is 1 - (kurtosis - 1) / n to first order, the deviation 2 / (n + d).

    The kurtosis of a uniform byte is 9/5. Terms of second order are below 4 / n^2.
    """
    found = [effective_dimensions(ideal(50 + seed, n, d)) for seed in range(repeats)]
    first_order = 1 - 0.8 * (1 - 1 / d) / (n + d)
    error = Z * 2 / (n + d) / math.sqrt(repeats) + 4 / n**2
    assert abs(np.mean([e.value for e in found]) - first_order) < error
    expected = d / (1 + (d - 1) / (n - 1))
    assert all(e.details["expected"] == pytest.approx(expected, rel=1e-12) for e in found)
    assert all(e.value * expected == pytest.approx(e.details["dimensions"]) for e in found)


@pytest.mark.parametrize("k", [2, 5, 40])
def test_k_times_repeated_columns_have_the_dimensions_of_one_copy(k):
    """C becomes J_k (x) C: (k tr C)^2 / (k^2 tr C^2) does not change, what is expected does."""
    n, d = 1000, 16
    base = ideal(0, n, d)
    once, often = effective_dimensions(base), effective_dimensions(np.tile(base, k))
    assert often.details["dimensions"] == pytest.approx(once.details["dimensions"], rel=1e-12)
    share = (1 + (k * d - 1) / (n - 1)) / (1 + (d - 1) / (n - 1)) / k
    assert often.value == pytest.approx(share * once.value, rel=1e-12)


def test_one_column_repeated_is_one_dimension():
    sample = np.repeat(ideal(0, 500, 1), 30, axis=1)
    assert effective_dimensions(sample).details["dimensions"] == pytest.approx(1, rel=1e-12)


def test_the_participation_ratio_of_known_variances():
    """Orthogonal columns of variances 1, 1 and 4: (1 + 1 + 4)^2 / (1 + 1 + 16)."""
    a, b = np.array([0, 0, 2, 2]), np.array([0, 2, 0, 2])
    c = 2 * (a ^ b)
    found = effective_dimensions(np.stack([a, b, c], axis=1).astype(np.uint8))
    assert found.details["dimensions"] == pytest.approx(2, rel=1e-12)


def test_a_constant_sample_has_no_dimensions():
    assert effective_dimensions(np.full((10, 4), 200, dtype=np.uint8)).value == 0


# what a metric refuses


@pytest.mark.parametrize(
    ("metric", "least"),
    [(shannon_bits, 1), (bit_bias, 1), (joint_bits, 1000), (effective_dimensions, 3)],
)
def test_too_few_rows_are_refused_with_the_numbers(metric, least):
    assert metric.needs_rows(5) == least
    metric(ideal(0, least, 5))
    with pytest.raises(SampleTooSmall, match=f"at least {least} rows of 5 bytes, got {least - 1}"):
        metric(ideal(0, least - 1, 5))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    "sample",
    [
        np.zeros((50, 4)),
        np.zeros((50, 4), dtype=np.int64),
        np.zeros(50, np.uint8),
        np.zeros((5, 5, 5), np.uint8),
    ],
    ids=["floats", "integers", "1-D", "3-D"],
)
def test_what_is_no_table_of_bytes_is_refused(metric, sample):
    with pytest.raises(TypeError, match=metric.__name__):
        metric(sample)
