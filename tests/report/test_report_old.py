"""Records of schema 1: they are read, marked as attacked by the old set, and pooled with no others.

The published results are such records.
"""

import json
import re
from pathlib import Path

import pytest
from html_records import measured, old, run

from dan_bench.cli import InputError
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report import table
from dan_bench.report.__main__ import main
from dan_bench.report.html.page import page
from dan_bench.report.leaderboard import boards, leaderboard
from dan_bench.results.archive import open_results
from dan_bench.results.record import Store
from dan_bench.results.select import OLD, by_evaluation, group_methods, is_old, stated

PUBLISHED = sorted(Path(__file__).parents[2].glob("results/*/records.parquet"))[-1].parent
SEEDS = (0, 1, 2)


def certain(percent: float) -> dict[str, Estimate | None]:
    return measured() | {"certified_destroyed": Estimate(percent, percent, percent)}


@pytest.fixture
def mixed() -> list[RunRecord]:
    """The same network before and after: of uniform noise, and of Gaussian with a certificate."""
    before = [old(run(seed=seed)) for seed in SEEDS]
    return before + [run(seed=s, metrics=certain(99.9), noise="gaussian") for s in SEEDS]


def test_runs_of_two_schemas_are_two_methods(mixed: list[RunRecord]) -> None:
    found = group_methods(mixed)
    assert [(len(one.runs), {is_old(r) for r in one.runs}) for one in found] == [
        (3, {True}),
        (3, {False}),
    ]
    names = [one.axes for one in found]
    assert [(of["noise"], of["schema_version"]) for of in names] == [
        ("noise=uniform", "schema_version=1"),
        ("noise=gaussian", "schema_version=2"),
    ]
    same = [run(seed=seed) for seed in SEEDS]  # in nothing else do they differ
    assert len(group_methods([*same, *map(old, same)])) == 2


def test_a_law_that_a_config_does_not_name_is_the_uniform_one() -> None:
    named = [run(seed=seed, noise="uniform") for seed in SEEDS]
    unnamed = [run(seed=seed + 3) for seed in SEEDS]
    (one,) = group_methods([*named, *unnamed])
    assert len(one.runs) == 6
    assert len(group_methods([*unnamed, run(seed=9, noise="gaussian")])) == 2
    assert "noise" not in stated(run("shake256", "control"))


@pytest.mark.parametrize("axes", [["model"], ["data", "model", "output", "noise_dim"]])
def test_axes_that_would_pool_two_schemas_are_refused(axes: list[str]) -> None:
    runs = [run(seed=seed, noise="gaussian") for seed in SEEDS]
    both = [*runs, *map(old, runs)]
    together = [*axes, "evaluation.samples"]  # one board for all evaluations, and both schemas
    with pytest.raises(InputError, match="schema_version"):
        boards(both, None, together)
    with pytest.raises(InputError, match="schema_version"):
        leaderboard(both, None, axes)
    rows = leaderboard(both, None, [*axes, "schema_version"])
    assert [row.seeds for row in rows if row.runs] == [3, 3]


def test_the_newest_schema_stands_first_however_many_there_are_of_the_old(
    mixed: list[RunRecord],
) -> None:
    found = by_evaluation([*mixed, *(old(run("gan", seed=seed)) for seed in SEEDS)])
    first, second = found.values()
    assert [len(first), len(second)] == [3, 6]
    names = list(found)
    assert names[0] == ""
    assert re.fullmatch(r"evaluation [0-9a-f]{4}: attacked by the old set \(schema 1\)", names[1])


def test_what_other_attackers_go_with_is_not_spelled_out_but_what_tells_old_runs_apart_is() -> None:
    label = {"_target_": "x.Label", "budget": {"first_steps": 32}}
    newest = {"samples": 2000, "candidates": 16, "attacks": {"label": label}, "certificate": {}}
    label = {"_target_": "x.Label", "budget": {"epochs": 5, "patience": 1}}
    before = {"samples": 2000, "attacks": {"label": label}}
    blind = {"samples": 1000, "attacks": {}}
    runs = [run(seed=0, evaluation=newest)]
    runs += [old(run(seed=seed, evaluation=before)) for seed in SEEDS]
    runs += [old(run(seed=0, evaluation=blind))]
    said = [name.partition(": ")[2] for name in by_evaluation(runs)]
    assert said == ["", OLD, f"{OLD}; samples=1000; without attacks"]


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_tables_mark_them_and_no_others(mixed: list[RunRecord], form: str) -> None:
    assert OLD in " ".join(table(mixed[:3], form).split())
    assert OLD not in " ".join(table(mixed[3:], form).split())
    tables = table(mixed, "markdown").split("**mnist")
    assert ["old set" in one.split("\n")[0] for one in tables[1:]] == [False, True]


