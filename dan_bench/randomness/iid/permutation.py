"""Permutation testing: SP 800-90B, section 5.1.

If the symbols are independent and identically distributed, any order of them is as probable as
the one that was seen, and so the data's statistic has any rank among those of permutations. All
statistics add integers, so that equal values are found equal.
"""

import bz2
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import StageCallback
from dan_bench.randomness.iid.bzip2 import compressed_length
from dan_bench.randomness.iid.known_law import IidTest
from dan_bench.randomness.min_entropy.symbols import Symbols
from dan_bench.randomness.min_entropy.words import signed

Form = Callable[[Symbols], Symbols]
Measure = Callable[[Symbols], tuple[float, ...]]
Found = dict[tuple[str, ...], tuple[float, ...]]

LAGS = (1, 2, 8, 16, 32)

EXTREME = 5
"""A statistic fails where at most this many permutations lie above or at it, or below or at it."""

REPORT_EVERY = 100

NUMERALS = np.frombuffer(b"".join(b"%-4d" % value for value in range(256)), dtype="<u4")


@numba.njit(cache=True, nogil=True)
def excursion(x: Symbols) -> float:
    """Largest deviation of a running sum from its share of the whole sum (5.1.1)."""
    n, total = len(x), 0
    for value in x:
        total += signed(value)
    deviation, largest = 0, 0
    for value in x:
        deviation += n * signed(value) - total
        largest = max(largest, abs(deviation))
    return float(largest / n)


@numba.njit(cache=True, nogil=True)
def runs(flags: NDArray[np.bool_]) -> tuple[int, int]:
    """Runs of equal flags, and the longest of them."""
    count, longest, run, before = 1, 1, 1, flags[0]
    for i in range(1, len(flags)):
        same = signed(flags[i] == before)
        count += 1 - same
        run = run * same + 1
        longest = max(longest, run)
        before = flags[i]
    return count, longest


def directional_runs(x: Symbols) -> tuple[int, int, int]:
    """Runs of falls and of other steps; the longest; and how many steps the commoner kind has.

    Sections 5.1.2 to 5.1.4. A step is a fall where the next symbol is smaller.
    """
    falls = x[:-1] > x[1:]
    fell = int(np.count_nonzero(falls))
    return *runs(falls), max(fell, len(falls) - fell)


