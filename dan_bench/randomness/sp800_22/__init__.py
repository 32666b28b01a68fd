"""SP 800-22 Rev. 1a: fifteen tests of bits, 188 p-values, written from the document.

Of one stream, and of many: does each family of tests fail as rarely as it should (section 4.2)?
Importing this imports no compiler; a machine's first run compiles for some seconds.
"""

import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from dan_bench.cli import InputTypeError
from dan_bench.randomness.sp800_22.result import (
    ALPHA,
    TESTS,
    Battery,
    Bits,
    Parameters,
    SubtestResult,
    as_bits,
    unpack,
)

UNIFORM = 0.0001
STREAMS_FOR_UNIFORMITY = 55
# shorter streams have p-values too coarse for it (measured over thousands of ideal streams)
BITS_FOR_UNIFORMITY = 1_000_000
BINS = 10

__all__ = [
    "ALPHA",
    "TESTS",
    "Battery",
    "Bits",
    "Families",
    "Parameters",
    "SubtestResult",
    "sp800_22",
    "sp800_22_many",
    "unpack",
]


@dataclass(frozen=True)
class FamilyTally:
    """P-values of one sub-test, or of several pooled, over the streams that allowed the test."""

    name: str
    count: int
    passes: int
    alpha: float
    uniformity_p_value: float | None
    """Chi-square over ten bins, section 4.2.2; None for fewer than 55 p-values."""
    uniformity_counts: bool
    """Whether the streams are long enough (1,000,000 bits) for uniformity to be part of p_value."""

    @property
    def proportion(self) -> float:
        """Share of p-values that are at least alpha."""
        return self.passes / self.count

    @property
    def band(self) -> tuple[float, float]:
        """The document's acceptance band: 1 - alpha, and three standard errors around it."""
        half = 3 * math.sqrt(self.alpha * (1 - self.alpha) / self.count)
        return 1 - self.alpha - half, 1 - self.alpha + half

    @property
    def accepted(self) -> bool:
        """The document's two criteria: proportion within the band, uniformity p >= 0.0001."""
        low, high = self.band
        uniform = self.uniformity_p_value is None or self.uniformity_p_value >= UNIFORM
        return low <= self.proportion <= high and uniform

    @property
    def binomial_p_value(self) -> float:
        """Probability that an ideal source fails at least this often; exact for exact p-values."""
        failures = self.count - self.passes
        return float(special.bdtrc(failures - 1, self.count, self.alpha)) if failures else 1.0

    @property
    def p_value(self) -> float:
        """Proportion and, where it counts, uniformity: then twice the smaller p-value."""
        if self.uniformity_p_value is None or not self.uniformity_counts:
            return self.binomial_p_value
        return min(1.0, 2 * min(self.binomial_p_value, self.uniformity_p_value))


@dataclass(frozen=True)
class Family:
    """One of the fifteen tests over many streams: its sub-tests pooled, and each by itself.

    `pooled` treats sub-tests of one stream as independent, which they nearly are for templates
    and are not for excursions, whose neighbouring states go together: it describes, it does not
    decide.
    """

    pooled: FamilyTally
    sub_tests: tuple[FamilyTally, ...]

    @property
    def worst(self) -> FamilyTally:
        """The sub-test with the smallest p-value; among equals that with the fewest passes."""
        return min(self.sub_tests, key=lambda t: (t.p_value, t.proportion))

    @property
    def p_value(self) -> float:
        """The worst sub-test's, times their number (Bonferroni): holds however they depend."""
        return min(1.0, len(self.sub_tests) * self.worst.p_value)


@dataclass(frozen=True)
class Families:
    """SP 800-22 over many streams of n bits, by family; families that could not run are absent."""

    streams: int
    n: int
    alpha: float
    families: Mapping[str, Family]
    not_run: Mapping[str, str]
    """Why the absent families could not run, by name."""

    @property
    def worst(self) -> str | None:
        """Name of the worst family, the headline; None where no test could be run."""
        order = {name: (f.p_value, f.worst.proportion) for name, f in self.families.items()}
        return min(order, key=lambda name: order[name]) if order else None

    @property
    def p_value(self) -> float | None:
        """The worst family's p-value times the number of families; None where none could be run.

        An ideal source gets a value of at most `level` with a probability of about `level`, for up
        to some hundreds of streams: the tests' p-values are asymptotic. The spectral test fails up
        to 1.6 % of ideal streams instead of 1 %, the others 0.5 to 1.5 %, which thousands of
        streams would show; and below 1,000,000 bits many p-values are so coarse, or so close to
        the edge of what the document allows, that only proportions count.
        """
        if self.worst is None:
            return None
        return min(1.0, len(self.families) * self.families[self.worst].p_value)


