"""Conditioning: NIST's numbers, the document's formula in rationals, and closed forms."""

import csv
import math
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from restart_data import restarts

from dan_bench.randomness.conditioning import conditioned_entropy, conditioned_output

with (Path(__file__).parent / "golden" / "conditioning.csv").open() as file:
    GOLDEN = list(csv.DictReader(file))
"""What ea_conditioning prints (of 12 July 2024, MPFR 4.2): 64-bit mantissas."""


def transcribed(n_in, n_out, nw, h_in, digits):
    """Output_Entropy word for word (3.1.5.1.2, steps 1 to 6), at so many digits."""
    with localcontext() as context:
        context.prec = digits
        two = Decimal(2)
        p_high = two**-h_in
        p_low = (1 - p_high) / (two**n_in - 1)
        n = min(n_out, nw)
        psi = two ** (n_in - n) * p_low + p_high
        u = two ** (n_in - n) + (2 * n * two ** (n_in - n) * two.ln()).sqrt()
        omega = u * p_low
        return -max(psi, omega).ln() / two.ln()


@pytest.mark.parametrize("row", GOLDEN, ids=lambda row: "-".join(list(row.values())[:4]))
def test_the_numbers_are_those_of_nists_tool(row):
    sizes = (int(row["n_in"]), int(row["n_out"]), int(row["nw"]), row["h_in"])
    vetted = conditioned_output(*sizes, vetted=True)
    other = conditioned_output(*sizes, vetted=False, h_prime=row["h_prime"])
    assert vetted.exact == {"output_entropy": other.exact["output_entropy"]} | {
        "h_out": vetted.exact["output_entropy"]
    }
    for ours, theirs in (
        (vetted.exact["h_out"], row["output_entropy"]),
        (other.exact["h_out"], row["h_out"]),
    ):
        assert abs(ours - Decimal(theirs)) <= Decimal("1e-18") * abs(ours)
    for name in ("epsilon", "h_in", "nw"):
        if theirs := row[f"{name}_exponent"]:
            assert getattr(vetted, f"{name}_exponent") == pytest.approx(float(theirs), rel=1e-15)
    assert vetted.full_entropy == (row["full_entropy"] == "1")
    assert not other.full_entropy


def test_the_table_holds_many_kinds():
    assert len(GOLDEN) >= 100
    assert {row["full_entropy"] for row in GOLDEN} == {"0", "1"}
    assert max(int(row["n_in"]) for row in GOLDEN) > 65_536


@given(
    n_in=st.integers(2, 300),
    n_out=st.integers(1, 300),
    nw=st.integers(1, 400),
    share=st.fractions(Fraction(1, 1000), 1),
)
@settings(max_examples=200, deadline=None)
def test_it_is_the_documents_formula(n_in, n_out, nw, share):
    h_in = Decimal(share.numerator * n_in) / Decimal(share.denominator)
    expected = transcribed(n_in, n_out, min(nw, n_in), h_in, 400)
    found = conditioned_output(n_in, n_out, nw, h_in, vetted=True)
    value = found.exact["output_entropy"]
    assert abs(value - max(expected, 0)) <= Decimal("1e-37") * max(1, expected)
    n = min(n_out, nw, n_in)
    assert 0 <= value <= min(n, h_in) or math.isclose(value, min(n, h_in), rel_tol=1e-38)
    if value > 0:
        with localcontext() as context:
            context.prec = 400
            exponent = -(1 - expected / n_out).ln() / Decimal(2).ln()
        assert found.epsilon_exponent == pytest.approx(float(exponent), rel=1e-12, abs=1e-12)


def test_a_single_bit_that_is_passed_on_has_nothing_left():
    """n = n_in = 1: psi = p_low + p_high = 1, whatever h_in is."""
    for h in (0.1, 0.5, 1):
        assert conditioned_output(1, 1, 1, h, vetted=True).h_out == 0


