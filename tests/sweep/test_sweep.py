"""Sweeps as a user sees them: real command lines, real processes, real deaths."""

import json
import os
import re
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sweeps import Workplace, ended, session, until

from dan_bench.config.compose import configure
from dan_bench.data.mnist import Mnist
from dan_bench.interfaces import RunRecord
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store
from dan_bench.sweep.progress import NAME


@dataclass
class Swept:
    place: Workplace
    arguments: list[str]
    ended: tuple[int, str, str]


@pytest.fixture(scope="module")
def swept(mnist: Mnist, tmp_path_factory: pytest.TempPathFactory) -> Swept:
    """Four different jobs out of six that were asked for, on the real MNIST."""
    place = Workplace(tmp_path_factory.mktemp("sweep"))
    arguments = [
        "-m",
        "model=dan,python_random,urandom",
        "objective=nonsaturating,hinge",
        "logger=none",
        "noise_dim=16",
        "trainer.max_steps=30",
        "evaluation.samples=1000",
        "evaluation.known=1000",
        "evaluation.candidates=256",
    ]
    return Swept(place, arguments, place.train(*arguments))


def test_a_sweep_runs_every_job_and_ends_with_code_0(swept: Swept) -> None:
    code, _, err = swept.ended
    assert code == 0, err
    records, damaged = swept.place.store.all()
    assert not damaged
    assert [record.status for record in records] == ["done"] * 4
    for record in records:
        files = {path.name for path in swept.place.store.folder(record.key).iterdir()}
        assert {"record.json", "samples.npy", "inputs.npy", "samples.png", "log.txt"} <= files
        assert not [name for name in files if name.endswith(".tmp")]


def test_equal_configs_are_run_once(swept: Swept) -> None:
    records, _ = swept.place.store.all()
    models = sorted(record.config["model"]["name"] for record in records)
    assert models == ["dan", "dan", "python_random", "urandom"]  # of two objectives each
    assert "4 jobs: 0 done before, 4 to run" in swept.ended[1]


def test_a_sweep_says_which_job_it_is_at_of_how_many(swept: Swept) -> None:
    _, out, _ = swept.ended
    for number in range(1, 5):
        lines = [line for line in out.splitlines() if line.startswith(f"[{number}/4] ")]
        assert len(lines) == 2
        assert lines[0].endswith(": running")
        assert re.search(r": done after .*\d+ s$", lines[1])


def test_without_a_terminal_it_writes_plain_lines(swept: Swept) -> None:
    assert "\x1b" not in swept.ended[1] + swept.ended[2]
    assert swept.ended[2] == ""


def test_a_sweep_ends_with_the_table_and_says_where_everything_lies(swept: Swept) -> None:
    _, out, _ = swept.ended
    results = swept.place.folder / "results"
    assert "mnist: N = 1000 held-out samples" in out
    # the widths of urandom's numbers are random, and with them whether the longest name is folded
    for subject in ("python_random ", "urandom ", "dan sigmoid hing", r"dan sigmoid(?s:.*)nonsat"):
        assert re.search(rf"\n{subject}", out.partition("held-out samples")[2]), out
    assert "4 done, 4 run, 0 failed" in out
    said = dict(line.split(": ", 1) for line in out.splitlines() if re.match(r"rec|report", line))
    assert [(swept.place.folder / said[name]).resolve() for name in ("records", "report")] == [
        results / "runs",
        results / "report.md",
    ]
    assert "dan sigmoid hinge" in (results / "report.md").read_text()


def test_a_record_says_where_it_comes_from_and_what_it_cost(swept: Swept) -> None:
    records, _ = swept.place.store.all()
    for record in records:
        assert {"commit", "dirty", "packages", "python", "machine"} <= record.provenance.keys()
        assert record.costs["seconds"] > 0
        assert ("training_seconds" in record.costs) == (record.config["model"]["name"] == "dan")
        assert 0 < len(np.load(swept.place.store.folder(record.key) / "samples.npy")) <= 256


def test_a_relaunch_runs_nothing_and_changes_no_record(swept: Swept) -> None:
    records, _ = swept.place.store.all()
    before = [swept.place.written(record) for record in records]
    code, out, err = swept.place.train(*swept.arguments)
    assert code == 0, err
    assert "4 jobs: 4 done before, 0 to run" in out
    assert "4 done, 0 run" in out
    assert "mnist: N = 1000 held-out samples" in out
    assert [swept.place.written(record) for record in records] == before


