"""Restart tests: does a source begin anew each time? SP 800-90B, section 3.1.4.

1,000 restarts, each with its first 1,000 samples, make the rows of a matrix. Names and numbers are
those of NIST's tool, ea_restart.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.cli import InputTypeError
from dan_bench.interfaces import StageCallback
from dan_bench.randomness.iid import IidAssessment, iid_tests
from dan_bench.randomness.min_entropy import (
    Estimates,
    Estimators,
    MinEntropyAssessment,
    assess,
)
from dan_bench.randomness.min_entropy.counting import most_common_value
from dan_bench.randomness.min_entropy.symbols import Stream, Symbols, as_array, as_symbols, rank
from dan_bench.rng import generator
from dan_bench.statistics import binomial_tail, poisson_mass

SIDE = 1000
"""Restarts, and samples of each."""
ALPHA = 0.000005
"""Of the document's formula: 0.01 for 2,000 rows and columns together."""
ALPHA_OF_TOOL = -math.expm1(math.log(0.99) / (2 * SIDE))
"""The same, as NIST's tool has it: 5.025e-6."""
ROUNDS = 5_000_000
"""Of the simulation of NIST's tool."""


@dataclass(frozen=True)
class RestartSanity:
    """How often the commonest sample of a row or column comes, and how often it may (3.1.4.3).

    `x_row` and `x_column` are the largest such counts over all rows and all columns. A count up to
    a cutoff passes. There are three of them:

    `cutoff_exact` is the 1 - 5.025e-6 quantile of the largest count among all symbols, in 1,000
    samples of the source that has as many symbols of probability 2^-H_I as possible and one more
    with the rest. It is what NIST's tool estimates by simulation. `cutoff_simulated` is such an
    estimate (None where none was asked for); by its own noise it may be 1 away.

    `cutoff_formula` is that of the document's text: the largest x with P(X >= x) >= 0.000005 for
    binomial X. It looks at one symbol alone, so that ideal sources of many symbols fail more often
    than the 1 % that the document means.
    """

    x_row: int
    x_column: int
    cutoff_exact: int
    cutoff_formula: int
    cutoff_simulated: int | None = None

    @property
    def x_max(self) -> int:
        """The larger of the two counts."""
        return max(self.x_row, self.x_column)

    @property
    def passed(self) -> bool:
        """Whether no count is above the exact cutoff."""
        return self.x_max <= self.cutoff_exact

    @property
    def passed_by_formula(self) -> bool:
        """Whether no count is above the cutoff of the document's text."""
        return self.x_max <= self.cutoff_formula

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary of all of them."""
        names = ("x_row", "x_column", "x_max", "cutoff_exact", "cutoff_formula")
        found = {name: getattr(self, name) for name in names}
        if self.cutoff_simulated is not None:
            found["cutoff_simulated"] = self.cutoff_simulated
        return found | {"passed": self.passed, "passed_by_formula": self.passed_by_formula}


@dataclass(frozen=True)
class RestartAssessment:
    """Entropy of a source after its restart tests, in bits a sample.

    `assessed` is min(h_row, h_column, h_initial), or None where no entropy is awarded, and then
    `reason` says why. `rows` and `columns` are the estimates on either data set; they are None
    where the sanity check failed, as the document then ends. `iid_rows` and `iid_columns` are there
    on the IID track alone.
    """

    assessed: float | None
    h_initial: float
    sanity: RestartSanity
    rows: MinEntropyAssessment | None
    columns: MinEntropyAssessment | None
    reason: str = ""
    iid_rows: IidAssessment | None = None
    iid_columns: IidAssessment | None = None

    @property
    def h_row(self) -> float | None:
        """Estimate of the row data set."""
        return None if self.rows is None else self.rows.assessed

    @property
    def h_column(self) -> float | None:
        """Estimate of the column data set."""
        return None if self.columns is None else self.columns.assessed

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries of the same names."""
        found: dict[str, Any] = {"assessed": self.assessed, "reason": self.reason}
        found |= {"h_row": self.h_row, "h_column": self.h_column, "h_initial": self.h_initial}
        found["sanity"] = self.sanity.to_json()
        for name in ("rows", "columns"):
            estimates = getattr(self, name)
            found[name] = None if estimates is None else estimates.to_json()
            iid = getattr(self, f"iid_{name}")
            if iid is not None:
                found[f"iid_{name}"] = {"iid": iid.iid, "failed": list(iid.failed)}
        return found


