"""How long does the table of 10,000 records take, as a command: without a cache, and with?

    python benchmarks/report.py [RUNS]

The records are like real ones, of 2,000 subjects with five seeds each, in a temporary folder. The
floor is what reading their bytes takes, and starting Python with what the table needs.
"""

import itertools
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dan_bench.config.compose import configure
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.results.cache import NAME, SETTLED
from dan_bench.results.record import Store, key_of, provenance

RUNS = 10_000
SEEDS = 5
REPEATS = 5
FAMILIES = (
    *("frequency", "block_frequency", "cumulative_sums", "runs", "longest_run", "rank", "dft"),
    *("non_overlapping_template", "overlapping_template", "universal", "approximate_entropy"),
    *("random_excursions", "random_excursions_variant", "serial", "linear_complexity"),
)
ESTIMATORS = (
    *("literal.most_common_value", "literal.t_tuple", "literal.lrs", "literal.multi_mcw"),
    *("literal.lag", "literal.multi_mmc", "literal.lz78y", "bitstring.most_common_value"),
    *("bitstring.collision", "bitstring.markov", "bitstring.compression", "bitstring.t_tuple"),
    *("bitstring.lrs", "bitstring.multi_mcw", "bitstring.lag", "bitstring.multi_mmc"),
    *("bitstring.lz78y", "h_original", "h_bitstring"),
)


def configs(runs: int) -> Iterator[dict[str, Any]]:
    """Yield scientific configs: models, data, outputs, rates and amounts of noise, and seeds."""
    models = ("gan", "dan", "infodan", "dcdan", "entropydan")
    axes = itertools.product(models, ("danoise", "mnist"), ("sigmoid", "torus"))
    bases = [configure([f"model={m}", f"data={d}", f"output={o}"]) for m, d, o in axes]
    subjects = -(-runs // SEEDS)
    for i in range(subjects):
        base = bases[i % len(bases)].scientific()
        variant = i // len(bases)
        base["optimizer"]["degenerator"]["lr"] = 1e-4 * (1 + variant % 10)
        base["noise_dim"] = variant // 10
        for seed in range(SEEDS):
            data = {**base["data"], **({"seed": seed} if "seed" in base["data"] else {})}
            yield {**base, "seed": seed, "data": data}


def metrics(draw: np.random.Generator) -> dict[str, Estimate | None]:
    """Return as many numbers, with as many digits, as a real run leaves."""

    def details(*names: str) -> dict[str, float]:
        return dict(zip(names, draw.random(len(names)).tolist(), strict=True))

    def share(*names: str) -> Estimate:
        low, value, high = sorted(draw.random(3).tolist())
        return Estimate(value, low, high, 10_000, details(*names))

    battery = [f"{name}_{what}" for name in FAMILIES for what in ("proportion", "p_value")]
    classifiers = ("mlp", "mlp_low", "mlp_high", "convnet", "convnet_low", "convnet_high")
    return {
        "shannon_bits": Estimate(8 - draw.random(), n=7_840_000),
        "bit_bias": Estimate(draw.random(), n=7_840_000),
        "joint_bits": Estimate(
            8 * draw.random(), n=10_000, details=details("marginal_bits", "total_correlation_bits")
        ),
        "effective_dimensions": Estimate(
            draw.random(), n=10_000, details=details("dimensions", "expected")
        ),
        "min_entropy_bits": Estimate(8 * draw.random(), n=1_000_000, details=details(*ESTIMATORS)),
        "sp800_22": Estimate(draw.random(), n=20, details=details("p_value", *battery)),
        "linear_complexity": Estimate(
            draw.random(), n=40_000, details=details("bits", "complexity", "expected", "p_value")
        ),
        "c2st_accuracy": share(*classifiers),
        "percent_destroyed": share("label", "reconstruction", "dictionary"),
        "label_recovered": None,
        "reconstruction_recovered": share("r_squared"),
        "dictionary_recovered": share("bits", "of_bits", "named", "candidates"),
    }


def fill(results: Path, runs: int) -> None:
    """Write the records."""
    store, draw, of = Store(results), np.random.default_rng(0), provenance()
    for config in itertools.islice(configs(runs), runs):
        of_run = metrics(draw)
        costs = {f"{name}_seconds": float(draw.random()) for name in of_run}
        store.put(RunRecord(key_of(config), "done", config, of_run, costs, of))


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Time one call: on the clock, and of the processor, which other programs disturb less."""

    def processor() -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(of.ru_utime + of.ru_stime for of in used)

    start, used = time.perf_counter(), processor()
    work()
    return time.perf_counter() - start, processor() - used


def command(*words: str) -> None:
    """Run Python, and throw away what it prints."""
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Time the command, with and without the cache."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder)
        fill(results, runs)
        time.sleep(SETTLED + 1)  # a record is remembered once its time stamp is past
        cache = results / "runs" / NAME
        paths = list(results.glob("runs/*/record.json"))
        size = sum(path.stat().st_size for path in paths)

        def report() -> None:
            command("-m", "dan_bench.report", "--results", folder)

        def cold() -> None:
            cache.unlink(missing_ok=True)
            report()

        def read() -> None:
            for path in paths:
                path.read_bytes()

        cold()
        work: dict[str, Callable[[], object]] = {
            "without a cache, writing it": cold,
            "with the cache": report,
            f"floor: reading {size / 1e6:.0f} MB of records": read,
            f"floor: reading {cache.stat().st_size / 1e6:.0f} MB of cache": cache.read_bytes,
            "floor: starting (--help)": lambda: command("-m", "dan_bench.report", "--help"),
        }
        times = {name: [seconds(of) for _ in range(REPEATS)] for name, of in work.items()}
    print(f"{len(paths):,} records, {REPEATS} repeats     clock: least, median   processor: least")
    for name, found in times.items():
        clock, used = zip(*found, strict=True)
        print(f"{name:38s} {min(clock):6.2f} {np.median(clock):6.2f} {min(used):18.2f}")


if __name__ == "__main__":
    main()
