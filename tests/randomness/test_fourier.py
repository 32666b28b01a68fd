"""Transforms cut into short ones, against scipy's in double precision."""

import math

import numpy as np
import pytest
from scipy import fft

from dan_bench.randomness.fourier import exact_lines, lines_of, shape_of, signal_of
from dan_bench.randomness.sp800_22 import structure

LENGTHS = [1 << 14, 25_000, 99_999, 131_072, 1_000_000]


def bits_of(n, seed=0):
    return np.random.default_rng(seed).integers(0, 2, n, dtype=np.uint8)


@pytest.mark.parametrize("n", LENGTHS)
def test_lines_are_those_of_one_transform(n):
    bits, (rows, columns) = bits_of(n), shape_of(n)
    assert rows * columns == n
    found = lines_of(bits, 0.5)
    assert found.shape == (rows // 2 + 1, columns)
    places = np.arange(rows // 2 + 1)[:, None] + rows * np.arange(columns)
    expected = fft.fft(bits - 0.5)[places]
    assert np.abs(found - expected).max() < 1e-6 * math.sqrt(n)
    some = np.array([1, 2, n // 3, n // 2, n - 1])
    assert np.abs(exact_lines(bits, some) - fft.fft(bits - 0.5)[some]).max() < 1e-9
    assert np.abs(signal_of(found, n) - (bits - 0.5)).max() < 1e-5


@pytest.mark.parametrize("n", [1000, 16_381, 2 * 499_979, 1_000_003])
def test_lengths_without_a_shape_are_refused(n):
    assert shape_of(n) is None
    with pytest.raises(ValueError, match="no shape"):
        lines_of(bits_of(n), 0.5)


def below_in_double(bits, threshold):
    power = np.abs(fft.rfft(2.0 * bits - 1)[: len(bits) // 2]) ** 2
    return int(np.count_nonzero(power < threshold))


@pytest.mark.parametrize("n", [1 << 14, 30_000, 99_999, 1_000_000])
@pytest.mark.parametrize("kind", ["noise", "biased", "periodic", "constant", "one line"])
def test_the_spectral_tests_count_is_that_of_double_precision(n, kind):
    bits = bits_of(n, n)
    if kind == "biased":
        bits[::9] = 1
    elif kind == "periodic":
        bits = np.resize(bits[:77], n)
    elif kind == "constant":
        bits[:] = 1
    elif kind == "one line":
        bits = (np.sin(np.arange(n) * 0.7) > bits_of(n, 3) - 0.5).astype(np.uint8)
    threshold = math.log(20) * n
    assert structure._lines_below(bits, threshold) == below_in_double(bits, threshold)


def test_lines_near_the_threshold_are_decided_in_double_precision():
    """Thresholds so close to a line that single precision is on the wrong side half of the time."""
    bits = bits_of(1 << 14, 5)
    power = np.sort(np.abs(fft.rfft(2.0 * bits - 1)[: 1 << 13]) ** 2)
    lines = lines_of(bits, 0.5)
    wrong = 0
    for i in np.linspace(6000, 8180, 60).astype(int):
        threshold = power[i] * (1 + 1e-9)
        assert structure._lines_below(bits, threshold) == below_in_double(bits, threshold) == i + 1
        below, near, _ = structure._tally_lines(lines, 128, threshold / 4, 0.0)
        wrong += below + len(near) != i + 1
    assert wrong > 0
