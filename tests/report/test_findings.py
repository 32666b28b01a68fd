"""Each claim on records made by hand: agree, disagree, undecided or not measured, and its flips."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from finding_records import (
    CASES,
    KEPT,
    NOISE,
    PYTHON,
    D,
    N,
    control,
    enciphered,
    leaking,
    row,
    runs,
    table,
    torus,
    trend,
    world,
)

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.findings import convergence, intervals, main
from dan_bench.report.findings.catalogue import findings
from dan_bench.report.findings.finding import Claim, Observation, exists
from dan_bench.report.findings.render import FORMATS, shown
from dan_bench.report.findings.runs import Material, groups, has_full_noise, trained
from dan_bench.report.saturation import geometric_interval
from dan_bench.report.table1 import ACCURACY
from dan_bench.results.archive import publish
from dan_bench.results.record import Store
from dan_bench.statistics import t_interval

HEAVY = {"torch", "torchvision", "pytorch_lightning", "wandb", "hydra", "matplotlib"}
VERDICTS = ("agree", "disagree", "undecided")


def judged(material, claim):
    (found,) = [one for one in findings(material) if one.id == claim]
    return found


@pytest.mark.parametrize(
    ("claim", "verdict", "material"),
    [
        pytest.param(claim, verdict, material, id=f"{claim} {verdict} {i}")
        for claim, worlds in CASES.items()
        for verdict, materials in zip(VERDICTS, worlds, strict=True)
        for i, material in enumerate(materials)
    ],
)
def test_the_verdict_follows_the_records(claim, verdict, material):
    found = judged(material, claim)
    assert found.verdict == verdict, found
    assert found.evidence
    assert all(one.keys for one in found.evidence if one.estimate is not None)
    blamed = {"disagree": "against", "undecided": "neither"}.get(verdict)
    for one in [one for one in found.evidence if one.says == blamed][:1]:
        assert one.figure in found.why


def test_without_records_nothing_is_measured_and_every_claim_says_what_would_measure_it():
    found = findings(world())
    assert {one.id for one in found} == set(CASES)
    assert len(found) == len(CASES)
    for one in found:
        assert one.verdict == "not measured"
        assert one.command.startswith(("make ", "python -m dan_bench."))
        assert not one.evidence


@pytest.mark.parametrize("claim", sorted(CASES))
def test_only_runs_of_its_own_kind_can_say(claim):
    elsewhere = world(runs("somebody_else", NOISE, output="sigmoid", noise_dim=3))
    assert judged(elsewhere, claim).verdict == "not measured"


EXACT = {"dcdan-half", "algorithm-1", "proposition-1", "python-is-no-true-randomness"}


@pytest.mark.parametrize("claim", sorted(set(CASES) - {c for c in CASES if "table1" in c} - EXACT))
def test_a_value_without_an_interval_settles_nothing(claim):
    material = CASES[claim][0][0]
    single = [run for run in material.records if run.config["seed"] == 0]
    found = judged(Material(single, material.curves), claim).verdict
    # nor does it say that DAN leaks, which is where InfoDAN is looked at
    assert found == ("not measured" if claim == "infodan-keeps-more" else "undecided")


# which runs are judged


def test_most_seeds_come_first_and_then_most_steps():
    few = runs(metrics=NOISE, seeds=(0, 1), trainer={"max_steps": 9000})
    short = runs(metrics=NOISE, trainer={"max_steps": 100})
    long = runs(metrics=NOISE, trainer={"max_steps": 2400})
    assert [g.first.config["trainer"]["max_steps"] for g in groups([*few, *short, *long])] == [
        2400,
        100,
        9000,
    ]
    failing = runs(metrics={**NOISE, "joint_bits": (4.0, 0.1)}, trainer={"max_steps": 100})
    assert judged(world(PYTHON, failing, long), "torus-is-noise").verdict == "agree"
    assert judged(world(PYTHON, failing, few), "torus-is-noise").verdict == "disagree"


def test_every_data_set_counts():
    bad = runs(metrics={**NOISE, "joint_bits": (4.0, 0.1)}, data="danoise")
    material = world(torus().records, bad, control("python_random", NOISE, data="danoise"))
    found = judged(material, "torus-is-noise")
    assert found.verdict == "disagree"
    assert "joint bits" in found.why
    assert "(dan torus nonsaturating on danoise, 1200 steps)" in found.why


def test_only_what_is_trained_as_the_claims_mean_it_counts():
    others = [
        runs(trainer={"freeze_degenerator": True}),
        runs(end_to_end=True),
        runs(data="bell"),
        runs(objective="hinge"),
        runs(kind="untrained"),
        runs("gan"),
        runs(output="sigmoid"),
    ]
    assert trained([run for part in others for run in part], "dan", "torus") == []
    assert len(trained(runs(), "dan", "torus")) == 3
    assert len(trained(runs(objective="hinge"), "dan", objective=None)) == 3


def test_little_noise_is_not_full_noise():
    assert all(map(has_full_noise, runs(metrics=NOISE)))
    assert not any(map(has_full_noise, runs(metrics=NOISE, noise_dim=D - 1)))
    for output in ("sigmoid", "torus"):
        few = runs(metrics={**NOISE, **KEPT}, noise_dim=16, output=output)
        for claim in (f"{output}-destroys", f"{output}-is-noise", "entropy-hides-collapse"):
            assert judged(world(PYTHON, few), claim).verdict == "not measured"


def test_how_well_deep_learning_learned_is_shown_and_not_judged_by():
    lazy = row("vgg")
    lazy.metrics[ACCURACY] = Estimate(0.1, 0.05, 0.2)
    found = judged(table(vgg=lazy), "table1-deep-learning")
    assert found.verdict == "agree"
    shown_beside = [one for one in found.evidence if one.says == "beside"]
    assert [one.estimate.value for one in shown_beside] == [0.1]
    assert judged(world(table=[]), "table1-deep-learning").verdict == "not measured"


def test_noise_of_another_size_is_no_reference():
    other = control("python_random", NOISE, n=N + 1)
    assert judged(world(other, runs(metrics=NOISE)), "torus-is-noise").verdict == "undecided"


def test_infodan_is_compared_where_dan_leaks_and_all_else_is_alike():
    gone = leaking(dan=(99.9, 0.01))
    assert judged(gone, "infodan-keeps-more").verdict == "not measured"
    longer = leaking(trainer={"max_steps": 9999})
    assert judged(longer, "infodan-keeps-more").verdict == "not measured"


def test_dcdan_is_compared_with_the_dan_of_its_output_and_its_noise():
    fine = {"shannon_bits": (8.0, 0.0)}
    dan = runs("dan", fine, costs={"parameters": 10.0}, output="sigmoid")
    dcdan = {"model": "dcdan", "metrics": fine, "costs": {"parameters": 6.0}}
    for changes, verdict in (
        ({"output": "sigmoid"}, "disagree"),
        ({"output": "torus"}, "not measured"),
        ({"output": "sigmoid", "noise_dim": 16}, "not measured"),
    ):
        assert judged(world(dan, runs(**dcdan, **changes)), "dcdan-half").verdict == verdict


def test_a_bound_that_forbids_nothing_says_nothing():
    assert judged(enciphered((0.0, 0.0), 6272.0), "shannons-bound").verdict == "not measured"


def test_a_collapsed_network_is_not_one_to_one_and_not_held_against_the_bound():
    shares = {"dictionary_recovered": (0.5, 0.01, {"of_bits": 10.0})}
    for output, verdict in (("torus", "disagree"), ("sigmoid", "not measured")):
        part = runs(metrics=shares, output=output, noise_dim=0, costs={"noise_bits": 0.0})
        assert judged(world(part), "shannons-bound").verdict == verdict


def test_the_better_of_two_dictionary_attacks_is_held_against_the_bound():
    weak = enciphered((0.4, 0.01), 5.0, rehearsal_recovered=(0.9, 0.01))
    assert judged(weak, "shannons-bound").verdict == "agree"


def test_the_end_is_the_mean_of_the_last_quarter_and_a_change_counts_from_the_first_look():
    values = pd.Series([5.0, *[9.0] * 8, 1.0, 2.0, 6.0])
    assert convergence.at_end(values) == 3
    assert convergence.change(values) == -2
    found = judged(trend("held_out_accuracy", 0.9, 0.5, 0.01), "half-torus").evidence
    assert [(e.says, round(e.estimate.value, 6)) for e in found] == [("beside", 0.9), ("for", 0.5)]


# from figures to a verdict


RISING = ("against", "neither", "for")


def test_intervals_say_for_against_or_neither():
    low, middle, high = (Estimate(v, v - 1, v + 1) for v in (0.0, 2.5, 5.0))
    bare = Estimate(9.0)
    assert [intervals.at_least(e, 2.5) for e in (low, middle, high)] == [
        "against",
        "neither",
        "for",
    ]
    assert [intervals.at_most(e, 2.5) for e in (low, middle, high)] == list(reversed(RISING))
    assert [intervals.within(middle, *to) for to in ((1, 4), (2, 4), (4, 5))] == [
        "for",
        "neither",
        "against",
    ]
    assert intervals.less(low, high) == intervals.more(high, low) == "for"
    assert intervals.less(high, low) == intervals.more(low, high) == "against"
    assert intervals.less(low, Estimate(1.5, 0.5, 2.5)) == "neither"
    assert intervals.no_worse(low, high, higher_is_better=True) == "against"
    assert intervals.no_worse(low, high, higher_is_better=False) == "for"
    for missing in (bare, None):
        said = {
            intervals.at_least(missing, 0),
            intervals.at_most(missing, 10),
            intervals.within(missing, 0, 10),
            intervals.less(missing, high),
            intervals.more(high, missing),
            intervals.no_worse(missing, high, higher_is_better=True),
        }
        assert said == {"neither"}


def evidence(says, figure="f"):
    return Observation("s", figure, Estimate(1.0), says, "", None, 1, ("k",))


@pytest.mark.parametrize(
    ("says", "verdict"),
    [
        ("", "not measured"),
        ("b", "not measured"),
        ("fb", "agree"),
        ("ff", "agree"),
        ("fn", "undecided"),
        ("n", "undecided"),
        ("fna", "disagree"),
    ],
)
def test_a_verdict_is_what_all_figures_say(says, verdict):
    words = {"f": "for", "a": "against", "n": "neither", "b": "beside"}
    claim = Claim("id", "t", "s", "st", "make it", "Yes.", "No.")
    assert claim.judged([evidence(words[letter]) for letter in says]).verdict == verdict


def test_of_several_subjects_one_is_enough_and_an_open_one_keeps_the_claim_open():
    good, bad, open_ = (
        [evidence("for")],
        [evidence("for"), evidence("against")],
        [evidence("neither")],
    )
    assert exists([bad, open_, good]) == good
    assert exists([bad, open_]) == open_
    assert exists([bad, bad]) == [*bad, *bad]
    assert exists([]) == []


# what is printed


@pytest.mark.parametrize(
    ("estimate", "said"),
    [
        (None, "X"),
        (Estimate(0.5), "0.5 (no interval)"),
        (Estimate(19_937.0, 19_937.0, 19_937.0), "19,937"),
        (Estimate(0.95, 0.95, 0.95), "0.95"),
        (t_interval([1.0, 2.0, 3.0]), "2.0 ± 2.5"),
        (geometric_interval([0.1, 10.0, 1.0]), "1 [0.00328, 304.9]"),
        (Estimate(20_000.2, 20_000.0, 20_001.0), "20000.2 [20000, 20001]"),
        (Estimate(99.9932, 99.9528, 100.0), "99.9932 [99.9528, 100]"),
        (Estimate(1e-38, 0.0, 3e-38), "1e-38 [0, 3e-38]"),
    ],
)
def test_a_figure_is_shown_with_its_interval(estimate, said):
    assert shown(estimate) == said


@pytest.fixture
def results(tmp_path):
    store = Store(tmp_path)
    for run in torus(joint_bits=(4.0, 0.1)).records:
        store.put(run)
    table_one = Store(tmp_path)
    table_one.runs = tmp_path / "table1"
    for run in table().table_one:
        table_one.put(run)
    return tmp_path


def told(capsys, *arguments):
    code = main(list(map(str, arguments)))
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("width", [60, 100, 160])
def test_the_terminal_text_is_as_wide_as_the_terminal(results, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = told(capsys, "--results", results)
    assert (code, err) == (0, "")
    assert width - 20 < max(map(len, out.splitlines())) <= width
    flat = " ".join(out.split())
    assert "DISAGREE A DAN whose output lives on a torus makes noise" in flat
    assert "- joint bits: 4.00 ± 0.25, claimed: no worse than" in flat
    assert "(N = 2,000, 3 seeds, 3 runs)" in flat
    assert "AGREE DAN destroys its training data" in flat
    assert "measured by: python -m dan_bench.train -m +experiment=saturation" in flat


def test_keys_are_named_where_they_are_asked_for(results, capsys):
    key = torus(joint_bits=(4.0, 0.1)).records[-1].key
    for form in ("table", "markdown"):
        assert key not in told(capsys, "--results", results, "--format", form)[1]
        assert key in told(capsys, "--results", results, "--format", form, "--keys")[1]


def test_markdown_links_each_claim_to_its_figures(results, capsys):
    _, out, _ = told(capsys, "--results", results, "--format", "markdown")
    lines = out.splitlines()
    for claim in CASES:
        assert f"### {claim}" in lines
        assert f"](#{claim}) |" in out
    assert lines[0] == "41 claims: 3 agree, 1 disagree, 0 undecided, 37 not measured."


def test_json_holds_everything_unrounded(results, capsys):
    _, out, _ = told(capsys, "--results", results, "--format", "json")
    by_id = {one["id"]: one for one in json.loads(out)}
    assert set(by_id) == set(CASES)
    found = by_id["torus-is-noise"]
    joint = next(e for e in found["evidence"] if e["figure"] == "joint bits")
    interval = t_interval([3.9, 4.0, 4.1])
    assert joint["estimate"]["high"] == pytest.approx(interval.high)
    assert (joint["says"], joint["seeds"], len(joint["keys"])) == ("against", 3, 3)


def test_an_archive_says_what_the_folder_says(results, tmp_path_factory, capsys):
    archive = tmp_path_factory.mktemp("published")
    publish(results, archive)
    assert told(capsys, "--results", archive) == told(capsys, "--results", results)


def test_without_records_the_exit_code_is_2(tmp_path, capsys):
    code, out, err = told(capsys, "--results", tmp_path)
    assert (code, out) == (2, "")
    assert "make sweep" in err


def test_a_damaged_record_is_named_and_left_out(results, capsys):
    (broken,) = list((results / "runs").glob("*/record.json"))[:1]
    broken.write_text("{")
    code, _, err = told(capsys, "--results", results)
    assert code == 0
    assert str(broken) in err


def test_failed_runs_are_no_evidence(results, capsys):
    shutil.rmtree(results / "runs")
    store = Store(results)
    for run in torus().records:
        failed = RunRecord(run.key, "failed", run.config, run.metrics, traceback="ValueError")
        store.put(failed)
    _, out, _ = told(capsys, "--results", results, "--format", "json")
    by_id = {one["id"]: one["verdict"] for one in json.loads(out)}
    assert by_id["torus-is-noise"] == "not measured"
    assert by_id["table1-dan"] == "agree"


def test_the_command_is_cheap_to_import_and_imports_nothing_heavy():
    program = (
        "import sys, dan_bench.report.findings\n"
        "assert not any('findings.' in name for name in sys.modules)\n"
        "import dan_bench.report.findings.command\n"
        f"print({HEAVY!r} & sys.modules.keys())"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "set()"


def test_every_format_has_every_claim():
    found = findings(world())
    for render in FORMATS.values():
        said = render(found, True, 80)
        assert all(one.id in said for one in found)


def test_the_reproduction_map_names_every_claim_and_no_other():
    page = (Path(__file__).resolve().parents[2] / "docs" / "reproduction.md").read_text()
    last = [line.split("|")[-2] for line in page.splitlines() if line.startswith("| ")]
    assert set(re.findall(r"`([a-z0-9-]+)`", " ".join(last))) == set(CASES)
