"""SP 800-90B, section 5, as a whole: what is IID, what is not, and its edges.

Statistical bounds are Z standard errors of a normal law: a false alarm of 1e-5 a comparison, and
the seeds are fixed.
"""

import dataclasses
import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from iid_streams import NAMES, array, bit_lists, correlated, ideal

from dan_bench.randomness.iid import iid_tests


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
    seen = []
    assert iid_tests(ideal(0, 3000), permutations=10_000, on_progress=seen.append).iid
    assert seen[0].startswith("chi-square")
    assert "permutation 0 of 10,000: excursion" in seen[1]
    assert "compression undecided" in seen[-1]


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
        ((b"abc", 4), ValueError, "99 is no symbol of 4 bits"),
        ((b"abc", 8, 99), ValueError, "at least 100, got 99"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, error, match):
    with pytest.raises(error, match=match):
        iid_tests(*arguments)
