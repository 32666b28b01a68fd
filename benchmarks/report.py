"""How long do 10,000 records take: their table, their page, and a sweep that has done them all?

    python benchmarks/report.py [RUNS]

The records are like real ones, of 2,000 subjects with five seeds each, in a temporary folder. A
table is made without a cache, and with it: the same table again, one of another width, and one of
a part of the runs. Each is set beside the seconds of a processor that it may take. The floor is
what reading their bytes takes, and starting Python with what the commands need.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import count
from pathlib import Path

import numpy as np

from dan_bench.config.compose import expand
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.results.cache import NAME, SETTLED
from dan_bench.results.provenance import provenance
from dan_bench.results.record import Store, keys_of

RUNS = 10_000
SEEDS = 5
REPEATS = 5
COLD, ANOTHER = "without a cache, writing it", "with the cache, another table"
TRAIN, PAGE = "train -m, of which all is done", "report html"
OTHERS = "with the cache, a part of the runs"
ASKED = {COLD: 4.0, ANOTHER: 1.5, OTHERS: 1.5, TRAIN: 2.0, PAGE: 4.0}
"""Seconds of a processor that each may take, of 10,000 records."""
MOST_BYTES = 3_000_000
"""Of the page."""
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


def grid(runs: int) -> list[str]:
    """Return the axes of a grid of about so many runs, as they are written on a command line."""
    variants = -(-runs // (SEEDS * 5 * 2 * 2))
    rates = [f"{1e-4 * (1 + i):.4g}" for i in range(min(10, variants))]
    return [
        "model=gan,dan,infodan,dcdan,entropydan",
        "data=danoise,mnist",
        "output=sigmoid,torus",
        f"optimizer.degenerator.lr={','.join(rates)}",
        f"noise_dim={','.join(str(8 * (1 + i)) for i in range(-(-variants // 10)))}",
        f"seed=range(0,{SEEDS})",
    ]


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


def fill(results: Path, axes: list[str]) -> None:
    """Write the records."""
    store, draw, of = Store(results), np.random.default_rng(0), provenance()
    configs = expand(axes)
    for key, config in zip(keys_of(configs), configs, strict=True):
        of_run = metrics(draw)
        costs = {f"{name}_seconds": float(draw.random()) for name in of_run}
        record = RunRecord(key, "done", config.scientific(), of_run, costs, of)
        folder = store.folder(key)
        folder.mkdir(parents=True)  # without waiting for the device, as a run does
        (folder / "record.json").write_text(json.dumps(asdict(record), indent=1))


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
        axes = grid(runs)
        fill(results, axes)
        time.sleep(SETTLED + 1)  # a record is remembered once its time stamp is past
        cache, widths, parts = results / "runs" / NAME, count(100), count(1)
        paths = list(results.glob("runs/*/record.json"))
        size = sum(path.stat().st_size for path in paths)

        def report() -> None:
            command("-m", "dan_bench.report", "--results", folder)

        def another() -> None:
            os.environ["COLUMNS"] = str(next(widths))
            report()

        def cold() -> None:
            for kept in cache.parent.glob(".*"):  # boards and the report's state too
                kept.unlink()
            report()

        def others() -> None:
            part = f"model=dan,noise_dim={8 * next(parts)}"
            command("-m", "dan_bench.report", "--results", folder, "--where", part)

        def train() -> None:
            command("-m", "dan_bench.train", "-m", *axes, f"runtime.results={folder}")

        def page() -> None:
            page = str(results / "page.html")
            command("-m", "dan_bench.report", "html", "--results", folder, "--out", page)

        def read() -> None:
            for path in paths:
                path.read_bytes()

        cold()
        train()  # writes the report
        work: dict[str, Callable[[], object]] = {
            COLD: cold,
            "with the cache, the same again": report,
            ANOTHER: another,
            OTHERS: others,
            TRAIN: train,
            PAGE: page,
            f"floor: reading {size / 1e6:.0f} MB of records": read,
            f"floor: reading {cache.stat().st_size / 1e6:.0f} MB of cache": cache.read_bytes,
            "floor: starting (--help)": lambda: command("-m", "dan_bench.report", "--help"),
            "floor: starting train (--help)": lambda: command("-m", "dan_bench.train", "--help"),
        }
        times = {name: [seconds(of) for _ in range(REPEATS)] for name, of in work.items()}
        size_of_page = (results / "page.html").stat().st_size
    verdict = "reached" if size_of_page < MOST_BYTES else "not reached"
    print(f"the page is {size_of_page / 1e6:.2f} MB, asked {MOST_BYTES / 1e6:g}: {verdict}")
    print(f"{len(paths):,} records, {REPEATS} repeats     clock: least, median   processor: least")
    for name, found in times.items():
        clock, used = zip(*found, strict=True)
        asked = ASKED.get(name)
        met = "reached" if asked is None or min(used) < asked else "not reached"
        said = "" if asked is None else f"  asked {asked:g}: {met}"
        print(f"{name:38s} {min(clock):6.2f} {np.median(clock):6.2f} {min(used):18.2f}{said}")


if __name__ == "__main__":
    main()