@dataclass
class Stumbled:
    """A sweep in which one job raised, the worker of another was killed, and the third went on."""

    place: Workplace
    first: tuple[int, str, str]
    records: dict[str, RunRecord]
    written: dict[str, int]
    second: tuple[int, str, str]


@pytest.fixture(scope="module")
def stumbled(tmp_path_factory: pytest.TempPathFactory) -> Stumbled:
    place = Workplace(tmp_path_factory.mktemp("stumbled"))
    arguments = ["-m", *place.obstructed, "logger=none", "model.obstacle=wait,fail,clear"]
    arguments += ["runtime.workers=2", "runtime.retries=0"]
    for obstacle in ("wait", "fail"):
        (place.folder / obstacle).write_text(obstacle)
    with place.started(*arguments) as process:
        until((place.folder / "wait.pid").exists, process)
        os.kill(int((place.folder / "wait.pid").read_text()), signal.SIGKILL)
        out, err = ended(process)
    first = process.returncode, out, err
    records = place.by_obstacle()
    written = place.written(records["clear"])
    for obstacle in ("wait", "fail"):
        (place.folder / obstacle).unlink()
    return Stumbled(place, first, records, written, place.train(*arguments))


def test_a_run_that_raises_leaves_its_traceback(stumbled: Stumbled) -> None:
    failed = stumbled.records["fail"]
    assert failed.status == "failed"
    assert failed.traceback is not None
    assert failed.traceback.startswith("Traceback (most recent call last)")
    assert "obstacles.py" in failed.traceback
    assert failed.traceback.rstrip().endswith("RuntimeError: the disk is on fire")
    assert failed.metrics == {}


def test_a_killed_worker_leaves_a_record_that_says_what_killed_it(stumbled: Stumbled) -> None:
    killed = stumbled.records["wait"]
    assert killed.status == "failed"
    assert killed.traceback is not None
    assert "SIGKILL" in killed.traceback


def test_the_others_go_on_after_a_failure(stumbled: Stumbled) -> None:
    assert stumbled.records["clear"].status == "done"
    assert stumbled.records.keys() == {"wait", "fail", "clear"}


def test_failures_are_counted_named_and_told_by_the_exit_code(stumbled: Stumbled) -> None:
    code, out, _ = stumbled.first
    assert code == 1
    assert "1 done, 3 run, 2 failed" in out
    reasons = [line for line in out.splitlines() if line.startswith("failed: ")]
    assert len(reasons) == 2
    assert sum("RuntimeError: the disk is on fire" in line for line in reasons) == 1
    assert sum("SIGKILL" in line for line in reasons) == 1
    at_once = [line for line in out.splitlines() if re.match(r"\[\d/3\] .*: failed after ", line)]
    assert sum(line.endswith("s: RuntimeError: the disk is on fire") for line in at_once) == 1
    assert len(at_once) == 2


def test_a_relaunch_tries_the_failed_runs_again_and_only_these(stumbled: Stumbled) -> None:
    code, out, err = stumbled.second
    assert code == 0, err
    assert "3 jobs: 1 done before, 2 to run" in out
    assert "3 done, 2 run, 0 failed" in out
    now = stumbled.place.by_obstacle()
    assert {record.status for record in now.values()} == {"done"}
    assert now["clear"] == stumbled.records["clear"]
    assert stumbled.place.written(now["clear"]) == stumbled.written


@dataclass
class Interrupted:
    """A checkpointed sweep that was killed with -9 while one of its two jobs was at step 25."""

    place: Workplace
    finished: dict[str, RunRecord]
    written: dict[str, int]
    checkpoint: int
    ended: tuple[int, str, str]


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    place = Workplace(tmp_path_factory.mktemp("interrupted"))
    arguments = ["-m", *place.obstructed, "logger=none", "model.obstacle=wait,clear"]
    arguments += ["runtime.workers=2", "runtime.checkpoint_every=10"]
    (place.folder / "wait").write_text("wait")
    with place.started(*arguments) as process:
        until((place.folder / "wait.pid").exists, process)
        until(lambda: len(place.by_obstacle()) == 1, process)
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: not session(process.pid))
    finished = place.by_obstacle()
    (checkpoint,) = place.store.runs.glob("*/last.ckpt")
    step = torch.load(checkpoint, weights_only=True)["dan_bench"]["step"]
    written = place.written(finished["clear"])
    (place.folder / "wait").unlink()
    return Interrupted(place, finished, written, step, place.train(*arguments))


