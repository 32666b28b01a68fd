"""How long does it take to expose Python's random, and to read off its state?

    python benchmarks/linearity.py

160 KB of MT19937 and of PCG64, in turn, in one process and on one thread; compiled code is warm.
The minimum and the median of the repeats are printed beside what was found.
"""

import random
import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from dan_bench.randomness.linearity import BITS, linear_complexity_test
from dan_bench.randomness.mt19937 import names_mt19937

REPEATS = 15


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Time both attacks on both generators and print what they say."""
    streams = {
        "MT19937": random.Random(2017).randbytes(4 * BITS),
        "PCG64": np.random.PCG64(2017).random_raw(BITS // 2).tobytes(),
    }
    linear_complexity_test(streams["PCG64"])  # compiles, or loads what is compiled
    times: dict[str, list[float]] = {}
    for _ in range(REPEATS):
        for name, data in streams.items():
            for attack in (linear_complexity_test, names_mt19937):
                taken = seconds(partial(attack, data))
                times.setdefault(f"{attack.__name__} of {name}", []).append(taken)
    print(f"{4 * BITS:,} bytes, {REPEATS} alternating repeats: minimum and median")
    for what, found in times.items():
        low, middle = min(found) * 1e3, statistics.median(found) * 1e3
        print(f"{what:36s} {low:7.2f} ms {middle:7.2f} ms")
    for name, data in streams.items():
        linear, named = linear_complexity_test(data), names_mt19937(data)
        print(
            f"{name}: complexity {linear.complexity:,} of {linear.bits:,} bits, "
            f"p = {linear.p_value:.3g}; {named.predicted:,} of {named.of:,} bytes foretold"
        )


if __name__ == "__main__":
    main()
