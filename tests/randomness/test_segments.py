"""Segments of a stream: false alarms of uniform and biased sources, and the drift that is seen."""

import numpy as np
import pytest

from dan_bench.randomness.segments import MOST, SegmentsUnusable, SegmentTally, segment_report


def ideal(seed, n, top=256):
    return np.random.default_rng(seed).integers(0, top, n, dtype=np.uint8)


@pytest.mark.parametrize(("bits", "size", "number"), [(8, 2000, 20), (1, 1000, 30), (4, 5000, 2)])
def test_streams_of_one_law_are_seldom_outside(bits, size, number):
    outside = [
        bool(segment_report(ideal(k, size * number, 1 << bits), size, bits).outside)
        for k in range(200)
    ]
    assert sum(outside) <= 10  # 2 at most are expected: 1.7e-5


def test_a_biased_source_that_does_not_change_is_not_outside():
    weights = np.arange(1, 257) ** 2.0
    outside = 0
    for k in range(100):
        random = np.random.default_rng(k)
        symbols = random.choice(256, 40_000, p=weights / weights.sum()).astype(np.uint8)
        outside += bool(segment_report(symbols, 4000).outside)
    assert outside <= 7  # 1 at most is expected: 1e-5


def test_a_segment_that_differs_is_named():
    symbols = ideal(1, 100_000)
    symbols[40_000:50_000] |= ideal(2, 10_000) & ideal(3, 10_000) & 1
    found = segment_report(symbols, 10_000)
    assert [one.offset for one in found.outside] == [40_000]
    assert {"ones", "distribution"} <= set(found.outside[0].outside)
    assert found.p_value < 1e-6


def test_repetition_alone_is_seen():
    symbols = ideal(1, 100_000)
    symbols[70_001:80_000:100] = symbols[70_000:79_999:100]
    assert [one.outside for one in segment_report(symbols, 10_000).outside] == [("repeats",)]


def test_chunks_of_any_length_add_up():
    symbols = ideal(5, 12_345)
    tally = SegmentTally(2000, 8)
    for start in range(0, len(symbols), 777):
        tally.add(symbols[start : start + 777])
    found = segment_report(symbols, 2000)
    assert tally.report() == found
    assert (len(found.segments), found.left_over) == (6, 345)
    for k, one in enumerate(found.segments):
        part = symbols[2000 * k : 2000 * (k + 1)]
        assert one.ones == pytest.approx(np.unpackbits(part).mean(), rel=1e-12)
        assert one.repeats == (part[1:] == part[:-1]).sum() / 1999
        assert one.min_entropy == -np.log2(np.bincount(part).max() / 2000)


def test_a_constant_does_not_change():
    found = segment_report(np.zeros(10_000, np.uint8), 1000)
    assert (found.outside, found.p_value) == ((), 1.0)


@pytest.mark.parametrize(("n", "size"), [(5000, 999), (1999, 1000), (1000 * (MOST + 1), 1000)])
def test_segments_that_say_nothing_are_refused(n, size):
    with pytest.raises(SegmentsUnusable, match="segment"):
        segment_report(np.zeros(n, np.uint8), size)