def test_a_wide_input_loses_what_the_birthday_bound_says():
    """The larger of 2^(n - h) and sqrt(2 n ln 2 / 2^(n_in - n)), over n ln 2."""
    found = conditioned_output(100_000, 256, 256, 2256, vetted=True)
    assert found.epsilon_exponent == pytest.approx(2000 + math.log2(256 * math.log(2)), rel=1e-12)
    found = conditioned_output(4256, 256, 256, 4256, vetted=True)
    loss = 0.5 * (math.log2(512 * math.log(2)) - 4000)
    assert found.epsilon_exponent == pytest.approx(-loss + math.log2(256 * math.log(2)), rel=1e-12)


def test_billions_of_bits_take_no_more_than_few():
    found = conditioned_output(2**32 - 1, 256, 512, 10**9, vetted=True)
    assert found.epsilon_exponent == pytest.approx(10**9 - 256 + math.log2(256 * math.log(2)))
    assert found.full_entropy


def test_what_limits_a_component_that_is_not_vetted():
    at = (1024, 256, 256, 900)
    assert conditioned_output(*at, vetted=False, h_prime=1).limit == "0.999 n_out"
    assert conditioned_output(*at, vetted=False, h_prime="1").h_out == 0.999 * 256
    by_data = conditioned_output(*at, vetted=False, h_prime=0.5)
    assert (by_data.limit, by_data.h_out) == ("h' n_out", 128)
    little = conditioned_output(1024, 256, 256, 100, vetted=False, h_prime=1)
    assert little.limit == "output entropy"
    assert little.h_out == pytest.approx(100, rel=1e-9)
    assert "h_prime" not in conditioned_output(*at, vetted=True).to_json()
    assert by_data.to_json()["h_prime"] == 0.5


@pytest.mark.parametrize(
    ("name", "iid", "h_prime"),
    [
        # ea_conditioning -n 512 256 256 300 -c iid|non -i FILE; it rounds towards zero throughout
        ("coin166", True, 0.6233201081308505919764),
        ("coin166", False, 0.4146142188859136545886),
        ("ideal4", True, 0.9978132127368491977037),
        ("three", True, 0.9970830188442191266418),
        ("and8", True, 0.4142371116972509703657),
        pytest.param("ideal4", False, 0.8717889335795254712735, marks=pytest.mark.slow),
        pytest.param("three", False, 0.124914344909839158948, marks=pytest.mark.slow),
        pytest.param("and8", False, 0.250214651797016407464, marks=pytest.mark.slow),
    ],
)
def test_h_prime_of_data_is_that_of_nists_tool(name, iid, h_prime):
    found = conditioned_entropy(restarts(name).ravel(), iid=iid).assessed
    assert found == pytest.approx(h_prime, rel=1e-9)


def test_the_width_of_conditioned_data_is_that_of_the_largest_symbol():
    data = np.random.default_rng(0).integers(0, 8, 20_000)
    assert conditioned_entropy(data, iid=True) == conditioned_entropy(data, 3, iid=True)
    assert conditioned_entropy(data, 8, iid=True).assessed < 0.6


@pytest.mark.parametrize(
    ("sizes", "options", "said"),
    [
        ((0, 1, 1, 1), {"vetted": True}, "n_in must be a whole number"),
        ((8, 8.0, 8, 1), {"vetted": True}, "n_out must be a whole number"),
        ((8, 8, True, 1), {"vetted": True}, "nw must be a whole number"),
        ((2**32, 8, 8, 1), {"vetted": True}, "2\\^32 - 1"),
        ((8, 8, 8, 9), {"vetted": True}, "h_in must be above 0 and at most 8"),
        ((8, 8, 8, 0), {"vetted": True}, "h_in must be above 0"),
        ((8, 8, 8, "x"), {"vetted": True}, "h_in must be a number"),
        ((8, 8, 8, math.nan), {"vetted": True}, "h_in must be above 0"),
        ((8, 8, 8, 1), {"vetted": True, "h_prime": 1}, "not vetted"),
        ((8, 8, 8, 1), {"vetted": False}, "needs h_prime"),
        ((8, 8, 8, 1), {"vetted": False, "h_prime": 1.01}, "h_prime must be above 0"),
    ],
)
def test_bad_input_is_refused(sizes, options, said):
    with pytest.raises(ValueError, match=said):
        conditioned_output(*sizes, **options)
