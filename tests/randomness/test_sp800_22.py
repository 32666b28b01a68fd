"""SP 800-22 against the document's examples, published p-values and transcriptions of its text.

The streams of seeded tests are fixed, so that no test fails by chance.
"""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from dan_bench.randomness.linearity import linear_complexities
from dan_bench.randomness.sp800_22 import sp800_22
from dan_bench.randomness.sp800_22 import suite as t
from dan_bench.randomness.sp800_22.counts import (
    farthest_p_value,
    runs_of_ones,
    visit_probabilities,
)
from dan_bench.randomness.sp800_22.patterns import aperiodic_templates
from dan_bench.randomness.sp800_22.structure import PROBABILITIES, rank_probability, ranks

MEGABIT = 1_000_000
some_bits = st.lists(st.integers(0, 1), min_size=60, max_size=200).map(
    lambda bits: np.array(bits, dtype=np.uint8)
)


def bits_of(text):
    return np.frombuffer(text.encode(), dtype=np.uint8) - ord("0")


# the first 100 bits of pi, which section 2 takes for its larger examples
PI_100 = bits_of(
    "11001001000011111101101010100010001000010110100011"
    "00001000110100110001001100011001100010100010111000"
)


def split(low, high, term):
    """Binary splitting: (P, Q, T) of a hypergeometric sum over low <= k < high."""
    if high - low == 1:
        return term(low)
    middle = (low + high) // 2
    p1, q1, t1 = split(low, middle, term)
    p2, q2, t2 = split(middle, high, term)
    return p1 * p2, q1 * q2, t1 * q2 + p1 * t2