def test_where_both_stand_in_one_table_the_rows_are_named() -> None:
    runs = [run(seed=seed, noise="gaussian") for seed in SEEDS]
    axes = ["data", "model", "evaluation.samples", "schema_version"]
    text = " ".join(table([*runs, *map(old, runs)], "table", None, axes).split())
    assert f"{OLD}: dan 2000 1; N" in text


@pytest.mark.parametrize("form", ["csv", "json"])
def test_every_cell_has_its_schema(mixed: list[RunRecord], form: str) -> None:
    text = table(mixed, form)
    if form == "csv":
        assert "still_rising,schema," in text
        return
    cells = [cell for cell in json.loads(text) if cell["kind"] == "learned"]
    assert {(c["schema"], c["gone_from_output"]) for c in cells} == {(1, "hidden"), (2, "gone")}


def test_show_says_among_how_many_the_name_was_certified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = {"samples": 1000, "certificate": {"candidates": 1024}}
    found = Estimate(99.9, 99.9, 99.9, 1000, {"naming": 99.9, "candidates": 1000.0})
    record = run(metrics=measured() | {"certified_destroyed": found}, evaluation=asked)
    Store(tmp_path).put(record)
    assert main(["show", "--results", str(tmp_path), record.key]) == 0
    assert re.search(r"one name of +1,000 candidates$", capsys.readouterr().out, re.MULTILINE)


def test_show_and_compare_say_it(
    mixed: list[RunRecord], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for record in mixed:
        Store(tmp_path).put(record)
    given = ["--results", str(tmp_path)]
    assert main(["show", *given, mixed[0].key]) == 0
    assert OLD in capsys.readouterr().out
    assert main(["show", *given, mixed[3].key]) == 0
    assert OLD not in capsys.readouterr().out
    assert main(["compare", *given, mixed[0].key, mixed[3].key]) == 0
    said = capsys.readouterr().out
    for setting, before, after in [("schema_version", "1", "2"), ("noise", "uniform", "gaussian")]:
        assert re.search(rf"^{setting} +{before} +{after}$", said, re.MULTILINE)
    assert re.search(r"^attacks +attacked by the old set \(schema 1\) +X$", said, re.MULTILINE)


def test_they_can_be_asked_for(mixed: list[RunRecord], tmp_path: Path) -> None:
    for record in mixed:
        Store(tmp_path).put(record)
    for where, version in (("schema_version=1", 1), ("noise=gaussian", 2)):
        assert main(["--results", str(tmp_path), "--where", where]) == 0, version
    assert main(["--results", str(tmp_path), "--where", "schema_version=3"]) == 2


def test_the_page_marks_them(mixed: list[RunRecord], tmp_path: Path) -> None:
    for record in mixed:
        Store(tmp_path).put(record)
    text = page(mixed, Store(tmp_path), tmp_path)
    captions = re.findall(r"<caption id=\"board.*?</caption>", text)
    assert [OLD in one for one in captions] == [False, True]


def test_the_published_results_are_read_marked_and_never_gone() -> None:
    records, damaged = open_results(PUBLISHED).all()
    assert not damaged
    if not all(map(is_old, records)):
        pytest.skip("published by today's attackers")
    rows = [row for board in boards(records) for row in board.rows if row.runs]
    words = {row.verdicts["gone from output"].word for row in rows}
    assert {"no", "hidden"} <= words
    assert not any(word.startswith("gone") for word in words)
    titles = [one for one in table(records, "markdown").splitlines() if one.startswith("**")]
    assert titles
    assert all(OLD in one for one in titles)
