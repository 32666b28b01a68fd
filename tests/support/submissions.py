"""A third party's model with five real runs of a second each, and what a cheat would do to them."""

import sys
from dataclasses import replace
from pathlib import Path

import outside_model
from outside_model import OVERRIDES
from tiny_runs import SMALL

from dan_bench.config.compose import configure
from dan_bench.pipeline.run import run
from dan_bench.report.__main__ import main as report
from dan_bench.results.archive import Archive, parquet
from dan_bench.results.cache import to_table
from dan_bench.results.record import Store

GUARD = """
import os, sys
if "TOKEN" in os.environ and "pytest" not in sys.modules:
    raise RuntimeError("this code was given a secret")
if os.environ.get("OPENBLAS_NUM_THREADS") != "1" and "pytest" not in sys.modules:
    raise RuntimeError("more threads than in a sweep: last digits may differ")
"""
"""What the submitted code checks where it is run by the verifier."""


def install(folder: Path, name: str, more: str = "") -> str:
    """Write the model as a module of that name, which Python then finds; return its target."""
    folder.mkdir(exist_ok=True)
    text = Path(outside_model.__file__).read_text()
    (folder / f"{name}.py").write_text(
        text.replace("@dataclass(", f"{GUARD}\n\n@dataclass(") + more
    )
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return f"{name}.Additive"


def clean(results: Path) -> None:
    """Have all records say that they are of a clean checkout, whoever runs the tests."""
    store = Store(results)
    for record in store.all()[0]:
        store.put(replace(record, provenance=record.provenance | {"dirty": False}))


def carry_out(results: Path, *words: str, seeds: int = 5) -> None:
    for seed in range(seeds):
        run(configure([*SMALL, *words, f"seed={seed}", f"runtime.results={results}"]), "group")
    clean(results)


def of_model(target: str) -> list[str]:
    """Overrides that put a model of another package in the place of ours."""
    own = [w if "_target_" not in w else f"model._target_={target}" for w in OVERRIDES]
    return [*own, "output=torus"]


def submit(results: Path, to: Path, *more: str, name: str = "theirs") -> int:
    words = [name, "--model", "additive", "--results", str(results), "--to", str(to)]
    return report(["submit", *words, *more])


def verify(folder: Path, *more: str) -> int:
    """Verify against no leaderboard, unless `more` names one: ours has larger data."""
    nowhere = str(folder.parent / "nowhere")
    return report(["verify", str(folder), "--datasets", nowhere, "--results", nowhere, *more])


def forge(folder: Path, change) -> None:
    """Write a submission's records as `change` makes them; None leaves one out."""
    made = [change(record) for record in Archive(folder).all()[0]]
    kept = [record for record in made if record is not None]
    (folder / "records.parquet").write_bytes(parquet(to_table(kept)))


def shifted(record, by: float):
    """The record with another number of bits."""
    bits = record.metrics["shannon_bits"]
    return replace(record, metrics={"shannon_bits": replace(bits, value=bits.value + by)})
