"""Permutation testing: SP 800-90B, section 5.1.

If the symbols are independent and identically distributed, any order of them is as probable as
the one that was seen, and so the data's statistic has any rank among those of permutations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import StageCallback
from dan_bench.randomness.iid import statistics
from dan_bench.randomness.iid.outcome import IidTest, Symbols

Form = Callable[[Symbols], Symbols]

LAGS = (1, 2, 8, 16, 32)

EXTREME = 5
"""A statistic fails where at most this many permutations lie above or at it, or below or at it."""

TELL_EVERY = 100


@dataclass(frozen=True)
class StatisticFamily:
    """Statistics that are computed together: their names, what they are taken of, and how.

    `form` converts the symbols, of which there must be at least `least`.
    """

    names: tuple[str, ...]
    form: Form
    least: int
    measure: Callable[[Symbols], tuple[float, ...]]


def as_they_are(symbols: Symbols) -> Symbols:
    """No conversion."""
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
        ones, numbers = statistics.ones_in_eights, statistics.values_of_eights
        twice_median, different, eight = 1, 256, 8
    else:
        twice_median = int(2 * np.median(symbols)) if len(symbols) else 0
        different, eight = alphabet, 1

    def least(converted: int) -> int:
        """How many symbols it takes to have so many after the conversion."""
        return eight * (converted - 1) + 1

    return (
        StatisticFamily(("excursion",), as_they_are, 2, lambda x: (statistics.excursion(x),)),
        StatisticFamily(
            ("directional_runs", "longest_directional_run", "increases_or_decreases"),
            ones,
            least(2),
            statistics.directional_runs,
        ),
        StatisticFamily(
            ("median_runs", "longest_median_run"),
            as_they_are,
            2,
            partial(statistics.median_runs, twice_median=twice_median),
        ),
        StatisticFamily(
            ("average_collision", "maximum_collision"),
            numbers,
            least(different + 1),
            statistics.collisions,
        ),
        *(
            StatisticFamily((f"{name}_{lag}",), ones, least(lag + 1), partial(at_lag, of, lag))
            for name, of in (
                ("periodicity", statistics.periodicity),
                ("covariance", statistics.covariance),
            )
            for lag in LAGS
        ),
    )


def names_of(families: Sequence[StatisticFamily]) -> list[str]:
    """Names of all their statistics, in their order."""
    return [name for family in families for name in family.names]


def at_lag(
    statistic: Callable[[Symbols, int], int], lag: int, symbols: Symbols
) -> tuple[float, ...]:
    """Return that statistic alone."""
    return (statistic(symbols, lag),)


COMPRESSION = StatisticFamily(
    ("compression",), as_they_are, 2, lambda x: (statistics.compression(x),)
)
"""By far the slowest: 0.25 s a permutation of 1 MB, where all others together take 0.01 s."""


@dataclass
class RankTally:
    """How many permutations lay above, at and below the data, for each statistic of a family."""

    family: StatisticFamily
    of_data: tuple[float, ...]
    counts: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = [[0, 0, 0] for _ in self.of_data]

    def add(self, converted: Symbols) -> None:
        """Count one more permutation, for the statistics that are not certain to pass."""
        found = self.family.measure(converted)
        for counts, data, permuted in zip(self.counts, self.of_data, found, strict=True):
            if not passes(counts):
                counts[0 if permuted > data else 1 if permuted == data else 2] += 1

    @property
    def certain(self) -> bool:
        """Whether more permutations can change nothing."""
        return all(map(passes, self.counts))

    def outcomes(self) -> list[IidTest]:
        """One outcome a statistic; what has not come to pass has failed."""
        return [
            IidTest(name, passes(counts), float(data), counts=(counts[0], counts[1], counts[2]))
            for name, data, counts in zip(self.family.names, self.of_data, self.counts, strict=True)
        ]


def passes(counts: Sequence[int]) -> bool:
    """Whether a statistic has passed: with more than five at or beyond it on either side.

    The counts only grow, so this is known as soon as it is so, and failing is known at the end.
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
    tell: StageCallback,
) -> list[IidTest]:
    """Outcomes of all statistics of these families, in their order.

    A statistic is left out of the permutations that follow once it is certain to pass.
    """
    order = symbols.copy()  # contiguous and writable: the one kind of array that is compiled for
    tallies = {
        family.names: RankTally(family, family.measure(family.form(order)))
        for family in families
        if len(symbols) >= family.least
    }
    undecided = list(tallies.values())
    for made in range(permutations):
        if not undecided:
            break
        if made % TELL_EVERY == 0:
            names = ", ".join(names_of([tally.family for tally in undecided]))
            tell(f"permutation {made:,} of {permutations:,}: {names} undecided")
        shuffle(order, rng.random(len(order)))
        forms: dict[Form, Symbols] = {}
        for tally in undecided:
            form = tally.family.form
            if form not in forms:
                forms[form] = form(order)
            tally.add(forms[form])
        undecided = [tally for tally in undecided if not tally.certain]
    outcomes: list[IidTest] = []
    for family in families:
        if family.names in tallies:
            outcomes += tallies[family.names].outcomes()
        else:
            needs = f"at least {family.least} symbols"
            outcomes += [IidTest.not_run(name, needs) for name in family.names]
    return outcomes


@numba.njit(cache=True, nogil=True)
def shuffle(x: Symbols, uniform: NDArray[np.float64]) -> None:
    """Permute x in place by uniform numbers in [0, 1) (Fisher & Yates; Durstenfeld 1964)."""
    for i in range(len(x) - 1, 0, -1):
        j = int(uniform[i] * (i + 1))
        x[i], x[j] = x[j], x[i]
