"""Counts in one pass: chunking, laws on ideal input, closed forms, power."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dan_bench.randomness.tally import (
    Tally,
    bit_balance,
    expected_bias,
    shannon_of_noise,
    uniformity,
    uniformity_of_noise,
)

Z = 5


def ideal(seed, n, bits=8):
    return np.random.default_rng(seed).integers(0, 1 << bits, n, dtype=np.uint8)


def tally_of(*chunks):
    tally = Tally()
    for chunk in chunks:
        tally.add(chunk)
    return tally


def counted(symbols, bits):
    return tally_of(symbols).symbols[: 1 << bits]


# one pass


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_counts_do_not_depend_on_chunks(data, cuts):
    whole = np.frombuffer(data, dtype=np.uint8)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [whole[a:b] for a, b in pairwise(edges)]
    found = tally_of(*chunks)
    even = whole[: len(whole) // 2 * 2].astype(int).reshape(-1, 2)
    expected = np.zeros(1 << 16, dtype=np.int64)
    np.add.at(expected, even[:, 0] << 8 | even[:, 1], 1)
    assert np.array_equal(found.pairs, expected)
    assert np.array_equal(found.symbols, np.bincount(whole, minlength=256))
    assert found.n == len(data)
    assert found.odd == (int(whole[-1]) if len(data) % 2 else None)


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_symbols_of_a_concatenation_add_up(a, b):
    first, second = (np.frombuffer(x, dtype=np.uint8) for x in (a, b))
    total = tally_of(first).symbols + tally_of(second).symbols
    assert np.array_equal(tally_of(first, second).symbols, total)


def test_chunks_are_never_written_to_and_need_not_be_contiguous():
    data = ideal(0, 1001)
    kept = data.copy()
    strided = np.repeat(data, 2)[::2]
    assert np.array_equal(tally_of(data).pairs, tally_of(strided).pairs)
    assert np.array_equal(data, kept)
    frozen = np.frombuffer(data.tobytes(), dtype=np.uint8)
    assert np.array_equal(tally_of(frozen).pairs, tally_of(data).pairs)


@pytest.mark.parametrize("bits", range(1, 9))
def test_all_pairs_of_short_symbols_are_counted(bits):
    pairs = tally_of(ideal(1, 4000, bits)).pairs_of(bits)
    assert pairs.shape == (1 << 2 * bits,)
    assert pairs.sum() == 2000


# Shannon entropy


@pytest.mark.parametrize(("symbols", "bits"), [([7], 0.0), ([1, 2] * 50, 1.0), (range(256), 8.0)])
def test_entropy_of_known_laws(symbols, bits):
    """The plug-in value is exact; the correction adds (occupied - 1) / (2 n ln 2)."""
    data = np.array(list(symbols), dtype=np.uint8)
    correction = (len(set(symbols)) - 1) / (2 * len(data) * math.log(2))
    assert tally_of(data).shannon_bits() == pytest.approx(bits + correction, abs=1e-12)


@pytest.mark.parametrize(("bits", "n"), [(8, 20_000), (4, 2_000), (1, 1_001)])
def test_entropy_of_noise_lies_where_it_should(bits, n):
    found = np.array([tally_of(ideal(seed, n, bits)).shannon_bits() for seed in range(2000)])
    for level in (0.025, 0.5, 0.975):
        below = (found < shannon_of_noise(n, bits, level)).mean()
        # one count in a thousand bits moves the entropy by a step that holds 5 % of streams
        assert abs(below - level) < Z * math.sqrt(level * (1 - level) / 2000) + 0.03 * (bits == 1)


def test_short_streams_have_no_law_of_entropy():
    assert shannon_of_noise(1279, 8, 0.5) is None
    assert shannon_of_noise(1280, 8, 0.5) == pytest.approx(8, abs=1e-3)


# uniformity


def test_uniformity_is_pearson_s_chi_square():
    counts = tally_of(ideal(3, 10_000)).symbols
    value, p_value = uniformity(counts)
    statistic, upper = stats.chisquare(counts)
    assert value == pytest.approx(statistic / 255, rel=1e-12)
    lower = stats.chi2.cdf(statistic + 2 / (10_000 / 256), 255)
    assert p_value == pytest.approx(2 * min(upper, lower), rel=1e-9)


def test_fewer_than_five_a_cell_are_not_judged():
    assert uniformity(np.full(256, 5)) is not None
    assert uniformity(np.r_[4, np.full(255, 5)]) is None


@pytest.mark.parametrize("cells", [2, 4, 16, 256])
@pytest.mark.parametrize("expected", [5, 1000])
def test_ideal_counts_raise_no_more_alarms_than_they_may(cells, expected):
    """Also of few cells, whose counts are often all equal and yet noise."""
    counts = np.random.default_rng(4).multinomial(cells * expected, [1 / cells] * cells, 5000)
    p_values = np.array([uniformity(row)[1] for row in counts])
    for alpha in (0.05, 0.01, 0.001):
        assert (p_values < alpha).mean() < alpha + Z * math.sqrt(alpha / 5000)
    if cells == 256:
        assert stats.kstest(p_values, "uniform").pvalue > 1e-4
        values = np.array([uniformity(row)[0] for row in counts])
        inside = [uniformity_of_noise(cells, level) for level in (0.025, 0.975)]
        assert abs(((values > inside[0]) & (values < inside[1])).mean() - 0.95) < 0.02


def test_counts_that_are_too_even_are_no_noise():
    assert uniformity(np.full(256, 1000))[1] < 1e-9
    assert uniformity(np.array([1000, 1000]))[1] > 0.05


def test_pairs_catch_a_sticky_source_whose_symbols_are_even():
    rng = np.random.default_rng(5)
    data = ideal(6, 1_000_000)
    again = np.flatnonzero(rng.random(len(data) - 1) < 1 / 64) + 1
    data[again] = data[again - 1]
    tally = tally_of(data)
    assert uniformity(tally.symbols)[1] > 1e-4
    assert uniformity(tally.pairs_of(8))[1] < 1e-6


# bit balance


def test_balance_is_the_exact_binomial_law():
    counts = np.array([400, 600])
    value, p_value = bit_balance(counts, 1)
    assert value == pytest.approx(0.1)
    assert p_value == pytest.approx(stats.binomtest(400, 1000).pvalue, rel=1e-9)


@pytest.mark.parametrize("n", [10**9, 10**11])
def test_balance_holds_for_streams_beyond_2_gigabytes(n):
    off = int(1.5 * math.sqrt(n))
    _, p_value = bit_balance(np.array([n // 2 - off, n // 2 + off]), 1)
    assert p_value == pytest.approx(2 * stats.norm.sf(3), rel=1e-3)


@pytest.mark.parametrize(("bits", "n"), [(8, 1000), (1, 33)])
def test_ideal_bits_raise_no_more_alarms_than_they_may(bits, n):
    found = [bit_balance(counted(ideal(seed, n, bits), bits), bits) for seed in range(4000)]
    p_values = np.array([p_value for _, p_value in found])
    for alpha in (0.05, 0.01, 0.001):
        assert (p_values < alpha).mean() < alpha + Z * math.sqrt(alpha / 4000)
    if n == 1000:
        above = np.mean([value > expected_bias(n, bits, 0.975) for value, _ in found])
        assert above == pytest.approx(0.025, abs=0.02)


def test_one_biased_plane_is_found_among_eight():
    rng = np.random.default_rng(7)
    data = ideal(8, 1_000_000) & 0xFB | ((rng.random(1_000_000) < 0.505) << 2).astype(np.uint8)
    value, p_value = bit_balance(tally_of(data).symbols, 8)
    assert value == pytest.approx(0.005, abs=0.0025)
    assert p_value < 1e-9


def test_planes_that_are_all_balanced_are_no_noise():
    """One in C(n, n/2) / 2^n streams has a plane balanced; eight of them is a chance of 2e-15."""
    even = np.zeros(256, dtype=np.int64)
    even[[0, 255]] = 1500
    chance = stats.binom.pmf(1500, 3000, 0.5) ** 8
    assert bit_balance(even, 8) == (0.0, pytest.approx(1e6 * chance, rel=1e-6))
    assert bit_balance(np.array([1500, 1500]), 1) == (0.0, 1.0)


def test_fewer_than_32_symbols_have_no_balance():
    assert bit_balance(np.array([31, 0]), 1) is None
    assert bit_balance(np.array([32, 0]), 1)[1] == pytest.approx(2**-31)


@settings(max_examples=60)
@given(st.binary(min_size=1, max_size=400), st.integers(1, 8))
def test_whatever_is_counted_has_p_values(data, bits):
    tally = tally_of(np.frombuffer(data, dtype=np.uint8) >> np.uint8(8 - bits))
    for found in (
        uniformity(tally.symbols[: 1 << bits]),
        uniformity(tally.pairs_of(bits)),
        bit_balance(tally.symbols[: 1 << bits], bits),
    ):
        assert found is None or (math.isfinite(found[0]) and 0 <= found[1] <= 1)
    assert 0 <= tally.shannon_bits() <= bits + 256 / len(data)
