"""Single bits of words: taken, ranked, and compared; what depends is found."""

import numpy as np
import pytest

from dan_bench.randomness.bit_selection import (
    lane_report,
    lanes_that_carry,
    map_down,
    mutual_information,
    take_lanes,
)

RANDOM = np.random.default_rng(0)
WORDS = RANDOM.integers(0, 1 << 16, 20_000, dtype=np.uint16)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize(
    "lanes", [(0,), (3, 4, 5), (0, 2, 7), tuple(range(8)), (1, 9), (0, 31, 63)]
)
def test_lanes_are_the_bits_of_the_values(dtype, lanes):
    values = RANDOM.integers(0, np.iinfo(dtype).max, 500, dtype=dtype, endpoint=True)
    expected = [sum((int(v) >> lane & 1) << k for k, lane in enumerate(lanes)) for v in values]
    found = take_lanes(values, lanes)
    assert found.tolist() == expected
    assert found.dtype == np.uint8


def test_the_mutual_information_of_two_bits_is_that_of_their_table():
    planes = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], [40, 10, 20, 30], axis=0).astype(np.uint8)
    p = np.array([[0.4, 0.1], [0.2, 0.3]])
    outer = p.sum(axis=1, keepdims=True) * p.sum(axis=0, keepdims=True)
    expected = (p * np.log2(p / outer)).sum()
    assert mutual_information(planes)[0, 1] == pytest.approx(expected, rel=1e-12)


def test_what_carries_nothing_or_repeats_is_not_advised():
    noise = WORDS & 0xFF
    parity = np.array([int(word).bit_count() & 1 for word in noise & 7], np.uint16)
    # bits 8 and 9 say what others do, bit 10 is stuck, bit 11 is nearly always 1
    biased = (RANDOM.random(len(noise)) < 0.9).astype(np.uint16)
    words = noise | parity << 8 | (noise >> 4 & 1) << 9 | 1 << 10 | biased << 11
    found = {one.lane: one for one in lane_report(words, 12).lanes}
    assert found[10].min_entropy == 0
    assert found[11].min_entropy < 0.16
    related = {lane for lane, one in found.items() if one.xor_of}
    assert len(related & {0, 1, 2, 8}) == 1  # one of the four is the XOR of the others
    assert len(related & {4, 9}) == 1
    assert found[9].partner == 4
    assert found[9].shared == pytest.approx(1, abs=1e-3)
    assert found[9].p_value < 1e-100
    advised = lane_report(words, 12).advised
    assert len(advised) == 8
    assert 10 not in advised
    assert not related & set(advised)


def test_independent_lanes_are_seldom_said_to_depend():
    p_values = [
        min(
            one.p_value
            for one in lane_report(np.random.default_rng(k).integers(0, 256, 3000), 8).lanes
        )
        for k in range(60)
    ]
    assert sum(p < 0.01 for p in p_values) <= 4  # 0.6 expected


def test_wide_symbols_keep_the_eight_bits_that_carry_most():
    assert lanes_that_carry((WORDS & 0xFF) << 3, 12) == tuple(range(3, 11))
    assert lanes_that_carry(np.zeros(10, np.uint16), 12) == tuple(range(8))


@pytest.mark.parametrize(("words", "width"), [([1], 8), ([1, 2], 0), ([1, 2], 65)])
def test_what_cannot_be_looked_at_is_refused(words, width):
    with pytest.raises(ValueError, match="word"):
        lane_report(np.array(words), width)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "0 words"),
        (3, "1-D"),
        ([[1, 2], [3, 4]], "1-D"),
        ([1.0, 2.0], "float64"),
        ([1, -1], "-1 is no word of 8 bits"),
        (np.array([1, 256], np.uint16), "256 is no word of 8 bits"),
        (np.array([1, None]), "object"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_words_that_are_no_whole_numbers_of_that_width_are_refused(words, said):
    """Neither cut down nor wrapped around, which would give other symbols than those asked for."""
    for function in (lane_report, map_down):
        with pytest.raises(ValueError, match=said):
            function(words, 8)
