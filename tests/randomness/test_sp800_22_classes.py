"""Exact probabilities of SP 800-22's classes: closed forms, enumeration, and NIST's tables.

The streams of seeded tests are fixed, so that no test fails by chance.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from dan_bench.randomness.linearity import log2_probability
from dan_bench.randomness.sp800_22 import suite as t
from dan_bench.randomness.sp800_22.counts import (
    LONGEST,
    longest_run_probabilities,
    share_without_longer_run,
)
from dan_bench.randomness.sp800_22.patterns import class_probabilities
from dan_bench.randomness.sp800_22.structure import PROBABILITIES


def test_the_exact_classes_of_overlapping_templates():
    known = (
        *(0.36409105321673, 0.18565890010624, 0.13938113045903),
        *(0.10057114399878, 0.0704323263464, 0.13986544587282),
    )
    assert class_probabilities(9, 1032) == pytest.approx(known, abs=1e-13)
    # section 3.8, as NIST's tool has them
    table = (0.367879, 0.183940, 0.137955, 0.099634, 0.069935, 0.140657)
    assert class_probabilities(9, 1032, "nist") == pytest.approx(table, abs=1e-6)


def test_the_exact_classes_of_longest_runs():
    """Those of 10,000 bits to the digits that arcetri's copy of NIST's tool has."""
    known = (
        *(0.08663231107995278587, 0.20820064838760340198, 0.24841858194169954122),
        *(0.19391278674165693004, 0.12145848508900441468),
    )
    assert longest_run_probabilities(10_000, 10, 7)[:5] == pytest.approx(known, abs=1e-13)
    for length, first, table in LONGEST.values():
        exact = longest_run_probabilities(length, first, len(table))
        assert sum(exact) == pytest.approx(1, abs=1e-14)
        nist = longest_run_probabilities(length, first, len(table), "nist")
        assert nist == table
        assert exact == pytest.approx(nist, abs=2e-3 if length == 10_000 else 5e-10)


@pytest.mark.parametrize("longest", [0, 1, 2, 4, 12, 15])
def test_longest_runs_by_enumeration(longest):
    for length in (1, 2, 5, 13):
        longest_of = [max(map(len, f"{x:0{length}b}".split("0"))) for x in range(2**length)]
        share = sum(run <= longest for run in longest_of) / 2**length
        assert share_without_longer_run(length, longest) == share


def test_longest_runs_of_long_blocks_by_whole_numbers():
    """As many strings of n bits as of n - 1, n - 2 ... n - k - 1, each with a zero before."""
    k, strings = 10, [2**n for n in range(11)]
    for n in range(11, 10_001):
        strings.append(2 * strings[-1] - (strings[n - k - 2] if n > k + 1 else 1))
    share = strings[10_000] / 2**10_000
    assert share_without_longer_run(10_000, k) == pytest.approx(share, abs=1e-13)


def test_class_probabilities_by_enumeration():
    streams = itertools.product((0, 1), repeat=11)
    found = [min(5, sum(map(all, itertools.pairwise(x)))) for x in streams]
    assert class_probabilities(2, 11) == pytest.approx(np.bincount(found) / 2**11, abs=1e-15)


@pytest.mark.parametrize("length", [12, 13])
def test_the_classes_of_linear_complexity_by_enumeration(length):
    """All strings of M bits: of even and of odd M, the limit but for what 2^-M leaves."""
    strings = (np.arange(2**length)[:, None] >> np.arange(length) & 1).astype(np.uint8)
    counts = t.linear_complexity(strings.ravel(), length).statistics["counts"]
    assert np.array(counts) / 2**length == pytest.approx(PROBABILITIES["exact"], abs=2**-length)


@pytest.mark.parametrize("length", [500, 501, 1000, 5000])
def test_the_exact_classes_of_linear_complexity_are_those_of_rueppels_law(length):
    """In whole fractions: T = (-1)^M (L - mean) + 2/9 of every L, and 2^M times its probability."""
    cells = [Fraction(0)] * 7
    mean = Fraction(length, 2) + Fraction(4 + length % 2, 18)
    mean -= (Fraction(length, 3) + Fraction(2, 9)) / 2**length
    for complexity in range(length + 1):
        statistic = (-1) ** length * (complexity - mean) + Fraction(2, 9)
        cell = min(6, max(0, math.ceil(statistic + Fraction(5, 2))))
        cells[cell] += Fraction(2 ** (length + log2_probability(complexity, length)), 2**length)
    assert sum(cells) == 1
    assert [float(cell) for cell in cells] == list(PROBABILITIES["exact"])
    assert PROBABILITIES["nist"] == pytest.approx(PROBABILITIES["exact"], abs=6e-5)


def test_false_alarms_of_linear_complexity():
    """2,000 ideal streams of 200 blocks, the fewest that are judged."""
    rng = np.random.default_rng(2027)
    streams = (np.unpackbits(np.frombuffer(rng.bytes(12_500), np.uint8)) for _ in range(2000))
    p = np.array([t.linear_complexity(bits, 500).p_values[0] for bits in streams])
    for level in (0.1, 0.01):
        assert abs((p < level).mean() - level) < 4 * math.sqrt(level * (1 - level) / len(p))
