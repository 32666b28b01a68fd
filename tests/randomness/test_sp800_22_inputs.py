"""SP 800-22 on whatever it is given: any length, any form, any parameters, and what it refuses."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dan_bench.randomness.sp800_22 import TESTS, sp800_22, unpack

MEGABIT = 1_000_000


def ideal(seed, n):
    return unpack(np.random.default_rng(seed).bytes(-(-n // 8)), n)


def text(battery):
    return json.dumps(battery.to_json())


@settings(max_examples=25)
@given(st.binary(min_size=0, max_size=2000), st.integers(0, 7))
def test_any_stream_gets_fifteen_answers_whatever_its_form(packed, cut):
    bits = unpack(packed, max(0, 8 * len(packed) - cut))
    bits.flags.writeable = False
    kept = bits.copy()
    found = sp800_22(bits)
    assert np.array_equal(bits, kept)
    assert text(sp800_22(bits.astype(bool))) == text(found)
    assert text(sp800_22(bits.tolist())) == text(found)
    assert text(sp800_22(np.repeat(bits, 2).astype(np.int64)[::2])) == text(found)
    assert list(found.to_json()) == list(TESTS)
    for outcome in found.tests.values():
        assert all(0 <= p <= 1 for p in outcome.p_values)
        assert (outcome.passed is None) == (outcome.p_values == ()) == (outcome.reason is not None)
        assert len(outcome.p_values) in (0, 1) or len(outcome.sub_tests) == len(outcome.p_values)
    complement = sp800_22(1 - bits)
    for name in ("frequency", "block_frequency", "cumulative_sums", "runs", "approximate_entropy"):
        assert complement.tests[name].p_values == pytest.approx(found.tests[name].p_values)
    assert complement.dft.p_values == pytest.approx(found.dft.p_values)
    assert complement.serial.p_values == pytest.approx(found.serial.p_values)


@pytest.mark.parametrize("n", [0, 1, 99, 127, 1000, 38_911, 100_003, 387_841, MEGABIT])
@pytest.mark.parametrize("value", [0, 1])
def test_constants_fail_whatever_can_be_run(n, value):
    found = sp800_22(np.full(n, value, dtype=np.uint8))
    least = {"frequency": 100, "longest_run": 128, "rank": 38_912, "universal": 387_840}
    for name, needed in least.items():
        outcome = found.tests[name]
        if n < needed:
            assert outcome.reason == f"needs n >= {needed} bits, got {n}"
        else:
            assert outcome.passed is False
    if n >= 1000:
        assert "needs 500 cycles of the random walk, got 1" in found.random_excursions.reason
        assert found.p_value < 1e-6


def test_a_complete_stream_is_plain_json():
    found = sp800_22(ideal(5, 100_000)).to_json()
    assert json.loads(json.dumps(found)) == found
    assert found["frequency"].keys() == {"p_values", "sum", "s_obs", "passed", "family_p_value"}
    assert found["universal"] == {
        "p_values": [],
        "passed": None,
        "family_p_value": None,
        "reason": "needs n >= 387840 bits, got 100000",
    }


@pytest.mark.parametrize(
    ("bits", "error"),
    [
        (b"0101", TypeError),
        ("0101", TypeError),
        ([0.0, 1.0], TypeError),
        (np.zeros((2, 2), np.uint8), TypeError),
        ([0, 2], ValueError),
        ([0, -1], ValueError),
    ],
)
def test_what_is_no_stream_is_refused_with_the_remedy(bits, error):
    with pytest.raises(error, match="unpack"):
        sp800_22(bits)


@pytest.mark.parametrize(
    ("parameters", "error", "match"),
    [
        ({"serial_length": 1}, ValueError, "serial_length is at least 2"),
        ({"serial_length": 40}, ValueError, "at most 24, got 40"),
        ({"linear_complexity_length": 400}, ValueError, "at least 500"),
        ({"block_frequency_length": 128.0}, TypeError, "integer"),
        ({"overlapping_probabilities": "mine"}, ValueError, "'exact' or 'nist'"),
        ({"overlapping_block_length": 12}, ValueError, "at least 13, got 12"),
        ({"serial_m": 3}, TypeError, "serial_m"),
        ({"alpha": 0}, ValueError, "alpha"),
    ],
)
def test_parameters_are_checked(parameters, error, match):
    with pytest.raises(error, match=match):
        sp800_22(ideal(0, 200), **parameters)


def test_parameters_are_used_and_defaults_are_the_largest_admissible():
    found = sp800_22(ideal(0, 2**14), serial_length=5, block_frequency_length=200)
    assert found.serial.statistics["length"] == 5
    assert found.block_frequency.statistics["blocks"] == 81
    assert found.approximate_entropy.statistics["length"] == 8  # below 14 - 5
    assert sp800_22(ideal(0, 2**14)).serial.statistics["length"] == 11  # below 14 - 2
    assert "needs n >= 8192" in sp800_22(ideal(0, 2**12), serial_length=10).serial.reason


def test_packed_bytes_are_read_from_the_most_significant_bit():
    assert unpack(b"\xa0\x01").tolist() == [1, 0, 1] + [0] * 12 + [1]
    assert unpack(np.array([[1], [128]], np.uint8), 3).tolist() == [[0, 0, 0], [1, 0, 0]]
    with pytest.raises(ValueError, match="1 bytes hold 8 bits, asked for 9"):
        unpack(b"x", 9)
    with pytest.raises(TypeError, match="uint8"):
        unpack(np.zeros(3))
