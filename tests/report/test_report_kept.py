"""The report beside the runs: made again where anything changed, and only there."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_sweep import small_sweep

import dan_bench.report.__main__ as command
import dan_bench.report.kept as module
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report import write
from dan_bench.report.kept import report
from dan_bench.report.leaderboard import boards
from dan_bench.results.cache import NAME as CACHE
from dan_bench.results.record import Store, key_of


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made, in a results folder that has a report already."""
    store, did = Store(tmp_path), list[str]()
    for record in small_sweep():
        store.put(record)

    def noting(results: Path, records: list[RunRecord]) -> Path:
        did.append("report")
        return write(results, records)

    table = module.table

    def drawing(records: list[RunRecord], form: str) -> str:
        did.append("table")
        return table(records, form)

    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(module, "write", noting)
    monkeypatch.setattr(module, "table", drawing)
    report(tmp_path, keys(tmp_path))
    assert did == ["table", "report"]
    did.clear()
    return did


def keys(results: Path) -> list[str]:
    return [record.key for record in Store(results).all()[0]]


def test_where_nothing_changed_nothing_is_made(tmp_path: Path, made: list[str]) -> None:
    texts = [report(tmp_path, keys(tmp_path)) for _ in range(2)]
    assert made == []
    assert texts[0] == texts[1] == report(tmp_path, keys(tmp_path)[::-1])
    assert texts[0][1] == tmp_path / "report.md"
    records = Store(tmp_path).all()[0]
    assert texts[0][0] == module.table(records, "table")


@pytest.mark.parametrize("name", ["report.md", "report.csv"])
@pytest.mark.parametrize("how", ["gone", "edited", "replaced"])
def test_a_report_that_is_gone_or_not_ours_is_made_again(
    tmp_path: Path, made: list[str], name: str, how: str
) -> None:
    path = tmp_path / name
    good = path.read_bytes()
    if how == "gone":
        path.unlink()
    elif how == "edited":
        path.write_bytes(good[:-9] + b"something")
    else:
        (tmp_path / "other").write_bytes(good[::-1])
        (tmp_path / "other").replace(path)
    report(tmp_path, keys(tmp_path))
    assert made == ["table", "report"]
    assert path.read_bytes() == good


@pytest.mark.parametrize("how", ["changed", "more", "fewer"])
def test_a_record_that_changed_is_in_the_report(tmp_path: Path, made: list[str], how: str) -> None:
    store = Store(tmp_path)
    record = next(record for record in store.all()[0] if record.status == "done")
    path = store.folder(record.key) / "record.json"
    if how == "fewer":
        path.unlink()
    elif how == "changed":
        store.put(replace(record, metrics={}))
    else:
        hidden = path.rename(tmp_path / "hidden")
        report(tmp_path, keys(tmp_path))
        made.clear()
        os.rename(hidden, path)
    report(tmp_path, keys(tmp_path))
    assert made == ["table", "report"]


