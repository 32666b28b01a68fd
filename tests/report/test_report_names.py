"""Whatever a data set, a model or a metric is called, every table says just that."""

import csv
import io
import itertools
import json
import re
from collections import Counter

import pandas as pd
import pytest
from html_records import measured, run
from markdown_it import MarkdownIt

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.loggers.tables import collect
from dan_bench.metrics import catalogue
from dan_bench.report import table, table1
from dan_bench.report.__main__ import main
from dan_bench.report.leaderboard import heading
from dan_bench.report.runs import tidy
from dan_bench.report.saturation import tables_of as saturation
from dan_bench.results.record import Store, key_of
from dan_bench.tables import (
    LATEX_HEIGHT,
    Column,
    Table,
    escape_markdown,
    markdown,
    markdown_lines,
    one_line,
)

STRANGE = (
    "mine|v2",
    "two\nlines",
    "[a](b)",
    "![a](b)",
    "*bold*",
    "_emphasis_",
    "__init__",
    "<b>&amp;</b>",
    "`code`",
    "~~gone~~",
    "back\\slash\\",
    "\\|",
    "=1+1",
    "+1",
    "@x",
    "日本",
    "\x1b[31mred",
    "a,b",
    '"quoted"',
    "cr\rlf\r\n",
)


def rendered(text):
    """The tables of a Markdown text, as cells, as a browser shows them."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    rows = []
    for before, token in itertools.pairwise(tokens):
        if before.type == "tr_open":
            rows.append([])
        elif before.type in ("td_open", "th_open"):
            assert all(child.type in ("text", "text_special") for child in token.children), token
            rows[-1].append("".join(child.content for child in token.children))
    return rows


def sweep(names=STRANGE):
    return [run(name, data={"name": name}) for name in names]


@pytest.mark.parametrize("name", STRANGE)
def test_markdown_shows_a_name_as_it_is(name):
    one = Table([Column(name, "left"), Column("a")], [[name, "b"]])
    head, row = rendered("\n".join(markdown_lines(one)))
    assert head == [one_line(name), "a"]
    assert row == [one_line(name), "b"]


def test_ordinary_names_are_left_alone():
    for name in ("python_random", "%_dd on disk", "R^2", "0.5 [0.4, 0.6]", "a=b", "±"):
        assert escape_markdown(name) == name


def test_what_does_not_print_is_spelled_out():
    assert one_line("a\nb\tc\x1b[0m\u2028\u202e") == r"a\nb\tc\x1b[0m\u2028\u202e"
    assert one_line("é 日本 ±") == "é 日本 ±"


def test_the_leaderboard_holds_every_name_in_every_format():
    runs = sweep()
    expected = {one_line(name) for name in STRANGE}
    rows = rendered(table(runs, "markdown"))
    width = len(rows[0])
    assert {len(row) for row in rows} == {width}
    assert {row[0].removesuffix(" torus minimax") for row in rows} == expected | {
        "subject",
        "ideal noise",
    }
    text = table(runs)
    assert all(sign.isprintable() for sign in text.replace("\n", ""))
    assert all(f"\n{name}: N = " in f"\n{text}" for name in expected)
    for form in ("csv", "json"):
        said = table(runs, form)
        cells = json.loads(said) if form == "json" else list(csv.DictReader(io.StringIO(said, "")))
        assert {cell["data"] for cell in cells} == set(STRANGE), form


def test_latex_has_a_row_a_subject_and_no_row_begins_with_an_argument():
    text = table(sweep(), "latex", ["shannon_bits"])
    for one in text.split(r"\begin{table}")[1:]:
        assert len(re.findall(r"\\\\$", one, re.MULTILINE)) == 3  # heading, ideal noise, subject
        assert not re.search(r"(\\\\|rule)\s*[\[*]", one)


def test_no_two_tables_share_a_caption():
    names = [*STRANGE, "中国", "a: b", "a"]
    many = [run(f"m{i}", data={"name": "a"}) for i in range(2 * LATEX_HEIGHT + 1)]
    other = {"samples": 2000, "known": 1}
    runs = [*sweep(names), *many, *(run(name, evaluation=other) for name in ("dan", "gan"))]
    runs += [run("dan", data={"name": name}, evaluation=other) for name in names]
    captions = re.findall(r"\\caption\{(.*)\}", table(runs, "latex"))
    assert len(captions) > 2 * len(names)
    assert Counter(captions).most_common(1)[0][1] == 1
    for form, pattern in (("markdown", r"\*\*.*\*\*: .*"), ("table", r".*: N = .*")):
        captions = re.findall(pattern, table(runs, form))
        assert len(captions) == 2 * len(names) + 1
        assert Counter(captions).most_common(1)[0][1] == 1


@pytest.mark.parametrize("name", ["data", "subject", "seeds", "joint bits", "looks like noise"])
def test_a_metric_named_like_a_column_has_a_column_of_its_own(tmp_path, name):
    metrics = {**measured(), "joint_bits": Estimate(7.0), name: Estimate(0.25)}
    one = run("dan", metrics=metrics)
    Store(tmp_path).put(one)
    headings, (*_, cells) = collect(tmp_path)["leaderboard"]
    of = dict(zip(headings, cells, strict=True))
    assert len(of) == len(headings) == len(cells)
    assert of[f"metric {name}"] == "0.25"
    assert of["joint bits"] == "7 (1)"
    assert of["data"] == "mnist"
    head, *rows = rendered(table([one], "markdown"))
    assert dict(zip(head, rows[-1], strict=True))[f"metric {name}"] == "0.25"


def test_headings_are_all_different():
    headings = [heading(name) for name in [*catalogue.metrics(), "other", "joint bits", "N"]]
    assert len(set(headings)) == len(headings)


def test_a_metric_with_a_dot_in_its_name_is_no_detail(tmp_path, capsys):
    Store(tmp_path).put(run(metrics={"a.b": Estimate(0.5), "a": Estimate(1.0)}))
    given = ["--results", str(tmp_path), "--metrics", "a.b", "--format", "json"]
    assert main(given) == 0
    assert [cell["mean"] for cell in json.loads(capsys.readouterr().out)] == [0.5]


def test_the_other_tables_escape_names_too():
    for name in STRANGE:
        config = {"subject": name, "preset": name, "seed": 0}
        one = RunRecord(key_of(config), "done", config, {table1.ACCURACY: Estimate(0.5)})
        rows = rendered(table1.render(table1.rows_of([one]), "markdown"))
        assert [row[0] for row in rows] == ["subject", one_line(name)]
        assert {len(row) for row in rows} == {len(table1.HEADINGS)}
    columns = ["discriminator_accuracy", "sample_gradient", "parameter_gradient"]
    curves = {name: [pd.DataFrame({key: [1.0] for key in columns})] for name in STRANGE}
    rows = rendered(markdown(saturation(curves)))
    assert [row[0] for row in rows] == 2 * ["objective", *map(one_line, STRANGE)]
    assert {len(row) for row in rows} == {8}


def test_export_of_failed_runs_alone_has_all_its_columns():
    config = run().config
    frame = tidy([RunRecord(key_of(config), "failed", config, traceback="no")])
    assert list(frame.columns[-5:]) == ["metric", "value", "low", "high", "n"]