def pi_term(k):
    """Chudnovsky's series."""
    p = -(6 * k - 5) * (2 * k - 1) * (6 * k - 1) if k else 1
    q = k**3 * (640320**3 // 24) if k else 1
    return p, q, p * (13591409 + 545140134 * k)


@pytest.fixture(scope="module")
def constants():
    """1,000,000 bits each of pi and of e, the integer part included."""
    _, q, total = split(0, MEGABIT // 47 + 2, pi_term)
    pi = (q * 426880 * math.isqrt(10005 << 2 * (MEGABIT + 64))) // total
    _, q, total = split(1, 80_000, lambda k: (1, k, 1))  # 80,000! has 1.19 million bits
    e = ((q + total) << (MEGABIT + 64)) // q
    return {name: bits_of(f"{x:b}"[:MEGABIT]) for name, x in (("pi", pi), ("e", e))}


# published values

APPENDIX_B = {
    "pi": {
        "frequency": [0.578211],
        "block_frequency": [0.380615],
        "cumulative_sums": [0.628308, 0.663369],
        "runs": [0.419268],
        "rank": [0.083553],
        "dft": [0.010186],
        "universal": [0.669012],
        "approximate_entropy": [0.361595],
        "serial": [0.143005, 0.034354],
        "overlapping_template": [0.260718],
    },
    "e": {
        "frequency": [0.953749],
        "block_frequency": [0.211072],
        "cumulative_sums": [0.669886, 0.724265],
        "runs": [0.561917],
        "rank": [0.306156],
        "dft": [0.847187],
        "universal": [0.282568],
        "approximate_entropy": [0.700073],
        "serial": [0.766182, 0.462921],
        "overlapping_template": [0.159037],
        # sections 2.14.8 and 2.15.8
        "random_excursions": [
            *(0.573306, 0.197996, 0.164011, 0.007779, 0.786868, 0.440912, 0.797854, 0.778186)
        ],
        "random_excursions_variant": [
            *(0.858946, 0.794755, 0.576249, 0.493417, 0.633873, 0.917283, 0.934708, 0.816012),
            *(0.826009, 0.137861, 0.200642, 0.441254, 0.939291, 0.505683, 0.445935, 0.512207),
            *(0.538635, 0.593930),
        ],
    },
}
# with the rounded or approximate class probabilities of the document, and of NIST's tool
BY_NIST = {
    "longest_run_probabilities": "nist",
    "overlapping_probabilities": "nist",
    "linear_complexity_probabilities": "nist",
}
NISTS_CLASSES = {
    "pi": {
        "longest_run": 0.024390,
        "overlapping_template": 0.296897,
        "linear_complexity": 0.255475,
    },
    "e": {"longest_run": 0.718945, "overlapping_template": 0.110434, "linear_complexity": 0.826335},
}
ONE_SUB_TEST = [
    ("pi", "non_overlapping_template", "000000001", 0.165757),
    ("e", "non_overlapping_template", "000000001", 0.078790),
    ("pi", "random_excursions", "+1", 0.844143),
    ("pi", "random_excursions_variant", "-1", 0.760966),
]


@pytest.mark.parametrize("name", ["pi", "e"])
def test_the_p_values_of_appendix_b(constants, name):
    found = sp800_22(constants[name])
    for test, expected in APPENDIX_B[name].items():
        assert found.tests[test].p_values == pytest.approx(expected, abs=1e-6), test
    for stream, test, sub_test, expected in ONE_SUB_TEST:
        if stream == name:
            outcome = found.tests[test]
            p = outcome.p_values[outcome.sub_tests.index(sub_test)]
            assert p == pytest.approx(expected, abs=1e-6), test
    by_nist = sp800_22(constants[name], **BY_NIST)
    for test, published in NISTS_CLASSES[name].items():
        p_value = by_nist.tests[test].p_values[0]
        assert p_value == pytest.approx(published, abs=1e-6), test
        assert abs(found.tests[test].p_values[0] - p_value) > 1e-4, test
    assert sum(len(outcome.p_values) for outcome in found.tests.values()) == 188


def test_the_examples_of_section_2_on_a_million_bits_of_e(constants):
    e = constants["e"]
    assert t.rank(e[:100_000]).statistics["counts"] == [23, 60, 14]
    assert t.rank(e[:100_000]).p_values == pytest.approx([0.532069], abs=1e-6)
    overlapping = t.overlapping_template(e, 9, 1032, "nist").statistics
    assert overlapping["counts"] == [329, 164, 150, 111, 78, 136]
    assert overlapping["chi_squared"] == pytest.approx(8.965859, abs=1e-6)
    complexity = t.linear_complexity(e, 1000, "nist")
    assert complexity.statistics["counts"] == [11, 31, 116, 501, 258, 57, 26]
    assert complexity.p_values == pytest.approx([0.845406], abs=1e-6)
    serial = t.serial(t.cyclic_counts(e, 2), 2)
    assert serial.p_values == pytest.approx([0.843764, 0.561915], abs=1e-6)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (lambda: t.frequency(bits_of("1011010101")), 0.527089),
        (lambda: t.frequency(PI_100), 0.109599),
        (lambda: t.block_frequency(bits_of("0110011010"), 3), 0.801252),
        (lambda: t.block_frequency(PI_100, 10), 0.706438),
        (lambda: t.runs(bits_of("1001101011")), 0.147232),
        (lambda: t.runs(PI_100), 0.500798),
        (
            lambda: t.longest_run(
                bits_of(
                    "1100110000010101011011000100110011100000000000100100110101010001"
                    "0001001111010110100000001101011111001100111001101101100010110010"
                )
            ),
            0.180609,
        ),
        (lambda: t.non_overlapping_template(bits_of("10100100101110010110"), 3, 2), 0.344154),
        (lambda: t.serial(t.cyclic_counts(bits_of("0011011101"), 3), 3), 0.808792),
        (lambda: t.approximate_entropy(t.cyclic_counts(bits_of("0100110101"), 4), 3), 0.261961),
        (lambda: t.approximate_entropy(t.cyclic_counts(PI_100, 3), 2), 0.235301),
        (lambda: t.cumulative_sums(t.walk(bits_of("1011010111"))), 0.4116588),
        (lambda: t.cumulative_sums(t.walk(PI_100)), 0.219194),
    ],
)
def test_the_small_examples_of_section_2(outcome, expected):
    assert outcome().p_values[0] == pytest.approx(expected, abs=1e-6)


