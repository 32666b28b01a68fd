"""The dashboard's commands: tables, upload and terminal viewer, all without an account."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import logged_runs
import pytest
from html_records import measured, old
from html_records import run as made
from logged_runs import (
    STRACE,
    carried_out,
    dashboard,
    inspect,
    of_type,
    put_table1,
    summary_of,
    without_account,
)
from terminals import Terminal, needs_tmux
from wandb_server import Wandb

from dan_bench.config.schema import CONF
from dan_bench.dashboard import PROJECT, main
from dan_bench.loggers import offline
from dan_bench.loggers.tables import collect, log_tables
from dan_bench.report import table as report
from dan_bench.results.record import Store

SUPPORT = Path(logged_runs.__file__).parent
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*smaller than the logging interval.*", "ignore:.*isinstance.treespec, LeafSpec.*"
)


def test_the_project_is_the_loggers() -> None:
    assert f"\nproject: {PROJECT}\n" in (CONF / "logger" / "wandb.yaml").read_text()


def test_the_command_builds_checks_and_writes(tmp_path: Path) -> None:
    watch = ("-f", "--seccomp-bpf", "-qq", "-e", "trace=connect", "-o", str(tmp_path / "trace"))
    ended = dashboard(
        tmp_path, "--write", "workspace.json", before=(STRACE, *watch) if STRACE else ()
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "training: 9 panels" in ended.stdout
    written = json.loads((tmp_path / "workspace.json").read_text())
    assert written["displayName"] == "Is it noise? Is it gone?"
    if STRACE:
        assert "AF_INET" not in (tmp_path / "trace").read_text()


def test_saving_needs_an_account(tmp_path: Path) -> None:
    ended = dashboard(tmp_path, "workspace", "--save")
    assert ended.returncode == 2
    assert "`wandb login`" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import runpy, sys; sys.argv = ['dashboard', '--help']\n"
        "try: runpy.run_module('dan_bench.dashboard', run_name='__main__')\n"
        "except SystemExit as ended: assert ended.code == 0\n"
        "print({'torch', 'wandb', 'pandas', 'pytorch_lightning'} & sys.modules.keys())"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "sync" in said
    assert said.splitlines()[-1] == "set()"


def table_in(folder: Path, summary: dict[str, Any], name: str) -> dict[str, Any]:
    written: dict[str, Any] = json.loads((folder / "files" / summary[name]["path"]).read_text())
    return written


def test_the_tables_are_logged_as_they_are_printed_and_as_numbers(results: Path) -> None:
    folder = log_tables(results, "a-project")
    assert folder is not None
    records = inspect(folder)
    summary = summary_of(records)
    (opened,) = of_type(records, "run")
    assert (opened["project"], opened["job_type"]) == ("a-project", "tables")
    assert opened["display_name"] == "tables: leaderboard and table1"
    assert opened["notes"].startswith("No training")
    printed = table_in(folder, summary, "leaderboard")
    row = dict(zip(printed["columns"], printed["data"][-1], strict=True))
    assert (row["data"], row["subject"]) == ("danoise", "dan sigmoid nonsaturating")
    numbers = table_in(folder, summary, "leaderboard_numbers")
    cells = [dict(zip(numbers["columns"], line, strict=True)) for line in numbers["data"]]
    (joint,) = [c for c in cells if c["metric"] == "joint_bits" and c["kind"] == "learned"]
    (run,) = [run for run in offline.runs(results) if "-tables-" not in run.name]
    assert joint["mean"] == pytest.approx(summary_of(inspect(run))["joint_bits"])
    assert row["joint bits"].startswith(f"{joint['mean']:.4g}")
    first = table_in(folder, summary, "table1")
    assert first["data"][0][:4] == ["quick", "dan", "X", "50.0 ± 1.0"]
    assert {"leaderboard", "table1", "table1_numbers"} <= set(opened["tags"])


def test_the_same_tables_are_logged_once(results: Path) -> None:
    before = log_tables(results, PROJECT)
    assert log_tables(results, PROJECT) == before
    put_table1(results, 70.0)
    assert log_tables(results, PROJECT) != before


def test_without_records_there_are_no_tables(tmp_path: Path) -> None:
    assert log_tables(tmp_path, PROJECT) is None
    assert main(["tables", "--results", str(tmp_path)]) == 2
    assert list(tmp_path.iterdir()) == []


def made_up(results: Path, name: str, *, ended: bool, age: float, uploaded: bool = False) -> Path:
    run = results / "wandb" / f"offline-run-20260101_000000-{name}"
    run.mkdir(parents=True)
    written = run / f"run-{name}.wandb"
    written.touch()
    os.utime(written, (time.time() - age,) * 2)
    if ended:
        (run / "ended").touch()
    if uploaded:
        (run / f"run-{name}.wandb.synced").touch()
    return run


def test_what_is_still_written_is_not_uploaded_and_what_was_is_not_again(tmp_path: Path) -> None:
    ended = made_up(tmp_path, "ended", ended=True, age=1)
    dead = made_up(tmp_path, "dead", ended=False, age=1000)
    going = made_up(tmp_path, "going", ended=False, age=1)
    made_up(tmp_path, "uploaded", ended=True, age=1, uploaded=True)
    assert offline.pending(tmp_path) == ([dead, ended], [going])


def test_a_run_that_ended_is_known_to_have(results: Path) -> None:
    log_tables(results, PROJECT)
    found, going = offline.pending(results)
    assert going == []
    assert found == offline.runs(results)
    assert any("-tables-" in run.name for run in found)


def test_a_dry_run_lists_what_would_be_uploaded(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sync", "--dry-run", "--results", str(results)]) == 0
    said = capsys.readouterr().out
    for run in offline.runs(results):
        assert f"to upload: {run}\n" in said


def test_uploading_needs_an_account_and_leaves_everything_without(
    results: Path, tmp_path: Path
) -> None:
    before = offline.pending(results)
    ended = dashboard(tmp_path, "sync", "--results", str(results))
    assert ended.returncode == 2
    assert "`wandb login`" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert set(before[0]) <= set(offline.pending(results)[0])


def test_what_was_offline_is_uploaded_once(
    results: Path, tmp_path: Path, server: tuple[Wandb, dict[str, str]]
) -> None:
    wandb, account = server
    copy = tmp_path / "copy"
    shutil.copytree(results, copy)
    first = dashboard(tmp_path, "sync", "--results", str(copy), account=account)
    assert first.returncode == 0, first.stderr
    names = {next(run.glob("*.wandb")).stem.removeprefix("run-") for run in offline.runs(copy)}
    assert any(name.startswith("tables-") for name in names)
    assert wandb.runs == Counter(names)
    assert {path.split("/")[-2] for path in wandb.streamed} == names
    assert f"{len(names)} uploaded, 0 failed" in first.stdout
    assert not (tmp_path / "wandb").exists()  # nothing is left where it was called from
    kinds = {a["input"]["artifactTypeName"] for n, a in wandb.requests if n == "CreateArtifact"}
    assert kinds == {"record", "model", "run_table"}
    again = dashboard(tmp_path, "sync", "--results", str(copy), account=account)
    assert again.returncode == 0
    assert "0 offline runs to upload" in again.stdout
    assert wandb.runs == Counter(names)


def test_what_cannot_be_uploaded_is_counted_and_not_forgotten(
    tmp_path: Path, server: tuple[Wandb, dict[str, str]]
) -> None:
    damaged = made_up(tmp_path, "damaged", ended=True, age=1)
    ended = dashboard(tmp_path, "sync", "--results", str(tmp_path), account=server[1])
    assert ended.returncode == 1
    assert "0 uploaded, 1 failed" in ended.stdout
    assert offline.pending(tmp_path) == ([damaged], [])


@pytest.mark.slow
def test_with_an_account_offline_false_is_all_it_takes_to_go_online(
    tmp_path: Path, server: tuple[Wandb, dict[str, str]]
) -> None:
    wandb, account = server
    program = (
        "import sys; from pathlib import Path; from logged_runs import carried_out\n"
        f"carried_out(Path({str(tmp_path)!r}), 'evaluation=minimal', 'logger.offline=false')"
    )
    path = os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={**without_account(tmp_path), **account, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert list(wandb.runs.values()) == [1]
    assert wandb.streamed
    assert offline.runs(tmp_path) == []


def test_the_viewer_needs_runs_and_a_terminal(results: Path, tmp_path: Path) -> None:
    for folder, reason in ((tmp_path, "no wandb runs"), (results, "needs a terminal")):
        ended = dashboard(tmp_path, "view", "--results", str(folder))
        assert ended.returncode == 2
        assert reason in ended.stderr


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    carried_out(tmp_path, "evaluation=minimal", "logger=wandb")
    command = [sys.executable, "-m", "dan_bench.dashboard", "view", "--results", str(tmp_path)]
    if STRACE:
        watch = ("-f", "--seccomp-bpf", "-qq", "-e", "trace=connect")
        command = [STRACE, *watch, "-o", str(tmp_path / "trace"), *command]
    opened = Terminal(tmp_path, without_account(tmp_path), command, size=(180, 50))
    yield opened
    opened.type("C-c")  # under strace it outlives its terminal
    opened.ends(seconds=10)
    opened.close()


@pytest.mark.slow
@needs_tmux
def test_the_viewer_shows_the_runs_their_curves_and_config(
    terminal: Terminal, tmp_path: Path
) -> None:
    expected = ("Runs [1 items]", "dan sigmoid", "train/", "x: step")
    screen = terminal.until(lambda shown: all(text in shown for text in expected))
    assert "Project: dan_bench" in screen
    assert "State: Finished" in screen
    assert "model.name" in screen or "data._target_" in screen
    terminal.type("q")
    assert terminal.ends()
    if STRACE:
        assert "AF_INET" not in (tmp_path / "trace").read_text()


def test_sections_with_different_columns_make_one_table(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed in (0, 1):
        store.put(made("dan", "learned", seed))
        store.put(made("dan", "learned", seed, data={"name": "danoise"}))
    store.put(made("gan", "learned", 0))  # of mnist some rows have one seed, of danoise none
    headings, rows = collect(tmp_path)["leaderboard"]
    assert {len(row) for row in rows} == {len(headings)}
    seeds = {row[0]: row[headings.index("seeds")] for row in rows if row[1].startswith("dan ")}
    assert seeds == {"mnist": "2", "danoise": None}


def test_the_tables_rank_as_the_report_does(tmp_path: Path) -> None:
    """Runs that were not measured alike are neither ranked together nor told apart by nothing."""
    store = Store(tmp_path)
    for seed in (0, 1):
        for name, bits in (("dan", 7.0), ("gan", 6.0)):
            store.put(made(name, "learned", seed, measured(bits)))
        store.put(made("best", "learned", seed, measured(8.0), evaluation={"samples": 2001}))
    records, _ = store.all()
    printed = json.loads(report(records, "json"))
    headings, rows = collect(tmp_path)["leaderboard_numbers"]
    numbers = [dict(zip(headings, row, strict=True)) for row in rows]
    for of, cell in zip(numbers, printed, strict=True):
        assert {name: of[name] for name in cell} == cell
    headings, rows = collect(tmp_path)["leaderboard"]
    cells = [dict(zip(headings, row, strict=True)) for row in rows]
    ranks = {
        (of["evaluation"][16:], of["subject"].split()[0]): of["shannon bits"][-2]
        for of in cells
        if of["subject"] != "ideal noise"
    }
    assert ranks == {("", "dan"): "1", ("", "gan"): "2", (" samples=2001", "best"): "1"}


def test_tables_of_runs_that_the_old_set_attacked_say_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.put(made("dan", "learned", 0))
    assert "attacks" not in collect(tmp_path)["leaderboard"][0]
    store.put(old(made("dan", "learned", 1)))
    headings, rows = collect(tmp_path)["leaderboard"]
    cells = [dict(zip(headings, row, strict=True)) for row in rows]
    marks = [of["attacks"] for of in cells if of["subject"].startswith("dan")]
    assert marks == [None, "attacked by the old set (schema 1)"]
    headings, rows = collect(tmp_path)["leaderboard_numbers"]
    assert {row[headings.index("schema")] for row in rows} >= {1, 2}
