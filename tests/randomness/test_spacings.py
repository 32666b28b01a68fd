"""Birthday spacings: counts against a transcription, the Poisson law on ideal input, power."""

import math
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from dan_bench.randomness.spacings import (
    LEAST_BYTES,
    READINGS,
    Reading,
    Repeats,
    added,
    numbers_of,
    repeats,
    spacings_of,
)

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from recipes import STREAMS

IDS = [str(reading) for reading in READINGS]


def ideal(seed, n):
    return np.frombuffer(np.random.default_rng([18, seed]).bytes(n), np.uint8)


def transcribed(data, reading, bits):
    """As the document has it, with integers of Python."""
    order = "big" if reading.big else "little"
    size, mask = reading.word, (1 << bits) - 1
    words = [
        int.from_bytes(data[i : i + size].tobytes(), order)
        for i in range(0, len(data) - size + 1, size)
    ]
    parts = [w & mask if reading.low else w >> (8 * size - bits) for w in words]
    numbers = []
    for i in range(0, len(parts) - reading.words + 1, reading.words):
        number = 0
        for part in parts[i : i + reading.words]:
            number = number << bits | part
        numbers.append(number)
    group, found = reading.group or len(numbers), 0
    for i in range(0, len(numbers) - group + 1, group):
        birthdays = sorted(numbers[i : i + group])
        spacings = [b - a for a, b in pairwise(birthdays)]
        found += len(spacings) - len(set(spacings))
    return numbers, found


@pytest.mark.parametrize("reading", READINGS, ids=IDS)
def test_what_is_counted_is_what_was_written_down(reading):
    data = ideal(0, 70_001)
    n = len(data) // (reading.word * reading.words)
    numbers, found = transcribed(data, reading, reading.bits(n))
    assert numbers_of(data, reading, reading.bits(n)).tolist() == numbers
    judged = repeats(data, reading)
    assert judged is not None
    assert judged.found == found


@pytest.mark.parametrize("reading", READINGS, ids=IDS)
def test_ideal_counts_follow_their_poisson_law(reading):
    """400 streams: mean and variance within five standard errors of the mean of the law."""
    found = [repeats(ideal(1000 + seed, 66_000), reading) for seed in range(400)]
    mean = found[0].expected * len(found)
    total = sum(one.found for one in found)
    if mean < 1:
        assert total <= 3
        return
    assert abs(total - mean) < 5 * math.sqrt(mean)
    spread = np.var([one.found for one in found]) / found[0].expected
    # of a Poisson law, the variance of n values has a standard error of sqrt((2 + 1 / mean) / n)
    assert abs(spread - 1) < 5 * math.sqrt((2 + 1 / found[0].expected) / len(found))


def test_the_chance_has_two_tails():
    assert Repeats(READINGS[0], 0, 20.0).p_value == pytest.approx(2 * math.exp(-20))
    assert Repeats(READINGS[0], 40, 20.0).p_value == pytest.approx(2 * stats.poisson.sf(39, 20))
    assert Repeats(READINGS[0], 20, 20.0).p_value > 0.8


def test_pieces_add_up():
    pieces = [spacings_of(ideal(seed, 40_000)) for seed in range(3)]
    for one in added(pieces):
        same = [p for piece in pieces for p in piece if p.reading == one.reading]
        assert one.found == sum(p.found for p in same)
        assert one.expected == pytest.approx(sum(p.expected for p in same))


def test_what_is_too_short_has_none():
    assert spacings_of(ideal(0, LEAST_BYTES // 6)) == []
    assert spacings_of(ideal(0, LEAST_BYTES))


@pytest.mark.parametrize(
    ("generator", "reading"),
    [
        ("LCG32, high 16", Reading(2, 4)),
        ("Java Random, nextInt", Reading(4, 2, low=True)),
        ("LFib(55, 24, +)", Reading(4, 1, group=1024)),
    ],
)
def test_generators_are_caught_in_half_a_mebibyte(generator, reading):
    found = repeats(STREAMS[generator](1 << 19), reading)
    assert found is not None
    assert found.p_value < 1e-12
