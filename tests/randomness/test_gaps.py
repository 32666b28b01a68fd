"""Gaps: counts and means against plain ones, p-values on ideal input, power."""

import numpy as np
import pytest

from dan_bench.randomness.gaps import (
    LANES,
    LEAST_BYTES,
    WordLane,
    expected_gaps,
    gaps_of,
)

BYTES = WordLane(1, 8)


def ideal(seed, n):
    return np.frombuffer(np.random.default_rng([19, seed]).bytes(n), np.uint8)


@pytest.mark.parametrize("lane", LANES, ids=map(str, LANES))
def test_what_is_counted_is_what_was_written_down(lane):
    data = ideal(0, 16 * lane.word << lane.bits)
    (found,) = gaps_of(data, [lane])
    last, direct = {}, np.zeros_like(found.found)
    for i, word in enumerate(data.view(f"<u{lane.word}").tolist()):
        part = word >> lane.shift & (1 << lane.bits) - 1
        if part in last:
            direct[min(i - last[part], len(direct)) - 1] += 1
        last[part] = i
    assert np.array_equal(found.found, direct)


def test_the_mean_of_every_length_is_exact():
    """By enumeration: all 2^8 strings of eight words of two kinds."""
    counts = np.zeros(4)
    for string in range(256):
        words = [string >> i & 1 for i in range(8)]
        for i in range(8):
            for j in range(i + 1, 8):
                if words[j] == words[i]:
                    counts[min(j - i, 4) - 1] += 1
                    break
    assert expected_gaps(8, 2, 3) == pytest.approx(counts / 256)


def test_p_values_of_noise_are_small_as_rarely_as_they_say():
    """Chi-square is a little conservative: the words' number binds the gaps together."""
    found = [gaps_of(ideal(100 + seed, 60_000), [BYTES])[0] for seed in range(600)]
    for p_values in ([f.of_classes() for f in found], [f.of_lengths()[0] for f in found]):
        for level in (0.1, 0.01):
            rate = float(np.mean([p <= level for p in p_values]))
            assert rate < level + 4 * (level / len(found)) ** 0.5
    assert 0.3 < np.mean([f.of_classes() for f in found]) < 0.75


def test_sums_of_pieces_are_judged_as_one():
    pieces = [gaps_of(ideal(seed, 60_000), [BYTES])[0] for seed in range(4)]
    total = pieces[0] + pieces[1] + pieces[2] + pieces[3]
    assert total.found.sum() == sum(p.found.sum() for p in pieces)
    assert total.judged()[0] > 1e-4


def test_a_word_that_keeps_its_distance_is_caught():
    """One byte in fifty is that of 300 bytes before."""
    data = ideal(3, 200_000).copy()
    for i in range(300, len(data), 50):
        data[i] = data[i - 300]
    p_value, said = gaps_of(data, [BYTES])[0].judged()
    assert p_value < 1e-12
    assert said.startswith("gaps of 300, bits 0 to 7")


def test_words_that_avoid_themselves_are_caught():
    """Of small gaps there are too few, at every length."""
    rng, out = np.random.default_rng(4), np.zeros(100_000, np.uint8)
    for i in range(1, len(out)):
        out[i] = rng.integers(256)
        while rng.random() < 0.3 and out[i] in out[max(0, i - 8) : i]:
            out[i] = rng.integers(256)
    assert gaps_of(out, [BYTES])[0].judged()[0] < 1e-6


def test_what_is_too_short_has_none():
    assert gaps_of(ideal(0, LEAST_BYTES - 1)) == []
    assert len(gaps_of(ideal(0, LEAST_BYTES))) == 1