def restart_tests(
    samples: Stream,
    h_initial: float,
    bits_per_symbol: int = 8,
    *,
    iid: bool = False,
    bitstring: bool = False,
    by_formula: bool = False,
    rounds: int = 0,
    seed: int = 0,
    workers: int = 1,
    on_progress: StageCallback | None = None,
) -> RestartAssessment:
    """Carry out the restart tests (SP 800-90B, 3.1.4) on a matrix of 1,000 restarts.

    Args:
        samples: 1,000 x 1,000 symbols in [0, 2^bits_per_symbol), a restart a row; or the million
            of them row by row, as bytes or a one-dimensional array.
        h_initial: H_I, the initial estimate in bits a sample: the least of H_original,
            bits_per_symbol x H_bitstring and H_submitter, in [0, bits_per_symbol].
        bits_per_symbol: 1 to 8.
        iid: take the IID track: the most common value alone, and the IID tests on both data sets,
            which must be passed.
        bitstring: estimate from the bits of the samples too. The document does not say whether to;
            NIST's tool does not.
        by_formula: let the cutoff of the document's text decide, not that of NIST's tool.
        rounds: of a simulation of the cutoff; 0 for none. NIST's tool has 5,000,000.
        seed: of the simulation, and of the permutations of the IID tests.
        workers: threads that share the estimators.
        on_progress: called with what is being done.

    Raises:
        ValueError: samples, h_initial or rounds are none of these.
        TypeError: samples are no integers.
    """
    matrix = as_matrix(samples, bits_per_symbol)
    if not 0 <= h_initial <= bits_per_symbol:
        raise ValueError(
            f"h_initial must lie between 0 and the {bits_per_symbol} bits of a symbol, "
            f"got {h_initial}"
        )
    if rounds < 0:
        raise ValueError(f"rounds must be 0 or more, got {rounds}")
    data = {"rows": matrix.ravel(), "columns": np.ascontiguousarray(matrix.T).ravel()}
    if on_progress and rounds:
        on_progress(f"cutoff of the sanity check: {rounds:,} rounds")
    sanity = RestartSanity(
        x_row=commonest(matrix),
        x_column=commonest(data["columns"].reshape(SIDE, SIDE)),
        cutoff_exact=exact_cutoff(h_initial),
        cutoff_formula=formula_cutoff(h_initial),
        cutoff_simulated=simulated_cutoff(h_initial, rounds, seed) if rounds else None,
    )
    end = partial(RestartAssessment, h_initial=float(h_initial), sanity=sanity)
    cutoff = sanity.cutoff_formula if by_formula else sanity.cutoff_exact
    if matrix.min() == matrix.max():
        return end(None, rows=None, columns=None, reason="every sample is the same")
    if sanity.x_max > cutoff:
        reason = (
            f"the sanity check failed: one symbol comes {sanity.x_max} times in a row or column, "
            f"and at H_I = {h_initial:g} at most {cutoff}"
        )
        return end(None, rows=None, columns=None, reason=reason)

    found, tested = {}, {}
    for name, symbols in data.items():

        def say(doing: str, name: str = name) -> None:
            if on_progress:
                on_progress(f"{name}: {doing}")

        if iid:
            found[name] = most_common(symbols, bits_per_symbol, bitstring)
            tested[name] = iid_tests(symbols, bits_per_symbol, seed=seed, on_progress=say)
        else:
            found[name] = assess(
                symbols,
                bits_per_symbol,
                bitstring=bitstring,
                workers=workers,
                on_progress=say if on_progress else None,
            )
    end = partial(end, **found, iid_rows=tested.get("rows"), iid_columns=tested.get("columns"))
    least = min(h.assessed for h in found.values())
    if failed := [name for name, test in tested.items() if not test.iid]:
        return end(None, reason=f"the IID track does not apply: {' and '.join(failed)} are not IID")
    if least < h_initial / 2:
        reason = (
            f"validation failed: min(H_r, H_c) = {least:.6f} is below H_I / 2 = {h_initial / 2:g}"
        )
        return end(None, reason=reason)
    return end(min(least, float(h_initial)))


def as_matrix(samples: Stream, width: int) -> NDArray[np.uint8]:
    """Samples as 1,000 x 1,000 symbols of that width; InputError if they are not."""
    given = as_array(samples)
    if given.ndim == 2 and given.shape != (SIDE, SIDE):
        raise InputTypeError(
            f"a matrix of restarts is {SIDE} x {SIDE}, a restart a row; got {given.shape}"
        )
    symbols = as_symbols(given.ravel() if given.ndim == 2 else given, width)
    if len(symbols) != SIDE * SIDE:
        raise ValueError(
            f"restart tests take {SIDE} restarts of {SIDE} samples each, {SIDE * SIDE:,} in all; "
            f"got {len(symbols):,}"
        )
    return symbols.reshape(SIDE, SIDE)


