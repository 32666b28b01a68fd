"""Does the stream repeat? Closed forms, laws on ideal input, power."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dan_bench.randomness import spectrum

Z = 5
STREAMS = 1500


def ideal(seed, n, bits=8):
    return np.random.default_rng(seed).integers(0, 1 << bits, n, dtype=np.uint8)


def lag_of(symbols):
    return spectrum.strongest_lag(spectrum.autocorrelation(symbols), len(symbols))


def line_of(symbols):
    return spectrum.strongest_line(spectrum.periodogram(symbols))


# closed forms


def test_autocorrelation_is_its_definition():
    symbols = ideal(0, 300)
    x = symbols - symbols.mean()
    direct = [np.dot(x[:-k], x[k:]) / np.dot(x, x) for k in range(1, 76)]
    assert spectrum.autocorrelation(symbols) == pytest.approx(direct, abs=1e-12)
    assert len(spectrum.autocorrelation(symbols, 10)) == 10


def test_a_period_is_correlated_with_itself():
    found = spectrum.autocorrelation(np.tile(ideal(1, 50), 40))
    assert found[49] == pytest.approx(1 - 50 / 2000, abs=1e-12)
    assert lag_of(np.tile(ideal(1, 50), 40)).place == 50


@pytest.mark.parametrize("n", [1000, 1001])
def test_a_sine_has_one_line(n):
    symbols = np.rint(127.5 + 100 * np.sin(2 * np.pi * 37 * np.arange(n) / n)).astype(np.uint8)
    power = spectrum.periodogram(symbols)
    assert len(power) == (n - 1) // 2
    assert power.mean() == pytest.approx(1)
    assert power[36] == pytest.approx(len(power), rel=1e-3)
    assert line_of(symbols).place == 37
    assert line_of(symbols).p_value < 1e-100


def test_a_constant_has_nothing_to_repeat():
    constant = np.full(500, 9, dtype=np.uint8)
    assert not spectrum.autocorrelation(constant).any()
    assert not spectrum.periodogram(constant).any()
    assert line_of(constant).p_value == 1


@pytest.mark.parametrize("n", [256, 257, 3000, 3001])
def test_an_alternation_has_the_highest_line(n):
    """Of an even length, all of its power is at n / 2 cycles, where a periodogram ends."""
    symbols = (np.arange(n) % 2).astype(np.uint8)
    found = spectrum.line_of(symbols)
    assert found.p_value < 1e-20
    assert found.place >= n // 2 - 1
    assert (found.value == (n - 1) // 2) == (n % 2 == 0)


def test_a_single_symbol_among_equal_ones_is_too_flat():
    symbols = np.zeros(3000, np.uint8)
    symbols[700] = 1
    assert spectrum.periodogram(symbols) == pytest.approx(1)
    assert spectrum.line_of(symbols).p_value < 1e-100
    assert lag_of(symbols).p_value < 1e-100


def test_the_chance_of_a_line_is_fisher_s():
    """Exact where the line holds more than half of the power: m (1 - g)^(m - 1)."""
    power = np.full(100, 40 / 99)
    power[17] = 60.0
    found = spectrum.strongest_line(power)
    assert (found.place, found.value) == (18, 60)
    assert found.p_value == pytest.approx(100 * 0.4**99, rel=1e-9)
    alone = np.zeros(100)
    alone[3] = 100.0
    assert spectrum.strongest_line(alone).p_value == 0


def test_quantiles_undo_the_chance_of_a_line():
    n = 1001
    for level in (0.95, 0.99, 0.999):
        power = np.full(500, 0.0)
        power[0] = spectrum.strongest_line_of_noise(n, level)
        power[1:] = (500 - power[0]) / 499
        assert spectrum.strongest_line(power).p_value == pytest.approx(1 - level, rel=0.05)


# ideal input


@pytest.mark.parametrize("bits", [8, 1])
@pytest.mark.parametrize("n", [spectrum.LEAST, 1281, 6000])
def test_noise_raises_as_many_alarms_as_it_may(bits, n):
    lags, lines = [], []
    for seed in range(STREAMS):
        symbols = ideal(seed, n, bits)
        lags.append(lag_of(symbols))
        lines.append(line_of(symbols))
    for found in (lags, lines):
        p_values = np.array([peak.p_value for peak in found])
        for alpha in (0.05, 0.01, 0.001):
            error = Z * math.sqrt(alpha / STREAMS)
            assert (p_values < alpha).mean() < 1.2 * alpha + error
        assert (p_values < 0.05).mean() > 0.02  # and it is no test that never fires
    for found, quantile in (
        (lags, spectrum.strongest_lag_of_noise),
        (lines, spectrum.strongest_line_of_noise),
    ):
        values = np.array([abs(peak.value) for peak in found])
        assert (values < quantile(n, 0.025)).mean() < 0.06
        assert (values > quantile(n, 0.975)).mean() < 0.05
        assert abs((values < quantile(n, 0.5)).mean() - 0.5) < 0.1


def test_p_values_of_lines_are_uniform_where_they_are_small():
    """Below 0.3 the union bound is what holds: P(p < a) = 1 - exp(-a) for independent lines."""
    p_values = np.array([line_of(ideal(seed, 4000)).p_value for seed in range(2000)])
    small = p_values[p_values < 0.3]
    law = stats.uniform(0, 1 - math.exp(-0.3))
    assert stats.kstest(1 - np.exp(-small), law.cdf).pvalue > 1e-4


# power


def test_a_faint_copy_is_heard_at_its_lag():
    """One symbol in 50 repeats the one 1,000 before: a correlation of 0.02, 8.9 deviations."""
    data = ideal(2, 200_000)
    again = 1000 + np.flatnonzero(np.random.default_rng(3).random(199_000) < 0.02)
    data[again] = data[again - 1000]
    found = lag_of(data)
    assert found.place == 1000
    assert found.value == pytest.approx(0.02 * math.sqrt(200_000), abs=Z)
    assert found.p_value < 1e-6


def test_a_faint_hum_is_heard_at_its_frequency():
    """A sine of amplitude 3 in noise of deviation 74: power n a^2 / 4 sigma^2 = 41 of the mean."""
    n = 100_000
    hum = 3 * np.sin(2 * np.pi * 777 * np.arange(n) / n)
    data = np.clip(np.rint(ideal(4, n) + hum), 0, 255).astype(np.uint8)
    found = line_of(data)
    assert found.place == 777
    assert found.p_value < 1e-6


# edges


@pytest.mark.parametrize("of", [spectrum.autocorrelation, spectrum.periodogram])
def test_short_streams_are_refused_with_the_number(of):
    with pytest.raises(ValueError, match="at least 256 symbols, got 255"):
        of(ideal(0, 255))
    of(ideal(0, 256))


@settings(max_examples=50)
@given(st.integers(256, 700), st.sampled_from([1, 2, 255]), st.integers(0, 100))
def test_whatever_repeats_has_a_p_value_and_is_not_changed(n, period, seed):
    symbols = np.resize(ideal(seed, period), n)
    kept = symbols.copy()
    for peak in (lag_of(symbols), line_of(symbols)):
        assert math.isfinite(peak.value)
        assert 0 <= peak.p_value <= 1
        assert peak.place >= 1
    assert np.array_equal(symbols, kept)
