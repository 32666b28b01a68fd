"""Runs under a logger, and wandb's files read back with wandb's own reader."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sweeps import SMALL

from dan_bench.config.compose import configure
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.pipeline.run import run
from dan_bench.report.table1 import store_of
from dan_bench.results.record import key_of


def working_strace() -> str | None:
    """Its path, where it is installed and may trace (some containers forbid that)."""
    path = shutil.which("strace")
    if path is None:
        return None
    tried = subprocess.run([path, "-f", "--seccomp-bpf", "true"], capture_output=True, check=False)
    return path if tried.returncode == 0 else None


STRACE = working_strace()
WIDE = "data.shape=[20,20]"
"""A thousand rows of it are enough for every metric of the default evaluation."""
STEPS = "logger.sample_steps=[1,10,25]"
OUTSIDE = "192.0.2.1"
"""An address of TEST-NET-1, which nobody has; one job of the sweep reaches out for it."""


def inspect(run_file: Path) -> list[dict[str, Any]]:
    """A .wandb file, through wandb's own reader."""
    wandb = Path(sys.executable).with_name("wandb")
    command = [str(wandb), "leet", "inspect", "--json", str(run_file)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in said.splitlines()]


def of_type(records: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [record[kind] for record in records if record["type"] == kind]


def config_of(records: list[dict[str, Any]]) -> dict[str, Any]:
    (opened,) = of_type(records, "run")
    return opened["config"]["update"]


def summary_of(records: list[dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for update in of_type(records, "summary"):
        summary |= update.get("update", {})
    return summary


def history_of(records: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The rows of the history that hold a value of that name."""
    return [row for entry in of_type(records, "history") if name in (row := entry["item"])]


def without_account(home: Path) -> dict[str, str]:
    """An environment in which wandb can find no key."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}
    return {**kept, "HOME": str(home), "NETRC": str(home / ".netrc")}


def artifacts_of(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {artifact["type"]: artifact for artifact in of_type(records, "artifact")}


def carried_out(results: Path, *overrides: str) -> RunRecord:
    """Carry out one small run in this process."""
    small = SMALL
    if "evaluation=minimal" in overrides:
        small = [override for override in SMALL if "attacks" not in override]
    overrides = (*small, WIDE, f"runtime.results={results}", *overrides)
    with patch.dict(os.environ):  # wandb leaves the way to its service in there
        record = run(configure(overrides), group="a-group")
    assert record.status == "done", record.traceback
    return record


def here(results: Path, *overrides: str) -> Path:
    """Carry out one small run in this process; return its results folder."""
    carried_out(results, *overrides)
    return results


def put_table1(results: Path, destroyed: float) -> None:
    config = {"subject": "dan", "preset": "quick", "seed": round(destroyed)}
    cells = {
        "training_data_destroyed": Estimate(destroyed, destroyed - 1, destroyed + 1),
        "album_destroyed": Estimate(0.0, 0.0, 0.0),
        "accuracy": None,
    }
    store_of(results).put(RunRecord(key_of(config), "done", config, cells))


def dashboard(
    home: Path,
    *arguments: str,
    before: tuple[str, ...] = (),
    account: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """The command line, where wandb can find no key but that of `account`."""
    return subprocess.run(
        [*before, sys.executable, "-m", "dan_bench.dashboard", *arguments],
        env={**without_account(home), **(account or {})},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
