"""Loggers: what they hold afterwards, read back with their own readers, and whom they call."""

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from test_sweep import SMALL, Workplace

from dan_bench.records import Store
from dan_bench.run import run
from dan_bench.sweep.compose import configure

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*smaller than the logging interval.*", "ignore:.*isinstance.treespec, LeafSpec.*"
)


def working_strace() -> str | None:
    """Its path, where it is installed and may trace (some containers forbid that)."""
    path = shutil.which("strace")
    if path is None:
        return None
    tried = subprocess.run([path, "-f", "--seccomp-bpf", "true"], capture_output=True, check=False)
    return path if tried.returncode == 0 else None


STRACE = working_strace()
OUTSIDE = "192.0.2.1"
"""An address of TEST-NET-1, which nobody has; one job of the sweep reaches out for it."""


@dataclass
class Tracked:
    """One sweep under wandb: a job that does well, one that reaches outside, one that raises."""

    place: Workplace
    ended: tuple[int, str, str]
    runs: dict[str, list[dict[str, Any]]]
    """The records of each .wandb file, by the job's obstacle."""
    trace: str | None
    """Every connect and every program started, by any process of the sweep."""


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


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    place = Workplace(tmp_path_factory.mktemp("tracked"))
    for obstacle in ("call", "fail"):
        (place.folder / obstacle).write_text(obstacle)
    trace = place.folder / "trace"
    # --seccomp-bpf stops a process at the calls asked for only: without it every job takes minutes
    watch = ("-e", "trace=connect,execve", "-e", "signal=none", "-s", "256")
    strace = (STRACE, "-f", "--seccomp-bpf", "-qq", *watch)
    ended = place.train(
        "-m",
        *place.obstructed,
        "logger=wandb",
        "logger.tags=[tried]",
        "model.obstacle=clear,call,fail",
        before=(*strace, "-o", str(trace)) if STRACE else (),
    )
    files = sorted((place.folder / "results" / "wandb").glob("offline-run-*/run-*.wandb"))
    runs = [inspect(path) for path in files]
    return Tracked(
        place,
        ended,
        {config_of(records)["model"]["obstacle"]: records for records in runs},
        trace.read_text() if STRACE else None,
    )


def test_every_job_has_a_wandb_run_of_its_own(tracked: Tracked) -> None:
    code, out, err = tracked.ended
    assert code == 1, err  # one was made to fail
    assert tracked.runs.keys() == {"clear", "call", "fail"}
    found = [of_type(records, "run")[0] for records in tracked.runs.values()]
    assert len({one["run_id"] for one in found}) == 3
    assert {one["project"] for one in found} == {"dan_bench"}
    assert "offline wandb runs: " in out


def test_the_runs_of_a_sweep_are_one_group_and_have_tags(tracked: Tracked) -> None:
    found = [of_type(records, "run")[0] for records in tracked.runs.values()]
    (group,) = {one["run_group"] for one in found}
    assert re.fullmatch(r"\d{8}-\d{6}", group)
    for one in found:
        assert set(one["tags"]) == {"tried", "obstructed", "danoise"}
        assert one["display_name"] == "obstructed sigmoid nonsaturating danoise seed=0"


def test_the_config_is_there_from_the_start_nested_and_with_its_key(tracked: Tracked) -> None:
    for obstacle, record in tracked.place.by_obstacle().items():
        config = config_of(tracked.runs[obstacle])
        config.pop("_wandb")
        assert config.pop("key") == record.key
        assert config == record.config


def test_the_history_holds_the_curves_by_our_own_step(tracked: Tracked) -> None:
    history = [entry["item"] for entry in of_type(tracked.runs["clear"], "history")]
    assert [row["trainer/global_step"] for row in history] == [5, 10, 15, 20, 25, 30]
    for row in history:
        assert {"discriminator_loss", "degenerator_loss", "discriminator_accuracy"} <= row.keys()


def test_the_summary_holds_the_final_metrics(tracked: Tracked) -> None:
    record = tracked.place.by_obstacle()["clear"]
    summary = summary_of(tracked.runs["clear"])
    for name in ("joint_bits", "percent_destroyed", "shannon_bits"):
        estimate = record.metrics[name]
        assert estimate is not None
        assert summary[name] == pytest.approx(estimate.value, rel=1e-12)
    interval = record.metrics["percent_destroyed"]
    assert interval is not None
    assert summary["percent_destroyed/low"] == pytest.approx(interval.low, rel=1e-12)


def test_every_run_is_finished_the_failed_one_with_code_1(tracked: Tracked) -> None:
    codes = {
        obstacle: [ending["exit_code"] for ending in of_type(records, "exit")]
        for obstacle, records in tracked.runs.items()
    }
    assert codes == {"clear": [0], "call": [0], "fail": [1]}
    assert "joint_bits" not in summary_of(tracked.runs["fail"])


@pytest.mark.skipif(STRACE is None, reason="needs strace, which sees every process")
def test_an_offline_sweep_calls_nobody(tracked: Tracked) -> None:
    """Covers connect(2) in every process of the sweep, over IPv4 and IPv6, loopback included.

    That is the launcher, the fork server, the workers and wandb's own service, which is no Python.
    The one address that a job asks for itself shows that a call from a worker would be seen.
    """
    assert tracked.trace is not None
    assert re.search(r'execve\("[^"]*wandb-core', tracked.trace)
    called = [line for line in tracked.trace.splitlines() if "AF_INET" in line]
    assert [line for line in called if OUTSIDE not in line] == []
    assert len(called) == 1


def here(results: Path, *overrides: str) -> Path:
    """Carry out one small run in this process; return its results folder."""
    record = run(configure([*SMALL, f"runtime.results={results}", *overrides]), group="a-group")
    assert record.status == "done", record.traceback
    return results


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as lines:
        return list(csv.DictReader(lines))


def test_csv_holds_the_curves_and_the_final_metrics(tmp_path: Path) -> None:
    results = here(tmp_path, "logger=csv")
    (path,) = results.rglob("metrics.csv")
    rows = rows_of(path)
    curve = [row for row in rows if row["discriminator_loss"]]
    assert [int(row["step"]) for row in curve] == [5, 10, 15, 20, 25, 30]
    (record,), _ = Store(results).all()
    for name in ("joint_bits", "percent_destroyed"):
        estimate = record.metrics[name]
        assert estimate is not None
        assert float(rows[-1][name]) == estimate.value
    assert float(rows[-1]["failed"]) == 0
    assert not (results / "wandb").exists()


def test_csv_keeps_runs_apart_that_differ_in_what_their_title_does_not_say(tmp_path: Path) -> None:
    for steps in (10, 20):
        here(tmp_path, "logger=csv", f"trainer.max_steps={steps}")
    lasts = {
        max(int(row["step"]) for row in rows_of(path) if row["discriminator_loss"])
        for path in tmp_path.rglob("metrics.csv")
    }
    assert lasts == {10, 20}


def test_without_a_logger_there_is_nothing_but_the_records(tmp_path: Path) -> None:
    results = here(tmp_path, "logger=none")
    assert [path.name for path in results.iterdir()] == ["runs"]
    assert list(results.rglob("*.csv")) == []
    assert list(results.rglob("*.wandb")) == []
