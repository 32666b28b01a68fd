"""SP 800-90B, section 5, against its worked examples and a transcription of its text.

Statistical bounds are Z standard errors of a normal law: a false alarm of 1e-5 a comparison, and
the seeds are fixed.
"""

import bz2
import dataclasses
import itertools
import math
import random
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from dan_bench.randomness.iid import iid_tests, statistics
from dan_bench.randomness.iid.chi_square import bins_of, chi_square_tests
from dan_bench.randomness.iid.permutation import (
    COMPRESSION,
    LAGS,
    families_of,
    passes,
    permutation_tests,
    shuffle,
)
from dan_bench.randomness.iid.repeats import longest_repeated_substring, repeated_substring_test

Z = float(stats.norm.isf(0.5e-5))
NAMES = [
    "chi_square_independence",
    "chi_square_goodness_of_fit",
    "longest_repeated_substring",
    "excursion",
    "directional_runs",
    "longest_directional_run",
    "increases_or_decreases",
    "median_runs",
    "longest_median_run",
    "average_collision",
    "maximum_collision",
    *(f"periodicity_{lag}" for lag in LAGS),
    *(f"covariance_{lag}" for lag in LAGS),
    "compression",
]

symbol_lists = st.integers(1, 8).flatmap(
    lambda bits: st.lists(st.integers(0, 2**bits - 1), min_size=2, max_size=120)
)
bit_lists = st.lists(st.integers(0, 1), min_size=2, max_size=200)


def array(symbols):
    return np.array(symbols, dtype=np.uint8)


def ideal(seed, n, levels=256):
    return np.random.default_rng(seed).integers(0, levels, n, dtype=np.uint8)


def coded(symbols):
    """Symbols numbered from 0, and how many different ones there are."""
    different, codes = np.unique(symbols, return_inverse=True)
    return codes.astype(np.uint8), len(different)


def values(symbols, permutations=100):
    """Statistics of the permutation tests by name, None where one cannot be taken."""
    found = iid_tests(array(symbols), permutations=permutations, exhaustive=True).tests
    return {test.name: test.statistic for test in found[3:]}


# the document's text, transcribed


def runs_of(signs):
    return [len(list(group)) for _, group in itertools.groupby(signs)]


def collision_lengths(s):
    lengths, start = [], 0
    for end in range(len(s)):
        if s[end] in s[start:end]:
            lengths.append(end + 1 - start)
            start = end + 1
    return lengths


