"""How fast is DANOISE made? Our bytes against `random.Random.randbytes` and numpy's raw words.

    python benchmarks/noise.py

All three make the same MT19937 output, in turn, in one process; the raw words, without the work
of making them bytes of a given seed, are the ceiling.
"""

import random
import statistics
import time
from collections.abc import Callable

import numpy as np

from dan_bench.data.noise import BLOCK_ROWS, randbytes

SIZE = BLOCK_ROWS * 784 * 10
REPEATS = 15


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Time the three side by side and print medians and ratios."""
    raw = np.random.MT19937(1)
    ways = {
        "random.Random(s).randbytes": lambda: random.Random(1).randbytes(SIZE),
        "dan_bench.data.noise.randbytes": lambda: randbytes(1, SIZE),
        "numpy MT19937.random_raw (ceiling)": lambda: raw.random_raw(SIZE // 4),
    }
    assert randbytes(1, SIZE).tobytes() == random.Random(1).randbytes(SIZE)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, work in ways.items():
            times[name].append(seconds(work))
    reference = times["random.Random(s).randbytes"]
    print(f"{SIZE / 1e6:.1f} MB, median of {REPEATS} alternating repeats")
    for name, found in times.items():
        ratio = statistics.median(a / b for a, b in zip(reference, found, strict=True))
        speed = SIZE / 1e6 / statistics.median(found)
        print(f"{name:36s} {speed:8.0f} MB/s  {ratio:5.2f} x randbytes")


if __name__ == "__main__":
    main()
