"""Linear lanes, Twisters and xorshift by name, correlation of bits: laws on ideal input, power."""

import itertools
import math

import numpy as np
import pytest
from scipy import fft

from dan_bench.randomness.bit_lags import bit_correlations, strongest_bit_lag
from dan_bench.randomness.lanes import lane_search, places
from dan_bench.randomness.linearity import complexities_and_foretold
from dan_bench.randomness.mt19937 import names_mt19937
from dan_bench.randomness.xorshift import RecoveredShifts, names_xorshift
from tests.support import generators as g

MIB = 1 << 20
LEVEL = 1e-6


def noise(seed, n=MIB, bits=8):
    return np.random.default_rng(seed).integers(0, 1 << bits, n, dtype=np.uint8)


def of(words, kind):
    return words.astype(kind).view(np.uint8)


def interleaved():
    return np.stack([g.mt19937(1, MIB // 8), g.mt19937(2, MIB // 8)], axis=1).ravel()


LINEAR = {
    "MT19937, 160 kB": lambda: of(g.mt19937(1, 40_000), "<u4"),
    "MT19937, big-endian": lambda: of(g.mt19937(1, MIB // 4), ">u4"),
    "MT19937-64": lambda: of(g.mt19937_64(1, MIB // 8), "<u8"),
    "xorshift128+, 16 kB": lambda: of(g.xorshift128plus(1, 2048), "<u8"),
    "xorwow, 16 kB": lambda: of(g.xorwow(1, 4096), "<u4"),
    "xoroshiro128+, 16 kB": lambda: of(g.xoroshiro128plus(1, 2048), ">u8"),
    "xoshiro256+, 16 kB": lambda: of(g.xoshiro256plus(1, 2048), "<u8"),
    "two MT19937 interleaved": lambda: of(interleaved(), "<u4"),
    "two MT19937 added": lambda: of(g.mt19937(1, MIB // 4) + g.mt19937(2, MIB // 4), ">u4"),
    "low bytes of LFib607, 16 kB": lambda: g.lagged_fibonacci(1, 16_384).astype(np.uint8),
    "low bytes of glibc's random, 16 kB": lambda: g.glibc_random(1, 16_384).astype(np.uint8),
    "MT19937 after 512 bytes": lambda: np.concatenate(
        [noise(1, 512), of(g.mt19937(1, MIB // 4 - 128), "<u4")]
    ),
}


@pytest.mark.parametrize("name", LINEAR)
def test_linear_generators_are_caught(name):
    assert lane_search(LINEAR[name]()).p_value < LEVEL


@pytest.mark.parametrize("n", range(1, 13))
def test_the_expected_number_of_places_is_that_of_all_strings(n):
    """And it bounds the chance, as closely as a union bound can."""
    rows = np.array(list(itertools.product((0, 1), repeat=n)), dtype=np.uint8)
    foretold = complexities_and_foretold(rows)[:, 1]
    for k in range(1, n + 1):
        bound = math.ldexp(places(np.array([n]), k), -k)
        chance = (foretold >= k).mean()
        assert chance <= bound
        if 2 * k > n:  # no room for two
            assert chance == bound


@pytest.mark.parametrize(("bits", "n"), [(8, 256), (1, 256), (3, 1281), (8, 6000)])
def test_noise_raises_no_more_alarms_than_it_may(bits, n):
    streams = 1000
    for search in (lane_search, strongest_bit_lag):
        p = np.array([search(noise(seed, n, bits), bits).p_value for seed in range(streams)])
        for alpha in (0.05, 0.01):
            assert (p < alpha).mean() < alpha + 5 * math.sqrt(alpha / streams)
        assert (p < 0.2).mean() > 0.02


def test_too_short_is_said():
    with pytest.raises(ValueError, match="at least 64 symbols, got 63"):
        lane_search(noise(0, 63))
    with pytest.raises(ValueError, match="at least 256 symbols, got 255"):
        strongest_bit_lag(noise(0, 255))


# by name


@pytest.mark.parametrize("kind", ["<u8", ">u8"])
def test_mt19937_64_is_named_and_foretold(kind):
    data = of(g.mt19937_64(1, 2000), kind)
    found = names_mt19937(data[3:9003])
    assert (found.generator, found.order) == ("MT19937-64", {"<": "little", ">": "big"}[kind[0]])
    assert found.state.predict(1001) == data[9003:10_004].tobytes()


def test_626_words_anywhere_name_mt19937_and_313_mt19937_64():
    for words, name in ((g.mt19937(1, 626), "MT19937"), (g.mt19937_64(1, 313), "MT19937-64")):
        data, run = noise(2), words.view(np.uint8)
        data[5001 : 5001 + len(run)] = run
        assert names_mt19937(data).generator == name


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_wrong_words_do_not_hide_it(share):
    words, rng = g.mt19937(1, MIB // 4), np.random.default_rng(3)
    bad = rng.random(len(words)) < share
    words[bad] = rng.integers(0, 1 << 32, bad.sum(), dtype=np.uint32)
    assert names_mt19937(words.view(np.uint8)).is_mt19937


@pytest.mark.parametrize("share", [0.001, 0.003])
def test_missing_words_do_not_hide_it(share):
    words = g.mt19937(1, MIB // 4)
    kept = words[np.random.default_rng(4).random(len(words)) >= share]
    assert names_mt19937(kept.view(np.uint8)).is_mt19937


XORSHIFTS = {
    "xorshift128+ (23, 18, 5)": g.xorshift128plus,
    "xorshift128+ (23, 17, 26)": lambda seed, n: g.xorshift128plus(seed, n, (23, 17, 26)),
    "xoroshiro128+ (24, 16, 37)": g.xoroshiro128plus,
    "xoshiro256+": g.xoshiro256plus,
}


@pytest.mark.parametrize("name", XORSHIFTS)
@pytest.mark.parametrize("kind", ["<u8", ">u8"])
def test_xorshift_is_named_at_any_alignment(name, kind):
    data = of(XORSHIFTS[name](1, 1100), kind)
    found = names_xorshift(data[3:-2])
    assert (found.name, found.verified) == (name, 1024)
    assert names_xorshift(noise(1, 10_000)) == RecoveredShifts()


# bits at all lags


@pytest.mark.parametrize("words", [g.java_words, g.drand48_words])
@pytest.mark.parametrize(("n", "kind"), [(MIB, "<u4"), (MIB, ">u4"), (500_000, "<u4")])
def test_the_low_bits_of_a_48_bit_lcg_are_correlated(words, n, kind):
    found = strongest_bit_lag(of(words(1, MIB // 4), kind)[:n])
    assert found.p_value < LEVEL
    if n == MIB:
        assert found.place == 2_097_152
        assert found.value < -77


@pytest.mark.parametrize("lag", [7, 64])
def test_a_correlation_of_2e_3_is_heard(lag):
    """5.8 deviations at a mebibyte, 4.9 are needed: in five of six streams, and the seed is one."""
    rng = np.random.default_rng(lag)
    bits = rng.integers(0, 2, 8 * MIB, dtype=np.uint8)
    again = lag + np.flatnonzero(rng.random(8 * MIB - lag) < 2e-3)
    bits[again] = bits[again - lag]
    found = strongest_bit_lag(np.packbits(bits))
    assert (found.place, found.lags) == (lag, 128)
    assert found.p_value < 4e-4


def test_single_precision_is_enough():
    for data in (noise(0), np.resize(noise(1, 5000), MIB)):
        bits = np.unpackbits(data) * 2.0 - 1
        bits -= bits.mean()
        n = len(bits)
        exact = fft.irfft(np.abs(fft.rfft(bits)) ** 2, n)[: n // 2 + 1]
        scores = exact[1:] / exact[0] * math.sqrt(n) + math.sqrt(n) / (n - 1)
        scores[-1] /= math.sqrt(2)
        assert np.abs(bit_correlations(data) - scores).max() < 1e-3
