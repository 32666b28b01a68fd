"""The report: from a folder of records to tables, byte for byte.

The records are made by hand (`small_sweep`), so that every number in the tables can be worked out
on paper. After an intended change of the tables, write the golden files again with

    PYTHONPATH=tests/support:. python tests/report/test_report.py --regenerate

and look at the difference before you commit it.
"""

import csv
import dataclasses
import io
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from small_sweep import DAN, TRAINING, cells_of, config, records, small_sweep

from dan_bench.config.compose import configure
from dan_bench.config.schema import RunConfig
from dan_bench.interfaces import Estimate
from dan_bench.report import table, write
from dan_bench.report.__main__ import main
from dan_bench.report.leaderboard import Row, leaderboard
from dan_bench.results.record import Store
from dan_bench.statistics import t_interval
from dan_bench.tables import FORMATS

GOLDEN = {
    "table": Path(__file__).parent / "golden" / "report.txt",
    "markdown": Path(__file__).parent / "golden" / "report.md",
}


@pytest.fixture(autouse=True)
def hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for record in small_sweep():
        Store(tmp_path).put(record)
    return tmp_path


@pytest.fixture
def rows() -> list[Row]:
    return leaderboard(small_sweep())


def test_the_records_made_by_hand_have_the_form_of_what_a_run_leaves() -> None:
    defaults = configure().model_dump(mode="json", by_alias=True)
    defaults["trainer"] |= TRAINING["trainer"]
    for record in small_sweep():
        whole = {**defaults, **record.config, "trainer": defaults["trainer"]}
        assert RunConfig.model_validate(whole).scientific().keys() == record.config.keys()


@pytest.mark.parametrize("form", GOLDEN)
def test_the_tables_are_the_golden_ones(results: Path, form: str) -> None:
    good, damaged = Store(results).all()
    assert not damaged
    assert table(good, form) == GOLDEN[form].read_text()


def test_a_missing_cell_is_an_x() -> None:
    text = table(small_sweep(), "markdown")
    of_noise = cells_of(text, "danoise", "dan torus nonsaturating")
    assert of_noise["label rec. %"] == "X"  # noise has no labels
    assert of_noise["other_metric"] == "X"  # nobody measured it there
    assert cells_of(text, "mnist", "identity")["label rec. %"] == "X"
    assert "X" not in cells_of(text, "mnist", "untrained sigmoid")["label rec. %"]


def test_the_header_says_how_many_samples_and_seeds() -> None:
    text = table(small_sweep())
    assert "danoise: N = 1000 held-out samples" in text
    assert "over 3 training seeds" in text
    assert "over 1 to 3 training seeds" in text  # mnist, where one row has a single run


def test_the_verdicts_stand_first_in_every_format(rows: list[Row]) -> None:
    names = ["looks like noise", "gone from output", "gone from disk"]
    text = table(small_sweep(), "markdown")
    found = cells_of(text, "mnist", "untrained sigmoid")
    assert list(found)[1:4] == names
    assert [found[name] for name in names] == ["X", "no", "X"]
    lines = [line.split() for line in table(small_sweep()).splitlines()]
    heads = [lines[i - 2 : i + 1] for i, line in enumerate(lines) if line[:1] == ["subject"]]
    assert len(heads) == 2
    for looks, like, noise in heads:
        assert [*looks[:3], *like[:3]] == ["looks", "gone", "gone", "like", "from", "from"]
        assert noise[1:4] == ["noise", "output", "disk"]
    assert r"\shortstack[c]{looks like \\ noise}" in table(small_sweep(), "latex")
    cells = json.loads(table(small_sweep(), "json"))
    (cell,) = [
        cell
        for cell in cells
        if (cell["data"], cell["model"], cell["metric"]) == ("mnist", "identity", "joint_bits")
    ]
    fields = [cell[name.replace(" ", "_")] for name in names]
    assert fields == [None, "no", None]
    assert "looks_like_noise,gone_from_output,gone_from_disk" in table(small_sweep(), "csv")


def test_seeds_and_sample_size_are_columns_where_rows_differ_in_them() -> None:
    few = config(DAN, "danoise", 0)
    many = {**few, "evaluation": {**few["evaluation"], "samples": 2000}}
    runs = [*records(few, joint_bits=5.0), *records(many, joint_bits=6.0)]
    found = table(small_sweep(), "markdown", metrics=["joint_bits"])
    assert cells_of(found, "mnist", "identity")["seeds"] == "3"
    alone = cells_of(found, "mnist", "dan torus nonsaturating noise_dim=0")
    assert alone["seeds"] == "1"
    by_size = ["data", "model", "evaluation.samples"]
    found = table(runs, "markdown", ["joint_bits"], by_size)
    assert "| gone from disk | N | joint bits |" in found
    assert cells_of(found, "danoise", "dan 2000")["N"] == "2000"


@pytest.mark.parametrize("form", ["csv", "json"])
def test_csv_and_json_give_every_cell_back_unrounded(form: str, rows: list[Row]) -> None:
    text = table(small_sweep(), form)
    parsed = json.loads(text) if form == "json" else list(csv.DictReader(io.StringIO(text)))
    assert len(parsed) == sum(len(row.cells) for row in rows)
    (found,) = [
        cell
        for cell in parsed
        if (cell["data"], cell["model"], cell.get("output"), cell["metric"])
        == ("danoise", "dan", "torus", "joint_bits")
    ]
    expected = t_interval([7.4, 7.5, 7.6])
    assert [float(found[end]) for end in ("mean", "low", "high")] == [
        expected.value,
        expected.low,
        expected.high,
    ]
    assert [int(found[name]) for name in ("seeds", "samples", "rank")] == [3, 1000, 2]


