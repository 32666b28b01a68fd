"""Does a stream's words lie on a lattice? Birthday spacings (Marsaglia 1985; Knuth 3.3.2 J).

Numbers read off the stream are n birthdays in a year of k days. Sorted, they have n - 1 spacings;
how many of these are equal to one before is Poisson with mean n (n - 1) (n - 2) / 4k, the mean
number of equal pairs among spacings of uniform points. The law is good where k >= n^2.4 (L'Ecuyer &
Simard 2001), and nothing else is asked for here. A linear congruential generator of period P shows
itself from about 16 P^(1/3) numbers on, whatever its multiplier; a lagged Fibonacci generator in
small groups of neighbours, where the differences of some are equal to those of others.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dan_bench.interfaces import Bytes
from dan_bench.randomness.min_entropy.symbols import Stream, as_symbols, packed

Numbers = NDArray[np.uint64]

PIECE = 1 << 24
"""Most bytes that are sorted together; of longer streams the counts of the pieces add up."""
LEAST_NUMBERS = 4096
LEAST_BYTES = 6 * LEAST_NUMBERS


@dataclass(frozen=True)
class Reading:
    """How numbers are read off a stream: some bits of each of several words that follow."""

    word: int
    """Bytes of a word."""
    words: int
    """Words that one number is made of."""
    low: bool = False
    """Whether the lowest bits of a word are taken, not the highest."""
    big: bool = False
    """Whether words are big-endian."""
    group: int = 0
    """How many numbers that follow are sorted together; 0 for all of a piece."""

    def __str__(self) -> str:
        if self.group:
            order = "be" if self.big else "le"
            return f"{self.group:,} words of {8 * self.word} bits {order} that follow"
        end, order = "low" if self.low else "high", "be" if self.big else "le"
        if self.word == 1:
            return f"{self.words} bytes each"
        return f"the {end} bits of {self.words} x {8 * self.word} bits {order}"

    def bits(self, n: int) -> int:
        """Bits taken of each word, so that about one to 2^words of n spacings are equal.

        All bits of groups, where what is looked for is equality to the last bit.
        """
        if self.group:
            return 8 * self.word
        return min(8 * self.word, int(3 * math.log2(n) - 2) // self.words)


READINGS = (
    *(Reading(1, words) for words in (6, 7)),
    *(Reading(2, words, big=big) for words in (3, 4) for big in (False, True)),
    *(Reading(4, words, low) for words in (2, 4) for low in (False, True)),
    *(Reading(4, words, big=True) for words in (2, 4)),
    *(Reading(8, 1, low) for low in (False, True)),
    *(Reading(4, 1, big=big, group=1024) for big in (False, True)),
    Reading(8, 1, group=2048),
)


@dataclass(frozen=True)
class Repeats:
    """Equal spacings under one reading, beside the mean of their Poisson law."""

    reading: Reading
    found: int
    expected: float

    @property
    def p_value(self) -> float:
        """Chance that noise has as many, or as few (twice the smaller tail)."""
        more = special.pdtrc(self.found - 1, self.expected) if self.found else 1.0
        return min(1.0, 2 * float(min(more, special.pdtr(self.found, self.expected))))


def numbers_of(data: Bytes, reading: Reading, bits: int) -> Numbers:
    """Return the numbers of `reading.words` times `bits` bits that a stream is read as."""
    whole = data[: len(data) // reading.word * reading.word]
    words = whole.view(f"{'>' if reading.big else '<'}u{reading.word}")
    words = words[: len(words) // reading.words * reading.words].reshape(-1, reading.words)
    made = np.zeros(len(words), np.uint64)
    for column in words.T:
        part = column.astype(np.uint64)
        if reading.low:
            part &= np.uint64((1 << bits) - 1)
        else:
            part >>= np.uint64(8 * reading.word - bits)
        made = made << np.uint64(bits) | part if reading.words > 1 else part
    return made


def repeats(data: Bytes, reading: Reading) -> Repeats | None:
    """Count equal spacings in at most `PIECE` bytes; None where the law would not hold."""
    n = len(data) // (reading.word * reading.words)
    if n < LEAST_NUMBERS:
        return None
    together = reading.group or n
    days = reading.bits(n) * reading.words
    if days < 2.4 * math.log2(together):
        return None
    numbers = numbers_of(data, reading, reading.bits(n))
    groups = numbers[: n // together * together].reshape(-1, together)
    groups.sort(axis=1)
    spacings = np.diff(groups, axis=1)
    spacings.sort(axis=1)
    found = int((spacings[:, 1:] == spacings[:, :-1]).sum())
    pairs = float(together) * (together - 1) * (together - 2)
    return Repeats(reading, found, len(groups) * math.ldexp(pairs, -days - 2))


def spacings_of(data: Bytes, readings: Sequence[Reading] = READINGS) -> list[Repeats]:
    """Count equal spacings under every reading whose law holds at this length."""
    found = (repeats(data, reading) for reading in readings)
    return [one for one in found if one is not None]


def added(pieces: Sequence[Sequence[Repeats]]) -> list[Repeats]:
    """Add up the counts of several pieces: a sum of Poisson numbers is Poisson."""
    sums: dict[Reading, Repeats] = {}
    for one in (one for piece in pieces for one in piece):
        so_far = sums.get(one.reading, Repeats(one.reading, 0, 0.0))
        total = so_far.expected + one.expected
        sums[one.reading] = Repeats(one.reading, so_far.found + one.found, total)
    return list(sums.values())


@dataclass(frozen=True)
class BirthdaySpacings:
    """Equal spacings of a stream, under every reading whose law holds; there is at least one."""

    readings: tuple[Repeats, ...]

    @property
    def oddest(self) -> Repeats:
        """The reading with the least p-value."""
        return min(self.readings, key=lambda one: one.p_value)

    @property
    def p_value(self) -> float:
        """The least p-value times the number of readings (Bonferroni), at most 1."""
        return min(1.0, len(self.readings) * self.oddest.p_value)


def birthday_spacings(symbols: Stream, bits_per_symbol: int = 8) -> BirthdaySpacings:
    """Count the equal spacings of a stream, in pieces of 16 MiB of its bit string.

    `symbols` are bytes, or a 1-D array of integers in [0, 2^bits_per_symbol), up to 2^30 bits.
    ValueError for fewer than 24,576 bytes, under which no reading is certain to have enough.
    """
    data = packed(as_symbols(symbols, bits_per_symbol), bits_per_symbol)
    if len(data) < LEAST_BYTES:
        raise ValueError(f"birthday spacings need {LEAST_BYTES:,} bytes, got {len(data):,}")
    pieces = [spacings_of(data[at : at + PIECE]) for at in range(0, len(data), PIECE)]
    return BirthdaySpacings(tuple(added(pieces)))
