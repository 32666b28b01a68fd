"""Independent and identically distributed? SP 800-90B, section 5, which decides the track."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dan_bench.cli import InputError
from dan_bench.interfaces import StageCallback
from dan_bench.randomness.iid.known_law import (
    FIT,
    INDEPENDENCE,
    REPEATS,
    IidTest,
    chi_square_tests,
    repeated_substring_test,
)
from dan_bench.randomness.iid.permutation import (
    COMPRESSION,
    StatisticFamily,
    families_of,
    names_of,
    permutation_tests,
)
from dan_bench.randomness.min_entropy.symbols import Stream, as_symbols, rank
from dan_bench.rng import generator

__all__ = ["IidAssessment", "IidTest", "iid_tests"]

LEAST_PERMUTATIONS = 100

NEARLY_ALL = 0.999
"""Share of equal symbols above which nothing is tested: reordering changes next to nothing."""

CERTAIN = 1e-9
"""A p-value below which a failure is beyond doubt."""

LONG = 1 << 28
"""Symbols times permutations that take a few seconds."""


@dataclass(frozen=True)
class IidAssessment:
    """All tests of section 5 on `symbols` symbols, of which `alphabet` different ones occur.

    `iid` is whether any test ran and none of those that ran failed. The document asks for a
    million symbols; from fewer, "nothing speaks against it" says less. Where the tests say nothing
    of data like these, none is run and `inapplicable` says why.
    """

    iid: bool
    symbols: int
    alphabet: int
    tests: tuple[IidTest, ...]
    inapplicable: str | None = None

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the tests that failed."""
        return tuple(test.name for test in self.tests if test.passed is False)


def iid_tests(
    symbols: Stream,
    bits_per_symbol: int = 8,
    permutations: int = 10_000,
    seed: int = 0,
    on_progress: StageCallback | None = None,
    exhaustive: bool = False,
    workers: int = 1,
) -> IidAssessment:
    """Test whether symbols of 1 to 8 bits, one a byte, are independent and identically distributed.

    The chi-square tests, the longest repeated substring, and the permutation tests on 19
    statistics, which stop as soon as the verdict is certain. An ideal source of a million symbols
    fails one of them in about 2 % of cases: 0.12 % a statistic, 0.1 % for each of the other three.

    Compression costs more than all others together. It comes last, and is not run where another
    test has already failed, unless `exhaustive`. Nor are the permutations of long data where one of
    the first three tests has failed with p < 1e-9: a statistic that fails needs all of them, which
    takes minutes, and cannot change the answer. `on_progress` is called with how far the
    permutations are; `workers` threads share them. Two different symbols, whichever they are, are
    taken for bits.

    A constant has one order only, so that nothing can be tested, and data of which more than 99.9 %
    are one symbol have hardly more. They are `inapplicable`.

    InputError for symbols that `bits_per_symbol` bits do not hold, and for fewer than 100
    permutations; InputTypeError for what is no 1-D array of integers.
    """
    given = as_symbols(symbols, bits_per_symbol, least=0)
    if permutations < LEAST_PERMUTATIONS:
        raise InputError(
            f"permutations must be at least {LEAST_PERMUTATIONS}, got {permutations}; "
            "SP 800-90B asks for 10000"
        )
    say: StageCallback = on_progress or (lambda _: None)
    counts = np.bincount(given, minlength=256)
    codes, alphabet = rank(given)
    data = codes if alphabet == 2 else given

    families = families_of(data, alphabet)
    rng = generator(seed, "iid/permutations")
    if counts.max() > NEARLY_ALL * len(given):
        return _untested(counts, families)
    say("chi-square tests and longest repeated substring")
    tests = [*chi_square_tests(codes, alphabet), repeated_substring_test(codes)]
    certain = [test.name for test in tests if test.p_value is not None and test.p_value < CERTAIN]
    if certain and len(given) * permutations > LONG and not exhaustive:
        needs = f"{certain[0]} not to have failed (p < {CERTAIN:g})"
        tests += [IidTest.not_run(name, needs) for name in names_of(families)]
    else:
        tests += permutation_tests(data, families, permutations, rng, say, workers)
    failed = any(test.passed is False for test in tests)
    if failed and not exhaustive:
        tests.append(IidTest.not_run(COMPRESSION.names[0], "no test to have failed before"))
    else:
        tests += permutation_tests(data, [COMPRESSION], permutations, rng, say, workers)
    verdicts = {test.passed for test in tests}
    return IidAssessment(
        True in verdicts and False not in verdicts, len(given), alphabet, tuple(tests)
    )


def _untested(counts: NDArray[np.int64], families: Sequence[StatisticFamily]) -> IidAssessment:
    """Assessment of data that are constant, or nearly so."""
    n, alphabet = int(counts.sum()), int(np.count_nonzero(counts))
    symbol, most = int(counts.argmax()), int(counts.max())
    needs = f"at least {1 - NEARLY_ALL:.1%} of the symbols to differ from the commonest"
    names = (INDEPENDENCE, FIT, REPEATS, *names_of(families), *COMPRESSION.names)
    most_are = f"{most:,} of {n:,} symbols are" if alphabet > 1 else "every symbol is"
    alike = "nearly the same" if alphabet > 1 else "the same"
    why = (
        f"{most_are} {symbol}: SP 800-90B, section 5, compares data with their permutations, and "
        f"here all are {alike}"
    )
    return IidAssessment(
        False, n, alphabet, tuple(IidTest.not_run(name, needs) for name in names), why
    )
