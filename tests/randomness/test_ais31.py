"""AIS 20/31 against BSI's own program, closed forms, enumeration; its false alarms and its power.

Statistical bounds are Z standard errors of a normal law: a false alarm of 1e-5 a comparison, and
the seeds are fixed.
"""

import functools
import hashlib
import itertools
import json
import math
from pathlib import Path

import ais31_laws as laws
import numpy as np
import pytest
from scipy import stats

from dan_bench.randomness import ais31
from dan_bench.randomness.ais31 import basic, procedures
from dan_bench.randomness.min_entropy import assess as min_entropy

GOLDEN = json.loads((Path(__file__).parent / "golden" / "ais31_bsi.json").read_text())
Z = float(stats.norm.isf(0.5e-5))
N = basic.SEQUENCE
TESTS = (ais31.monobit, ais31.poker, ais31.runs, ais31.long_run, ais31.autocorrelation)


@functools.cache
def ideal_bits(name, n):
    return np.unpackbits(np.frombuffer(hashlib.shake_128(name).digest(-(-n // 8)), np.uint8))[:n]


def golden_bits():
    return ideal_bits(b"dan_bench AIS 31", 8_400_000)


@functools.cache
def ideal_sequences(n=2000):
    return ideal_bits(b"sequences", n * N).reshape(n, N)


def failed(procedure):
    return [test.name for test in procedure.rounds[0].failed]


# known answers


@functools.cache
def golden_a():
    return ais31.procedure_a(golden_bits(), 8)


def test_procedure_a_has_the_values_of_bsis_program():
    tests = golden_a().rounds[0].tests
    assert golden_a().verdict == "passed"
    assert len(tests) == 1 + 5 * 257
    assert tests[0].name == "T0"
    by_name = {name: [t for t in tests if t.name == name] for name in ("T1", "T2", "T3", "T5")}
    assert [t.value for t in by_name["T1"]] == GOLDEN["T1"]
    assert [t.value for t in by_name["T2"]] == pytest.approx(GOLDEN["T2"], abs=1e-4)
    for found, counts in zip(by_name["T3"], GOLDEN["T3"], strict=False):
        both = zip(counts[::2], counts[1::2], strict=True)
        assert found.details == {
            f"{bit}-runs[{n}]": pair[bit] for n, pair in enumerate(both, 1) for bit in (0, 1)
        }
    assert [[t.details["lag"], t.value] for t in by_name["T5"]] == GOLDEN["T5"]


def test_procedure_b_has_the_values_of_bsis_program():
    found = ais31.procedure_b(golden_bits()[:7_200_000])
    assert found.verdict == "passed"
    assert found.bits == GOLDEN["bits"]
    t6a, t6b, *t7, t8 = found.rounds[0].tests
    assert t6a.value == pytest.approx(GOLDEN["T6a"], abs=1e-15)
    assert [t6b.details["p(01)"], t6b.details["p(11)"]] == GOLDEN["T6b"]
    assert [t.value for t in t7] == pytest.approx(GOLDEN["T7"], rel=1e-12)
    assert t8.value == pytest.approx(GOLDEN["T8"], rel=1e-11)


def test_t_irn_has_the_estimates_of_sp_800_90b():
    bits = golden_bits()[: procedures.IRN_BITS]
    found = ais31.t_irn(bits)
    assert [t.name for t in found.rounds[0].tests] == ["T1", "T2", "T3 MultiMMC", "T4 LZ78Y"]
    for test, name, start in zip(
        found.rounds[0].tests[2:], ("multi_mmc", "lz78y"), (40_000, 1_040_000), strict=True
    ):
        estimate = min_entropy(bits[start : start + 1_000_000], 1).estimators.literal
        assert test.value == getattr(estimate, name)
        assert test.passed


def with_ones(count):
    bits = np.zeros(N, np.uint8)
    bits[:count] = 1
    return bits


@pytest.mark.parametrize(
    ("count", "passes"), [(9654, False), (9655, True), (10345, True), (10346, False)]
)
def test_t1_passes_strictly_between_the_bounds_of_fips_140_1(count, passes):
    assert ais31.monobit(with_ones(count)).passed is passes


@pytest.mark.parametrize(("length", "passes"), [(33, True), (34, False)])
def test_t4_fails_from_a_run_of_34(length, passes):
    bits = np.tile([0, 1], N // 2).astype(np.uint8)
    bits[101 : 101 + length] = bits[101]
    bits[101 + length] = 1 - bits[101]
    bits[100] = 1 - bits[101]
    assert ais31.long_run(bits).value == length
    assert ais31.long_run(bits).passed is passes


def test_t2_of_nibbles_that_come_equally_often_is_too_even():
    even = np.tile((np.arange(16)[:, None] >> np.arange(3, -1, -1)) & 1, (312, 1)).ravel()
    found = ais31.poker(np.concatenate([even, np.zeros(N - len(even))]).astype(np.uint8))
    counts = np.full(16, 312) + np.array([8] + [0] * 15)
    assert found.value == pytest.approx(16 / 5000 * (counts**2).sum() - 5000)
    assert not found.passed


@pytest.mark.parametrize("bits", [[0, 0, 1, 0, 1, 1, 1], [1], [1, 1, 1], [0, 1, 0], [1, 0, 0, 1]])
def test_runs_are_those_of_itertools(bits):
    lengths, of = basic.run_lengths(np.array(bits, np.uint8))
    groups = [(len(list(group)), bit) for bit, group in itertools.groupby(bits)]
    assert list(zip(lengths.tolist(), of.tolist(), strict=True)) == groups


def test_t5_chooses_the_lag_that_counting_chooses():
    bits = ideal_sequences()[0].astype(np.int64)
    differ = [int((bits[:5000] ^ bits[lag : 5000 + lag]).sum()) for lag in range(1, 5001)]
    lag = int(np.abs(np.array(differ) - 2500).argmax()) + 1
    found = ais31.autocorrelation(bits)
    assert found.details == {"lag": lag, "deviation": abs(differ[lag - 1] - 2500)}
    assert found.value == (bits[10_000:15_000] ^ bits[10_000 + lag : 15_000 + lag]).sum()


def test_t0_counts_words_that_repeat():
    words = ideal_bits(b"words", 48 * 65_536).reshape(-1, 48).copy()
    assert ais31.disjointness(words).passed
    words[777] = words[70]
    assert ais31.disjointness(words) == basic.BasicTest("T0", False, 1, None, 0)


# T8


@pytest.mark.parametrize(("width", "initial", "words"), [(1, 2, 3), (1, 1, 5), (2, 2, 3)])
def test_the_mean_of_corons_statistic_over_all_sequences(width, initial, words):
    """Of word n, g(i) has the chance q (1 - q)^(i-1) for i < n, and g(n) what is left."""
    n, q = initial + words, 2.0**-width
    rows = itertools.product(range(1 << width), repeat=n)
    mean = np.mean([ais31.coron(np.array(row), initial) for row in rows])

    def g(i):
        return sum(1 / k for k in range(1, i)) / math.log(2)

    def expected(place):
        seen = sum(q * (1 - q) ** (i - 1) * g(i) for i in range(1, place))
        return seen + (1 - q) ** (place - 1) * g(place)

    of_places = [expected(place) for place in range(initial + 1, n + 1)]
    assert mean == pytest.approx(np.mean(of_places), rel=1e-12)


@pytest.mark.parametrize(
    ("chances", "name"),
    [
        ([1 / 256] * 256, "ideal"),
        ([0.5**8 * 4] * 64 + [0] * 192, "six bits"),
        (None, "biased bits"),
    ],
)
def test_corons_statistic_is_the_entropy_of_independent_words(chances, name):
    ones = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1)
    p = np.array(chances) if chances else 0.52**ones * 0.48 ** (8 - ones)
    words = np.random.default_rng(5).choice(256, 2560 + 256_000, p=p)
    entropy = float(-(p[p > 0] * np.log2(p[p > 0])).sum())
    # the distances of one stream are not independent, but their mean varies no more than if so
    sd = math.sqrt((math.pi**2 / 6) / math.log(2) ** 2 / 256_000)
    assert ais31.coron(words, 2560) == pytest.approx(entropy, abs=Z * sd)


def test_corons_variance_of_one_distance_is_the_published_one():
    """Coron, On the security of random sources (1999): 3.3704039 for words of eight bits."""
    g, q = basic.distance_logs(20_000), 2.0**-8
    law = q * (1 - q) ** np.arange(20_000)
    mean = (law * g).sum()
    assert mean == pytest.approx(8, abs=1e-12)
    assert (law * g**2).sum() - mean**2 == pytest.approx(3.3704039, abs=5e-8)


# false alarms


def within(count, n, p):
    return abs(count - n * p) <= Z * math.sqrt(n * p * (1 - p)) + 1


def test_the_laws_that_false_alarms_are_computed_from_are_those_of_all_short_streams():
    streams = [np.array(bits, np.uint8) for bits in itertools.product((0, 1), repeat=10)]
    runs = [basic.run_lengths(bits) for bits in streams]
    for length, at_least in ((1, False), (2, False), (3, True)):
        law = np.bincount(
            [
                int((((n >= length) if at_least else (n == length)) & (of == 1)).sum())
                for n, of in runs
            ],
            minlength=8,
        )
        assert laws.runs_law(length, at_least, 10, 8) == pytest.approx(law / 1024, abs=1e-12)
    longest = np.array([n.max() for n, _ in runs])
    for run in (2, 3, 5, 10):
        assert laws.long_run_fails(run, 10) == pytest.approx((longest >= run).mean(), abs=1e-12)


def test_ideal_streams_fail_a_test_with_the_chance_that_the_documents_say():
    """About one in a million each, T0 some eight; the figures that the documentation has."""
    assert laws.disjoint_fails() == pytest.approx(7.63e-6, rel=1e-3)
    assert laws.counted_fails(N, *basic.ONES) == pytest.approx(1.026e-6, rel=1e-3)
    assert laws.poker_fails(*basic.POKER) == pytest.approx(1.014e-6, rel=1e-3)
    assert laws.runs_fail(4, *basic.RUNS[3]) == pytest.approx(1.078e-7, rel=1e-3)
    assert laws.runs_fail(6, *basic.RUNS[5]) == pytest.approx(3.764e-8, rel=1e-3)
    assert laws.long_run_fails(basic.LONG_RUN) == pytest.approx(1.162e-6, rel=1e-3)
    assert laws.counted_fails(5000, *basic.DIFFERENT) == pytest.approx(9.144e-7, rel=1e-3)
    assert stats.chi2.sf(basic.HOMOGENEITY, 1) == pytest.approx(1.0036e-4, rel=1e-3)


def test_ideal_streams_fail_narrower_bounds_as_often_as_the_laws_say():
    """No test fails in 2,000 sequences, so the bounds are moved to where one in a hundred does."""
    found = [[test(sequence) for sequence in ideal_sequences()] for test in TESTS]
    n = len(ideal_sequences())
    assert sum(not one.passed for of in found for one in of) == 0
    values = [np.array([one.value for one in of]) for of in found]
    ones = ((values[0] <= 9818) | (values[0] >= 10_182)).sum()
    assert within(ones, n, laws.counted_fails(N, 9818, 10_182))
    assert within((values[1] >= 30.58).sum(), n, laws.poker_fails(0, 30.58))
    three = np.array([one.details["1-runs[3]"] for one in found[2]])
    law = laws.runs_law(3, False, N, 900)
    assert within(((three < 570) | (three > 680)).sum(), n, law[:570].sum() + law[681:].sum())
    assert within((values[3] >= 20).sum(), n, laws.long_run_fails(20))
    differ = ((values[4] <= 2409) | (values[4] >= 2591)).sum()
    assert within(differ, n, laws.counted_fails(5000, 2409, 2591))


def test_t7_fails_one_in_ten_thousand():
    n = 300_000
    ones = np.random.default_rng(3).binomial(basic.TUPLES, 0.5, (n, 2))
    fails = sum(basic.two_samples(a, b, basic.TUPLES) > basic.HOMOGENEITY for a, b in ones.tolist())
    assert within(fails, n, float(stats.chi2.sf(basic.HOMOGENEITY, 1)))


def test_both_procedures_repeat_seldom_and_fail_almost_never():
    of_t3 = 2e-6  # at most: twice the sum of the six laws of runs
    a = [laws.disjoint_fails()]
    a += 257 * [1.026e-6, 1.014e-6, of_t3, 1.162e-6, 9.144e-7]
    assert laws.repeated_fails(a) == pytest.approx((1.58e-3, 3.7e-6), rel=0.01)
    assert laws.repeated_fails(6 * [1.0036e-4]) == pytest.approx((6.02e-4, 5.1e-7), rel=0.01)


# power


def walk(probability, n, seed=2):
    """Bits that differ from the one before with that probability."""
    return (np.cumsum(np.random.default_rng(seed).random(n) < probability) & 1).astype(np.uint8)


@pytest.mark.parametrize("share", [0.46, 0.54])
def test_a_bias_fails_a_and_b(share):
    bits = (np.random.default_rng(1).random(8_400_000) < share).astype(np.uint8)
    found = ais31.procedure_a(bits)
    assert found.verdict == "failed"
    assert {"T1", "T2"} <= set(failed(found))
    assert {"T6a", "T8"} <= set(failed(ais31.procedure_b(bits)))


def test_correlation_fails_a_and_b():
    bits = walk(0.46, 8_600_000)
    assert {"T2", "T3", "T5"} <= set(failed(ais31.procedure_a(bits[:8_400_000])))
    assert "T6b" in failed(ais31.procedure_b(bits))


def test_a_bit_that_depends_on_the_one_before_the_last_fails_t7():
    chosen = walk(0.48, 4_300_000), walk(0.48, 4_300_000, seed=3)
    bits = np.stack(chosen, axis=1).ravel()  # each depends on the bit two before it
    found = failed(ais31.procedure_b(bits))
    assert {"T7a x0", "T7a x1"} <= set(found)
    assert not {"T6a", "T6b"} & set(found)


def test_blocks_that_come_again_fail_t0():
    bits = np.tile(ideal_bits(b"block", 48 * 40_000), 5)[:8_400_000]
    assert failed(ais31.procedure_a(bits)) == ["T0"]


def test_a_constant_fails_everything_that_can_judge_it():
    zeros = np.zeros(8_400_000, np.uint8)
    assert ais31.procedure_a(zeros).verdict == "failed"
    with pytest.raises(ais31.TooFewBits, match=r"T6b .* of one context there are 0"):
        ais31.procedure_b(zeros)
    found = ais31.t_irn(zeros)
    assert {"T1", "T2", "T3 MultiMMC", "T4 LZ78Y"} == set(failed(found))
    assert found.verdict == "failed"


# procedures


@pytest.mark.parametrize(
    ("width", "bits"),
    [(1, 8_305_728), (8, 8_365_728), (16, 48 * 65_536 + 16 * 340_000), (24, 8_645_904)],
)
def test_how_many_bits_procedure_a_takes(width, bits):
    assert sum(ais31.bits_of_a(width)) == bits


@pytest.mark.parametrize("width", [1, 5, 8])
def test_sequences_are_a_block_and_then_each_bit_of_the_numbers_after_it(width):
    bits = np.arange(6_000_000)
    found = procedures.sequences_of_a(bits, width)
    assert len(found) == 257
    assert all(len(sequence) == N for sequence in found)
    block = -(-N // width) * width
    assert found[0].tolist() == list(range(N))
    for lane in range(width):
        assert found[1 + lane][:3].tolist() == [block + lane + width * k for k in range(3)]
    assert found[width + 1][0] == block + width * N
    seen = np.concatenate(found)
    assert len(np.unique(seen)) == len(seen)


def once_failing(*at):
    """A stream whose first internal numbers make exactly the sequences `at` fail T4, of width 1."""
    bits = ideal_bits(b"one failure", 2 * 8_305_728).copy()
    for index in at:
        start = 48 * 65_536 + 20_000 * index
        bits[start + 100 : start + 134] = 1
    return bits


def test_one_failure_is_repeated_on_what_follows():
    found = ais31.procedure_a(once_failing(3), 1)
    assert [len(one.failed) for one in found.rounds] == [1, 0]
    assert found.verdict == "passed"
    assert found.bits == 2 * 8_305_728


def test_a_repetition_that_fails_has_failed():
    found = ais31.procedure_a(np.concatenate([once_failing(3)[:8_305_728]] * 2), 1)
    assert [len(one.failed) for one in found.rounds] == [1, 1]
    assert found.verdict == "failed"


def test_two_failures_are_not_repeated():
    found = ais31.procedure_a(once_failing(3, 9), 1)
    assert [len(one.failed) for one in found.rounds] == [2]
    assert found.verdict == "failed"


def test_a_repetition_without_data_is_undecided():
    found = ais31.procedure_a(once_failing(3)[: 8_305_728 + 10], 1)
    assert found.verdict == "undecided"
    assert found.needs == (
        "a repetition is due, since T4 failed, and procedure A takes 8,305,728 bits for internal "
        "random numbers of 1 bits, got 10"
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ais31.procedure_a(np.zeros(100, np.uint8)), "takes 8,365,728 bits .* got 100"),
        (lambda: ais31.procedure_b(np.zeros(100, np.uint8)), "6,968,480 at least, got 100"),
        (lambda: ais31.t_irn(np.zeros(100, np.uint8)), "takes 2,040,000 bits, got 100"),
        (lambda: ais31.monobit(np.zeros(100, np.uint8)), "T1 takes 20,000 bits, got 100"),
        (lambda: ais31.procedure_a(np.zeros(100, np.uint8), 0), "1 to 256 bits"),
        (lambda: ais31.monobit(np.full(N, 2)), "2 is no bit: bits are 0 or 1"),
    ],
)
def test_what_cannot_be_tested_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