def median_runs(x: Symbols, twice_median: int) -> tuple[int, int]:
    """Runs of symbols below and not below the median, and the longest (5.1.5, 5.1.6)."""
    return runs(x < (twice_median + 1) // 2)


@numba.njit(cache=True, nogil=True)
def collisions(x: Symbols) -> tuple[float, int]:
    """Mean and largest number of symbols until one repeats (5.1.7, 5.1.8).

    Each search begins after the symbol where the last one ended; one that finds no repetition
    before the end does not count. (0, 0) where none does.
    """
    seen = np.full(256, -1)
    start, found, largest = 0, 0, 0
    for i in range(len(x)):
        if seen[x[i]] >= start:
            found += 1
            largest = max(largest, i + 1 - start)
            start = i + 1
        seen[x[i]] = i
    return (start / found if found else 0.0), largest


def periodicity(x: Symbols, lag: int) -> int:
    """Return how many symbols are equal to the one `lag` places on (5.1.9)."""
    return int(np.count_nonzero(x[:-lag] == x[lag:]))


@numba.njit(cache=True, nogil=True)
def covariance(x: Symbols, lag: int) -> int:
    """Sum of the products of symbols `lag` places apart (5.1.10)."""
    total = 0
    for i in range(len(x) - lag):
        total += signed(x[i]) * signed(x[i + lag])
    return total


def compression(x: Symbols) -> int:
    """Length in bytes of the symbols, as decimal numbers between spaces, under bzip2 (5.1.11).

    Blocks of 500 kB, as in NIST's own tool; the document leaves the size open.
    """
    if length := compressed_length(x, 5):
        return length
    padded = NUMERALS[x].view(np.uint8)
    digit = padded != ord(" ")
    # one space after each number, none after the last
    digit[1:] |= digit[:-1]
    return len(bz2.compress(padded[digit][:-1].tobytes(), 5))


def ones_in_eights(bits: Symbols) -> Symbols:
    """Conversion I: the number of ones in each block of eight bits, zeros filling the last."""
    return np.bitwise_count(np.packbits(bits))


def values_of_eights(bits: Symbols) -> Symbols:
    """Conversion II: the blocks of eight bits as numbers, first bit highest, zeros at the end."""
    return np.packbits(bits)


@dataclass(frozen=True)
class StatisticFamily:
    """Statistics that are computed together: their names, what they are taken of, and how.

    `form` converts the symbols, of which there must be at least `least`.
    """

    names: tuple[str, ...]
    form: Form
    least: int
    measure: Measure


def single(statistic: Callable[..., float], **given: int) -> Measure:
    """Measure one statistic alone."""
    return lambda symbols: (statistic(symbols, **given),)


def as_they_are(symbols: Symbols) -> Symbols:
    """Return the symbols without any conversion."""
    return symbols


def families_of(symbols: Symbols, alphabet: int) -> tuple[StatisticFamily, ...]:
    """All statistics but compression, each of what the document has it taken of.

    Where the alphabet is 2, symbols are bits: the directions, the periodicity and the covariance
    are those of conversion I, the collisions those of conversion II, and the median is 1/2. A
    collision is certain, in any order, only where there are more symbols than different ones.
    """
    ones: Form = as_they_are
    numbers: Form = as_they_are
    if alphabet == 2:
        ones, numbers = ones_in_eights, values_of_eights
        twice_median, different, eight = 1, 256, 8
    else:
        twice_median = int(2 * np.median(symbols)) if len(symbols) else 0
        different, eight = alphabet, 1

    def least(converted: int) -> int:
        """How many symbols give `converted` many after the conversion."""
        return eight * (converted - 1) + 1

    return (
        StatisticFamily(("excursion",), as_they_are, 2, single(excursion)),
        StatisticFamily(
            ("directional_runs", "longest_directional_run", "increases_or_decreases"),
            ones,
            least(2),
            directional_runs,
        ),
        StatisticFamily(
            ("median_runs", "longest_median_run"),
            as_they_are,
            2,
            partial(median_runs, twice_median=twice_median),
        ),
        StatisticFamily(
            ("average_collision", "maximum_collision"),
            numbers,
            least(different + 1),
            collisions,
        ),
        *(
            StatisticFamily((f"{name}_{lag}",), ones, least(lag + 1), single(of, lag=lag))
            for name, of in (
                ("periodicity", periodicity),
                ("covariance", covariance),
            )
            for lag in LAGS
        ),
    )


def names_of(families: Sequence[StatisticFamily]) -> list[str]:
    """Names of all their statistics, in their order."""
    return [name for family in families for name in family.names]


COMPRESSION = StatisticFamily(("compression",), as_they_are, 2, single(compression))
"""By far the slowest: 0.05 s a permutation of 1 MB near noise, and more where one symbol is so
frequent that bzip2 itself is asked; all others together take 0.01 s."""


@dataclass
class RankTally:
    """How many permutations lay above, at and below the data, for each statistic of a family."""

    family: StatisticFamily
    of_data: tuple[float, ...]
    counts: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = [[0, 0, 0] for _ in self.of_data]

    def add(self, found: tuple[float, ...]) -> None:
        """Count one more permutation, for the statistics that are not certain to pass."""
        for counts, data, permuted in zip(self.counts, self.of_data, found, strict=True):
            if not passes(counts):
                counts[0 if permuted > data else 1 if permuted == data else 2] += 1

    @property
    def certain(self) -> bool:
        """Whether further permutations can change nothing."""
        return all(map(passes, self.counts))

    def outcomes(self) -> list[IidTest]:
        """One outcome a statistic; a statistic that has not passed by now has failed."""
        return [
            IidTest(name, passes(counts), float(data), counts=(counts[0], counts[1], counts[2]))
            for name, data, counts in zip(self.family.names, self.of_data, self.counts, strict=True)
        ]


def passes(counts: Sequence[int]) -> bool:
    """Whether a statistic has passed: with more than five at or beyond it on either side.

    The counts only grow, so a pass is final as soon as it occurs, and a failure only at the end.
    With C0, C1, C2 above, equal and below, all 10,000 of them, it is the document's
    C0 + C1 > 5 and C0 < 9995.
    """
    above, equal, below = counts
    return above + equal > EXTREME and equal + below > EXTREME


def permutation_tests(
    symbols: Symbols,
    families: Sequence[StatisticFamily],
    permutations: int,
    rng: np.random.Generator,
    on_progress: StageCallback,
    workers: int = 1,
) -> list[IidTest]:
    """Outcomes of all statistics of these families, in their order.

    A statistic is left out of the permutations that follow once it is certain to pass. `workers`
    threads look at a permutation each while the next is made. The outcomes are the same, and so is
    the state in which `rng` is left: permutations that were not needed are taken back.
    """
    order = symbols.copy()  # contiguous and writable: the one kind of array that is compiled for
    tallies = {
        family.names: RankTally(family, family.measure(family.form(order)))
        for family in families
        if len(symbols) >= family.least
    }
    undecided = list(tallies.values())
    made, reported = 0, -REPORT_EVERY
    uniform = np.empty(len(order))  # once: a fresh array costs as much as the numbers
    ahead, state = deque[tuple[Future[Found], Any]](), rng.bit_generator.state
    with ThreadPoolExecutor(workers) as pool:
        while undecided and made < permutations:
            if made >= reported + REPORT_EVERY:
                reported = made
                names = ", ".join(names_of([tally.family for tally in undecided]))
                on_progress(f"permutation {made:,} of {permutations:,}: {names} undecided")
            measure = partial(measured, [tally.family for tally in undecided])
            while len(ahead) < min(workers, permutations - made):
                shuffle(order, rng.random(out=uniform))
                ahead.append((pool.submit(measure, order.copy()), rng.bit_generator.state))
            future, state = ahead.popleft()
            found = future.result()
            for tally in undecided:
                tally.add(found[tally.family.names])
            undecided = [tally for tally in undecided if not tally.certain]
            made += 1
        rng.bit_generator.state = state
    outcomes: list[IidTest] = []
    for family in families:
        if family.names in tallies:
            outcomes += tallies[family.names].outcomes()
        else:
            needs = f"at least {family.least} symbols"
            outcomes += [IidTest.not_run(name, needs) for name in family.names]
    return outcomes


def measured(families: Sequence[StatisticFamily], order: Symbols) -> Found:
    """Return the statistics of one permutation by the names of their family."""
    forms = {form: form(order) for form in {family.form for family in families}}
    return {family.names: family.measure(forms[family.form]) for family in families}


@numba.njit(cache=True, nogil=True)
def shuffle(x: Symbols, uniform: NDArray[np.float64]) -> None:
    """Permute x in place by uniform numbers in [0, 1) (Fisher & Yates; Durstenfeld 1964)."""
    for i in range(len(x) - 1, 0, -1):
        j = int(uniform[i] * (i + 1))
        x[i], x[j] = x[j], x[i]
