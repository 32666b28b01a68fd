"""Restart tests: NIST's numbers, exact laws by enumeration, false alarms and power."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from restart_data import SIDE, ideal, restarts

from dan_bench.randomness.restart import (
    ALPHA,
    ALPHA_OF_TOOL,
    commonest,
    exact_cutoff,
    formula_cutoff,
    restart_tests,
    simulated_cutoff,
    simulated_maxima,
    tail_of_maximum,
)

GOLDEN = json.loads((Path(__file__).parent / "golden" / "restart.json").read_text())
"""What ea_restart of 12 July 2024 gives for matrices of support/restart_data.py, made by
`restarts(NAME).tofile(FILE)` and `ea_restart -v -o OUT.json FILE BITS H_INITIAL`. `cutoff` is there
where it had its 5,000,000 rounds; the others had 100,000, for time. `printed` stands in for H_r and
H_c where validation failed: it then prints six digits of them and writes no more."""
QUICK = ("coin166", "three", "constcol", "alt", "and5", "and6")


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(
            row,
            id=f"{row['name']}-{row['h_initial']}",
            marks=() if row["name"] in QUICK else (pytest.mark.slow,),
        )
        for row in GOLDEN["matrices"]
    ],
)
def test_the_numbers_are_those_of_nists_tool(row):
    found = restart_tests(restarts(row["name"]), row["h_initial"], row["bits"])
    assert found.sanity.x_max == row["x_max"]
    assert found.sanity.cutoff_exact == row.get("cutoff", found.sanity.cutoff_exact)
    assert found.sanity.passed == row["sanity"]
    if not row["sanity"]:
        assert (found.assessed, found.rows, found.columns) == (None, None, None)
        assert found.reason.startswith("the sanity check failed")
        return
    for name in ("rows", "columns"):
        ours = getattr(found, name).estimators.literal.present()
        # it counts an estimate that could not be made as -1
        theirs = {estimate: h for estimate, h in row[name].items() if h >= 0}
        assert ours == pytest.approx(theirs, abs=1e-9)
    if "printed" in row:
        assert (found.h_row, found.h_column) == pytest.approx(row["printed"], abs=1e-6)
        assert found.assessed is None
        assert found.reason.startswith("validation failed")
    else:
        assert found.h_row == pytest.approx(row["h_r"], abs=1e-9)
        assert found.h_column == pytest.approx(row["h_c"], abs=1e-9)
        assert found.assessed == min(found.h_row, found.h_column, row["h_initial"])


@pytest.mark.parametrize("h", sorted(map(float, GOLDEN["cutoffs"])))
def test_the_cutoffs_are_those_that_nists_tool_simulates(h):
    """Its simulation has noise: where it is 1 away, the tail there is as close to alpha as that.

    Of 5,000,000 rounds 25 are above alpha's quantile, give or take 5.
    """
    theirs, ours = GOLDEN["cutoffs"][f"{h:g}"], exact_cutoff(h)
    if theirs != ours:
        assert abs(theirs - ours) == 1
        tail = tail_of_maximum(h, min(theirs, ours))
        assert tail == pytest.approx(ALPHA_OF_TOOL, rel=0.8)


def law_by_enumeration(h, n):
    """P(M > c) for c = 0..n, over all count vectors of n samples."""
    p = 2.0**-h
    common = math.floor(1 / p)
    chances = [p] * common + [max(0.0, 1 - common * p)]
    above = np.zeros(n + 1)
    for counts in itertools.product(range(n + 1), repeat=len(chances)):
        if sum(counts) == n:
            chance = math.factorial(n)
            for count, q in zip(counts, chances, strict=True):
                chance *= q**count / math.factorial(count)
            above[: max(counts)] += chance
    return above


@pytest.mark.parametrize("h", [0.0, 0.3, 1.0, 1.3, math.log2(3), 2.1])
def test_the_law_of_the_largest_count_is_exact(h, monkeypatch):
    n = 8
    monkeypatch.setattr("dan_bench.randomness.restart.SIDE", n)
    found = [tail_of_maximum(h, c) for c in range(n + 1)]
    assert found == pytest.approx(law_by_enumeration(h, n), abs=1e-12)


def test_two_equal_symbols_have_a_binomial_law():
    """P(M > c) = 2 P(X > c) for c at least half."""
    total = 2**SIDE
    for c in (560, 571, 572, 600):
        tail = 2 * sum(math.comb(SIDE, k) for k in range(c + 1, SIDE + 1)) / total
        assert tail_of_maximum(1, c) == pytest.approx(tail, abs=5e-12)


@pytest.mark.parametrize("h", [0.03, 0.5, 1, 2.5, 4, 6.3, 8])
def test_cutoffs_are_the_first_below_their_alpha(h):
    exact, formula = exact_cutoff(h), formula_cutoff(h)
    assert tail_of_maximum(h, exact) <= ALPHA_OF_TOOL < tail_of_maximum(h, exact - 1)
    numerator, denominator = (2.0**-h).as_integer_ratio()

    def tail(x):
        terms = (
            math.comb(SIDE, k) * numerator**k * (denominator - numerator) ** (SIDE - k)
            for k in range(x, SIDE + 1)
        )
        return sum(terms) / denominator**SIDE

    assert tail(formula) >= ALPHA > (tail(formula + 1) if formula < SIDE else 0)
    assert formula <= exact


def test_a_source_without_entropy_may_be_constant():
    assert (exact_cutoff(0), formula_cutoff(0)) == (SIDE, SIDE)


@pytest.mark.parametrize("h", [0.5, 1, 3.7, 8])
def test_the_simulation_has_the_exact_law(h):
    """20,000 rounds, the counts of which lie within five sigma at every count."""
    rounds = 20_000
    state = np.arange(1, 5, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    found = simulated_maxima(2.0**h, rounds, state)
    assert found.sum() == rounds
    above = rounds - np.cumsum(found)
    middle = exact_cutoff(h, 0.5)
    for c in range(middle - 4, middle + 8):
        tail = tail_of_maximum(h, c)
        sigma = math.sqrt(rounds * tail * (1 - tail))
        assert above[c] == pytest.approx(rounds * tail, abs=5 * sigma + 1)


def test_a_simulated_cutoff_is_near_the_exact_one():
    rounds = 200_000  # one or two are above it; more than twelve of them would be a wonder
    found = restart_tests(restarts("constcol"), 1, rounds=rounds).sanity.cutoff_simulated
    assert exact_cutoff(1, 12 / rounds) <= found <= exact_cutoff(1, 0.01 / rounds)
    assert found == simulated_cutoff(1, rounds)


def test_ideal_restarts_fail_the_sanity_check_once_in_a_hundred_at_most():
    """2,000 matrices of bits; by the formula twice as often, as it counts one of two symbols.

    Rows and columns of a million bits at once would take minutes: their counts of ones are drawn
    as what they are, 2,000 binomials, of which rows and columns are nearly independent.
    """
    ones = np.random.default_rng(3).binomial(SIDE, 0.5, (2_000, 2 * SIDE))
    largest = np.maximum(ones, SIDE - ones).max(axis=1)
    by_exact = (largest > exact_cutoff(1)).mean()
    by_formula = (largest > formula_cutoff(1)).mean()
    sigma = math.sqrt(0.01 / 2_000)
    assert by_exact <= 0.01 + 4 * sigma
    assert by_exact == pytest.approx(2 * SIDE * tail_of_maximum(1, exact_cutoff(1)), abs=4 * sigma)
    assert by_formula == pytest.approx(
        2 * SIDE * tail_of_maximum(1, formula_cutoff(1)), abs=6 * sigma
    )
    assert by_formula > 0.01


def test_ideal_matrices_pass():
    for seed in range(20):
        matrix = ideal(f"pass {seed}").reshape(SIDE, SIDE)
        assert max(commonest(matrix), commonest(np.ascontiguousarray(matrix.T))) <= exact_cutoff(8)


@pytest.mark.parametrize(("share", "found"), [(0.01, False), (0.035, True)])
def test_the_sanity_check_sees_a_column_that_starts_alike(share, found):
    """At 8 bits the cutoff is 19: 5 more of 256 pass, 35 more never do."""
    matrix = ideal("start").reshape(SIDE, SIDE).copy()
    matrix[: int(share * SIDE), 0] = 77
    column = commonest(np.ascontiguousarray(matrix.T))
    assert (column > exact_cutoff(8)) == found


def test_what_is_asked_for_is_what_is_given():
    samples = restarts("two")
    plain = restart_tests(samples, 0.9)
    assert restart_tests(samples.tobytes(), 0.9) == plain
    assert restart_tests(samples.ravel().astype(np.int64), 0.9, workers=2) == plain
    assert plain.to_json()["assessed"] == plain.assessed
    json.dumps(plain.to_json(), allow_nan=False)
    lower = restart_tests(samples, 0.4)
    assert (lower.assessed, lower.h_row) == (0.4, plain.h_row)


def test_rows_and_columns_are_transposes():
    samples = restarts("two")
    found, turned = restart_tests(samples, 0.5), restart_tests(samples.T, 0.5)
    assert (found.rows, found.columns) == (turned.columns, turned.rows)
    assert (found.sanity.x_row, found.sanity.x_column) == (
        turned.sanity.x_column,
        turned.sanity.x_row,
    )


def test_half_of_the_initial_estimate_is_enough():
    """H_r of this matrix is about 0.41: H_I may be 0.8 and not 0.9."""
    samples = restarts("coin166")
    least = min(restart_tests(samples, 0.1, 1).h_row, restart_tests(samples, 0.1, 1).h_column)
    assert restart_tests(samples, least / 2, 1).assessed == least / 2
    assert restart_tests(samples, 0.6, 1).assessed == least


def test_a_constant_is_awarded_nothing():
    found = restart_tests(bytes(SIDE * SIDE), 0)
    assert (found.assessed, found.reason) == (None, "every sample is the same")


def test_the_cutoff_of_the_text_decides_where_asked_for():
    matrix = ideal("borderline").reshape(SIDE, SIDE) >> 7
    # 571 ones, between the cutoffs of 570 and 572
    matrix[:, 3] = np.random.default_rng(0).permutation(SIDE) < 571
    x = max(commonest(matrix), commonest(np.ascontiguousarray(matrix.T)))
    assert formula_cutoff(1) < x <= exact_cutoff(1)
    found = restart_tests(matrix, 1, 1)
    assert found.sanity.passed
    assert not found.sanity.passed_by_formula
    assert found.assessed is not None
    assert restart_tests(matrix, 1, 1, by_formula=True).assessed is None


def test_bits_are_looked_at_where_asked_for():
    found = restart_tests(restarts("three"), 1.5, bitstring=True)
    assert found.rows.h_bitstring is not None
    assert found.h_row <= restart_tests(restarts("three"), 1.5).h_row


@pytest.mark.slow
def test_the_iid_track_needs_both_data_sets_to_be_iid():
    good = restart_tests(restarts("ideal1"), 1, 1, iid=True)
    assert good.assessed == good.h_row == good.h_column
    assert good.rows.estimators.literal.present().keys() == {"most_common_value"}
    bad = restart_tests(restarts("copycol64"), 6, iid=True)
    assert bad.assessed is None
    assert bad.reason.startswith("the IID track does not apply")
    assert bad.h_row == bad.h_column > 7


@pytest.mark.parametrize(
    ("samples", "h", "options", "said"),
    [
        (np.zeros((1000, 999), np.uint8), 1, {}, "is 1000 x 1000, a restart a row"),
        (bytes(999_999), 1, {}, "1,000,000 in all; got 999,999"),
        (b"", 1, {}, "empty"),
        (np.full((1000, 1000), 4), 1, {"bits_per_symbol": 2}, "no symbol of 2 bits"),
        (np.zeros((1000, 1000), np.uint8), 8.1, {}, "h_initial must lie between 0 and the 8"),
        (np.zeros((1000, 1000), np.uint8), -1, {}, "h_initial must lie between"),
        (np.zeros((1000, 1000), np.uint8), math.nan, {}, "h_initial must lie between"),
        (np.zeros((1000, 1000), np.uint8), 1, {"rounds": -1}, "rounds must be 0 or more"),
        (np.zeros((1000, 1000), np.uint8), 1, {"rounds": 1}, "rounds must be 2 or more"),
    ],
)
def test_bad_input_is_refused(samples, h, options, said):
    with pytest.raises(ValueError, match=said):
        restart_tests(samples, h, **options)


def test_floats_are_no_samples():
    with pytest.raises(TypeError, match="symbols are a 1-D array of integers"):
        restart_tests(np.zeros((1000, 1000)), 1)
