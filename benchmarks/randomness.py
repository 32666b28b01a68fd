"""How fast are the 188 sub-tests of SP 800-22 on one stream of 1,000,000 bits?

    OMP_NUM_THREADS=1 python benchmarks/randomness.py

Prints the cold first call (imports, and compiling where nothing is cached yet), the time of each
test by itself and of all together, as minima over alternating repeats in one process, the floor
(the real FFT alone, which the spectral test cannot do without), and the memory of a process.
"""

import resource
import time
from collections.abc import Callable

import numpy as np
from scipy import fft

from dan_bench.randomness.sp800_22 import sp800_22, unpack

BITS = 1_000_000
REPEATS = 15


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak_megabytes() -> float:
    """Most memory that this process has had, in MB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> None:
    """Time everything and print it."""
    bits = unpack(np.random.Generator(np.random.PCG64(1)).bytes(BITS // 8))
    before = peak_megabytes()
    cold = seconds(lambda: sp800_22(bits))

    from dan_bench.randomness.sp800_22 import suite as t

    walked = t.walk(bits)
    windows = t.cyclic_counts(bits, 16)
    signs = bits.astype(np.float64) * 2 - 1
    work: dict[str, Callable[[], object]] = {
        "frequency": lambda: t.frequency(bits),
        "block_frequency": lambda: t.block_frequency(bits, 128),
        "walk (shared by three tests)": lambda: t.walk(bits),
        "cumulative_sums": lambda: t.cumulative_sums(walked),
        "random_excursions": lambda: t.random_excursions(walked),
        "random_excursions_variant": lambda: t.random_excursions_variant(walked),
        "runs": lambda: t.runs(bits),
        "longest_run": lambda: t.longest_run(bits),
        "rank": lambda: t.rank(bits),
        "dft": lambda: t.dft(bits),
        "non_overlapping_template": lambda: t.non_overlapping_template(bits, 9, 8),
        "overlapping_template": lambda: t.overlapping_template(bits, 9, 1032),
        "universal": lambda: t.universal(bits, 7, 1280),
        "windows (shared by two tests)": lambda: t.cyclic_counts(bits, 16),
        "approximate_entropy": lambda: t.approximate_entropy(windows, 10),
        "serial": lambda: t.serial(windows, 16),
        "linear_complexity": lambda: t.linear_complexity(bits, 500),
        "all 188 sub-tests": lambda: sp800_22(bits),
        "floor: the FFT alone": lambda: fft.rfft(signs),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(REPEATS):
        for name, call in work.items():
            times[name].append(seconds(call))
    found = sp800_22(bits)
    p_values = sum(len(outcome.p_values) for outcome in found.tests.values())
    print(f"{BITS} bits, {p_values} p-values, minimum of {REPEATS} alternating repeats")
    print(f"{'first call':32s} {1000 * cold:9.1f} ms")
    for name, each in times.items():
        print(f"{name:32s} {1000 * min(each):9.1f} ms")
    print(f"{'peak memory':32s} {peak_megabytes():9.0f} MB, {before:.0f} MB before the first call")


if __name__ == "__main__":
    main()
