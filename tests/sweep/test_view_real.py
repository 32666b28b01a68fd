"""Real sweeps, as people, logs and programs see them."""

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from logged_runs import inspect, of_type, summary_of
from sweeps import REPOSITORY, Workplace
from terminals import Terminal, needs_tmux
from view_sweeps import CURVE

from dan_bench.config.compose import configure
from dan_bench.sweep import jobs as sweeps
from dan_bench.sweep.screen import BLOCKS


@dataclass
class Told:
    """A sweep of which one job fails, in JSON; and again, mended and under wandb, quiet."""

    place: Workplace
    as_json: tuple[int, str, str]
    quiet: tuple[int, str, str]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.as_json[1].splitlines()]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    place = Workplace(tmp_path_factory.mktemp("told"))
    (place.folder / "fail").write_text("fail")
    asked = ("-m", *place.obstructed, "model.obstacle=clear,fail", "runtime.workers=2")
    failing = place.train(*asked, "logger=none", progress="json")
    (place.folder / "fail").unlink()
    under_wandb = ("logger=wandb", "logger.artifacts=false", "logger.sample_steps=[]")
    return Told(place, failing, place.train(*asked, *under_wandb, progress="quiet"))


def test_json_tells_the_life_of_every_job_and_nothing_else(told: Told) -> None:
    code, _, err = told.as_json
    assert (code, err) == (1, "")
    assert told.events[0] == {
        "event": "sweep", "state": "ready", "jobs": 2, "done_before": 0, "to_run": 2,
        "data": told.events[0]["data"],
    }  # fmt: skip
    fields = {
        *("event", "job", "key", "title", "state", "doing", "step", "steps", "metric", "rate"),
        *("seconds", "seconds_left", "error"),
    }
    records = {record.key: record for record in told.place.by_obstacle().values()}
    for number in (1, 2):
        life = [event for event in told.events if event.get("job") == number]
        assert [life[0]["event"], life[-1]["event"]] == ["begin", "end"]
        assert {event["event"] for event in life[1:-1]} == {"progress"}
        assert all(event.keys() - {"metrics"} == fields for event in life)
        assert "metrics" in life[-1]
        assert {event["key"] for event in life} <= records.keys()
        assert len({(event["key"], event["title"]) for event in life}) == 1
        steps = [event["step"] for event in life]
        assert steps == sorted(steps)
        assert {event["steps"] for event in life} == {30}
        assert life[-1]["seconds"] > 0
        assert {event["doing"] for event in life} >= {"starting", "data", "training"}
        assert [event["metric"]["name"] for event in life if event["metric"]][:1] == [CURVE]
        assert life[-1]["seconds_left"] == 0


def test_json_tells_how_each_job_ended(told: Told) -> None:
    ends = {event["state"]: event for event in told.events if event["event"] == "end"}
    assert ends.keys() == {"done", "failed"}
    assert ends["failed"]["error"] == "RuntimeError: the disk is on fire"
    assert ends["failed"]["metrics"] == {}
    assert ends["done"]["error"] is None
    assert ends["done"]["step"] == 30
    kept = told.place.by_obstacle()["clear"].metrics["shannon_bits"]
    assert kept is not None
    assert ends["done"]["metrics"]["shannon_bits"] == pytest.approx(kept.value, rel=1e-5)


def test_json_ends_with_what_came_out(told: Told) -> None:
    whole = [event for event in told.events if event["event"] == "sweep"]
    assert [whole[1][state] for state in ("to_run", "done", "failed")] == [2, 0, 0]
    assert [whole[-2][state] for state in ("waiting", "done", "failed")] == [0, 1, 1]
    last = told.events[-1]
    assert (last["state"], last["exit_code"]) == ("ended", 1)
    assert (last["jobs"], last["done"], last["ran"], last["failed"]) == (2, 1, 2, 1)
    assert [one["error"] for one in last["failures"]] == ["RuntimeError: the disk is on fire"]
    assert (told.place.folder / last["records"]).is_dir()
    assert (told.place.folder / last["report"]).is_file()


