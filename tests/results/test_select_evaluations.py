"""Tables of runs that were not measured alike, and of a part of the runs."""

import json
import re
from itertools import pairwise

import pytest
from html_records import measured, run

from dan_bench.report import table
from dan_bench.report.__main__ import main
from dan_bench.results.record import Store
from dan_bench.results.select import by_evaluation, changes

OFTEN, SELDOM = {"samples": 2000}, {"samples": 2000, "attacks": {"rehearsal": {"draws": 256}}}
LONG = {"max_steps": 9}


def runs():
    """Two models measured in one way, two seeds each, and one of them in another."""
    found = [
        run(model, "learned", seed, measured(bits), evaluation=OFTEN, trainer=LONG)
        for model, bits in (("dan", 7.0), ("gan", 6.0))
        for seed in (0, 1)
    ]
    found += [
        run("dan", "learned", seed, measured(5.0), evaluation=SELDOM, trainer=LONG)
        for seed in (0, 1)
    ]
    return [*found, run("python_random", "control", 0, evaluation=OFTEN)]


def test_the_commonest_evaluation_is_first_and_the_others_say_in_what_they_differ():
    first, second = by_evaluation(runs()).items()
    assert first[0] == ""
    assert [len(first[1]), len(second[1])] == [5, 2]
    assert re.fullmatch(r"evaluation [0-9a-f]{4}: attacks\.rehearsal\.draws=256", second[0])


@pytest.mark.parametrize(
    ("here", "there", "said"),
    [
        ({"samples": 9}, {"samples": 8}, [("", "samples=9")]),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": {"d": 1}}}, [("", "a.b=1"), ("without", "a.c")]),
        ({"a": {"b": {"c": 1}}}, {"a": {}}, [("", "a.b.c=1")]),
        ({"a": {"b": {"_target_": "C"}}}, {}, [("with", "a.b")]),
        ({"a": {}}, {"a": {"b": {"c": 1}}}, [("without", "a")]),
        ({"a": None}, {"a": {"b": 1}}, [("", "a=None")]),
        ({"a": {"b": 1}}, {"a": None}, [("", "a.b=1")]),
        ({"a": {"b": 1}}, {"a": 2}, [("", "a={'b': 1}")]),
        ({"a": 1}, {}, [("", "a=1")]),
        ({"a": 1}, {"a": 1.0}, [("", "a=1")]),
        ({"a": {}}, {}, [("with", "a")]),
        ({"a": {}}, {"a": {}}, []),
    ],
)
def test_a_part_that_only_one_evaluation_has_is_named_once(here, there, said):
    assert sorted(changes(here, there)) == said


def test_only_what_was_measured_alike_is_ranked_together():
    cells = json.loads(table(runs(), "json", ["shannon_bits"]))
    found = {(c.get("evaluation"), c["model"]): c["rank"] for c in cells if c["kind"] != "baseline"}
    (other,) = {name for name, _ in found if name}
    assert found[None, "dan"] == 2
    assert found[None, "gan"] == 3
    assert found[other, "dan"] == 1


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_each_evaluation_has_a_table_of_its_own(form):
    text = table(runs(), form, ["shannon_bits"])
    assert text.count("evaluation ") == 1
    before, after = text.split("evaluation ")
    assert "gan" in before
    assert "gan" not in after
    assert "dan" in after


def test_alike_runs_make_one_table_that_says_nothing_of_it():
    alike = [r for r in runs() if r.config["evaluation"] == OFTEN]
    assert "evaluation" not in table(alike, "table")


def test_rows_that_are_asked_for_are_kept_apart_too():
    cells = json.loads(table(runs(), "json", ["shannon_bits"], ["data", "model"]))
    means = {(c.get("evaluation", ""), c["model"]): c["mean"] for c in cells if c["seeds"]}
    (other,) = {name for name, _ in means if name}
    assert [means["", "dan"], means["", "gan"], means[other, "dan"]] == [7.0, 6.0, 5.0]


def test_rows_by_a_setting_of_the_evaluation_stand_in_one_table_and_rank_apart():
    axes = ["data", "model", "evaluation.attacks.rehearsal.draws"]
    text = table(runs(), "json", ["shannon_bits"], axes)
    assert '"evaluation"' not in text
    ranks = {(c["model"], c[axes[-1]]): c["rank"] for c in json.loads(text) if c["seeds"]}
    assert ranks == {
        ("python_random", ""): 1,
        ("dan", ""): 2,
        ("gan", ""): 3,
        ("dan", "256"): 1,
    }


@pytest.fixture
def results(tmp_path):
    store = Store(tmp_path)
    for record in runs():
        store.put(record)
    return str(tmp_path)


def test_where_keeps_what_has_the_setting_and_controls_without_the_part(results, capsys):
    assert main(["--results", results, "--where", "trainer.max_steps=9,model=dan"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("dan ")]
    assert len(rows) == 2  # one an evaluation
    assert main(["--results", results, "--where", "trainer.max_steps=9"]) == 0
    assert "python_random" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"), [("colour=red", "no 'colour'"), ("model=vae", "none of the runs")]
)
def test_what_is_nowhere_is_refused(results, capsys, asked, said):
    assert main(["--results", results, "--where", asked]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--where", "--group-by"])
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(results, capsys, flag):
    assert main(["--results", results, flag, "trainer.maxsteps=9"]) == 2
    said = capsys.readouterr().err
    assert "meant perhaps: trainer.max_steps" in said
    assert "there are data, evaluation, model, " in said
    assert "evaluation.samples" not in said  # there may be hundreds of them


def test_a_command_that_is_none_is_answered_with_those_that_are(capsys):
    assert main(["leaderbord"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("no command 'leaderbord'; there are compare, export, ")
    assert said.endswith("; meant perhaps: leaderboard\n")


def test_every_evaluation_differs_from_the_first_by_its_own_name():
    evaluations = [{"samples": 2000, "known": known} for known in (1, 2, 3)]
    found = by_evaluation([run(evaluation=e) for e in evaluations])
    assert len(found) == 3
    assert all(a != b for a, b in pairwise(found))