def test_latex_has_the_rules_of_booktabs_and_no_bare_sign() -> None:
    text = table(small_sweep(), "latex")
    tables = text.count(r"\begin{table}")
    assert tables >= 2  # two data sets
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert text.count(rule) == tables
    assert r"\%\_dd" in text
    assert r"python\_random" in text
    assert "±" not in text
    assert re.findall(r"(?<!\\)[%_#]", text) == []
    for one in text.split(r"\begin{table}")[1:]:
        (columns,) = re.findall(r"begin\{tabular\}\{([lcr]+)\}", one)
        lines = [line for line in one.splitlines() if line.endswith(r"\\")]
        assert {line.count(" & ") for line in lines} == {len(columns) - 1}


def test_metrics_chooses_the_columns_and_their_order(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--metrics", "percent_destroyed,joint_bits", "--format", "markdown"]
    assert main(["--results", str(results), *arguments]) == 0
    said = capsys.readouterr().out
    verdicts = "looks like noise | gone from output | gone from disk"
    metrics = "at most %_dd | joint bits |\n"
    assert f"| subject | {verdicts} | {metrics}" in said  # danoise, of 3 seeds each
    assert f"| subject | {verdicts} | seeds | {metrics}" in said  # mnist, of 1 or 3


def test_group_by_makes_other_rows(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    axes = "data,output,model,noise_dim,trainer.max_steps"
    arguments = ["--group-by", axes, "--format", "json", "--metrics", "joint_bits"]
    assert main(["--results", str(results), *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    (dan,) = [
        cell
        for cell in found
        if (cell["data"], cell["model"], cell["output"]) == ("danoise", "dan", "torus")
    ]
    assert dan["mean"] == pytest.approx(7.5)
    assert list(dan)[: axes.count(",") + 1] == axes.split(",")
    assert "objective" not in dan


@pytest.mark.parametrize(
    ("flag", "choices"),
    [
        ("--metrics", ["joint_bits", "percent_destroyed", "label_recovered", "other_metric"]),
        ("--group-by", ["data", "model", "output", "objective", "trainer", "noise_dim"]),
    ],
)
def test_an_unknown_name_is_refused_with_the_names_that_there_are(
    results: Path, flag: str, choices: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--results", str(results), flag, f"{choices[0]},fob"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert [word for word in [flag, "'fob'", *choices] if word not in said.err] == []


def test_an_unknown_format_is_refused_with_the_formats_that_there_are(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--results", str(results), "--format", "word"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert [form for form in FORMATS if form not in said] == []


def test_a_damaged_record_is_named_and_left_out(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--results", str(results)]) == 0
    before = capsys.readouterr()
    broken = next(
        record for record in small_sweep() if record.config["model"]["name"] == "identity"
    )
    path = Store(results).folder(broken.key) / "record.json"
    path.write_text(path.read_text()[:100])
    assert main(["--results", str(results)]) == 0
    after = capsys.readouterr()
    assert str(path) not in before.err
    assert str(path) in after.err
    assert "2 to 3 training seeds" in after.out
    assert "2 to 3 training seeds" not in before.out


def test_failed_runs_are_counted_on_stderr(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--results", str(results)])
    assert "1 failed" in capsys.readouterr().err


def test_no_records_is_refused_with_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--results", str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert str(tmp_path / "nowhere") in said.err
    assert "make sweep" in said.err


def test_the_report_is_written_beside_the_runs(results: Path) -> None:
    assert write(results) == results / "report.md"
    good, _ = Store(results).all()
    assert (results / "report.md").read_text() == table(good, "markdown")
    assert (results / "report.csv").read_text() == table(good, "csv")


def test_the_command_line_prints_the_table_and_imports_nothing_that_trains(results: Path) -> None:
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['report', '--results', {str(results)!r}]\n"
        "try: runpy.run_module('dan_bench.report', run_name='__main__')\n"
        "except SystemExit as ended: assert ended.code == 0, ended.code\n"
        "heavy = {'torch', 'pytorch_lightning', 'wandb', 'hydra'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == GOLDEN["table"].read_text()


def test_a_detail_of_a_metric_is_a_column_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path)
    for record, right in zip(records(config(DAN, "mnist", 0)), (0.4, 0.5, 0.6), strict=True):
        details = {"mlp": right}
        metrics = {"c2st_accuracy": Estimate(0.7, details=details)}
        store.put(dataclasses.replace(record, metrics=metrics))
    arguments = ["--results", str(tmp_path), "--format", "json"]
    assert main([*arguments, "--metrics", "c2st_accuracy.mlp"]) == 0
    (cell,) = json.loads(capsys.readouterr().out)
    assert cell["mean"] == pytest.approx(0.5)
    assert cell["high"] == pytest.approx(t_interval([0.4, 0.5, 0.6]).high)
    assert main([*arguments, "--metrics", "c2st_accuracy.convnet"]) == 2


def regenerate() -> None:
    """Write the golden files from what the report makes of the small sweep today."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        for record in small_sweep():
            store.put(record)
        good, _ = store.all()
    for form, path in GOLDEN.items():
        path.write_text(table(good, form))
        print(f"written: {path}")


if __name__ == "__main__":
    if sys.argv[1:] != ["--regenerate"]:
        sys.exit(__doc__)
    regenerate()
