"""All fifteen tests on one stream."""

import math
from collections.abc import Callable
from dataclasses import replace

from dan_bench.randomness.sp800_22.bits import Bits
from dan_bench.randomness.sp800_22.frequency import block_frequency, frequency
from dan_bench.randomness.sp800_22.linear_complexity import linear_complexity
from dan_bench.randomness.sp800_22.parameters import CYCLES, Overrides, choose, needs
from dan_bench.randomness.sp800_22.patterns import approximate_entropy, serial
from dan_bench.randomness.sp800_22.rank import rank
from dan_bench.randomness.sp800_22.result import Battery, SubtestResult
from dan_bench.randomness.sp800_22.runs import longest_run, runs
from dan_bench.randomness.sp800_22.spectral import dft
from dan_bench.randomness.sp800_22.templates import (
    class_probabilities,
    non_overlapping_template,
    overlapping_template,
)
from dan_bench.randomness.sp800_22.universal import universal
from dan_bench.randomness.sp800_22.walk import (
    cumulative_sums,
    random_excursions,
    random_excursions_variant,
    walk,
)
from dan_bench.randomness.sp800_22.windows import cyclic_counts


def battery(bits: Bits, alpha: float, overrides: Overrides) -> Battery:
    """Run every test that the stream is long enough for; see `sp800_22`."""
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is a probability between 0 and 1, got {alpha}")
    n = len(bits)
    p = choose(n, overrides)
    exact = class_probabilities(p.overlapping_length, p.overlapping_block_length)
    least = needs(p, min(exact))
    can = {name for name, length in least.items() if n >= length}

    lengths = {"serial": p.serial_length, "approximate_entropy": p.approximate_entropy_length + 1}
    windows = cyclic_counts(bits, max((lengths[t] for t in lengths.keys() & can), default=1))
    walked = walk(bits)

    def of_cycles(test: Callable[[], SubtestResult]) -> SubtestResult:
        enough = max(0.005 * math.sqrt(n), CYCLES)
        if walked.cycles >= enough:
            return test()
        reason = f"needs {math.ceil(enough)} cycles of the random walk, got {walked.cycles}"
        return SubtestResult(statistics={"cycles": walked.cycles}, reason=reason)

    tests: dict[str, Callable[[], SubtestResult]] = {
        "frequency": lambda: frequency(bits),
        "block_frequency": lambda: block_frequency(bits, p.block_frequency_length),
        "cumulative_sums": lambda: cumulative_sums(walked),
        "runs": lambda: runs(bits),
        "longest_run": lambda: longest_run(bits),
        "rank": lambda: rank(bits),
        "dft": lambda: dft(bits),
        "non_overlapping_template": lambda: non_overlapping_template(
            bits, p.non_overlapping_length, p.non_overlapping_blocks
        ),
        "overlapping_template": lambda: overlapping_template(
            bits,
            p.overlapping_length,
            p.overlapping_block_length,
            p.overlapping_probabilities,
        ),
        "universal": lambda: universal(bits, p.universal_length, p.universal_initial_blocks),
        "approximate_entropy": lambda: approximate_entropy(windows, p.approximate_entropy_length),
        "random_excursions": lambda: of_cycles(lambda: random_excursions(walked)),
        "random_excursions_variant": lambda: of_cycles(lambda: random_excursions_variant(walked)),
        "serial": lambda: serial(windows, p.serial_length),
        "linear_complexity": lambda: linear_complexity(
            bits, p.linear_complexity_length, p.linear_complexity_probabilities
        ),
    }
    outcomes = {
        name: replace(test(), alpha=alpha)
        if name in can
        else SubtestResult(reason=f"needs n >= {least[name]} bits, got {n}", alpha=alpha)
        for name, test in tests.items()
    }
    return Battery(**outcomes, n=n, alpha=alpha)
