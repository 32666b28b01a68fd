"""Every function of `dan_bench` on an array of noise: what it returns is a frozen dataclass."""

import dataclasses
import random
import sys
from pathlib import Path

import numpy as np
import pytest

import dan_bench as db

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from recipes import STREAMS

NOISE = np.frombuffer(np.random.default_rng(12).bytes(30_000), np.uint8)
BITS = np.unpackbits(NOISE)
COIN = (np.random.default_rng(3).random((1000, 1000)) < 0.6).astype(np.uint8)
OTHERS = {
    *("Estimate", "RunRecord", "attack", "figure", "records", "run"),
    *("source_folder", "assess_source"),  # of a folder: tests/assess/test_assess_laboratory.py
}
CALLS = {
    "ais31_procedure_a": lambda: db.ais31_procedure_a(np.tile(BITS, 35), 1),
    "ais31_procedure_b": lambda: db.ais31_procedure_b(np.tile(BITS, 30)),
    "ais31_t_irn": lambda: db.ais31_t_irn(np.tile(BITS, 22)),
    "assess_symbols": lambda: db.assess_symbols(NOISE),
    "birthday_spacings": lambda: db.birthday_spacings(NOISE),
    "bit_bias": lambda: db.bit_bias(NOISE.reshape(-1, 10)),
    "conditioned_entropy": lambda: db.conditioned_entropy(NOISE[:1000]),
    "conditioned_output": lambda: db.conditioned_output(512, 256, 256, 256.0, vetted=True),
    "effective_dimensions": lambda: db.effective_dimensions(NOISE.reshape(-1, 10)),
    "gap_test": lambda: db.gap_test(NOISE),
    "health_cutoffs": lambda: db.health_cutoffs(0.7),
    "health_power": lambda: db.health_power(0.7, 1)[0],
    "health_tests": lambda: db.health_tests(COIN.ravel()[:10_000], 0.7, 1),
    "iid_tests": lambda: db.iid_tests(NOISE[:2000], permutations=100),
    "joint_bits": lambda: db.joint_bits(NOISE.reshape(-1, 10)),
    "lane_report": lambda: db.lane_report(NOISE[:4000], 8),
    "lane_search": lambda: db.lane_search(NOISE),
    "linear_complexity_test": lambda: db.linear_complexity_test(NOISE),
    "map_down": lambda: db.map_down(NOISE.view("<u2"), 16),
    "min_entropy": lambda: db.min_entropy(NOISE[:2000]),
    "names_mt19937": lambda: db.names_mt19937(NOISE),
    "names_xorshift": lambda: db.names_xorshift(NOISE),
    "restart_tests": lambda: db.restart_tests(COIN, 0.7, 1),
    "segment_report": lambda: db.segment_report(NOISE, 5000),
    "shannon_bits": lambda: db.shannon_bits(NOISE.reshape(-1, 10)),
    "sp800_22": lambda: db.sp800_22(BITS),
    "sp800_22_many": lambda: db.sp800_22_many(BITS.reshape(4, -1)),
    "strongest_bit_lag": lambda: db.strongest_bit_lag(NOISE),
}


def test_no_public_name_is_left_out():
    assert CALLS.keys() | OTHERS == set(db.__all__)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_returned_is_a_frozen_dataclass(name):
    found = CALLS[name]()
    assert dataclasses.is_dataclass(found)
    field = dataclasses.fields(found)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(found, field, None)


def test_what_is_weak_is_seen_and_noise_is_not():
    """Java's nextInt, Python's random, and the same of noise."""
    java = STREAMS["Java Random, nextInt"](262_144)
    python = np.frombuffer(random.Random(1).randbytes(200_000), np.uint8)
    assert db.birthday_spacings(java).p_value < 1e-6 < db.birthday_spacings(NOISE).p_value
    assert db.gap_test(np.tile(NOISE, 3)).p_value < 1e-6 < db.gap_test(NOISE).p_value
    assert db.lane_search(python).p_value < 1e-6 < db.lane_search(NOISE).p_value
    repeated = db.strongest_bit_lag(np.tile(NOISE[:5000], 2))
    assert (repeated.place, repeated.value > 100) == (40_000, True)
    assert db.names_xorshift(python).name is None


def test_an_array_is_assessed_as_a_file_is_in_windows_or_not():
    stream = np.random.default_rng(5).integers(0, 2, 3 << 19, dtype=np.uint8)
    stream[1_200_000:1_220_000] = 0
    alone, whole = (db.assess_symbols(stream, 1, windows=w) for w in (1, "all"))
    assert alone.stream.tally.n == whole.stream.tally.n == len(stream)
    assert [one.offset for one in whole.seen] == [0, 1 << 20]
    assert [one.offset for one in alone.seen] == [0]
    seen = [{f.family for f in found.against} for found in (alone, whole)]
    assert ["SP 800-22 block_frequency" in families for families in seen] == [False, True]
    for windows in (0, 1.5, "every"):
        with pytest.raises(ValueError, match=f"windows={windows}: must be"):
            db.assess_symbols(NOISE, windows=windows)
    with pytest.raises(ValueError, match="no symbol of 4 bits"):
        db.assess_symbols(NOISE, 4)


def test_wide_values_are_mapped_down_to_the_lanes_that_carry():
    words = np.random.default_rng(1).integers(0, 256, 4000, dtype=np.uint16) << 4
    found = db.map_down(words, 16)
    assert found.lanes == tuple(range(4, 12))
    assert np.array_equal(found.symbols, words >> 4)
    assert np.array_equal(db.map_down(words, 16, (5, 7)).symbols, words >> 5 & 1 | words >> 6 & 2)
    for lanes in ((3, 3), (4, 1), (16,), tuple(range(9))):
        with pytest.raises(ValueError, match="lanes="):
            db.map_down(words, 16, lanes)
