"""How fast are the tests of randomness?

    OMP_NUM_THREADS=1 python benchmarks/randomness.py
    OMP_NUM_THREADS=1 python benchmarks/randomness.py whole [CHECKOUT]

The first takes the 188 sub-tests of SP 800-22 on one stream of 1,000,000 bits. It prints the cold
first call (imports, and compiling where nothing is cached yet), the processor's time of each test
and of all together, as minima over alternating repeats in one process, the floor (the real FFT
alone, which the spectral test cannot do without), and the memory of a process.

The second takes 1 MB of ideal bytes, and prints the processor's time of a whole `assess` as a
process of its own, without and with `--iid`, and of each estimator of SP 800-90B (6.3) in a
process that has loaded them. Beside it another checkout of this repository, in turn with this one,
if its folder is named.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import fft

from dan_bench.randomness.sp800_22 import sp800_22, unpack

BITS = 1_000_000
REPEATS = 15
BYTES = 1_000_000
PROCESSES = 3
HERE = Path(__file__).resolve().parent.parent
ESTIMATORS = """
import json, sys, time
import numpy as np
from dan_bench.randomness.min_entropy import estimators
from dan_bench.randomness.min_entropy.symbols import bit_string, rank
data = np.fromfile(sys.argv[1], dtype=np.uint8)
tracks = {"bits": (bit_string(data, 8), 2), "symbols": rank(data)}
took = {}
for _ in range(3):
    for track, (symbols, alphabet) in tracks.items():
        for one in estimators.applicable(alphabet):
            start = time.process_time()
            estimators.run(one, symbols, alphabet)
            took.setdefault(f"{track}: {', '.join(one.names)}", []).append(
                time.process_time() - start
            )
print(json.dumps({name: min(each) for name, each in took.items()}))
"""
"""A minimum is that of a call which has loaded what it needs."""


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's time of one call, which other processes disturb less."""
    start = time.process_time()
    work()
    return time.process_time() - start


def peak_megabytes() -> float:
    """Most memory that this process has had, in MB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def cpu_seconds(root: Path, *arguments: str) -> tuple[float, str]:
    """Run Python with a checkout's package; return the processor's time, and what it printed."""
    paths = {"PYTHONPATH": str(root)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(
        [sys.executable, *arguments],
        check=False,
        cwd=root,
        env={**os.environ, **paths},
        capture_output=True,
        text=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if ran.returncode not in (0, 1):  # 1 where something speaks against noise
        sys.exit(ran.stderr)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, ran.stdout


def whole(roots: list[Path]) -> None:
    """Print the processor's time of one or two checkouts, in turn: minima of a few processes."""
    rows: dict[str, list[list[float]]] = {}

    def add(name: str, number: int, seconds: float) -> None:
        rows.setdefault(name, [[] for _ in roots])[number].append(seconds)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ideal.bin"
        path.write_bytes(np.random.Generator(np.random.PCG64(1)).bytes(BYTES))
        for repeat in range(PROCESSES + 1):
            for number, root in enumerate(roots):
                seconds, _ = cpu_seconds(root, "-m", "dan_bench.assess", str(path))
                with_iid, _ = cpu_seconds(root, "-m", "dan_bench.assess", str(path), "--iid")
                _, printed = cpu_seconds(root, "-c", ESTIMATORS, str(path))
                if repeat == 0:  # it may have compiled
                    continue
                add("a whole assess of 1 MB", number, seconds)
                add("the same with --iid", number, with_iid)
                estimators = json.loads(printed)
                add("all estimators", number, sum(estimators.values()))
                for name, each in estimators.items():
                    add(f"  {name}", number, each)
    print(f"CPU ms, minimum of {PROCESSES} processes" + ", here and there" * (len(roots) > 1))
    for name, found in rows.items():
        least = [min(each) for each in found]
        ratio = f"  x {least[0] / least[1]:.2f}" if len(least) > 1 else ""
        print(f"{name:32s}" + "".join(f"{1000 * one:9.1f}" for one in least) + ratio)


def main() -> None:
    """Time the tests of SP 800-22 and print it."""
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
    if sys.argv[1:2] == ["whole"]:
        whole([HERE, *(Path(one).resolve() for one in sys.argv[2:3])])
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        main()