def test_a_quiet_sweep_that_does_well_says_nothing(told: Told) -> None:
    assert told.quiet == (0, "", "")


def test_at_the_end_of_a_sweep_wandb_has_its_tables(told: Told) -> None:
    (folder,) = told.place.folder.glob("results/wandb/offline-run-*-tables-*")
    records = inspect(folder)
    (opened,) = of_type(records, "run")
    assert (opened["project"], opened["job_type"]) == ("dan_bench", "tables")
    written = json.loads(
        (folder / "files" / summary_of(records)["leaderboard"]["path"]).read_text()
    )
    subjects = {row[1] for row in written["data"]}
    assert any("obstructed sigmoid nonsaturating" in subject for subject in subjects)


def test_tables_that_cannot_be_logged_fail_no_sweep(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("dan_bench.loggers.tables.log_tables", refuse)
    sweeps.log_tables(configure(["logger=none"]))
    assert capsys.readouterr() == ("", "")
    sweeps.log_tables(configure(["logger=wandb"]))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "wandb did not get the tables: OSError: no space left on device\n"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[tuple[Terminal, Workplace]]:
    place = Workplace(tmp_path)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    opened = Terminal(tmp_path, {**os.environ, "PYTHONPATH": path})
    arguments = ["-m", *place.obstructed, "model.obstacle=wait,fail,clear", "logger=none"]
    arguments += ["runtime.workers=1"]
    command = [sys.executable, "-m", "dan_bench.train", *arguments]
    command += [f"runtime.datasets={REPOSITORY / 'datasets'}"]
    (tmp_path / "go").write_text(f"cd {tmp_path}; exec {' '.join(command)}\n")
    for obstacle in ("wait", "fail"):
        (tmp_path / obstacle).write_text(obstacle)
    opened.type(f"clear; sh {tmp_path}/go; echo code $?", "Enter")
    yield opened, place
    opened.close()


@pytest.mark.slow
@needs_tmux
def test_in_a_terminal_a_sweep_is_a_screen_that_leaves_its_end_behind(
    terminal: tuple[Terminal, Workplace],
) -> None:
    opened, place = terminal
    row = re.compile(rf" 1  obstructed .* 20/30  [\d.]+/s  [{BLOCKS}]{{4}} +[\d.]+ eff", re.M)
    shown = opened.until(row.search)
    assert "1 running · 2 waiting" in shown.splitlines()[0]
    for width, height in ((120, 40), (64, 12), (80, 24)):
        opened.resize(width, height)
        shown = opened.until(lambda screen: re.search("20/30", screen.splitlines()[2]))
        time.sleep(0.6)
        lines = opened.screen().rstrip("\n").splitlines()
        assert sum("20/30" in line for line in lines) == 1  # nothing is left of the former size
        assert len(lines) == 3
    (place.folder / "wait").unlink()
    opened.until(lambda screen: "code 1" in screen)
    assert opened.is_sane()
    left = opened.everything()
    assert re.search(r"━+  2 done · 1 failed · 0:\d\d:\d\d", left)
    assert len(re.findall("failed: .*RuntimeError: the disk is on fire", left)) == 1
    assert "2 done, 3 run, 1 failed" in left
    assert left.index("3 jobs: 0 done before, 3 to run") < left.index("2 done · 1 failed")


@pytest.mark.slow
@needs_tmux
def test_ctrl_c_gives_the_terminal_back(terminal: tuple[Terminal, Workplace]) -> None:
    opened, _ = terminal
    opened.until(lambda screen: "20/30" in screen)
    opened.type("C-c")
    opened.until(lambda screen: "code 130" in screen)
    assert opened.is_sane()
    left = opened.everything()
    assert re.search(r"cut off: obstructed .* training 20/30", left)
    assert "interrupted: finished runs are kept" in left
    assert "Traceback" not in left
    opened.type("echo still here", "Enter")
    opened.until(lambda screen: "\nstill here" in screen)
