"""Does the bracket hold the truth? Many cheap repetitions of the ladder, a line a channel.

    python benchmarks/ladder.py              # 1,000 repetitions of each rung of +experiment=ladder
    python benchmarks/ladder.py 50           # 50
    python benchmarks/ladder.py 1000 --jobs 2

A repetition has a seed of its own for data, fresh bits and attackers' pairs, and goes through the
same `measure` as every run. Beside the share of brackets that hold the truth stands that of the
attacks' own intervals, and the median width from the guaranteed end to the attacks' upper end.
The attackers learn from 4,096 pairs here, not from 20,000.
"""

import argparse
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import yaml

from dan_bench.attacks.certificate import LeakCertificate
from dan_bench.attacks.likelihood import Counts, Likelihood, Truth
from dan_bench.controls.ladder import Channel
from dan_bench.data.symbols import Symbols, alphabet
from dan_bench.interfaces import Pairs
from dan_bench.pipeline.evaluate import Measures, measure

K, SAMPLES, KNOWN = 16, 4096, 4096
ROUNDING = 1e-6
EXPERIMENT = Path(__file__).resolve().parents[1] / "conf" / "experiment" / "ladder.yaml"
MEASURES = Measures(
    SAMPLES,
    KNOWN,
    {},
    None,
    None,
    {"likelihood": Likelihood(K), "counts": Counts(K)},
    {"true_destroyed": Truth(K)},
)
Rung = tuple[str, float, int]


def rungs() -> list[Rung]:
    """Law, strength and width of every channel of the experiment."""
    found: list[Rung] = []
    for grid in yaml.safe_load(EXPERIMENT.read_text())["hydra"]["sweeper"]["grids"]:
        laws, strengths = (str(grid[f"model.{axis}"]).split(",") for axis in ("law", "strength"))
        width = int(grid.get("data.width", 1))
        found += [(law, float(strength), width) for law, strength in product(laws, strengths)]
    return found


def repeat(rung: Rung, repetitions: int) -> str:
    """Measure a channel so many times and return its line."""
    law, strength, width = rung
    # every set of K rows is the whole alphabet, so that one certificate is that of all seeds
    channel, symbols = Channel(width, 0, law, strength), alphabet(K, width)
    outputs = channel(symbols, np.arange(K))
    at_least = LeakCertificate(K)(channel, Pairs(symbols, outputs, np.arange(K)))
    started, inside, covered = time.perf_counter(), 0, 0
    widths = []
    for seed in range(repetitions):
        source = Symbols(seed, KNOWN, SAMPLES, K, width)
        made = measure(Channel(width, seed, law, strength), source, MEASURES, seed, lambda _: None)
        at_most, truth = (made.metrics[f"{name}_destroyed"] for name in ("percent", "true"))
        assert at_most is not None
        assert truth is not None
        assert at_most.low is not None
        assert at_most.high is not None
        below = truth.value <= at_most.high + ROUNDING
        inside += at_least.value - ROUNDING <= truth.value and below
        covered += at_most.low - ROUNDING <= truth.value and below
        widths.append(at_most.high - at_least.value)
    seconds = (time.perf_counter() - started) / repetitions
    stated = "yes" if at_least.details else "no"
    return (
        f"{f'{law} {strength:g}':22s} {width:5d} {truth.value:7.2f} {at_least.value:9.2f} "
        f"{stated:>6s} {100 * inside / repetitions:9.1f} {100 * covered / repetitions:9.1f} "
        f"{statistics.median(widths):7.2f} {1000 * seconds:7.0f}"
    )


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    arguments.add_argument("repetitions", nargs="?", type=int, default=1000)
    arguments.add_argument("--jobs", type=int, default=1)
    asked = arguments.parse_args()
    chosen = rungs()
    print(f"{len(chosen)} channels, {asked.repetitions} repetitions of {SAMPLES} outputs, K = {K}")
    print(
        "law                    bytes   truth  at least stated  inside %  covered %   width  ms/rep"
    )
    with ProcessPoolExecutor(asked.jobs) as pool:
        for line in pool.map(repeat, chosen, [asked.repetitions] * len(chosen)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
