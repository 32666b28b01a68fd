"""SP 800-90B, section 5.1, against its worked examples and a transcription of its text.

Statistical bounds are Z standard errors of a normal law: a false alarm of 1e-5 a comparison, and
the seeds are fixed.
"""

import bz2
import itertools
import math
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iid_streams import NAMES, Z, array, bit_lists, correlated, ideal, symbol_lists
from scipy import stats

from dan_bench.randomness.iid import iid_tests, permutation
from dan_bench.randomness.iid.permutation import (
    COMPRESSION,
    LAGS,
    families_of,
    passes,
    permutation_tests,
    shuffle,
)


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
    assert permutation.excursion(array([2, 15, 4, 10, 9])) == 6
    assert permutation.directional_runs(array([2, 2, 2, 5, 7, 7, 9, 3, 1, 4, 4])) == (3, 6, 8)
    assert permutation.median_runs(array([5, 15, 12, 1, 13, 9, 4]), 2 * 9) == (5, 2)
    assert permutation.collisions(array([2, 1, 1, 2, 0, 1, 0, 1, 1, 2])) == (3, 4)
    assert permutation.periodicity(array([2, 1, 2, 1, 0, 1, 0, 1, 1, 2]), 2) == 5
    assert permutation.covariance(array([5, 2, 6, 10, 12, 3, 1]), 2) == 164


def test_the_document_s_conversions_of_20_bits():
    bits = array([1, 0, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 1, 1])
    assert permutation.ones_in_eights(bits).tolist() == [4, 6, 2]
    assert permutation.values_of_eights(bits).tolist() == [142, 219, 48]


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
    assert permutation.excursion(x) == 127.5e6
    assert permutation.covariance(x, 1) == 255**2 * 999_999


def test_compression_uses_blocks_of_500_kilobytes():
    """As NIST's own tool; larger blocks would make these 892 kB of numerals shorter."""
    x = ideal(0, 250_000)
    numerals = " ".join(map(str, x.tolist())).encode()
    assert permutation.compression(x) == len(bz2.compress(numerals, 5))
    assert permutation.compression(x) != len(bz2.compress(numerals, 9))


def test_what_repeats_nowhere_has_no_collision():
    assert permutation.collisions(np.arange(256).astype(np.uint8)) == (0, 0)


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
