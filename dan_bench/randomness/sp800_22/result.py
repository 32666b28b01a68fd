"""Streams of bits, and what the tests found in them, as frozen dataclasses that turn into JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from dan_bench.cli import InputError, InputTypeError
from dan_bench.randomness.min_entropy.symbols import whole_numbers

Bits = NDArray[np.uint8]
Counts = NDArray[np.int64]
Probabilities: TypeAlias = Literal["exact", "nist"]
Statistic: TypeAlias = float | str | Sequence[float]
ALPHA = 0.01


class Parameters(TypedDict, total=False):
    """What a caller may set, and what the tests run with; m, M, L, Q, N are the document's names.

    Lengths are in bits.
    """

    block_frequency_length: int
    """M: 128, or 20 for n < 128."""
    longest_run_probabilities: Probabilities
    """Of the classes: exact, or the table of section 3.4 that NIST's tool has."""
    non_overlapping_length: int
    """m: 9, or the largest with five expected matches in a block; at least 2."""
    non_overlapping_blocks: int
    """N: 8."""
    overlapping_length: int
    """m: 9."""
    overlapping_block_length: int
    """M: 2^(m + 1) + m - 1, so that two matches are expected (1032 for m = 9)."""
    overlapping_probabilities: Probabilities
    """Of the classes: exact, or the approximation of section 3.8 that NIST's tool has."""
    universal_length: int
    """L: 6 to 16 by n, section 2.9.7."""
    universal_initial_blocks: int
    """Q: 10 x 2^L."""
    approximate_entropy_length: int
    """m: 10, or the largest below floor(log2 n) - 5; at least 1."""
    serial_length: int
    """m: 16, or the largest below floor(log2 n) - 2; at least 2."""
    linear_complexity_length: int
    """M: 500."""
    linear_complexity_probabilities: Probabilities
    """Of the classes: exact, or those of NIST's tool, which has 0.01047 for the first, 1/96."""


@dataclass(frozen=True)
class SubtestResult:
    """One test of one stream: a p-value for every sub-test, or the reason why there is none.

    `sub_tests` names the p-values (templates, states, directions) and is empty where there is one
    only. Lists among `statistics` that have the length of `p_values` run parallel to them.
    """

    p_values: tuple[float, ...] = ()
    statistics: Mapping[str, Statistic] = field(default_factory=dict)
    sub_tests: tuple[str, ...] = ()
    reason: str | None = None
    alpha: float = ALPHA

    @property
    def passed(self) -> bool | None:
        """Whether every p-value is at least alpha; None where the test was not run.

        148 templates all pass in less than a quarter of ideal streams: `family_p_value` is what
        a verdict rests on.
        """
        return min(self.p_values) >= self.alpha if self.p_values else None

    @property
    def family_p_value(self) -> float | None:
        """The smallest p-value times their number, at most 1 (Bonferroni): one for the test."""
        return min(1.0, len(self.p_values) * min(self.p_values)) if self.p_values else None

    def to_json(self) -> dict[str, Any]:
        """p_values, the statistics by name, passed and family_p_value; sub_tests where named.

        A test that was not run has the `reason` as well, and no statistics.
        """
        found: dict[str, Any] = {"p_values": list(self.p_values), **self.statistics}
        found |= {"passed": self.passed, "family_p_value": self.family_p_value}
        if self.sub_tests:
            found["sub_tests"] = list(self.sub_tests)
        if self.reason is not None:
            found["reason"] = self.reason
        return found


@dataclass(frozen=True)
class Battery:
    """The fifteen tests of SP 800-22 Rev. 1a on one stream of n bits."""

    frequency: SubtestResult
    block_frequency: SubtestResult
    cumulative_sums: SubtestResult
    runs: SubtestResult
    longest_run: SubtestResult
    rank: SubtestResult
    dft: SubtestResult
    non_overlapping_template: SubtestResult
    overlapping_template: SubtestResult
    universal: SubtestResult
    approximate_entropy: SubtestResult
    random_excursions: SubtestResult
    random_excursions_variant: SubtestResult
    serial: SubtestResult
    linear_complexity: SubtestResult
    n: int
    alpha: float = ALPHA

    @property
    def tests(self) -> dict[str, SubtestResult]:
        """The fifteen outcomes by name, in the document's order."""
        return {name: getattr(self, name) for name in TESTS}

    @property
    def worst(self) -> str | None:
        """Name of the test with the smallest family p-value; None where no test could be run."""
        ran = {name: o.family_p_value for name, o in self.tests.items() if o.p_values}
        return min(ran, key=lambda name: ran[name] or 0.0) if ran else None

    @property
    def p_value(self) -> float | None:
        """One p-value for the stream: the worst test's, times the number of tests that were run.

        At most `level` with a probability of about `level` on an ideal stream (at 0.01, 0.8 to
        1.5 % were measured at 1000 to 1,000,000 bits: the tests' own p-values are asymptotic). None
        where no test could be run.
        """
        worst = self.worst
        if worst is None:
            return None
        ran = sum(bool(o.p_values) for o in self.tests.values())
        return min(1.0, ran * (self.tests[worst].family_p_value or 0.0))

    def to_json(self) -> dict[str, Any]:
        """{test: {p_values, statistics..., passed, ...}} of builtin types, floats unrounded."""
        return {name: outcome.to_json() for name, outcome in self.tests.items()}


TESTS: tuple[str, ...] = tuple(f.name for f in fields(Battery) if f.type is SubtestResult)


def chi_squared_test(
    counts: Counts,
    probabilities: NDArray[np.float64],
    statistics: Mapping[str, Statistic],
) -> SubtestResult:
    """One p-value with (classes - 1) degrees of freedom; adds blocks, counts and chi_squared."""
    total = int(counts.sum())
    expected = total * probabilities
    chi_squared = float((np.square(counts - expected) / expected).sum())
    p = float(special.gammaincc((len(counts) - 1) / 2, chi_squared / 2))
    found: dict[str, Statistic] = {"blocks": total, "counts": counts.tolist()}
    return SubtestResult((p,), {**statistics, **found, "chi_squared": chi_squared})


def as_bits(bits: ArrayLike) -> Bits:
    """A one-dimensional stream as contiguous uint8 zeros and ones; the input is never written to.

    Takes booleans or integers; raises as `whole_numbers` does (bytes are packed bits: `unpack`).
    """
    remedy = "; packed bytes go through unpack()"
    if isinstance(bits, bytes | bytearray):
        raise InputTypeError(f"bits are a 1-D array of integers, got {bits!r:.60}{remedy}")
    return np.ascontiguousarray(whole_numbers(bits, 1, "bits", remedy), dtype=np.uint8)


def unpack(
    packed: bytes | bytearray | memoryview | NDArray[np.uint8], n: int | None = None
) -> Bits:
    """Bits of packed bytes, the most significant of each byte first, along the last axis.

    `n` keeps the first n bits of each stream; an N x b array of bytes gives N streams of 8 b bits.
    InputTypeError where the bytes are no uint8, InputError where there are fewer than n bits.
    """
    if isinstance(packed, bytes | bytearray | memoryview):
        packed = np.frombuffer(packed, dtype=np.uint8)
    if packed.dtype != np.uint8 or packed.ndim == 0:
        raise InputTypeError(f"packed bits are bytes (uint8), got {packed.dtype}")
    if n is not None and not 0 <= n <= 8 * packed.shape[-1]:
        raise InputError(
            f"{packed.shape[-1]} bytes hold {8 * packed.shape[-1]} bits, asked for {n}"
        )
    return np.unpackbits(packed, axis=-1, count=n)
