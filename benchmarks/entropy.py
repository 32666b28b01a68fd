"""How long does SP 800-90B take on a megabyte of noise, and how far is that from the least work?

    python benchmarks/entropy.py [--symbols 1000000] [--repeats 5] [--workers 2]

Every estimator is timed warm on the symbols and on their bits, in processor time of one thread, so
that other jobs of the machine count for little. Beside it stands its floor, measured in the same
run: as many random accesses to a table in the cache as it has counts to keep, or sorting, for the
tuples. Then all together by the clock, by threads as well, and in a fresh process: from the
interpreter's start to the value, with the peak of its memory.

NIST's C++ tool is not run here; elsewhere 17 to 22 s are reported for it, on the same task.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy import assess
from dan_bench.randomness.min_entropy.estimators import applicable, run
from dan_bench.randomness.min_entropy.symbols import Symbols, as_symbols, bit_string, rank

# Counts that each estimator must touch for a symbol of ideal noise: one each, but for windows
# (in and out of four), the depths of MultiMMC that have met a context before, and the 128 lags,
# which for bits are two words of 64.
ACCESSES = {
    "literal": {"multi_mcw": 8, "multi_mmc": 3},
    "bitstring": {"multi_mcw": 8, "multi_mmc": 16, "lag": 2},
}
TABLE = 1 << 16
FRESH = """
import resource, sys
import numpy as np
from dan_bench.randomness.min_entropy import assess
assess(np.random.default_rng(1).integers(0, 256, int(sys.argv[1]), dtype=np.uint8))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@numba.njit(nogil=True)
def touch(symbols: Symbols, accesses: int, table: NDArray[np.int32]) -> None:
    """Count in `accesses` places of a table for each symbol, none of which is easily foretold."""
    place = 0
    for symbol in symbols:
        for j in range(accesses):
            place = (place * 5 + symbol + j) & (len(table) - 1)
            table[place] += 1


def seconds(
    work: Callable[[], object], repeats: int, clock: Callable[[], float] = time.thread_time
) -> float:
    """Least time of some calls, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = clock()
        work()
        times.append(clock() - start)
    return min(times)


def floor(name: str, track: str, symbols: Symbols, repeats: int) -> float:
    """Time of the least work that an estimator's counts need."""
    if name == "t_tuple":
        words = np.random.default_rng(0).integers(0, 1 << 63, len(symbols), dtype=np.uint64)
        return seconds(lambda: np.sort(words), repeats)
    accesses = ACCESSES[track].get(name, 1)
    table = np.zeros(TABLE, dtype=np.int32)
    return seconds(lambda: touch(symbols, accesses, table), repeats)


def fresh_process(symbols: int) -> tuple[float, float]:
    """Seconds and peak megabytes of a process of its own, after one that fills the cache.

    To be called first: a process takes over the peak of the one that starts it.
    """
    command = [sys.executable, "-c", FRESH, str(symbols)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    start = time.perf_counter()
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - start, int(printed) / 1024


def main() -> None:
    """Print the estimators, their sums, and what a whole process takes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--symbols", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    started, peak = fresh_process(args.symbols)
    noise = np.random.default_rng(1).integers(0, 256, args.symbols, dtype=np.uint8)
    literal = rank(as_symbols(noise, 8))
    tracks = {"literal": literal, "bitstring": (bit_string(noise, 8), 2)}
    print(f"{args.symbols} bytes of ideal noise, least of {args.repeats}, milliseconds of one core")
    print(f"{'':28s} {'time':>8s} {'floor':>8s} {'ratio':>6s}")
    spent, least = 0.0, 0.0
    for track, (symbols, alphabet) in tracks.items():
        for estimator in applicable(alphabet):
            took = seconds(lambda e=estimator, s=symbols, k=alphabet: run(e, s, k), args.repeats)
            bound = floor(estimator.names[0], track, symbols, args.repeats)
            spent, least = spent + took, least + bound
            name = f"{track} {' and '.join(estimator.names)}"
            print(f"{name:28s} {1e3 * took:8.1f} {1e3 * bound:8.1f} {took / bound:6.1f}")
    print(f"{'sum':28s} {1e3 * spent:8.1f} {1e3 * least:8.1f} {spent / least:6.1f}")
    for workers in (1, args.workers):
        whole = seconds(lambda w=workers: assess(noise, workers=w), args.repeats, time.perf_counter)
        print(f"{f'assess by clock, {workers} thread(s)':28s} {1e3 * whole:8.1f}")
    print(f"{'a fresh process by clock':28s} {1e3 * started:8.1f}   peak memory {peak:.0f} MB")


if __name__ == "__main__":
    main()
