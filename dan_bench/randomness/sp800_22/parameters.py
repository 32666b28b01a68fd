"""The tests' parameters, and what length of stream each test needs (SP 800-22 Rev. 1a, section 2).

NIST's defaults for 1 Mbit hold for every length that admits them. Where the document bounds a
pattern's length by n, a shorter stream gets the largest length that it allows.
"""

from dataclasses import dataclass, fields
from typing import Literal, TypedDict

# smallest n for blocks of L bits, section 2.9.7: 10 2^L blocks to begin with and 1000 2^L to test
UNIVERSAL = {length: 1010 * 2**length * length for length in range(6, 17)}
RANK_BITS = 32 * 32
CYCLES = 500


class Overrides(TypedDict, total=False):
    """Parameters that a caller may set; see `Parameters`."""

    block_frequency_length: int
    non_overlapping_length: int
    non_overlapping_blocks: int
    overlapping_length: int
    overlapping_block_length: int
    overlapping_probabilities: Literal["exact", "nist"]
    universal_length: int
    universal_initial_blocks: int
    approximate_entropy_length: int
    serial_length: int
    linear_complexity_length: int
    linear_complexity_probabilities: Literal["exact", "nist"]


@dataclass(frozen=True)
class Parameters:
    """What the tests run with; lengths are in bits, and m, M, L, Q, N are the document's names."""

    block_frequency_length: int
    """M: 128, or 20 for n < 128."""
    non_overlapping_length: int
    """m: 9, or the largest with five expected matches in a block; at least 2."""
    non_overlapping_blocks: int
    """N: 8."""
    overlapping_length: int
    """m: 9."""
    overlapping_block_length: int
    """M: 2^(m + 1) + m - 1, so that two matches are expected (1032 for m = 9)."""
    overlapping_probabilities: Literal["exact", "nist"]
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
    linear_complexity_probabilities: Literal["exact", "nist"]
    """Of the classes: those of NIST's tool, where the first is 0.01047, or exact, with 1/96."""


# smallest and largest value that means something, whatever n
RANGES = {
    "block_frequency_length": (20, None),
    "non_overlapping_length": (2, 16),
    "non_overlapping_blocks": (1, None),
    "overlapping_length": (2, 16),
    "overlapping_block_length": (8, None),
    "universal_length": (1, 16),
    "universal_initial_blocks": (1, None),
    "approximate_entropy_length": (1, 24),
    "serial_length": (2, 24),
    "linear_complexity_length": (500, 5000),
}


def choose(n: int, overrides: Overrides) -> Parameters:
    """Parameters for a stream of n bits, with what the caller sets instead.

    Raises TypeError for a name that is none, ValueError for a value that is out of range at any n.
    Whether n is enough is what `needs` says.
    """
    known = [f.name for f in fields(Parameters)]
    for name, value in overrides.items():
        if name not in known:
            raise TypeError(f"no parameter is called {name!r}; there are {', '.join(known)}")
        check(name, value)
    log2 = max(n.bit_length() - 1, 0)  # floor(log2 n)
    blocks = overrides.get("non_overlapping_blocks", 8)
    in_block = n // blocks
    several = [m for m in range(2, 10) if in_block - m + 1 >= 5 * 2**m]
    long_enough = [length for length, least in UNIVERSAL.items() if n >= least]
    m = overrides.get("overlapping_length", 9)
    universal = overrides.get("universal_length", max(long_enough, default=6))
    defaults = Parameters(
        block_frequency_length=128 if n >= 128 else 20,
        non_overlapping_length=max(several, default=2),
        non_overlapping_blocks=8,
        overlapping_length=9,
        overlapping_block_length=2 ** (m + 1) + m - 1,
        overlapping_probabilities="exact",
        universal_length=universal,
        universal_initial_blocks=10 * 2**universal,
        approximate_entropy_length=min(10, max(1, log2 - 6)),
        serial_length=min(16, max(2, log2 - 3)),
        linear_complexity_length=500,
        linear_complexity_probabilities="nist",
    )
    values = {name: getattr(defaults, name) for name in known}
    chosen = Parameters(**(values | dict(overrides)))
    if chosen.overlapping_block_length < chosen.overlapping_length + 4:
        raise ValueError(
            "overlapping_block_length leaves room for five occurrences: at least "
            f"{chosen.overlapping_length + 4}, got {chosen.overlapping_block_length}"
        )
    return chosen


def check(name: str, value: object) -> None:
    """Raise where a parameter's value is out of range or of the wrong type."""
    if name.endswith("_probabilities"):
        if value not in ("exact", "nist"):
            raise ValueError(f"{name} is 'exact' or 'nist', got {value!r}")
        return
    low, high = RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is an integer, got {value!r}")
    if value < low or (high is not None and value > high):
        upper = "" if high is None else f" and at most {high}"
        raise ValueError(f"{name} is at least {low}{upper}, got {value}")


def needs(p: Parameters, smallest_overlapping_class: float) -> dict[str, int]:
    """Smallest n of each test under these parameters, by test.

    The lengths that section 2 gives as conditions for the p-values. Where it also recommends more
    (1,000,000 for overlapping templates, linear complexity and excursions), its conditions for the
    chi-square decide: five expected in the rarest class of overlapping templates, 200 blocks for
    linear complexity, 500 cycles for the excursions (known once the stream was walked through).
    For templates, where the document has no condition, five matches expected in a block.
    """
    template, overlap = p.non_overlapping_length, p.overlapping_block_length
    universal_blocks = p.universal_initial_blocks + 1000 * 2**p.universal_length
    return {
        "frequency": 100,
        "block_frequency": max(100, p.block_frequency_length),
        "cumulative_sums": 100,
        "runs": 100,
        "longest_run": 128,
        "rank": 38 * RANK_BITS,
        "dft": 1000,
        "non_overlapping_template": p.non_overlapping_blocks * (5 * 2**template + template - 1),
        "overlapping_template": overlap * (int(5 / smallest_overlapping_class) + 1),
        "universal": universal_blocks * p.universal_length,
        "approximate_entropy": 2 ** (p.approximate_entropy_length + 6),
        "random_excursions": 2 * CYCLES,
        "random_excursions_variant": 2 * CYCLES,
        "serial": 2 ** (p.serial_length + 3),
        "linear_complexity": 200 * p.linear_complexity_length,
    }