def test_the_other_numbers_of_the_small_examples():
    assert t.serial(t.cyclic_counts(bits_of("0011011101"), 3), 3).statistics[
        "psi_squared"
    ] == pytest.approx([2.8, 1.2, 0.4])
    universal = t.universal(bits_of("01011010011101010111"), 2, 4)
    assert universal.statistics["mean_log2_distance"] == pytest.approx(1.1949875, abs=1e-7)
    assert t.cumulative_sums(t.walk(PI_100)).p_values[1] == pytest.approx(0.114866, abs=1e-6)
    walked = t.walk(bits_of("0110110101"))
    assert walked.cycles == 3
    excursions = t.random_excursions(walked)
    assert excursions.sub_tests[4] == "+1"
    assert excursions.statistics["chi_squared"][4] == pytest.approx(13 / 3)
    assert t.random_excursions_variant(walked).p_values[9] == pytest.approx(0.683091, abs=1e-6)


# probabilities


def test_laws_sum_to_one_and_ranks_are_enumerated():
    assert sum(rank_probability(r, 32, 32) for r in range(33)) == pytest.approx(1, abs=1e-14)
    assert [rank_probability(r, 2, 2) for r in range(3)] == pytest.approx([1 / 16, 9 / 16, 6 / 16])
    assert sum(PROBABILITIES["exact"]) == pytest.approx(1, abs=1e-15)
    assert all(sum(visit_probabilities(x)) == pytest.approx(1) for x in (-4, -1, 1, 2, 3))


@pytest.mark.parametrize(("m", "number"), [(2, 2), (3, 4), (4, 6), (5, 12), (8, 74), (9, 148)])
def test_the_number_of_aperiodic_templates(m, number):
    assert len(aperiodic_templates(m)) == number


def test_linear_complexity_of_all_short_streams_has_its_known_law():
    """2^min(2L - 1, 2n - 2L) of the 2^n streams have complexity L >= 1 (Rueppel 1986)."""
    n = 12
    strings = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.uint8)
    found = linear_complexities(strings)
    expected = [1] + [2 ** min(2 * length - 1, 2 * (n - length)) for length in range(1, n + 1)]
    assert np.bincount(found, minlength=n + 1).tolist() == expected


# transcriptions of the document


def berlekamp_massey(s):
    c, b, length, m = [1] + [0] * len(s), [1] + [0] * len(s), 0, -1
    for i in range(len(s)):
        if (s[i] + sum(c[j] * s[i - j] for j in range(1, length + 1))) % 2:
            before = c.copy()
            for j in range(len(s) + 1 - (i - m)):
                c[j + i - m] ^= b[j]
            if 2 * length <= i:
                length, m, b = i + 1 - length, i, before
    return length


@given(some_bits)
def test_linear_complexity_is_that_of_the_textbook(bits):
    assert linear_complexities(bits[None])[0] == berlekamp_massey(bits.tolist())


@given(some_bits, st.integers(2, 5))
def test_patterns_are_counted_as_the_document_says(bits, m):
    text = "".join(map(str, bits))

    def count(length):
        circle = text + text[: length - 1] if length else ""
        windows = [circle[i : i + length] for i in range(len(text))]
        return np.array(
            [windows.count("".join(w)) for w in itertools.product("01", repeat=length)], float
        )

    n = len(text)
    psi = [2**k / n * (count(k) ** 2).sum() - n if k else 0.0 for k in (m, m - 1, m - 2)]
    serial = t.serial(t.cyclic_counts(bits, m + 2), m)
    assert serial.statistics["psi_squared"] == pytest.approx(psi, abs=1e-9)
    second = max(psi[0] - 2 * psi[1] + psi[2], 0.0)  # at least 0, but for rounding
    assert serial.p_values[1] == pytest.approx(special.gammaincc(2 ** (m - 3), second / 2))
    phi = [special.xlogy(count(k) / n, count(k) / n).sum() for k in (m, m + 1)]
    entropy = t.approximate_entropy(t.cyclic_counts(bits, m + 1), m)
    assert entropy.statistics["approximate_entropy"] == pytest.approx(phi[0] - phi[1], abs=1e-12)


