"""Does a stream change along its way? Equal segments of it, each against all of it."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dan_bench.interfaces import Bytes
from dan_bench.randomness.min_entropy.symbols import Stream, as_symbols
from dan_bench.statistics import binomial_tail

LEVEL = 0.01
"""Chance that of a stream of independent symbols any segment is outside of any band."""
LEAST, MOST = 1000, 10_000
"""Symbols of a segment, and number of segments."""
LEAST_EXPECTED = 5
STATISTICS = ("ones", "distribution", "repeats", "min_entropy")


class SegmentsUnusable(ValueError):
    """The stream cannot be cut into segments of that size; the message says why."""


@dataclass(frozen=True)
class Segment:
    """One segment's values.

    `ones`: share of ones of all bits. `distribution`: chi-square of its symbols against those of
    the whole stream, over the degrees of freedom. `repeats`: share of symbols that repeat the one
    before. `min_entropy`: of the most common symbol, bits. `p_value` is corrected for the four;
    `outside` names those outside of their band.
    """

    offset: int
    ones: float
    distribution: float
    repeats: float
    min_entropy: float
    p_value: float
    outside: tuple[str, ...]


@dataclass(frozen=True)
class SegmentReport:
    """Segments of `size` symbols, and the band of each statistic.

    A band is where all segments lie with a chance of at least 99 %, over all statistics, if the
    symbols are independent and of one law, that of the whole stream. `p_value` is the oddest
    segment's, corrected for their number. `left_over` symbols at the end make no whole segment.
    """

    size: int
    segments: tuple[Segment, ...]
    bands: dict[str, tuple[float, float]]
    p_value: float
    left_over: int

    @property
    def outside(self) -> tuple[Segment, ...]:
        """Segments with a statistic outside of its band."""
        return tuple(segment for segment in self.segments if segment.outside)


@dataclass
class SegmentTally:
    """Counts of each segment; chunks of any length add up."""

    size: int
    bits: int
    counts: list[NDArray[np.int64]] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)
    _filled: int = 0
    _last: int = -1

    def __post_init__(self) -> None:
        if self.size < LEAST:
            raise SegmentsUnusable(f"a segment has at least {LEAST:,} symbols, not {self.size:,}")

    def add(self, chunk: Bytes) -> None:
        """Add a chunk, which continues the stream."""
        while len(chunk):
            if self._filled == 0:
                if len(self.counts) == MOST:
                    raise SegmentsUnusable(
                        f"segments of {self.size:,} symbols are more than {MOST:,}: larger ones"
                    )
                self.counts.append(np.zeros(1 << self.bits, np.int64))
                self.repeats.append(0)
                self._last = -1
            piece, chunk = chunk[: self.size - self._filled], chunk[self.size - self._filled :]
            self.counts[-1] += np.bincount(piece, minlength=1 << self.bits)
            self.repeats[-1] += int((piece[1:] == piece[:-1]).sum()) + (int(piece[0]) == self._last)
            self._last = int(piece[-1])
            self._filled = (self._filled + len(piece)) % self.size

    def report(self) -> SegmentReport:
        """Judge the whole segments; SegmentsUnusable for fewer than two."""
        whole = len(self.counts) - (self._filled > 0)
        if whole < 2:
            raise SegmentsUnusable(
                f"it has {whole} whole segments of {self.size:,} symbols: two or more are compared"
            )
        counts = np.array(self.counts[:whole], dtype=np.int64)
        return _judged(counts, np.array(self.repeats[:whole]), self.size, self._filled)


def segment_report(symbols: Stream, size: int, bits: int = 8) -> SegmentReport:
    """Compare segments of `size` symbols of that many bits with all of the stream.

    Raises:
        SegmentsUnusable: a segment has fewer than 1,000 symbols, or there are fewer than two, or
            more than 10,000.
    """
    counted = SegmentTally(size, bits)
    counted.add(as_symbols(symbols, bits))
    return counted.report()


def _judged(
    counts: NDArray[np.int64], repeats: NDArray[np.int64], n: int, left_over: int
) -> SegmentReport:
    number = len(counts)
    level = LEVEL / (number * len(STATISTICS))
    p = counts.sum(axis=0) / (number * n)
    # a segment is part of what it is compared with, and differs the less from it
    part = 1 - 1 / number
    found: dict[str, tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float]]] = {
        "ones": _ones(counts, p, n, part, level),
        "distribution": _distribution(counts, p, n, part, level),
        "repeats": _repeats(repeats, p, n, part, level),
        "min_entropy": _most_common(counts.max(axis=1), p, n, level),
    }
    p_values = np.minimum(1, len(found) * np.min([p for _, p, _ in found.values()], axis=0))
    segments = []
    for k in range(number):
        values = {name: float(value[k]) for name, (value, _, _) in found.items()}
        outside = tuple(name for name, (_, p, _) in found.items() if p[k] < level)
        segments.append(
            Segment(offset=k * n, p_value=float(p_values[k]), outside=outside, **values)
        )
    bands = {name: band for name, (_, _, band) in found.items()}
    p_value = min(1.0, number * float(p_values.min()))
    return SegmentReport(n, tuple(segments), bands, p_value, left_over)


Judged = tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float]]


def _normal(values: NDArray[np.float64], mean: float, sd: float, level: float) -> Judged:
    """Values of a normal law: themselves, their two-sided p-values, and the band at that level."""
    if sd == 0:
        return values, np.ones(len(values)), (mean, mean)
    z = np.abs(values - mean) / sd
    half = sd * float(special.ndtri(1 - level / 2))
    return values, 2 * special.ndtr(-z), (mean - half, mean + half)


def _ones(
    counts: NDArray[np.int64], p: NDArray[np.float64], n: int, part: float, level: float
) -> Judged:
    bits = (len(p) - 1).bit_length()
    weight = np.array([symbol.bit_count() for symbol in range(len(p))]) / bits
    mean = float(p @ weight)
    variance = float(p @ (weight - mean) ** 2)
    return _normal(counts @ weight / n, mean, math.sqrt(variance * part / n), level)


def _repeats(
    repeats: NDArray[np.int64], p: NDArray[np.float64], n: int, part: float, level: float
) -> Judged:
    """Neighbouring pairs overlap: two repeats that share a symbol go together."""
    share = float(repeats.sum() / (len(repeats) * (n - 1)))
    together = float((p**3).sum() - (p**2).sum() ** 2)
    variance = (share * (1 - share) + 2 * max(0.0, together)) / (n - 1)
    return _normal(repeats / (n - 1), share, math.sqrt(max(0.0, variance) * part), level)


def _distribution(
    counts: NDArray[np.int64], p: NDArray[np.float64], n: int, part: float, level: float
) -> Judged:
    rare = n * p < LEAST_EXPECTED
    cells, expected = counts[:, ~rare], n * p[~rare]
    if n * p[rare].sum() >= LEAST_EXPECTED:  # those that are rare are one cell together
        cells = np.column_stack([cells, counts[:, rare].sum(axis=1)])
        expected = np.append(expected, n * p[rare].sum())
    freedom = len(expected) - 1
    if freedom < 1:
        return np.zeros(len(counts)), np.ones(len(counts)), (0.0, 0.0)
    statistic = ((cells - expected) ** 2 / expected).sum(axis=1) / part
    high = float(special.chdtri(freedom, level)) / freedom
    return statistic / freedom, special.chdtrc(freedom, statistic), (0.0, high)


def _most_common(most: NDArray[np.int64], p: NDArray[np.float64], n: int, level: float) -> Judged:
    """Min-entropy of the most common symbol, and how odd its count is.

    The chance of so large a count is at most the sum of the symbols' chances, that of so small a
    one at most their product (Mallows 1968): the p-values are on the safe side.
    """
    seen = p[p > 0]

    def p_value(count: int) -> float:
        larger = float(np.sum(binomial_tail(count - 1, n, seen)))
        smaller = float(np.prod(special.betaincc(count + 1, n - count, seen))) if count < n else 1.0
        return min(1.0, 2 * min(larger, smaller))

    odd = {int(count): p_value(int(count)) for count in np.unique(most)}
    # the band by bisection: the p-value rises to the largest expected count, and falls from there
    low, middle, high = 1, max(1, round(n * float(p.max()))), n
    ends = []
    for outer in (low, high):
        inner = middle
        while abs(outer - inner) > 1:
            between = (outer + inner) // 2
            outer, inner = (between, inner) if p_value(between) < level else (outer, between)
        ends.append(inner)
    values = -np.log2(most / n)
    p_values = np.array([odd[int(count)] for count in most])
    return values, p_values, (-math.log2(ends[1] / n), -math.log2(ends[0] / n))