def test_another_width_or_other_runs_are_another_table_alone(
    tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    all_runs = report(tmp_path, keys(tmp_path))[0]
    assert report(tmp_path, keys(tmp_path)[:4])[0] != all_runs
    monkeypatch.setenv("COLUMNS", "60")
    assert report(tmp_path, keys(tmp_path)[:4])[0] != all_runs
    assert made == ["table", "table"]


def test_a_newer_program_makes_it_again(
    tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "program", lambda: [1, 2])
    report(tmp_path, keys(tmp_path))
    assert made == ["table", "report"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": 7}', '{"state": null, "table": 3}'])
def test_a_damaged_note_is_as_good_as_none(tmp_path: Path, made: list[str], text: str) -> None:
    (tmp_path / "runs" / module.NAME).write_text(text)
    report(tmp_path, keys(tmp_path))
    assert made == ["table", "report"]


@pytest.mark.parametrize("what", ["[" * 100_000, "\0", "[1]", '{"state": 7}', "a pipe"])
def test_what_is_no_report_of_ours_is_passed_over(
    tmp_path: Path, made: list[str], what: str
) -> None:
    kept = tmp_path / "runs" / module.NAME
    kept.unlink()
    if what == "a pipe":
        os.mkfifo(kept)
    else:
        kept.write_text(what)
    report(tmp_path, keys(tmp_path))
    assert made == ["table", "report"]


@pytest.mark.parametrize("name", ["old.py", "baseline.csv"])
def test_a_program_with_an_older_file_in_place_of_one_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As after a change of version by a copy that keeps the times."""
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    for each in (name, "newest.py"):
        (tmp_path / each).write_text("one")
    os.utime(tmp_path / name, (1e9, 1e9))
    before = module.program()
    assert module.program() == before
    (tmp_path / name).write_text("two")
    os.utime(tmp_path / name, (0.9e9, 0.9e9))
    assert module.program() != before


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each time that boards are made, of a folder with a cache; 100 columns wide."""
    for record in small_sweep():
        Store(tmp_path).put(record)
    (tmp_path / "runs" / CACHE).touch()  # as where there are many
    made, boards = list[str](), command.boards
    monkeypatch.setattr(command, "boards", lambda *args: made.append("boards") or boards(*args))
    monkeypatch.setenv("COLUMNS", "100")
    return made


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[str, str]]:
    def said(*arguments: str) -> tuple[str, str]:
        assert command.main(["--results", str(tmp_path), *arguments]) == 0
        out, err = capsys.readouterr()
        return out, err

    return said


TABLES = [
    *([], ["--wide"], ["--metrics", "all"], ["--format", "csv"], ["--format", "markdown"]),
    *(["--format", "json", "--metrics", "percent_destroyed,joint_bits"], ["--format", "latex"]),
    *(["--sort", "percent_destroyed"], ["--sort", "joint_bits", "--metrics", "label_recovered"]),
    ["--metrics", "label_recovered.still_rising,joint_bits", "--format", "csv"],
    ["--sort", "label_recovered.still_rising"],
]


@pytest.mark.parametrize(
    "how",
    [
        [],
        ["--where", "data=mnist"],
        ["--group-by", "data,model,output,noise_dim,trainer.max_steps"],
    ],
)
def test_tables_of_kept_boards_are_those_of_the_records(
    tmp_path: Path, asked: list[str], said: Callable[..., tuple[str, str]], how: list[str]
) -> None:
    (tmp_path / "runs" / CACHE).unlink()
    of_records = [said(*how, *table) for table in TABLES]
    (tmp_path / "runs" / CACHE).touch()
    said(*how)
    asked.clear()
    assert [said(*how, *table) for table in TABLES] == of_records
    assert len(asked) == 2  # those with details


def test_kept_boards_are_of_the_records_as_they_are(
    tmp_path: Path, asked: list[str], said: Callable[..., tuple[str, str]]
) -> None:
    store = Store(tmp_path)
    first = next(record for record in store.all()[0] if record.status == "done")
    path = store.folder(first.key) / "record.json"
    once = said()
    assert said() == once
    assert said("--format", "csv") != once
    assert asked == ["boards"]
    assert said("--where", "data=mnist") == said("--where", "data=mnist") != once == said()
    assert asked == ["boards", "boards"]
    asked.pop()
    store.put(replace(first, status="failed", metrics={}, traceback="ValueError: its own"))
    failed = said()
    assert failed != once
    assert said() == failed
    assert len(asked) == 2
    path.write_text("{")
    for _ in range(2):  # what is wrong is said each time
        assert f"left out {path}" in said()[1]
    assert len(asked) == 4
    path.unlink()
    assert "record.json" not in said()[1]
    assert len(asked) == 5


@pytest.mark.parametrize("state", ["its own", "another"])
@pytest.mark.parametrize(
    "damage", ["", "{", '{"state": 7}', "a row", "a number", "a pipe", "a lack of boards"]
)
def test_damaged_boards_are_made_again(
    tmp_path: Path, asked: list[str], said: Callable[..., tuple[str, str]], damage: str, state: str
) -> None:
    once, path = said(), tmp_path / "runs" / module.BOARDS[0]
    known, _, text = path.read_text().partition("\n")
    note = json.loads(text)
    if state == "another":
        known = known[::-1]
    cells = note["boards"][0]["rows"][0]["cells"]
    if damage == "a row":
        note["boards"][0]["rows"][0].pop("verdicts")
    elif damage == "a number":
        next(iter(cells.values()))["estimate"]["value"] = "1"
    elif damage == "a lack of boards":
        note["boards"] = []
    path.unlink()
    if damage == "a pipe":
        os.mkfifo(path)
    else:
        path.write_text(f"{known}\n{json.dumps(note) if damage.startswith('a ') else damage}")
    assert said() == once
    assert asked == ["boards", "boards"]


def test_a_detail_with_the_name_of_a_metric_of_other_runs_sorts_as_of_the_records(
    tmp_path: Path, asked: list[str], said: Callable[..., tuple[str, str]]
) -> None:
    store = Store(tmp_path)
    for i, record in enumerate(store.all()[0]):
        if i % 2:
            more = {"a.b": Estimate(float(i))}
            evaluation = record.config["evaluation"] | {"samples": 500}
            config = record.config | {"evaluation": evaluation}
            store.put(
                replace(record, config=config, key=key_of(config), metrics=record.metrics | more)
            )
            shutil.rmtree(store.folder(record.key))
        else:
            more = {"a": Estimate(float(i), details={"b": float(-i)})}
            store.put(replace(record, metrics=record.metrics | more))
    (tmp_path / "runs" / CACHE).unlink()
    once = said("--sort", "a.b")
    (tmp_path / "runs" / CACHE).touch()
    said()
    assert said("--sort", "a.b") == once


@pytest.mark.parametrize("what", ["deep", "infinite"])
def test_boards_that_json_does_not_hold_are_not_kept(
    tmp_path: Path, asked: list[str], said: Callable[..., tuple[str, str]], what: str
) -> None:
    store, deep = Store(tmp_path), list[Any]()
    for _ in range(400):
        deep = [deep]
    for i, record in enumerate(store.all()[0]):
        if what == "deep":
            store.put(replace(record, provenance=record.provenance | {"needs_rows": deep}))
        else:
            huge = {"huge": Estimate((1e308, -1e308, 0.0)[i % 3])}
            store.put(replace(record, metrics=record.metrics | huge))
    once = said("--format", "csv", "--metrics", "all")
    assert said("--format", "csv", "--metrics", "all") == once
    assert ("inf" in once[0]) == (what == "infinite")
    assert not (tmp_path / "runs" / module.BOARDS[0]).exists()


def test_a_page_has_the_kept_boards_and_its_own_runs(
    tmp_path: Path, asked: list[str], said: Callable[..., tuple[str, str]]
) -> None:
    records = Store(tmp_path).all()[0]
    fresh = module.boards_with(tmp_path, records)
    said()
    assert module.boards_with(tmp_path, records) == fresh == boards(records)
    few = records[1:]
    assert module.boards_with(tmp_path, few) == boards(few)  # as the folder is no more


def test_a_kept_table_needs_neither_scipy_nor_a_record(
    tmp_path: Path, asked: list[str], said: Callable[..., tuple[str, str]]
) -> None:
    once = said()[0]
    program = (
        f"import sys; sys.argv = ['report', '--results', {str(tmp_path)!r}]\n"
        "import dan_bench.report.__main__ as report; report.main()\n"
        "print({'scipy', 'pandas', 'altair', 'torch'} & sys.modules.keys())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stdout == f"{once}set()\n"
