"""Linear lanes, Twisters and xorshift by name, correlation of bits: laws on ideal input, power."""

import itertools
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import fft

from dan_bench.randomness.bit_lags import bit_correlations, strongest_bit_lag
from dan_bench.randomness.lanes import lane_search, places
from dan_bench.randomness.linearity import complexities_and_foretold
from dan_bench.randomness.mt19937 import names_mt19937
from dan_bench.randomness.xorshift import GENERATORS, RecoveredShifts, names_xorshift

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from recipes import STREAMS, java, words

MIB = 1 << 20
LEVEL = 1e-6


def noise(seed, n=MIB, bits=8):
    return np.random.default_rng(seed).integers(0, 1 << bits, n, dtype=np.uint8)


def mt19937(seed, n):
    """Return n words of 32 bits of numpy's MT19937."""
    return np.random.MT19937(seed).random_raw(n).astype("<u4")


def swapped(data, size):
    """Return words of so many bytes in the other byte order."""
    return data.view(f"<u{size}").astype(f">u{size}").view(np.uint8)


def interleaved():
    return np.stack([mt19937(1, MIB // 8), mt19937(2, MIB // 8)], axis=1).ravel().view(np.uint8)


LINEAR = {
    "MT19937, 160 kB": lambda: mt19937(1, 40_000).view(np.uint8),
    "MT19937, big-endian": lambda: swapped(mt19937(1, MIB // 4), 4),
    "MT19937-64": lambda: STREAMS["MT19937-64"](MIB),
    "xorshift128+, 16 kB": lambda: STREAMS["xorshift128+"](16_384),
    "xorshift128+ (23, 18, 5), 16 kB": lambda: STREAMS["xorshift128+ (23, 18, 5)"](16_384),
    "xorwow, 16 kB": lambda: STREAMS["xorwow"](16_384),
    "xoroshiro128+, 16 kB": lambda: swapped(STREAMS["xoroshiro128+"](16_384), 8),
    "xoroshiro128+ (55, 14, 36), 16 kB": lambda: STREAMS["xoroshiro128+ (55, 14, 36)"](16_384),
    "xoshiro256+, 16 kB": lambda: STREAMS["xoshiro256+"](16_384),
    "two MT19937 interleaved": interleaved,
    "two MT19937 added": lambda: swapped(mt19937(1, MIB // 4) + mt19937(2, MIB // 4), 4),
    "low bytes of LFib607, 16 kB": lambda: STREAMS["Go math/rand, LFib607"](131_072)[::8],
    "low bytes of glibc's random, 16 kB": lambda: STREAMS["glibc random(), low byte"](16_384),
    "MT19937 after 512 bytes": lambda: np.concatenate(
        [noise(1, 512), mt19937(1, MIB // 4 - 128).view(np.uint8)]
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


@pytest.mark.parametrize("order", ["little", "big"])
def test_mt19937_64_is_named_and_foretold(order):
    data = STREAMS["MT19937-64"](16_000)
    data = data if order == "little" else swapped(data, 8)
    found = names_mt19937(data[3:9003])
    assert (found.generator, found.order) == ("MT19937-64", order)
    assert found.state.predict(1001) == data[9003:10_004].tobytes()


def test_626_words_anywhere_name_mt19937_and_313_mt19937_64():
    runs = {"MT19937": mt19937(1, 626), "MT19937-64": STREAMS["MT19937-64"](8 * 313)}
    for name, some in runs.items():
        data, run = noise(2), some.view(np.uint8)
        data[5001 : 5001 + len(run)] = run
        assert names_mt19937(data).generator == name


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_wrong_words_do_not_hide_it(share):
    made, rng = mt19937(1, MIB // 4), np.random.default_rng(3)
    bad = rng.random(len(made)) < share
    made[bad] = rng.integers(0, 1 << 32, bad.sum(), dtype=np.uint32)
    assert names_mt19937(made.view(np.uint8)).is_mt19937


@pytest.mark.parametrize("share", [0.001, 0.003])
def test_missing_words_do_not_hide_it(share):
    made = mt19937(1, MIB // 4)
    kept = made[np.random.default_rng(4).random(len(made)) >= share]
    assert names_mt19937(kept.view(np.uint8)).is_mt19937


XORSHIFTS = {
    "xorshift128+ (23, 18, 5)": "xorshift128+ (23, 18, 5)",
    "xorshift128+ (23, 17, 26)": "xorshift128+",
    "xoroshiro128+ (24, 16, 37)": "xoroshiro128+",
    "xoroshiro128+ (55, 14, 36)": "xoroshiro128+ (55, 14, 36)",
    "xoshiro256+": "xoshiro256+",
}


def test_every_generator_that_can_be_named_is_tested():
    assert XORSHIFTS.keys() == GENERATORS.keys()


@pytest.mark.parametrize("name", XORSHIFTS)
@pytest.mark.parametrize("order", ["little", "big"])
def test_xorshift_is_named_at_any_alignment(name, order):
    data = STREAMS[XORSHIFTS[name]](8800)
    found = names_xorshift((data if order == "little" else swapped(data, 8))[3:-2])
    assert (found.name, found.order, found.verified) == (name, order, 1024)
    assert names_xorshift(noise(1, 10_000)) == RecoveredShifts()


# bits at all lags


LCG48 = {"Java's nextInt": STREAMS["Java Random, nextInt"], "mrand48": words(java, 32, [0x1330E])}


@pytest.mark.parametrize("name", LCG48)
@pytest.mark.parametrize(("n", "order"), [(MIB, "little"), (MIB, "big"), (500_000, "little")])
def test_the_low_bits_of_a_48_bit_lcg_are_correlated(name, n, order):
    data = LCG48[name](MIB)
    found = strongest_bit_lag((data if order == "little" else swapped(data, 4))[:n])
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
