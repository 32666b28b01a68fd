"""All fifteen tests on one stream: their parameters, and the lengths of stream that they need.

NIST's defaults for 1 Mbit hold for every length that admits them. Where the document bounds a
pattern's length by n, a shorter stream gets the largest length that it allows.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from dan_bench.randomness.sp800_22.counts import (
    block_frequency,
    cumulative_sums,
    frequency,
    longest_run,
    random_excursions,
    random_excursions_variant,
    runs,
    walk,
)
from dan_bench.randomness.sp800_22.patterns import (
    approximate_entropy,
    class_probabilities,
    cyclic_counts,
    non_overlapping_template,
    overlapping_template,
    serial,
    universal,
)
from dan_bench.randomness.sp800_22.result import Battery, Bits, Parameters, SubtestResult
from dan_bench.randomness.sp800_22.structure import RANK_BITS, dft, linear_complexity, rank

# smallest n for blocks of L bits, section 2.9.7: 10 2^L blocks to begin with and 1000 2^L to test
UNIVERSAL = {length: 1010 * 2**length * length for length in range(6, 17)}
CYCLES = 500
# smallest and largest value that is meaningful, whatever n
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


def choose(n: int, overrides: Parameters) -> Parameters:
    """All parameters for a stream of n bits, where `overrides` come first.

    Raises TypeError for an unknown name, ValueError for a value that is out of range at any n.
    Whether n is large enough is for `battery` to say.
    """
    for name, value in overrides.items():
        check(name, value)
    log2 = max(n.bit_length() - 1, 0)  # floor(log2 n)
    in_block = n // overrides.get("non_overlapping_blocks", 8)
    several = [m for m in range(2, 10) if in_block - m + 1 >= 5 * 2**m]
    long_enough = [length for length, least in UNIVERSAL.items() if n >= least]
    m = overrides.get("overlapping_length", 9)
    universal_length = overrides.get("universal_length", max(long_enough, default=6))
    defaults: Parameters = {
        "block_frequency_length": 128 if n >= 128 else 20,
        "longest_run_probabilities": "exact",
        "non_overlapping_length": max(several, default=2),
        "non_overlapping_blocks": 8,
        "overlapping_length": 9,
        "overlapping_block_length": 2 ** (m + 1) + m - 1,
        "overlapping_probabilities": "exact",
        "universal_length": universal_length,
        "universal_initial_blocks": 10 * 2**universal_length,
        "approximate_entropy_length": min(10, max(1, log2 - 6)),
        "serial_length": min(16, max(2, log2 - 3)),
        "linear_complexity_length": 500,
        "linear_complexity_probabilities": "exact",
    }
    chosen: Parameters = {**defaults, **overrides}
    least = chosen["overlapping_length"] + 4
    if chosen["overlapping_block_length"] < least:
        raise ValueError(
            "overlapping_block_length leaves room for five occurrences: at least "
            f"{least}, got {chosen['overlapping_block_length']}"
        )
    return chosen


def check(name: str, value: object) -> None:
    """Raise if no parameter is called that, or its value is out of range or of the wrong type."""
    known = Parameters.__annotations__
    if name not in known:
        raise TypeError(f"no parameter is called {name!r}; there are {', '.join(known)}")
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


def battery(bits: Bits, alpha: float, overrides: Parameters) -> Battery:
    """Run every test that the stream is long enough for; see `sp800_22`.

    The lengths are those that section 2 gives as conditions for the p-values. Where it also
    recommends more (1,000,000 for overlapping templates, linear complexity and excursions), its
    conditions for the chi-square decide: five expected in the rarest class of overlapping
    templates, 200 blocks for linear complexity, 500 cycles for the excursions (known once the
    stream has been walked through). For templates, where the document has no condition, five
    matches are expected in a block.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is a probability between 0 and 1, got {alpha}")
    n = len(bits)
    p = choose(n, overrides)
    template, template_blocks = p["non_overlapping_length"], p["non_overlapping_blocks"]
    ones, ones_block = p["overlapping_length"], p["overlapping_block_length"]
    rarest = min(class_probabilities(ones, ones_block))
    universal_length, initial = p["universal_length"], p["universal_initial_blocks"]
    m_serial, m_entropy = p["serial_length"], p["approximate_entropy_length"]
    least = {"serial": 2 ** (m_serial + 3), "approximate_entropy": 2 ** (m_entropy + 6)}
    lengths = {"serial": m_serial, "approximate_entropy": m_entropy + 1}
    longest = max((lengths[test] for test in lengths if n >= least[test]), default=1)
    windows = cyclic_counts(bits, longest)
    walked = walk(bits)

    def of_cycles(test: Callable[[], SubtestResult]) -> SubtestResult:
        enough = max(0.005 * math.sqrt(n), CYCLES)
        if walked.cycles >= enough:
            return test()
        reason = f"needs {math.ceil(enough)} cycles of the random walk, got {walked.cycles}"
        return SubtestResult(statistics={"cycles": walked.cycles}, reason=reason)

    tests: dict[str, tuple[int, Callable[[], SubtestResult]]] = {
        "frequency": (100, lambda: frequency(bits)),
        "block_frequency": (
            max(100, p["block_frequency_length"]),
            lambda: block_frequency(bits, p["block_frequency_length"]),
        ),
        "cumulative_sums": (100, lambda: cumulative_sums(walked)),
        "runs": (100, lambda: runs(bits)),
        "longest_run": (128, lambda: longest_run(bits, p["longest_run_probabilities"])),
        "rank": (38 * RANK_BITS, lambda: rank(bits)),
        "dft": (1000, lambda: dft(bits)),
        "non_overlapping_template": (
            template_blocks * (5 * 2**template + template - 1),
            lambda: non_overlapping_template(bits, template, template_blocks),
        ),
        "overlapping_template": (
            ones_block * (int(5 / rarest) + 1),
            lambda: overlapping_template(bits, ones, ones_block, p["overlapping_probabilities"]),
        ),
        "universal": (
            (initial + 1000 * 2**universal_length) * universal_length,
            lambda: universal(bits, universal_length, initial),
        ),
        "approximate_entropy": (
            least["approximate_entropy"],
            lambda: approximate_entropy(windows, m_entropy),
        ),
        "random_excursions": (2 * CYCLES, lambda: of_cycles(lambda: random_excursions(walked))),
        "random_excursions_variant": (
            2 * CYCLES,
            lambda: of_cycles(lambda: random_excursions_variant(walked)),
        ),
        "serial": (least["serial"], lambda: serial(windows, m_serial)),
        "linear_complexity": (
            200 * p["linear_complexity_length"],
            lambda: linear_complexity(
                bits, p["linear_complexity_length"], p["linear_complexity_probabilities"]
            ),
        ),
    }
    outcomes = {
        name: replace(test(), alpha=alpha)
        if n >= needed
        else SubtestResult(reason=f"needs n >= {needed} bits, got {n}", alpha=alpha)
        for name, (needed, test) in tests.items()
    }
    return Battery(**outcomes, n=n, alpha=alpha)
