"""`report findings`: what is printed of the claims, in each format, and the exit codes."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from claim_cases import CASES
from claim_records import control, table, torus, world

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.__main__ import main
from dan_bench.report.claims.judge import findings
from dan_bench.report.claims.render import FORMATS, shown
from dan_bench.report.saturation import geometric_interval
from dan_bench.results.archive import publish
from dan_bench.results.record import Store
from dan_bench.statistics import t_interval

HEAVY = {"torch", "torchvision", "pytorch_lightning", "wandb", "hydra", "altair"}


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
    for run in table().records:
        table_one.put(run)
    return tmp_path


def printed(capsys, *arguments):
    code = main(["findings", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("width", [60, 100, 160])
def test_the_terminal_text_is_as_wide_as_the_terminal(results, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = printed(capsys, "--results", results)
    assert (code, err) == (0, "")
    assert width - 20 < max(map(len, out.splitlines())) <= width
    flat = " ".join(out.split())
    assert "DISAGREE A DAN whose output lives on a torus makes noise" in flat
    assert "- joint bits: 4.00 ± 0.25, claimed: no less than" in flat
    assert "(N = 2,000, 3 seeds, 3 runs)" in flat
    assert "AGREE DAN destroys its training data" in flat
    assert "measured by: python -m dan_bench.train -m +experiment=saturation" in flat


def test_keys_are_named_where_they_are_asked_for(results, capsys):
    key = torus(joint_bits=(4.0, 0.1)).records[-1].key
    for form in ("table", "markdown"):
        assert key not in printed(capsys, "--results", results, "--format", form)[1]
        assert key in printed(capsys, "--results", results, "--format", form, "--keys")[1]


def test_markdown_links_each_claim_to_its_figures(results, capsys):
    _, out, _ = printed(capsys, "--results", results, "--format", "markdown")
    lines = out.splitlines()
    for claim in CASES:
        assert f"### {claim}" in lines
        assert f"](#{claim}) |" in out
    assert lines[0] == "47 claims: 3 agree, 1 disagree, 0 undecided, 43 not measured."


def test_json_holds_everything_unrounded(results, capsys):
    _, out, _ = printed(capsys, "--results", results, "--format", "json")
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
    assert printed(capsys, "--results", archive) == printed(capsys, "--results", results)


def test_without_records_the_exit_code_is_2(tmp_path, capsys):
    code, out, err = printed(capsys, "--results", tmp_path)
    assert (code, out) == (2, "")
    assert "make sweep" in err


def test_a_damaged_record_is_named_and_left_out(results, capsys):
    (broken,) = list((results / "runs").glob("*/record.json"))[:1]
    broken.write_text("{")
    code, _, err = printed(capsys, "--results", results)
    assert code == 0
    assert str(broken) in err


def test_failed_runs_are_no_evidence(results, capsys):
    shutil.rmtree(results / "runs")
    store = Store(results)
    for run in torus().records:
        failed = RunRecord(run.key, "failed", run.config, run.metrics, traceback="ValueError")
        store.put(failed)
    _, out, _ = printed(capsys, "--results", results, "--format", "json")
    by_id = {one["id"]: one["verdict"] for one in json.loads(out)}
    assert by_id["torus-is-noise"] == "not measured"
    assert by_id["table1-dan"] == "agree"


def test_the_command_is_cheap_to_import_and_imports_nothing_heavy():
    program = (
        "import sys, dan_bench.report.claims\n"
        "assert not any('claims.' in name for name in sys.modules)\n"
        "import dan_bench.report.claims.render\n"
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


def test_findings_name_strange_data_on_one_line():
    noise = {"shannon_bits": (8.0, 0.0), "linear_complexity": (1.0, 0.0)}
    part = control("python_random", noise, data="mine|v2\n# <b>")
    for one in part:
        details = {"complexity": 19_937.0, "bits": 40_000, "p_value": 1e-38}
        one.metrics["linear_complexity"].details.update(details)
    text = FORMATS["markdown"](findings(world(part)), True, 80)
    assert r"on mine\|v2\\n# \<b>" in text
    assert "\n# <b>" not in text