@pytest.mark.slow
def test_what_was_finished_when_the_sweep_was_killed_is_kept(interrupted: Interrupted) -> None:
    code, out, err = interrupted.ended
    assert code == 0, err
    assert interrupted.finished.keys() == {"clear"}
    assert "2 jobs: 1 done before, 1 to run" in out
    assert "2 done, 1 run, 0 failed" in out
    now = interrupted.place.by_obstacle()
    assert now["clear"] == interrupted.finished["clear"]
    assert interrupted.place.written(now["clear"]) == interrupted.written


@pytest.mark.slow
def test_a_second_sweep_of_the_same_run_waits_and_leaves_its_progress_alone(
    tmp_path: Path,
) -> None:
    place = Workplace(tmp_path)
    (tmp_path / "wait").write_text("wait")
    arguments = [*place.obstructed, "logger=none", "model.obstacle=wait"]
    with place.started(*arguments) as first:
        until((tmp_path / "wait.pid").exists, first)
        (told,) = place.store.runs.glob(f"*/{NAME}")
        was = told.stat().st_mtime_ns
        with place.started(*arguments) as second:
            until(lambda: any(told.parent.glob(f"{NAME}.*")), second)
            (waits,) = told.parent.glob(f"{NAME}.*")
            until(lambda: "waiting for" in waits.read_text(), second)
            assert json.loads(told.read_text())["pid"] == int((tmp_path / "wait.pid").read_text())
            assert told.stat().st_mtime_ns == was
            (tmp_path / "wait").unlink()
            ended(first)
            assert first.returncode == 0
            ended(second)
            assert second.returncode == 0
    assert not list(told.parent.glob(f"{NAME}*"))
    assert [record.status for record in place.store.all()[0]] == ["done"]


def test_a_killed_run_goes_on_from_its_checkpoint(interrupted: Interrupted) -> None:
    def steps(obstacle: str) -> list[int]:
        text = (interrupted.place.folder / f"{obstacle}.steps").read_text()
        return [int(line) for line in text.split()]

    assert interrupted.checkpoint == 20
    assert steps("clear") == [*range(30)]
    assert steps("wait") == [*range(25), *range(20, 30)]


def assert_same_outcome(a: tuple[Store, RunRecord], b: tuple[Store, RunRecord]) -> None:
    """Bit for bit, in all but costs and provenance."""
    assert a[1].metrics == b[1].metrics
    folders = [store.folder(record.key) for store, record in (a, b)]
    for name in ("samples.npy", "inputs.npy"):
        assert np.array_equal(*(np.load(folder / name) for folder in folders))
    curves = [pd.read_parquet(folder / "curves.parquet") for folder in folders]
    assert len(curves[0]) == 6
    pd.testing.assert_frame_equal(*curves, check_exact=True)
    saved = [torch.load(folder / "weights.pt", weights_only=True) for folder in folders]
    weights = [one["weights"] for one in saved]
    assert saved[0]["data_mean"] == saved[1]["data_mean"]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.slow
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(interrupted: Interrupted) -> None:
    now, store = interrupted.place.by_obstacle(), interrupted.place.store
    assert_same_outcome((store, now["wait"]), (store, now["clear"]))


@pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec.*")
def test_the_same_config_gives_the_same_bits_in_another_process_and_folder(
    stumbled: Stumbled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(stumbled.place.folder)
    monkeypatch.chdir(tmp_path)
    config = configure([*stumbled.place.obstructed, "logger=none", "runtime.results=elsewhere"])
    record = run(config, group="")
    assert record.key == stumbled.records["clear"].key
    assert_same_outcome(
        (Store(Path("elsewhere")), record), (stumbled.place.store, stumbled.records["clear"])
    )


def test_another_objective_gives_another_outcome(swept: Swept) -> None:
    """What lets the comparisons above fail: outcomes do differ where configs do."""
    records, _ = swept.place.store.all()
    one, other = [record for record in records if record.config["model"]["name"] == "dan"]
    assert one.metrics != other.metrics
