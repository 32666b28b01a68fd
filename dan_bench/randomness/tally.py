"""Counts of a stream of any length, in one pass: of its bytes and of its pairs of bytes."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dan_bench.interfaces import Bytes
from dan_bench.statistics import entropy_bits, with_lower_tail

Counts = NDArray[np.int64]

PAIRS = 1 << 16
LEAST_EXPECTED = 5
"""In each cell of a chi-square test (Cochran 1954)."""
LEAST_SYMBOLS = 32
"""For the balance of bits."""


@dataclass
class Tally:
    """How often each symbol and each pair of neighbours was seen; chunks of any length add up.

    Pairs do not overlap: symbols 0 and 1, 2 and 3, ... of the whole stream, wherever it was cut.
    """

    pairs: Counts = field(default_factory=lambda: np.zeros(PAIRS, dtype=np.int64))
    odd: int | None = None
    """A symbol whose neighbour has not come yet."""

    def add(self, chunk: Bytes) -> None:
        """Add the counts of a chunk, which continues the stream."""
        if self.odd is not None and len(chunk):
            self.pairs[self.odd << 8 | int(chunk[0])] += 1
            chunk, self.odd = chunk[1:], None
        if len(chunk) % 2:
            chunk, self.odd = chunk[:-1], int(chunk[-1])
        pairs = np.ascontiguousarray(chunk).view(">u2")
        self.pairs += np.bincount(pairs, minlength=PAIRS)

    @property
    def symbols(self) -> Counts:
        """How often each of the 256 symbols was seen."""
        square = self.pairs.reshape(256, 256)
        counts: Counts = square.sum(axis=0) + square.sum(axis=1)
        if self.odd is not None:
            counts[self.odd] += 1
        return counts

    @property
    def n(self) -> int:
        """Symbols seen."""
        return 2 * int(self.pairs.sum()) + (self.odd is not None)

    def shannon_bits(self) -> float:
        """Entropy of the symbols in bits, corrected for N (Miller & Madow)."""
        return entropy_bits(self.symbols)

    def pairs_of(self, bits: int) -> Counts:
        """Return how often each pair of symbols of that many bits was seen."""
        return self.pairs.reshape(256, 256)[: 1 << bits, : 1 << bits].ravel()


def shannon_of_noise(n: int, bits: int, probability: float) -> float | None:
    """Quantile, over streams of n ideal symbols, of `Tally.shannon_bits`.

    2 n ln 2 times what the plug-in entropy lacks is about chi-square (Wilks 1938), whose mean the
    correction takes off. None where fewer than five symbols of a kind are expected.
    """
    if n < LEAST_EXPECTED << bits:
        return None
    freedom = (1 << bits) - 1
    missing = float(special.chdtri(freedom, probability)) - freedom
    return bits - missing / (2 * n * math.log(2))


def uniformity(counts: Counts) -> tuple[float, float] | None:
    """Chi-square of counts against the uniform law, over its degrees of freedom, and its p-value.

    Two-sided: counts that are too even are no noise either. None where fewer than five a cell are
    expected (Pearson 1900).
    """
    expected = counts.sum() / len(counts)
    if expected < LEAST_EXPECTED:
        return None
    freedom = len(counts) - 1
    statistic = float(np.square(counts - expected).sum() / expected)
    # the statistic moves in steps of 2 / expected: of few cells, ideal counts are often all equal
    even = special.chdtr(freedom, statistic + 2 / expected)
    tail = min(special.chdtrc(freedom, statistic), even)
    return statistic / freedom, min(1.0, 2 * float(tail))


def uniformity_of_noise(cells: int, probability: float) -> float:
    """Quantile, over ideal streams, of chi-square over its degrees of freedom."""
    return float(special.chdtri(cells - 1, 1 - probability)) / (cells - 1)


def bit_balance(counts: Counts, bits: int) -> tuple[float, float] | None:
    """Largest |P(bit = 1) - 1/2| over the bit planes, and its p-value (exact law, Bonferroni).

    Planes that are all balanced far better than chance would have it are no noise either.

    None for fewer than 32 symbols: no count of them would be odd enough for a verdict.
    """
    n = int(counts.sum())
    if n < LEAST_SYMBOLS:
        return None
    planes = (np.arange(len(counts))[:, None] >> np.arange(bits)) & 1
    ones = counts @ planes
    fewer = np.minimum(ones, n - ones)
    least = int(fewer.min())
    outer, inner = binomial_tails(least, n), binomial_tails(least - 1, n) if least else 0.0
    p_value = with_lower_tail(bits * outer, max(0.0, 1 - inner) ** bits)
    return float(np.abs(ones / n - 0.5).max()), p_value


def binomial_tails(k: int, n: int) -> float:
    """Chance that ones or zeros are at most k of n ideal bits; above 1 where k is half of them."""
    # the binomial law as an incomplete beta function: scipy's bdtr ends at n = 2^31
    return 2 * float(special.betainc(n - k, k + 1, 0.5))


def expected_bias(n: int, bits: int, probability: float) -> float:
    """Quantile of the largest bias over the bit planes of n ideal symbols."""
    each = probability ** (1 / bits)
    return float(special.ndtri((1 + each) / 2)) / (2 * math.sqrt(n))
