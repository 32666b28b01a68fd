"""The length under bzip2, against bzip2 itself."""

import bz2

import numpy as np
import pytest
from iid_streams import array, ideal

from dan_bench.randomness.iid import permutation
from dan_bench.randomness.iid.bzip2 import compressed_length

BLOCK = 100_000 - 19
"""Characters of a block at level 1."""


def text_of(x):
    return " ".join(map(str, x.tolist())).encode()


def same(x, level=1):
    """Whether the length is counted here, and is bzip2's."""
    return compressed_length(x, level) == len(bz2.compress(text_of(x), level))


def tables_of(compressed):
    """How many Huffman tables the first block of digits and spaces has."""
    bits = np.unpackbits(np.frombuffer(compressed, dtype=np.uint8)[:40])
    before = 32 + 105 + 3 * 16
    return int(bits[before : before + 3] @ [4, 2, 1])


@pytest.mark.parametrize("levels", [2, 3, 9, 10, 11, 16, 100, 101, 200, 256])
def test_short_data_of_any_alphabet(levels):
    for seed, n in enumerate([*range(2, 20), 50, 150, 400, 900, 1500, 3000]):
        assert same(ideal(seed, n, levels)), n


def test_every_number_of_tables_occurs():
    lengths = range(20, 1000, 30)
    assert all(same(ideal(n, n)) for n in lengths)
    assert {tables_of(bz2.compress(text_of(ideal(n, n)), 1)) for n in lengths} == {2, 3, 4, 5, 6}


def test_the_end_and_the_beginning_form_any_number():
    rng = np.random.default_rng(1)
    for _ in range(1000):
        assert same(rng.integers(0, 256, rng.integers(2, 6)).astype(np.uint8))


@pytest.mark.parametrize("digit", range(1, 10))
def test_a_joined_number_of_equal_digits(digit):
    ones, eleven, hundred = digit, 11 * digit, 111 * digit
    for last in (ones, eleven, *([hundred] if digit < 3 else [])):
        for first in (ones, eleven, *([hundred] if digit < 3 else [])):
            assert same(array([first, *ideal(digit, 300).tolist(), last]))


@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize("symbols", [range(256), (1, 11, 111, 22, 222, 0)])
def test_blocks_end_as_bzip2_ends_them(symbols, blocks):
    """Texts that end just before, at and after the end of a block, cut at any place of a number."""
    for seed in range(3):
        x = array(symbols)[ideal(seed, 40_000 * blocks, len(symbols))]
        ends = np.cumsum([len(str(value)) + 1 for value in x.tolist()])
        n = int(np.searchsorted(ends, blocks * BLOCK))
        for more in range(-1, 5):
            beyond = ends[n + more - 1] - 1 - blocks * BLOCK
            assert same(x[: n + more]) or 0 < beyond < 4, "a last block of digits is left to bzip2"


@pytest.mark.parametrize("spread", [0.6, 3, 20])
@pytest.mark.parametrize("middle", [9, 99, 254])
def test_uneven_data(middle, spread):
    normal = np.random.default_rng(0).normal(middle, spread, 30_000)
    assert same(np.clip(normal, 0, 255).astype(np.uint8))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("pair", [(0, 1), (7, 255)])
def test_biased_coins(pair, share):
    assert same(array(pair)[(np.random.default_rng(1).random(60_000) < share).astype(int)])


@pytest.mark.parametrize("period", [[0], [255], [1, 2], [5, 5, 6], [*range(256)], [0] * 40 + [1]])
def test_periods_are_exact_or_left_to_bzip2(period):
    """A few repeats are sorted here, in whatever order the equal rotations are."""
    for times in (2, 3, 4, 7, 16, 200, 3000 // len(period) + 500):
        x = array(period * times)
        assert same(x) or times > 3
        assert permutation.compression(x) == len(bz2.compress(text_of(x), 5))
    assert compressed_length(x, 1) == 0


def test_a_long_repeat_takes_no_time_of_its_square():
    half = ideal(0, 12_000)
    x = np.concatenate([half, half])
    assert compressed_length(x, 1) == 0
    assert permutation.compression(x) == len(bz2.compress(text_of(x), 5))


@pytest.mark.parametrize("level", [-1, 0, 6, 9])
def test_levels_whose_blocks_do_not_fit_are_left_to_bzip2(level):
    assert (
        compressed_length(array((0, 1))[np.random.default_rng(1).integers(0, 2, 200_000)], level)
        == 0
    )


def test_no_number_and_one_number():
    assert compressed_length(array([]), 5) == len(bz2.compress(b"", 5))
    assert compressed_length(array([123]), 5) == 0
    assert permutation.compression(array([123])) == len(bz2.compress(b"123", 5))


def test_bits_and_bytes_of_many_blocks():
    for levels, n in ((2, 200_000), (256, 120_000)):
        assert same(ideal(0, n, levels), 1)