def uniformity_p_value(p_values: NDArray[np.float64]) -> float | None:
    """Chi-square test of p-values in ten equal bins, section 4.2.2; None for fewer than 55."""
    if len(p_values) < STREAMS_FOR_UNIFORMITY:
        return None
    counts = np.bincount(np.minimum(p_values * BINS, BINS - 1).astype(np.int64), minlength=BINS)
    expected = len(p_values) / BINS
    chi_squared = float(np.square(counts - expected).sum()) / expected
    return float(special.gammaincc((BINS - 1) / 2, chi_squared / 2))


def tally(name: str, p_values: NDArray[np.float64], n: int, alpha: float) -> FamilyTally:
    """Count what passes among the p-values of streams of n bits."""
    passes = int(np.count_nonzero(p_values >= alpha))
    uniform = uniformity_p_value(p_values)
    return FamilyTally(name, len(p_values), passes, alpha, uniform, n >= BITS_FOR_UNIFORMITY)


def by_family(batteries: list[Battery]) -> Families:
    """Collect the batteries of streams of equal length."""
    n, alpha = batteries[0].n, batteries[0].alpha
    families, not_run = {}, {}
    for name in TESTS:
        outcomes = [getattr(found, name) for found in batteries]
        ran = [o for o in outcomes if o.p_values]
        if not ran:
            not_run[name] = str(outcomes[0].reason)
            continue
        p_values = np.array([o.p_values for o in ran])
        labels = ran[0].sub_tests or (name,)
        each = tuple(tally(s, p_values[:, i], n, alpha) for i, s in enumerate(labels))
        families[name] = Family(tally(name, p_values.ravel(), n, alpha), each)
    return Families(len(batteries), n, alpha, families, not_run)


def sp800_22(bits: ArrayLike, *, alpha: float = ALPHA, **parameters: Unpack[Parameters]) -> Battery:
    """Fifteen tests of one stream of zeros and ones.

    `bits` is a one-dimensional array of booleans or of integers 0 and 1, of any length, and is
    never written to; packed bytes go through `unpack`. Keywords set the tests' parameters
    (`Parameters` describes them and their defaults). A test that the stream is too short for says
    what it needs, and the others go on.

    P-values are the document's, asymptotic: near the smallest lengths they are coarse steps.
    Raises TypeError for anything but a stream of bits and for unknown parameters, ValueError for
    bits other than 0 and 1 and for parameters out of range.
    """
    # numba and all that it compiles is imported by whoever tests, not by the package
    from dan_bench.randomness.sp800_22.suite import battery

    return battery(as_bits(bits), alpha, parameters)


def sp800_22_many(
    streams: Iterable[ArrayLike],
    *,
    alpha: float = ALPHA,
    workers: int = 1,
    **parameters: Unpack[Parameters],
) -> Families:
    """Fifteen tests of many streams of equal length: proportions and uniformity by family.

    `streams` is an N x n array of bits (`unpack` makes it of N x b bytes) or any iterable of
    streams; `workers` threads share the work. Section 4.2's two criteria are reported for each
    family and sub-test; with 188 sub-tests and several streams an ideal source fails some of
    them, so the verdict is `p_value`: exact binomial tests of the number of failures, and the
    uniformity test where there are 55 streams, of every sub-test, corrected for their number. From
    three streams on, a sub-test that always fails is told from chance in every family.

    Raises as `sp800_22` does, and ValueError for no streams or streams of different lengths.
    """

    def one(stream: ArrayLike) -> Battery:
        return sp800_22(stream, alpha=alpha, **parameters)

    if isinstance(streams, memoryview):  # which iterates in one dimension only
        streams = np.asarray(streams)
    if not isinstance(streams, Iterable) or getattr(streams, "ndim", 2) < 2:
        said = "streams are several of bits, or an N x n array: one stream goes to sp800_22()"
        raise InputTypeError(f"{said}, got {streams!r:.60}")
    if workers == 1:
        found = list(map(one, streams))
    else:
        with ThreadPoolExecutor(workers) as pool:
            found = list(pool.map(one, streams))
    if not found:
        raise ValueError("there are no streams to test")
    lengths = {b.n for b in found}
    if len(lengths) > 1:
        raise ValueError(f"streams have one length, got lengths {sorted(lengths)}")
    return by_family(found)
