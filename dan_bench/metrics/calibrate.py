"""`python -m dan_bench.metrics.calibrate`: measure ideal noise and write its baselines.

Streams are made by three generators in turn: Python's random (MT19937), numpy's PCG64, SHAKE256.
"""

import argparse
import csv
import hashlib
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from dan_bench.cli import entry_point, say, user_path
from dan_bench.interfaces import Bytes
from dan_bench.metrics.baseline import COMPRESSION_BITS, LEVELS, TABLE
from dan_bench.rng import derive, generator

SEED = 90
SYMBOLS = {
    1_000: 2000,
    3_000: 1000,
    10_000: 1500,
    30_000: 400,
    100_000: 300,
    300_000: 100,
    1_000_000: 120,
}
"""Streams of each length for the estimators of SP 800-90B, of symbols of 8 bits and of 1."""
AROUND_COMPRESSION = {6_000: 1000, 7_000: 1000, 8_500: 1000}
"""The same in bits, about where the compression estimate begins and the law jumps."""
OTHER_WIDTHS = 10
"""Of the widths between, one stream in so many."""
ROWS = {2_000: 60, 10_000: 30}
"""Samples of so many rows of 784 bytes, for the metrics of a sample."""
WIDTH = 784


@dataclass(frozen=True)
class Simulation:
    """One ideal stream and what is to be measured on it."""

    measure: Callable[["Simulation"], dict[str, float]]
    n: int
    number: int
    bits: int = 8


def ideal(number: int, n: int, name: str) -> Bytes:
    """Return ideal stream `number` of n bytes, from one of three generators."""
    kind = number % 3
    if kind == 0:
        legacy = np.random.RandomState(np.random.MT19937(derive(SEED, f"{name}/{number}")))
        return np.frombuffer(legacy.bytes(n), dtype=np.uint8)
    if kind == 1:
        return generator(SEED, f"{name}/{number}").integers(0, 256, n, dtype=np.uint8)
    return np.frombuffer(hashlib.shake_256(f"{name}/{number}".encode()).digest(n), dtype=np.uint8)


def of_symbols(task: Simulation) -> dict[str, float]:
    """Estimators of SP 800-90B on symbols of so many bits."""
    from dan_bench.randomness.min_entropy import assess

    drawn = ideal(task.number, task.n, f"symbols/{task.n}/{task.bits}")
    result = assess(drawn >> np.uint8(8 - task.bits), task.bits)
    values = {"assessed": result.assessed} | result.by_name()
    return {f"min_entropy/{task.bits}/{name}": value for name, value in values.items()}


def of_rows(task: Simulation) -> dict[str, float]:
    """Metrics of a sample of rows."""
    from dan_bench.metrics import entropy

    sample = ideal(task.number, task.n * WIDTH, f"rows/{task.n}").reshape(task.n, WIDTH)
    metrics = (entropy.shannon_bits, entropy.bit_bias, entropy.joint_bits)
    return {
        f"rows/{WIDTH}/{metric.__name__}": metric(sample).value
        for metric in (*metrics, entropy.effective_dimensions)
    }


def carry_out(task: Simulation) -> tuple[Simulation, dict[str, float]]:
    """Measure one stream; the task is returned with its values."""
    return task, task.measure(task)


def streams(bits: int) -> dict[int, int]:
    """Return the number of streams of each length, in symbols of `bits` bits."""
    counts = dict(SYMBOLS)
    for length, count in AROUND_COMPRESSION.items():
        n = -(-length // bits)
        if -(-COMPRESSION_BITS // bits) > min(SYMBOLS):
            counts.setdefault(n, count)
    share = 1 if bits in (1, 8) else OTHER_WIDTHS
    return {n: count // share for n, count in counts.items()}


def tasks(share: float) -> list[Simulation]:
    """Return all streams, the longest first, or that share of each length."""
    lengths = [(of_rows, n, 8, count) for n, count in ROWS.items()]
    for bits in range(1, 9):
        lengths += [(of_symbols, n, bits, count) for n, count in streams(bits).items()]
    lengths.sort(key=lambda of: -of[1])
    return [
        Simulation(measure, n, number, bits)
        for measure, n, bits, count in lengths
        for number in range(max(3, round(share * count)))
    ]


def rows_of(found: dict[tuple[str, int], list[float]]) -> Iterator[dict[str, object]]:
    """Rows of the table, by metric and length; of three streams at least."""
    for (metric, n), values in sorted(found.items()):
        if len(values) < 3:  # an estimate that hardly any stream of this length has
            continue
        quantiles = np.quantile(values, LEVELS)
        row: dict[str, object] = {"metric": metric, "n": n, "streams": len(values)}
        named = zip(LEVELS, quantiles, strict=True)
        yield row | {f"q{level:g}": f"{value:.9g}" for level, value in named}


@entry_point
def main(arguments: list[str] | None = None) -> int:
    """Measure and write; 0 when the table is there."""
    parser = argparse.ArgumentParser(
        prog="python -m dan_bench.metrics.calibrate", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--out", type=user_path, default=TABLE, help="(default: the package's table)"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the streams, for a rough table (default: 1)"
    )
    asked = parser.parse_args(arguments)
    if not 0 < asked.share <= 1 or asked.workers < 1:
        parser.error("--share lies in (0, 1], --workers is at least 1")
    work = tasks(asked.share)
    found: dict[tuple[str, int], list[float]] = defaultdict(list)
    start = time.monotonic()
    reported = start
    with ProcessPoolExecutor(asked.workers) as pool:
        for done, (task, values) in enumerate(pool.map(carry_out, work, chunksize=4), 1):
            for metric, value in values.items():
                found[metric, task.n].append(value)
            if time.monotonic() - reported > 10 or done == len(work):
                reported = time.monotonic()
                say(f"[{done}/{len(work)}] {reported - start:.0f} s")
    rows = list(rows_of(found))
    with asked.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(asked.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