def most_common(symbols: Symbols, width: int, bitstring: bool) -> MinEntropyAssessment:
    """Estimate by the most common value alone, as the IID track does (6.1)."""
    values = {"literal": most_common_value(*rank(symbols))}
    h_original = min(float(width), values["literal"])
    h_bits = None
    if bitstring and width > 1:
        ones = int(np.unpackbits(symbols).sum())
        bits = np.zeros(len(symbols) * width, np.uint8)
        bits[:ones] = 1  # their order does not matter here
        h_bits = most_common_value(bits, 2)
    return MinEntropyAssessment(
        assessed=h_original if h_bits is None else min(h_original, width * h_bits),
        h_original=h_original,
        h_bitstring=h_bits,
        estimators=Estimators(
            Estimates(most_common_value=values["literal"]), Estimates(most_common_value=h_bits)
        ),
    )


@numba.njit(cache=True, nogil=True)
def commonest(matrix: NDArray[np.uint8]) -> int:
    """Return how often the commonest symbol of any row comes in that row."""
    most = 0
    for row in matrix:
        counts = np.zeros(256, np.int64)
        for symbol in row:
            counts[symbol] += 1
        most = max(most, counts.max())
    return most


def formula_cutoff(h: float) -> int:
    """Return the largest count that passes by the text of section 3.1.4.3, steps 5 and 6."""
    counts = np.arange(SIDE + 1)
    tails = binomial_tail(counts - 1, SIDE, 2.0**-h)
    return int(counts[tails >= ALPHA].max())


def exact_cutoff(h: float, alpha: float = ALPHA_OF_TOOL) -> int:
    """Return the smallest count c with P(M <= c) >= 1 - alpha, for M of `tail_of_maximum`."""
    low, high = 0, SIDE
    while low < high:
        middle = (low + high) // 2
        if tail_of_maximum(h, middle) <= alpha:
            high = middle
        else:
            low = middle + 1
    return low


def tail_of_maximum(h: float, c: int) -> float:
    """Return P(M > c), where M is the count of the commonest symbol in 1,000 samples.

    The source has floor(2^h) symbols of probability p = 2^-h and one with what remains: of all
    sources of min-entropy h the one whose samples collide most (Hagerty & Draper, 2012).

    1,000 samples are independent Poisson counts of mean 1,000 p on the condition that they add up
    to 1,000. So P(M <= c) is a coefficient of a product of polynomials with positive coefficients:
    no term cancels another, and the error stays near 1e-12.
    """
    p = 2.0**-h
    common = math.floor(1 / p)
    rest = max(0.0, 1 - common * p)

    def counts(probability: float) -> NDArray[np.float64]:
        return poisson_mass(np.arange(c + 1), SIDE * probability)

    def times(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.convolve(a, b)[: SIDE + 1]

    product, power = counts(rest), counts(p)
    while common:
        if common & 1:
            product = times(product, power)
        common >>= 1
        if common:
            power = times(power, power)
    if len(product) <= SIDE:
        return 1.0
    return max(0.0, 1 - float(product[SIDE] / poisson_mass(SIDE, SIDE)))


def simulated_cutoff(h: float, rounds: int = ROUNDS, seed: int = 0) -> int:
    """Estimate `exact_cutoff` by as many rounds of 1,000 samples, as NIST's tool does.

    The estimate is the order statistic of NIST's tool, number floor((1 - 5.025e-6) rounds).
    """
    number = math.floor((1 - ALPHA_OF_TOOL) * rounds)
    if number < 1:
        raise ValueError(f"rounds must be 2 or more, got {rounds}")
    state = generator(seed, "restart/cutoff").integers(1, 1 << 63, 4, dtype=np.uint64)
    reached = np.cumsum(simulated_maxima(2.0**h, rounds, state))
    return int(np.searchsorted(reached, number))


@numba.njit(cache=True, nogil=True)
def simulated_maxima(inverse: float, rounds: int, state: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Count how often the commonest of 1,000 samples came 0 to 1,000 times, over all rounds.

    Samples are floor(u / p) for uniform u of 32 bits from xoshiro256**, two of each word.
    """
    found = np.zeros(SIDE + 1, np.int64)
    a, b, c, d = state
    scale = inverse / 4294967296.0
    counts = np.zeros(257, np.int64)
    for _ in range(rounds):
        counts[:] = 0
        for _ in range(SIDE // 2):
            word = b * np.uint64(5)
            word = ((word << np.uint64(7)) | (word >> np.uint64(57))) * np.uint64(9)
            shifted = b << np.uint64(17)
            c ^= a
            d ^= b
            b ^= c
            a ^= d
            c ^= shifted
            d = (d << np.uint64(45)) | (d >> np.uint64(19))
            counts[int((word >> np.uint64(32)) * scale)] += 1
            counts[int((word & np.uint64(0xFFFFFFFF)) * scale)] += 1
        found[counts.max()] += 1
    return found