def transcribed(symbols):
    """All nineteen statistics of section 5.1 in the words of the document."""
    s = [int(x) for x in symbols]
    if len(set(s)) == 2:
        s = [int(x == max(s)) for x in s]
        blocks = [s[i : i + 8] for i in range(0, len(s), 8)]
        ones = [sum(block) for block in blocks]
        numbers = [sum(b << (7 - i) for i, b in enumerate(block)) for block in blocks]
        middle = Fraction(1, 2)
    else:
        ones = numbers = s
        ordered = sorted(s)
        middle = Fraction(ordered[(len(s) - 1) // 2] + ordered[len(s) // 2], 2)
    mean = Fraction(sum(s), len(s))
    sums = itertools.accumulate(s)
    rising = [1 if b >= a else -1 for a, b in itertools.pairwise(ones)]
    high = [1 if x >= middle else -1 for x in s]
    lengths = collision_lengths(numbers)
    found = {
        "excursion": float(max(abs(total - i * mean) for i, total in enumerate(sums, 1))),
        "directional_runs": len(runs_of(rising)),
        "longest_directional_run": max(runs_of(rising), default=0),
        "increases_or_decreases": max(rising.count(1), rising.count(-1)),
        "median_runs": len(runs_of(high)),
        "longest_median_run": max(runs_of(high)),
        "average_collision": sum(lengths) / len(lengths) if lengths else 0,
        "maximum_collision": max(lengths, default=0),
        "compression": len(bz2.compress(" ".join(map(str, s)).encode(), 5)),
    }
    for p in LAGS:
        pairs = list(zip(ones, ones[p:], strict=False))
        found[f"periodicity_{p}"] = sum(a == b for a, b in pairs)
        found[f"covariance_{p}"] = sum(a * b for a, b in pairs)
    return found


# the statistics


def test_the_worked_examples_of_the_document():
    assert statistics.excursion(array([2, 15, 4, 10, 9])) == 6
    assert statistics.directional_runs(array([2, 2, 2, 5, 7, 7, 9, 3, 1, 4, 4])) == (3, 6, 8)
    assert statistics.median_runs(array([5, 15, 12, 1, 13, 9, 4]), 2 * 9) == (5, 2)
    assert statistics.collisions(array([2, 1, 1, 2, 0, 1, 0, 1, 1, 2])) == (3, 4)
    assert statistics.periodicity(array([2, 1, 2, 1, 0, 1, 0, 1, 1, 2]), 2) == 5
    assert statistics.covariance(array([5, 2, 6, 10, 12, 3, 1]), 2) == 164


def test_the_document_s_conversions_of_20_bits():
    bits = array([1, 0, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1])
    assert statistics.ones_in_eights(bits).tolist() == [4, 6, 2]
    assert statistics.values_of_eights(bits).tolist() == [142, 219, 48]


@settings(max_examples=150)
@given(st.one_of(symbol_lists, bit_lists, symbol_lists.map(lambda s: [100 + x // 2 for x in s])))
def test_all_statistics_are_those_of_the_text(symbols):
    """Where one is left out, it is for too few symbols; 1e-12 is rounding in the excursion."""
    expected = transcribed(symbols)
    found = values(symbols)
    assert list(found) == NAMES[3:]
    for name, value in found.items():
        if value is not None:
            assert value == pytest.approx(expected[name], rel=1e-12, abs=0), name


@pytest.mark.parametrize("levels", [2, 3, 16, 256])
def test_all_statistics_of_a_long_stream_are_those_of_the_text(levels):
    symbols = ideal(levels, 3001, levels)
    assert values(symbols) == pytest.approx(transcribed(symbols), rel=1e-12)


def test_large_sums_do_not_overflow():
    x = np.repeat(array([255, 0]), 1_000_000)
    assert statistics.excursion(x) == 127.5e6
    assert statistics.covariance(x, 1) == 255**2 * 999_999


def test_compression_uses_blocks_of_500_kilobytes():
    """As NIST's own tool; larger blocks would make these 892 kB of numerals shorter."""
    x = ideal(0, 250_000)
    numerals = " ".join(map(str, x.tolist())).encode()
    assert statistics.compression(x) == len(bz2.compress(numerals, 5))
    assert statistics.compression(x) != len(bz2.compress(numerals, 9))


def test_what_repeats_nowhere_has_no_collision():
    assert statistics.collisions(np.arange(256).astype(np.uint8)) == (0, 0)


# permutations


@pytest.mark.parametrize("n", [2, 3, 4])
def test_every_order_is_equally_probable(n):
    rng, order, trials = np.random.default_rng(0), np.arange(n).astype(np.uint8), 24_000
    counts = Counter()
    for _ in range(trials):
        shuffle(order, rng.random(n))
        counts[tuple(order.tolist())] += 1
    assert len(counts) == math.factorial(n)
    assert stats.chisquare(list(counts.values())).pvalue > 1e-5


@given(symbol_lists, st.integers(0, 1000))
def test_a_permutation_keeps_the_symbols(symbols, seed):
    x = array(symbols)
    shuffle(x, np.random.default_rng(seed).random(len(x)))
    assert sorted(x.tolist()) == sorted(symbols)


@pytest.mark.parametrize("above", range(0, 21))
def test_the_rule_is_the_document_s(above):
    """C0 + C1 <= 5 or C0 >= P - 5 fails, for all counts that add up to P = 20."""
    for equal in range(21 - above):
        failed = above + equal <= 5 or above >= 20 - 5
        assert passes([above, equal, 20 - above - equal]) == (not failed)


def correlated(seed, n, stay):
    """Symbols that repeat the one before with probability `stay`, on top of chance."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 16, n, dtype=np.uint8)
    kept = rng.random(n) < stay
    kept[0] = False
    return x[np.maximum.accumulate(np.where(kept, 0, np.arange(n)))]


@pytest.mark.parametrize("stay", [0, 0.1, 0.25])
@pytest.mark.parametrize("seed", range(4))
def test_stopping_early_gives_the_verdict_of_all_permutations(seed, stay):
    x, permutations = correlated(seed, 400, stay), 300
    families = [*families_of(x, 16), COMPRESSION]
    early = permutation_tests(x, families, permutations, np.random.default_rng(seed), print)
    names = [name for family in families for name in family.names]
    of_data = transcribed(x)
    full = {name: [0, 0, 0] for name in names}
    rng, order = np.random.default_rng(seed), x.copy()
    for _ in range(permutations):
        shuffle(order, rng.random(len(x)))
        for family in families:
            found = family.measure(order)
            for name, value in zip(family.names, found, strict=True):
                data = of_data[name]
                full[name][1 - int(value > data + 1e-9) + int(value < data - 1e-9)] += 1
    full = {name: [c[0], c[1], c[2]] for name, c in full.items()}
    assert [test.passed for test in early] == [passes(full[name]) for name in names]
    for test in early:
        stopped = sum(test.counts) < permutations
        assert stopped <= bool(test.passed)
        assert all(a <= b for a, b in zip(test.counts, full[test.name], strict=True))
        if not test.passed:
            assert test.counts == tuple(full[test.name])


@pytest.mark.parametrize("levels", [2, 256])
def test_ideal_streams_fail_as_often_as_the_ranks_say(levels):
    """With P permutations a statistic without ties fails in 12 of P + 1 cases, others in fewer.

    1,000 streams of 2,100 symbols (all statistics run), P = 120; compression on fewer of them.
    """
    permutations, streams = 120, 1000
    failures = Counter()
    for seed in range(streams):
        x = ideal(seed, 2100, levels)
        families = list(families_of(x, levels)) + [COMPRESSION] * (seed < 60)
        rng = np.random.default_rng(10_000 + seed)
        for test in permutation_tests(x, families, permutations, rng, lambda _: None):
            failures[test.name] += not test.passed
    rate = 12 / (permutations + 1)
    for name in NAMES[3:]:
        n = 60 if name == "compression" else streams
        error = Z * math.sqrt(rate * (1 - rate) / n)
        assert failures[name] / n < rate + error, name
        if name in ("excursion", "covariance_1"):  # hardly any ties
            assert failures[name] / n > rate - error - 0.01, name


# chi-square


def test_bins_take_the_least_expected_cells_first():
    bins, totals = bins_of(np.array([3.0, 9.0, 1.0, 2.0, 0.5, 20.0]))
    assert bins.tolist() == [0, 1, 0, 0, 0, 2]
    assert totals.tolist() == [6.5, 9, 20]


def test_a_last_bin_that_is_too_small_joins_the_one_before():
    bins, totals = bins_of(np.full(7, 2.0))
    assert bins.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert totals.tolist() == [6, 8]
    assert bins_of(np.full(2, 2.0))[1].tolist() == [4]


@given(st.lists(st.floats(0, 30), min_size=1, max_size=80))
def test_bins_hold_all_cells_and_at_least_five_each(expected):
    bins, totals = bins_of(np.array(expected))
    for b, total in enumerate(totals):
        assert total == pytest.approx(math.fsum(np.array(expected)[bins == b].tolist()))
    assert bins.max() + 1 <= len(totals)
    assert len(totals) == 1 or totals.min() >= 5
    ordered = bins[np.argsort(expected, kind="stable")]
    assert (np.diff(ordered) >= 0).all()


def transcribed_chi_square(symbols):
    """Statistics and degrees of freedom of 5.2.1 and 5.2.2, or 5.2.3 and 5.2.4, one by one."""
    s, n = symbols.tolist(), len(symbols)
    different = sorted(set(s))
    share = {x: s.count(x) / n for x in different}

    def binned(expected):
        bins = [[]]
        for cell in sorted(expected, key=lambda cell: (expected[cell], cell)):
            if sum(expected[c] for c in bins[-1]) >= 5:
                bins.append([])
            bins[-1].append(cell)
        if len(bins) > 1 and sum(expected[c] for c in bins[-1]) < 5:
            last = bins.pop()
            bins[-1] += last
        return [set(cells) for cells in bins]

    def pearson(drawn, bins, expected):
        return sum(
            (sum(x in cells for x in drawn) - (e := sum(expected[c] for c in cells))) ** 2 / e
            for cells in bins
        )

    tenths = [s[i * (n // 10) : (i + 1) * (n // 10)] for i in range(10)]
    if len(different) > 2:
        pairs = list(zip(s[: n // 2 * 2 : 2], s[1::2], strict=True))
        expected = {(a, b): share[a] * share[b] * len(pairs) for a in different for b in different}
        bins = binned(expected)
        independence = pearson(pairs, bins, expected), len(bins) - len(different)
        expected = {x: share[x] * (n // 10) for x in different}
        bins = binned(expected)
        fit = sum(pearson(part, bins, expected) for part in tenths), 9 * (len(bins) - 1)
    else:
        p = share[different[1]]
        m = max(m for m in range(1, 12) if min(p, 1 - p) ** m * (n // m) >= 5)
        words = Counter(tuple(s[i * m : (i + 1) * m]) for i in range(n // m))
        total = 0
        for word in itertools.product((0, 1), repeat=m):
            e = math.prod(p if bit else 1 - p for bit in word) * (n // m)
            total += (words[word] - e) ** 2 / e
        independence = total, 2**m - 2
        fit = pearson_of_tenths(tenths, p), 9
    return independence, fit


def pearson_of_tenths(tenths, p):
    size = len(tenths[0])
    return sum(
        (sum(t) - p * size) ** 2 / (p * size)
        + (size - sum(t) - (1 - p) * size) ** 2 / ((1 - p) * size)
        for t in tenths
    )


@pytest.mark.parametrize(
    "symbols",
    [
        ideal(0, 2001, 6),
        ideal(1, 3003, 11),
        np.random.default_rng(2).binomial(9, 0.3, 4000).astype(np.uint8),
        np.random.default_rng(3).geometric(0.4, 2500).astype(np.uint8),
        ideal(4, 5000, 2),
        (np.random.default_rng(5).random(3001) < 0.2).astype(np.uint8),
        (np.random.default_rng(6).random(3001) < 0.9).astype(np.uint8),
        ideal(7, 70_000, 2),
    ],
    ids=["6", "11", "binomial", "geometric", "bits", "20 % ones", "90 % ones", "m = 11"],
)
def test_chi_square_is_that_of_the_text(symbols):
    codes, alphabet = coded(symbols)
    for found, (statistic, freedom) in zip(
        chi_square_tests(codes, alphabet), transcribed_chi_square(codes), strict=True
    ):
        assert found.statistic == pytest.approx(statistic, rel=1e-9)
        assert found.freedom == freedom
        assert found.p_value == pytest.approx(stats.chi2.sf(statistic, freedom), rel=1e-9)
        assert found.passed == (found.p_value >= 0.001)


@pytest.mark.parametrize(("levels", "n"), [(2, 5000), (16, 2560), (16, 10_000)])
def test_chi_square_rejects_ideal_streams_as_often_as_it_says(levels, n):
    """1,000 streams; Pearson's law holds up to about a tenth of alpha at five expected."""
    p = np.array(
        [
            [test.p_value for test in chi_square_tests(*coded(ideal(seed, n, levels)))]
            for seed in range(1000)
        ]
    )
    for alpha in (0.5, 0.1, 0.01):
        error = Z * math.sqrt(alpha * (1 - alpha) / 1000)
        assert (abs((p < alpha).mean(axis=0) - alpha) < error + alpha / 10).all()


def test_independence_waits_until_pairs_are_expected_five_times():
    """With fewer, ideal streams would fail: 1,000 of them do not."""
    for seed in range(1000):
        independence, fit = chi_square_tests(*coded(ideal(seed, 2559, 16)))
        assert independence.needs == "at least 2560 symbols"
        assert fit.p_value > 1e-6


# the longest repeated substring


def brute_repeat(s):
    n = len(s)
    for length in range(n - 1, 0, -1):
        found = [tuple(s[i : i + length]) for i in range(n - length + 1)]
        if len(set(found)) < len(found):
            return length
    return 0


@given(st.integers(1, 4).flatmap(lambda k: st.lists(st.integers(0, k), max_size=40)))
def test_the_longest_repeat_is_that_of_all_substrings(symbols):
    assert longest_repeated_substring(array(symbols)) == brute_repeat(symbols)


def test_a_planted_repeat_is_found():
    x = ideal(0, 100_000)
    x[70_000:70_100] = x[500:600]
    found = repeated_substring_test(x)
    assert found.statistic == 100
    assert (found.passed, found.p_value) == (False, pytest.approx(0, abs=1e-200))


@pytest.mark.parametrize(("levels", "n"), [(256, 5000), (4, 3000)])
def test_the_p_value_is_that_of_independent_pairs(levels, n):
    found = repeated_substring_test(ideal(1, n, levels))
    share = np.bincount(ideal(1, n, levels)) / n
    w = int(found.statistic)
    pairs = math.comb(n - w + 1, 2)
    assert found.p_value == pytest.approx(1 - (1 - float(share @ share) ** w) ** pairs, rel=1e-6)


def test_ideal_streams_repeat_nothing_that_is_too_long():
    assert all(repeated_substring_test(ideal(seed, 2000, 4)).passed for seed in range(1000))


# all of it


def test_biased_but_independent_symbols_are_iid():
    """IID says nothing of entropy: loaded dice pass."""
    rng = np.random.default_rng(8)
    for symbols in (
        rng.binomial(40, 0.3, 20_000).astype(np.uint8),
        np.minimum(rng.integers(0, 256, 20_000), rng.integers(0, 256, 20_000)).astype(np.uint8),
        (rng.random(20_000) < 0.1).astype(np.uint8),
        255 * (rng.random(20_000) < 0.7).astype(np.uint8),
    ):
        found = iid_tests(symbols, permutations=10_000, seed=1)
        assert found.iid, found.failed
        assert [test.name for test in found.tests] == NAMES
        assert {test.passed for test in found.tests[1:]} == {True}


def text():
    words = ["noise", "is", "what", "remains", "of", "data", "once", "a", "network", "had", "its"]
    return " ".join(random.Random(0).choices(words, k=4000)).encode()[:20_000]


SPOILT = {
    "sticky": np.frombuffer(correlated(3, 20_000, 0.05).tobytes(), np.uint8),
    "text": np.frombuffer(text(), np.uint8),
    "period": np.tile(ideal(1, 1000), 20),
    "drift": (np.arange(20_000) / 20_000 * 30 + ideal(2, 20_000, 200)).astype(np.uint8),
    "alternating bits": np.arange(20_000).astype(np.uint8) % 2,
    "sticky bits": np.cumsum(np.random.default_rng(4).random(20_000) < 0.45).astype(np.uint8) % 2,
}
CAUGHT_BY = {
    "sticky": {"chi_square_independence", "periodicity_1"},
    "text": {"longest_repeated_substring", "chi_square_independence", "periodicity_1"},
    "period": {"longest_repeated_substring"},
    "drift": {"excursion", "chi_square_goodness_of_fit"},
    "alternating bits": {"chi_square_independence", "excursion", "median_runs"},
    "sticky bits": {"chi_square_independence", "median_runs"},
}


@pytest.mark.parametrize("defect", SPOILT)
def test_what_is_not_iid_fails_where_it_should(defect):
    found = iid_tests(SPOILT[defect], permutations=1000)
    assert not found.iid
    assert set(found.failed) >= CAUGHT_BY[defect]


def test_compression_is_spared_where_another_test_has_failed_unless_all_is_asked_for():
    x = SPOILT["text"][:4000]
    spared, all_of_it = (iid_tests(x, permutations=200, exhaustive=e) for e in (False, True))
    assert spared.tests[-1].passed is None
    assert "no test to have failed" in spared.tests[-1].needs
    assert all_of_it.tests[-1].passed is False
    assert all_of_it.tests[-1].counts == (200, 0, 0)
    assert spared.tests[:-1] == all_of_it.tests[:-1]


@settings(max_examples=50)
@given(bit_lists, st.integers(0, 254), st.data())
def test_two_symbols_are_bits_whatever_they_are_called(bits, low, data):
    high = data.draw(st.integers(low + 1, 255))
    renamed = np.where(array(bits) == 1, high, low).astype(np.uint8)
    if len(set(bits)) == 2:
        assert iid_tests(renamed, permutations=100) == iid_tests(array(bits), 1, 100)


def test_the_same_seed_gives_the_same_answer_and_the_input_is_left_alone():
    x = ideal(0, 1000)
    kept = x.copy()
    first = iid_tests(x, permutations=300, seed=5)
    x.setflags(write=False)
    assert iid_tests(x, permutations=300, seed=5) == first
    assert iid_tests(x.tobytes(), permutations=300, seed=5) == first
    assert iid_tests(np.repeat(x, 2)[::2], permutations=300, seed=5) == first
    assert iid_tests(x, permutations=300, seed=6) != first
    assert np.array_equal(x, kept)


def test_it_tells_how_far_it_is():
    told = []
    assert iid_tests(ideal(0, 3000), permutations=10_000, tell=told.append).iid
    assert told[0].startswith("chi-square")
    assert "permutation 0 of 10,000: excursion" in told[1]
    assert "compression undecided" in told[-1]


def test_the_outcome_is_plain_data():
    found = iid_tests(ideal(0, 500, 4), 2, 100)
    assert (found.symbols, found.alphabet) == (500, 4)
    for test in dataclasses.asdict(found)["tests"]:
        assert isinstance(test["statistic"], float | int | None)
        assert test["needs"] is None or test["passed"] is None
        assert (test["counts"] is None) or (test["p_value"] is None)


# edges


def outcome(found):
    return {test.name: test for test in found.tests}


def test_nothing_is_not_iid_and_every_test_says_what_it_needs():
    for few in (b"", b"x"):
        found = iid_tests(few)
        assert not found.iid
        assert found.failed == ()
        assert all(test.passed is None and "at least" in test.needs for test in found.tests)


def test_too_short_for_some_tests_is_not_too_short_for_all():
    found = iid_tests(ideal(0, 20, 16), 4, 100)
    tests = outcome(found)
    assert tests["excursion"].passed
    assert tests["periodicity_16"].passed is not None
    assert tests["periodicity_32"].needs == "at least 33 symbols"
    assert tests["chi_square_goodness_of_fit"].needs.endswith("at least 100 symbols")
    assert tests["chi_square_independence"].needs.startswith("at least")
    assert found.iid == (found.failed == ())


def test_collisions_need_more_symbols_than_different_ones():
    tests = outcome(iid_tests(np.arange(256).astype(np.uint8), permutations=100))
    assert tests["average_collision"].needs == "at least 257 symbols"
    tests = outcome(iid_tests(array([*range(256), 7]), permutations=100))
    assert tests["average_collision"].passed is not None


def test_bits_need_eight_times_as_many():
    tests = outcome(iid_tests(ideal(0, 2048, 2), 1, 100))
    assert tests["maximum_collision"].needs == "at least 2049 symbols"
    assert outcome(iid_tests(ideal(0, 2049, 2), 1, 100))["maximum_collision"].passed is not None
    assert outcome(iid_tests(ideal(0, 64, 2), 1, 100))["covariance_8"].needs == (
        "at least 65 symbols"
    )
    assert "bits of this bias" in outcome(iid_tests(ideal(0, 30, 2), 1, 100))[NAMES[0]].needs


@pytest.mark.parametrize("symbol", [0, 200])
def test_a_constant_has_no_order_to_test(symbol):
    """One symbol short of "nearly all equal" is tested."""
    data = np.full(3000, symbol, dtype=np.uint8)
    constant = iid_tests(data)
    assert (constant.iid, constant.failed) == (False, ())
    assert constant.inapplicable.startswith(f"every symbol is {symbol}: SP 800-90B, section 5,")
    assert [test.name for test in constant.tests] == NAMES
    assert {test.passed for test in constant.tests} == {None}
    data[[5, 2000]] = 7
    nearly = iid_tests(data)
    assert nearly.inapplicable.startswith(f"2,998 of 3,000 symbols are {symbol}: SP 800-90B")
    assert (nearly.iid, nearly.alphabet) == (False, 2)
    data[2500] = 7
    tested = iid_tests(data, permutations=100)
    assert tested.inapplicable is None
    assert outcome(tested)["excursion"].passed is not None


MEGABYTES = {
    "alternating": np.arange(1_000_000).astype(np.uint8) % 2,
    "counter": np.arange(1_000_000).astype(np.uint8),
    "text": np.resize(np.frombuffer(text(), np.uint8), 1_000_000),
    "noise before zeros": np.concatenate([ideal(0, 4000), np.zeros(996_000, np.uint8)]),
    "sorted": np.sort(ideal(1, 1_000_000)),
}


@pytest.mark.parametrize("kind", MEGABYTES)
def test_what_fails_for_certain_is_not_permuted(kind, monkeypatch):
    """Each of 10,000 permutations of a megabyte takes 6 to 25 ms."""

    def refuse(*_):
        raise AssertionError("permuted")

    monkeypatch.setattr("dan_bench.randomness.iid.permutation.shuffle", refuse)
    found = iid_tests(MEGABYTES[kind])
    assert not found.iid
    assert found.failed
    assert min(test.p_value for test in found.tests[:3] if test.p_value is not None) < 1e-9
    assert [test.name for test in found.tests] == NAMES
    for test in found.tests[3:-1]:
        assert (test.passed, test.needs) == (
            None,
            f"{found.failed[0]} not to have failed (p < 1e-09)",
        )
    with pytest.raises(AssertionError, match="permuted"):
        iid_tests(MEGABYTES[kind], exhaustive=True)


def test_short_or_uncertain_failures_are_permuted():
    """What fails by chance or by little gets the whole list of what failed."""
    short = iid_tests(SPOILT["text"], permutations=1000)
    assert outcome(short)["periodicity_1"].counts is not None
    slight = (np.random.default_rng(3).random(300_000) < 0.5).astype(np.uint8)
    slight[1:][np.random.default_rng(4).random(299_999) < 0.008] = 0
    found = iid_tests(slight, permutations=1000)
    assert outcome(found)["excursion"].counts is not None


@given(st.binary(max_size=80), st.integers(0, 3))
@settings(max_examples=80)
def test_no_bytes_are_too_odd(data, seed):
    found = iid_tests(data, permutations=100, seed=seed)
    assert [test.name for test in found.tests] == NAMES
    assert all((test.passed is None) == (test.needs is not None) for test in found.tests)
    assert all(not math.isnan(test.statistic or 0) for test in found.tests)
    assert found.iid == (not found.failed and any(test.passed for test in found.tests))


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((np.zeros(5),), TypeError, "float64"),
        ((np.zeros((5, 2), np.uint8),), TypeError, r"\(5, 2\)"),
        ((b"abc", 0), ValueError, "between 1 and 8, got 0"),
        ((b"abc", 9), ValueError, "between 1 and 8, got 9"),
        ((b"abc", 4), ValueError, "symbol 99 does not fit 4 bits"),
        ((b"abc", 8, 99), ValueError, "at least 100, got 99"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, error, match):
    with pytest.raises(error, match=match):
        iid_tests(*arguments)
