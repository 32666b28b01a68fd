"""Health tests: cutoffs as published, counts by a transcription of the document, exact power."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from dan_bench.randomness.health import health_cutoffs, health_tests
from dan_bench.randomness.health_power import (
    failed_source,
    health_power,
    proportion_power,
    repetition_power,
)


@pytest.mark.parametrize(
    ("h", "window", "cutoff"),
    [
        *((0.2, 1024, 941), (0.4, 1024, 840), (0.6, 1024, 748), (0.8, 1024, 664), (1, 1024, 589)),
        *((0.5, 512, 410), (1, 512, 311), (2, 512, 177), (4, 512, 62), (8, 512, 13)),
    ],
)
def test_the_proportion_cutoffs_are_those_of_the_documents_table_2(h, window, cutoff):
    assert health_cutoffs(h, 2**-20, window).proportion == cutoff


def test_the_repetition_cutoffs_are_those_of_the_document():
    assert health_cutoffs(2.0).repetition == 11
    assert [health_cutoffs(h).repetition for h in (0.5, 1, 8, 0.1, 0.3)] == [41, 21, 4, 201, 68]
    assert health_cutoffs(0.3, 2**-30).repetition == 101  # 30 / 0.3 is no whole number in floats
    assert health_cutoffs(1, 2**-40).repetition == 41


def test_the_exact_proportion_cutoffs_are_those_of_jitterentropy():
    """Its tables for 2^-30 and 2^-60, by entropy 1/1 to 1/15 (jitterentropy-health.c)."""
    often = [325, 422, 459, 477, 488, 494, 499, 502, 505, 507, 508, 509, 510, 511, 512]
    rare = [355, 447, 479, 494, 502, 507, 510, 512, 512, 512, 512, 512, 512, 512, 512]
    found = [
        [health_cutoffs(1 / osr, alpha).proportion_exact for osr in range(1, 16)]
        for alpha in (2**-30, 2**-60)
    ]
    assert found == [often, rare]


@pytest.mark.parametrize("alpha", [2**-20, 2**-30, 2**-40])
@pytest.mark.parametrize(("h", "window"), [(1, 1024), (0.7, 1024), (5.2, 512), (0.05, 512)])
def test_cutoffs_are_the_smallest_with_that_false_alarm_rate(alpha, h, window):
    """By exact rational arithmetic on p = 2^-h as a float."""
    cutoffs = health_cutoffs(h, alpha, window)
    numerator, denominator = (2.0**-h).as_integer_ratio()

    def tail(n, count):  # P(X >= count) as a fraction of denominator^n
        other = denominator - numerator
        terms = (math.comb(n, k) * numerator**k * other ** (n - k) for k in range(count, n + 1))
        return sum(terms)

    limit = round(1 / alpha)

    def reaches(n, count):
        return tail(n, count) * limit > denominator**n

    for cutoff, n, count in (
        (cutoffs.proportion, window, cutoffs.proportion),
        (cutoffs.proportion_exact, window - 1, cutoffs.proportion_exact - 1),
    ):
        assert cutoff == window or not reaches(n, count)
        assert reaches(n, count - 1)
    assert 2.0 ** (-h * (cutoffs.repetition - 1)) <= alpha * (1 + 1e-9)
    assert 2.0 ** (-h * (cutoffs.repetition - 2)) > alpha


def transcribed(samples, c_run, c_window, window):
    """Both algorithms word for word, sample by sample (4.4.1, steps 1 to 6; 4.4.2, 1 to 4)."""
    runs, last, b = [], None, 0
    for i, x in enumerate(samples):
        if x == last:
            b += 1
            if b == c_run:
                runs.append(i)
        else:
            last, b = x, 1
    windows = []
    for start in range(0, len(samples), window):
        a, b = samples[start], 1
        for i in range(start + 1, min(start + window, len(samples))):
            if samples[i] == a:
                b += 1
                if b == c_window:
                    windows.append(i)
    return runs, windows


@pytest.mark.parametrize(("size", "most", "repeat"), [(2, 0.7, 0), (2, 0.5, 0.5), (256, 0.3, 0.2)])
def test_failures_are_those_of_the_algorithms(size, most, repeat):
    rng = np.random.default_rng(5)
    samples = failed_source(30_000, size, most, repeat, rng)
    samples[7000:7700] = samples[7000]
    bits = 1 if size == 2 else 8
    found = health_tests(samples, 0.9 if bits == 1 else 4, bits)
    cutoffs = found.cutoffs
    runs, windows = transcribed(
        samples.tolist(), cutoffs.repetition, cutoffs.proportion, cutoffs.window
    )
    assert cutoffs.window == (1024 if bits == 1 else 512)
    assert list(found.repetition.places) == runs
    assert list(found.proportion.places) == windows
    assert runs
    assert windows
    assert found.repetition.largest >= 700
    assert not found.passed


def test_the_place_of_a_stuck_source_is_named():
    samples = np.arange(4096) % 251
    samples[1000:1004] = 9
    found = health_tests(samples, 8)
    assert found.repetition.places == (1003,)
    assert (found.repetition.largest, found.repetition.tested) == (4, 4096)
    assert found.proportion.places == ()
    assert found.to_json()["repetition"]["failures"] == 1


def test_two_symbols_make_a_source_binary_whatever_they_are():
    assert health_tests(bytes([7, 9] * 600), 0.9).cutoffs.window == 1024
    assert health_tests(bytes([7, 9, 11] * 600), 0.9).cutoffs.window == 512


def test_false_alarms_are_as_rare_as_expected():
    """At alpha = 2^-8, where ideal bits fail often enough to be counted: within five sigma."""
    bits = np.unpackbits(np.frombuffer(np.random.default_rng(1).bytes(1 << 20), np.uint8))
    found = health_tests(bits, 1, 1, alpha=2**-8, exact=True)
    runs = len(bits) * 2.0**-9  # a run begins where a sample differs from the one before
    assert found.repetition.failures == pytest.approx(runs, abs=5 * math.sqrt(runs))
    assert found.repetition.failures <= found.repetition.expected
    expected = found.proportion.expected
    assert found.proportion.failures == pytest.approx(expected, abs=5 * math.sqrt(expected))
    assert expected / found.proportion.tested <= 2**-8
    assert found.repetition.expected == pytest.approx(len(bits) * 2**-8)


def test_an_ideal_megabyte_has_no_false_alarm():
    found = health_tests(np.random.default_rng(2).bytes(1 << 20), 7.5, alpha=2**-30)
    assert found.passed


@pytest.mark.parametrize(
    ("most", "repeat", "size"), [(0.5, 0, 2), (0.75, 0, 2), (0.5, 0.25, 2), (0.5, 0.25, 3)]
)
def test_power_is_exact_by_enumeration(most, repeat, size):
    """Over all streams of nine samples: a cutoff of 4, in windows of five."""
    n, cutoff, window = 9, 4, 5
    chances = [most, *[(1 - most) / (size - 1)] * (size - 1)]
    run = proportion = total = 0.0
    for stream in itertools.product(range(size), repeat=n):
        chance = chances[stream[0]]
        for last, x in itertools.pairwise(stream):
            chance *= repeat * (x == last) + (1 - repeat) * chances[x]
        runs, windows = transcribed(stream, cutoff, cutoff, window)
        total += chance
        run += chance * bool(runs)
        proportion += chance * bool(windows)
    assert total == pytest.approx(1)
    assert repetition_power(n, cutoff, size, most, repeat) == pytest.approx(run, abs=1e-12)
    found = proportion_power(n, cutoff, window, size, most, repeat)
    assert found == pytest.approx(proportion, abs=1e-12)


@pytest.mark.parametrize(("h", "bits"), [(1, 1), (0.1, 1), (4, 8), (7.9, 8)])
def test_injected_faults_are_found_as_often_as_computed(h, bits):
    trials = 300
    for fault in health_power(h, bits, trials=trials):
        for exact, seen in (
            (fault.repetition, fault.repetition_observed),
            (fault.proportion, fault.proportion_observed),
        ):
            sigma = math.sqrt(exact * (1 - exact) / trials)
            assert seen == pytest.approx(exact, abs=5 * sigma + 1 / trials)
        assert fault.either_observed >= max(fault.repetition_observed, fault.proportion_observed)


@pytest.mark.parametrize("h", [0.1, 0.5, 1, 2, 4, 6, 8])
@pytest.mark.parametrize("alpha", [2**-20, 2**-30])
def test_the_tests_find_what_section_4_5_asks_for(h, alpha):
    """Stuck: 99 %; half of the entropy lost by bias: half within 50,000 samples."""
    stuck, biased, correlated = health_power(h, 1 if h <= 1 else 8, alpha=alpha)
    assert stuck.repetition == 1
    assert biased.proportion > 0.5
    assert 0 < correlated.repetition <= 1


def test_a_window_of_independent_samples_is_binomial():
    cutoffs = health_cutoffs(1, 2**-20, 1024)
    found = proportion_power(1024, cutoffs.proportion, 1024, 2, 0.5, 0)
    assert found == pytest.approx(stats.binom.sf(cutoffs.proportion - 2, 1023, 0.5), rel=1e-6)
    assert found == pytest.approx(cutoffs.false_alarm, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((b"", 1), "empty"),
        ((b"\x02", 1, 1), "2 is no symbol: symbols are 0 or 1"),
        ((b"ab", 0), "h must be above 0"),
        ((b"ab", 8.5), "at most the 8 bits"),
        ((b"ab", math.nan), "h must be"),
    ],
)
def test_bad_input_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        health_tests(*arguments)


@pytest.mark.parametrize("alpha", [0, 1, -1, math.nan])
def test_no_false_alarm_rate_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha must lie between"):
        health_cutoffs(1, alpha)