@given(some_bits, st.integers(2, 4), st.integers(1, 4))
def test_templates_are_searched_as_the_document_says(bits, m, blocks):
    length = len(bits) // blocks
    mean = (length - m + 1) / 2**m
    variance = length * (2.0**-m - (2 * m - 1) * 2.0 ** (-2 * m))
    found = t.non_overlapping_template(bits, m, blocks)
    for template, chi_squared in zip(found.sub_tests, found.statistics["chi_squared"], strict=True):
        expected = 0.0
        for k in range(blocks):
            block, at, matches = bits[k * length : (k + 1) * length], 0, 0
            while at <= length - m:
                hit = np.array_equal(block[at : at + m], bits_of(template))
                matches += hit
                at += m if hit else 1
            expected += (matches - mean) ** 2 / variance
        assert chi_squared == pytest.approx(expected)
    counts = [0] * 6
    for k in range(len(bits) // 20):
        block = bits[k * 20 : k * 20 + 20]
        counts[min(5, sum(block[i : i + m].all() for i in range(20 - m + 1)))] += 1
    assert t.overlapping_template(bits, m, 20).statistics["counts"] == counts


@given(some_bits)
def test_the_walk_is_that_of_the_document(bits):
    steps = 2 * bits.astype(int) - 1
    sums = np.cumsum(steps)
    walked = t.walk(bits)
    reverse = np.cumsum(steps[::-1])
    z = t.cumulative_sums(walked).statistics
    assert z == {"z_forward": abs(sums).max(), "z_reverse": abs(reverse).max()}
    closed = [0, *sums.tolist()] + ([0] if sums[-1] else [])
    zeros = [i for i, s in enumerate(closed) if s == 0]
    cycles = [closed[a + 1 : b] for a, b in itertools.pairwise(zeros)]
    assert walked.cycles == len(cycles)
    for x in (-4, -2, -1, 1, 3):
        visits = [cycle.count(x) for cycle in cycles]
        expected = [sum(min(v, 5) == k for v in visits) for k in range(6)]
        assert walked.cycles_by_visits[x + 4].tolist() == expected
    states = (-9, -3, 1, 9)
    assert [walked.visits[x + 9] for x in states] == [closed.count(x) for x in states]


@given(some_bits)
def test_longest_runs_universal_and_moduli_by_hand(bits):
    blocks = ["".join(map(str, bits[i : i + 8])) for i in range(0, len(bits) - 7, 8)]
    longest, pairs = runs_of_ones(bits, 8, 2)
    assert longest.tolist() == [max(map(len, b.split("0"))) for b in blocks]
    assert pairs.tolist() == [sum(b[i : i + 2] == "11" for i in range(7)) for b in blocks]
    last, logs = {}, []
    for i in range(len(bits) // 2):
        pattern = tuple(bits[2 * i : 2 * i + 2])
        if i >= 10:
            logs.append(math.log2(i + 1 - last.get(pattern, 0)))
        last[pattern] = i + 1
    mean = t.universal(bits, 2, 10).statistics["mean_log2_distance"]
    assert mean == pytest.approx(np.mean(logs))
    n = len(bits)
    j = np.arange(n // 2)[:, None] * np.arange(n)
    moduli = abs(np.exp(2j * np.pi * j / n) @ (2.0 * bits - 1))
    assert t.dft(bits).statistics["below"] == (moduli < math.sqrt(math.log(20) * n)).sum()


@given(st.lists(st.integers(0, 2**32 - 1), min_size=32, max_size=32), st.integers(1, 32))
def test_rank_is_the_size_of_the_span(rows, different):
    rows = [rows[i % different] for i in range(32)]
    basis = []
    for row in rows:
        for b in basis:
            row = min(row, row ^ b)
        basis += [row] if row else []
    assert ranks(np.array([rows], dtype=np.uint32))[0] == len(basis)


def test_the_farthest_of_a_walk_by_recursion():
    """The probability that a walk of 400 steps stays within z, by its transition matrix."""
    for z in (15, 30, 60):
        law = np.zeros(2 * z - 1)
        law[z - 1] = 1
        for _ in range(400):
            law = 0.5 * (np.append(law[1:], 0) + np.append(0, law[:-1]))
        assert farthest_p_value(z, 400) == pytest.approx(1 - law.sum(), abs=0.05)
