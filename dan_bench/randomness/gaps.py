"""How long until a word comes again? The gap test (Knuth 3.3.2 D), over all words at once.

Of N ideal words of M kinds, (N - g) / M (1 - 1/M)^(g - 1) are expected to come again for the first
time g words later. Two things are looked at: the lengths in classes of equal probability, by
chi-square, and every single length, by the Poisson law of its count, where a generator whose words
depend on one another at some distance stands out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import special

from dan_bench.interfaces import Bytes
from dan_bench.randomness.min_entropy.symbols import Stream, as_symbols, packed

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

CLASSES = 64
LONGEST = 8
"""In mean gaps; what is longer, one gap in 3,000, is one class."""
LEAST_WORDS = 16
"""Words of each kind that a stream must have."""
LEAST_BYTES = LEAST_WORDS * 256
NOTABLE = 4.0
"""In standard deviations: lengths whose counts are nearer to their mean are not looked at."""


@dataclass(frozen=True)
class WordLane:
    """Which part of a stream's words is followed: `bits` bits, `shift` above the lowest."""

    word: int
    """Bytes of a word, little-endian."""
    bits: int
    shift: int = 0

    def __str__(self) -> str:
        return f"bits {self.shift} to {self.shift + self.bits - 1} of words of {8 * self.word} bits"


LANES = (WordLane(1, 8), WordLane(2, 16), WordLane(4, 8), WordLane(4, 8, 24), WordLane(4, 12, 20))


@dataclass(frozen=True)
class GapCounts:
    """How often a word came again after 1, 2, ... words, beside what is expected of noise.

    The last entry of both is all that is longer. Those of several pieces of a stream add up.
    """

    lane: WordLane
    found: Counts
    expected: Floats

    def __add__(self, other: "GapCounts") -> "GapCounts":
        return GapCounts(self.lane, self.found + other.found, self.expected + other.expected)

    def of_classes(self) -> float:
        """P-value of the lengths in classes of about equal probability; large chi-squares only."""
        total = np.cumsum(self.expected)
        cuts = np.searchsorted(total, total[-1] * np.arange(1, CLASSES) / CLASSES) + 1
        starts = np.unique(np.concatenate([[0], cuts[cuts < len(total)]]))
        found, expected = (np.add.reduceat(x, starts) for x in (self.found, self.expected))
        expected *= found.sum() / expected.sum()
        freedom = len(starts) - 1
        return float(special.chdtrc(freedom, (np.square(found - expected) / expected).sum()))

    def of_lengths(self) -> tuple[float, int]:
        """P-value of the oddest single length, times their number and two, and that length."""
        found, expected = self.found[:-1], self.expected[:-1]
        places = np.flatnonzero(np.abs(found - expected) > NOTABLE * np.sqrt(expected))
        if not len(places):
            return 1.0, 0
        count, mean = found[places], expected[places]
        more = np.where(count > 0, special.pdtrc(np.maximum(count - 1, 0), mean), 1.0)
        tails = np.minimum(more, special.pdtr(count, mean))
        least = int(tails.argmin())
        return min(1.0, 2 * len(found) * float(tails[least])), int(places[least]) + 1

    def judged(self) -> tuple[float, str]:
        """Twice the smaller of both p-values, and what it was found in."""
        classes, (single, length) = self.of_classes(), self.of_lengths()
        if classes <= single:
            return min(1.0, 2 * classes), f"lengths of gaps, {self.lane}"
        return min(1.0, 2 * single), f"gaps of {length:,}, {self.lane}"


@numba.njit(cache=True, nogil=True)
def _gaps(words: NDArray[np.uint16], kinds: int, longest: int) -> Counts:
    """Count, for each length up to `longest`, how often a word came again after so many."""
    last = np.full(kinds, -1, dtype=np.int64)
    found = np.zeros(longest + 1, dtype=np.int64)
    for i in range(len(words)):
        word = words[i]
        if last[word] >= 0:
            found[min(i - last[word], longest + 1) - 1] += 1
        last[word] = i
    return found


def expected_gaps(n: int, kinds: int, longest: int) -> Floats:
    """Mean number of gaps of 1 to `longest` in n ideal words, and of longer ones."""
    stay = math.log1p(-1 / kinds)
    g = np.arange(1, longest + 1, dtype=np.float64)
    mean = np.maximum(0.0, n - g) / kinds * np.exp(stay * (g - 1))
    total = n + kinds * math.expm1(n * stay)  # words less different words
    return np.append(mean, max(0.0, total - float(mean.sum())))


def gaps_of(data: Bytes, lanes: Sequence[WordLane] = LANES) -> list[GapCounts]:
    """Count the gaps of every lane that has enough words of each kind."""
    made = []
    for lane in lanes:
        words = data[: len(data) // lane.word * lane.word].view(f"<u{lane.word}")
        kinds = 1 << lane.bits
        if len(words) < LEAST_WORDS * kinds:
            continue
        part = (words >> words.dtype.type(lane.shift)).astype(np.uint16) & np.uint16(kinds - 1)
        longest = LONGEST * kinds
        found = _gaps(part, kinds, longest)
        made.append(GapCounts(lane, found, expected_gaps(len(words), kinds, longest)))
    return made


@dataclass(frozen=True)
class GapTest:
    """Gaps of every lane that has enough words, the least of their p-values, and where it is."""

    lanes: tuple[GapCounts, ...]
    least: float
    where: str

    @property
    def p_value(self) -> float:
        """The least p-value times the number of lanes (Bonferroni), at most 1."""
        return min(1.0, len(self.lanes) * self.least)


def judged(lanes: Sequence[GapCounts]) -> GapTest:
    """Judge the counts of one lane or several."""
    return GapTest(tuple(lanes), *min(one.judged() for one in lanes))


def gap_test(symbols: Stream, bits_per_symbol: int = 8) -> GapTest:
    """Count how long it takes until words of a stream come again.

    `symbols` are bytes, or a 1-D array of integers in [0, 2^bits_per_symbol), up to 2^30 bits,
    whose bit string is looked at. ValueError for fewer than 4,096 bytes.
    """
    data = packed(as_symbols(symbols, bits_per_symbol), bits_per_symbol)
    if len(data) < LEAST_BYTES:
        raise ValueError(f"gaps need {LEAST_BYTES:,} bytes, got {len(data):,}")
    return judged(gaps_of(data))
