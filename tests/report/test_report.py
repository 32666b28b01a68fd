"""The report: from a folder of records to tables, byte for byte.

The records are made by hand (`small_sweep`), so that every number in the tables can be worked out
on paper. After an intended change of the tables, write the golden files again with

    python tests/report/test_report.py --regenerate

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
from typing import Any

import numpy as np
import pytest

from dan_bench.config.compose import configure
from dan_bench.config.schema import RunConfig
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report import table, write
from dan_bench.report.__main__ import main
from dan_bench.report.leaderboard import Row, averages, leaderboard
from dan_bench.report.render import FORMATS
from dan_bench.results.record import Store, key_of
from dan_bench.results.values import natural
from dan_bench.statistics import t_interval

GOLDEN = {
    "table": Path(__file__).parent / "golden" / "report.txt",
    "markdown": Path(__file__).parent / "golden" / "report.md",
}
SEEDS = (0, 1, 2)
T_975_2 = 4.302652729911275  # Student's t with two degrees of freedom, from a printed table


def part(module: str, **arguments: Any) -> dict[str, Any]:
    return {"_target_": f"dan_bench.{module}", **arguments}


ADAM = {"_target_": "torch.optim.Adam", "lr": 0.001}
TRAINING = {
    "objective": part("objectives.nonsaturating.Nonsaturating", name="nonsaturating"),
    "optimizer": {"degenerator": ADAM, "discriminator": ADAM},
    "trainer": {
        "max_steps": 100,
        "batch_size": 64,
        "discriminator_steps": 1,
        "gradient_clip": None,
        "ema_decay": 0.0,
        "precision": "32-true",
    },
    "end_to_end": False,
}
CONTROL = {"kind": "control"}
DAN = part("models.dan.DAN", name="dan", kind="learned", input="data_and_noise", scale=1.0)


def config(
    model: dict[str, Any], data: str, seed: int, output: str = "sigmoid", **changes: Any
) -> dict[str, Any]:
    """A scientific config as RunConfig.scientific() gives it."""
    values: dict[str, Any] = {
        "model": model,
        "data": {"_target_": f"dan_bench.data.{data}", "name": data},
        "seed": seed,
        "evaluation": {"samples": 1000, "known": 500, "metrics": {}, "c2st": None, "attacks": {}},
    }
    if data == "danoise":
        values["data"]["seed"] = seed  # as conf/data/danoise.yaml hands the run's seed on
    if model["kind"] != "control":
        values |= {"output": output, "noise_dim": 16}
    if model["kind"] == "learned":
        values |= TRAINING
    return {**values, **changes}


def records(
    values: dict[str, Any], seeds: tuple[int, ...] = SEEDS, spread: float = 0.1, **of: float
) -> list[RunRecord]:
    """One run a seed: the named metrics, and on both sides of each the spread, seed by seed.

    The mean is the named value and the standard deviation is `spread`, both exactly.
    """
    runs = []
    for seed, step in zip(seeds, (-1, 0, 1) if len(seeds) > 1 else (0,), strict=True):
        scientific = {**values, "seed": seed}
        if "seed" in values["data"]:
            scientific["data"] = {**values["data"], "seed": seed}
        metrics: dict[str, Estimate | None] = {
            name: Estimate(value + step * spread * (0.01 if name.endswith("recovered") else 1))
            for name, value in of.items()
        }
        metrics.setdefault("label_recovered", None)
        runs.append(RunRecord(key_of(scientific), "done", scientific, metrics))
    return runs


def small_sweep() -> list[RunRecord]:
    """Two data sets; controls, an untrained network, three trained ones and a failure."""
    python = {**CONTROL, **part("controls.generators.PythonRandom", name="python_random")}
    identity = {**CONTROL, **part("controls.ciphers.Identity", name="identity")}
    untrained = {**DAN, "name": "untrained", "kind": "untrained"}
    longer = {"trainer": {**TRAINING["trainer"], "max_steps": 200}}
    runs: list[RunRecord] = []
    for data, label in (("danoise", {}), ("mnist", {"label_recovered": 0.5})):
        runs += records(
            config(DAN, data, 0, "torus"), joint_bits=7.5, percent_destroyed=99.0, **label
        )
        runs += records(config(DAN, data, 0), joint_bits=5.0, percent_destroyed=80.0, **label)
        runs += records(config(untrained, data, 0), joint_bits=1.0, percent_destroyed=79.8, **label)
        runs += records(
            config(python, data, 0), spread=0.01, joint_bits=7.99, percent_destroyed=99.9
        )
        runs += records(
            config(identity, data, 0), spread=0.0, joint_bits=2.0, percent_destroyed=0.0
        )
    runs += records(config(DAN, "mnist", 0, **longer), joint_bits=5.2, percent_destroyed=81.0)
    alone = records(config(DAN, "mnist", 0, "torus", noise_dim=0), seeds=(1,), other_metric=1 / 3)
    alone[0].metrics["joint_bits"] = Estimate(7.25, 7.0, 7.5)
    failed = config(DAN, "danoise", 9, "torus")
    return [
        *runs,
        *alone,
        RunRecord(key_of(failed), "failed", failed, traceback="ValueError: on purpose"),
    ]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for record in small_sweep():
        Store(tmp_path).put(record)
    return tmp_path


@pytest.fixture
def rows() -> list[Row]:
    return leaderboard(small_sweep())


def row(rows: list[Row], section: str, label: str) -> Row:
    (found,) = [row for row in rows if (row.section, row.label) == (section, label)]
    return found


def labels(rows: list[Row], section: str) -> list[str]:
    return [row.label for row in rows if row.section == section]


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


def test_controls_stand_first_then_the_untrained_then_the_trained(rows: list[Row]) -> None:
    assert [row.section for row in rows] == sorted(row.section for row in rows)
    assert labels(rows, "danoise") == [
        "identity",
        "python_random",
        "untrained sigmoid",
        "dan sigmoid nonsaturating",
        "dan torus nonsaturating",
    ]
    for section in ("danoise", "mnist"):
        kinds = [row.kind for row in rows if row.section == section]
        assert kinds == sorted(kinds, key=("control", "untrained", "learned").index)


def test_a_cell_is_the_mean_and_the_t_interval_over_seeds(rows: list[Row]) -> None:
    # values 7.4, 7.5, 7.6: mean 7.5, standard deviation (ddof = 1) 0.1
    cell = row(rows, "danoise", "dan torus nonsaturating").cells["joint_bits"].estimate
    half = T_975_2 * 0.1 / 3**0.5
    assert cell.n == 3
    assert (cell.value, cell.low, cell.high) == pytest.approx((7.5, 7.5 - half, 7.5 + half))
    assert "7.50 ± 0.25" in table(small_sweep())


def test_a_share_recovered_is_shown_in_percent(rows: list[Row]) -> None:
    cell = row(rows, "mnist", "untrained sigmoid").cells["label_recovered"].estimate
    assert cell.value == pytest.approx(50)
    assert cell.high == pytest.approx(50 + T_975_2 * 0.1 / 3**0.5)


def test_one_run_keeps_the_interval_that_it_came_with(rows: list[Row]) -> None:
    (alone,) = [row for row in rows if row.seeds == 1]
    assert alone.cells["joint_bits"].estimate == Estimate(7.25, 7.0, 7.5, n=1)


def cells_of(text: str, section: str, label: str) -> dict[str, str]:
    """One row of a Markdown table, by heading."""
    lines = text[text.index(f"**{section}**") :].splitlines()
    split = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    (found,) = [cells for cells in split if cells[0] == label][:1]
    return dict(zip(split[2], found, strict=True))


def test_a_missing_cell_is_an_x() -> None:
    text = table(small_sweep(), "markdown")
    of_noise = cells_of(text, "danoise", "dan torus nonsaturating")
    assert of_noise["label rec. %"] == "X"  # noise has no labels
    assert of_noise["other_metric"] == "X"  # nobody measured it there
    assert cells_of(text, "mnist", "identity")["label rec. %"] == "X"
    assert "X" not in cells_of(text, "mnist", "untrained sigmoid")["label rec. %"]


def test_ranks_are_shared_where_intervals_overlap_and_counted_within_a_section(
    rows: list[Row],
) -> None:
    def ranks(metric: str) -> dict[str, int | None]:
        return {row.label: row.cells[metric].rank for row in rows if row.section == "danoise"}

    # half-widths: 0.025 for python_random, 0 for identity, 0.25 for the rest
    assert ranks("joint_bits") == {
        "python_random": 1,
        "dan torus nonsaturating": 2,
        "dan sigmoid nonsaturating": 3,
        "identity": 4,
        "untrained sigmoid": 5,
    }
    # 80.0 and 79.8, each within 0.25 of the other
    assert ranks("percent_destroyed") == {
        "python_random": 1,
        "dan torus nonsaturating": 2,
        "dan sigmoid nonsaturating": 3,
        "untrained sigmoid": 3,
        "identity": 5,
    }


def test_a_metric_that_no_one_knows_the_better_side_of_has_no_rank(rows: list[Row]) -> None:
    (cell,) = [row.cells["other_metric"] for row in rows if "other_metric" in row.cells]
    assert cell.rank is None


def test_the_header_says_how_many_samples_and_seeds() -> None:
    text = table(small_sweep())
    assert "danoise: N = 1000 held-out samples" in text
    assert "over 3 training seeds" in text
    assert "over 1 to 3 training seeds" in text  # mnist, where one row has a single run


def test_runs_that_differ_in_more_than_the_seed_are_not_averaged(rows: list[Row]) -> None:
    found = [label for label in labels(rows, "mnist") if label.startswith("dan")]
    assert found == [
        "dan sigmoid nonsaturating trainer.max_steps=100",
        "dan sigmoid nonsaturating trainer.max_steps=200",
        "dan torus nonsaturating noise_dim=0",
        "dan torus nonsaturating noise_dim=16",
    ]
    assert row(rows, "mnist", found[0]).cells["joint_bits"].estimate.value == pytest.approx(5.0)
    assert row(rows, "mnist", found[1]).cells["joint_bits"].estimate.value == pytest.approx(5.2)


def test_runs_that_differ_in_the_seed_alone_are_one_row_whatever_seed_their_data_has() -> None:
    values = config(DAN, "danoise", 0)
    fixed = {**values, "data": {**values["data"], "seed": 0}}  # data.seed=0 seed=0,1,2
    configs = [{**fixed, "seed": seed} for seed in SEEDS]
    runs = [RunRecord(key_of(c), "done", c, {"joint_bits": Estimate(7.0)}) for c in configs]
    assert [(row.label, row.seeds) for row in leaderboard(runs)] == [
        ("dan sigmoid nonsaturating", 3)
    ]


def test_runs_on_different_noise_are_not_averaged() -> None:
    runs = []
    for noise in (7, 8):
        values = config(DAN, "danoise", 0)
        values["data"] = {**values["data"], "seed": noise}
        for seed in SEEDS:
            scientific = {**values, "seed": seed}
            runs.append(RunRecord(key_of(scientific), "done", scientific, {"a": Estimate(noise)}))
    found = leaderboard(runs)
    assert [(row.seeds, row.cells["a"].estimate.value) for row in found] == [(3, 7), (3, 8)]
    assert [row.label.rsplit(" ", 1)[1] for row in found] == ["data.seed=7", "data.seed=8"]


def test_many_means_at_once_are_each_the_t_interval_to_the_last_bit() -> None:
    draw = np.random.default_rng(0)
    groups = [
        [RunRecord("", "done", {}, {"a": Estimate(v)}) for v in draw.normal(size=n).tolist()]
        for n in range(2, 40)
        for _ in range(5)
    ]
    for runs, found in zip(groups, averages(groups, "a"), strict=True):
        assert found == t_interval([run.metrics["a"].value for run in runs])  # type: ignore[union-attr]
    assert averages([[], groups[0]], "b") == [None, None]


def test_the_verdicts_stand_first_in_every_format(rows: list[Row]) -> None:
    names = ["looks like noise", "gone from output", "gone from disk"]
    text = table(small_sweep(), "markdown")
    found = cells_of(text, "mnist", "untrained sigmoid")
    assert list(found)[1:4] == names
    assert [found[name] for name in names] == ["X", "no", "X"]
    for line in table(small_sweep()).splitlines():
        if line.startswith("subject"):
            assert line.index(names[0]) < line.index(names[1]) < line.index(names[2])
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


def test_ideal_noise_looks_like_noise_by_definition() -> None:
    values = config(DAN, "mnist", 0)
    values["evaluation"] = {**values["evaluation"], "samples": 10_000}
    metrics = {"shannon_bits": Estimate(7.0, n=7_840_000), "joint_bits": Estimate(7.0)}
    (ideal, row) = leaderboard([RunRecord(key_of(values), "done", values, metrics)])
    assert [verdict.word for verdict in ideal.verdicts.values()] == ["yes", "X", "X"]
    assert [verdict.word for verdict in row.verdicts.values()] == ["no", "X", "X"]


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


def test_failed_runs_are_no_part_of_any_row(rows: list[Row]) -> None:
    assert {row.seeds for row in rows if row.section == "danoise"} == {3}


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
    assert f"| subject | {verdicts} | %_dd | joint bits |\n" in said  # danoise, of 3 seeds each
    assert f"| subject | {verdicts} | seeds | %_dd | joint bits |\n" in said  # mnist, of 1 or 3


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


def test_settings_are_in_the_order_of_their_numbers():
    labels = [
        "noise_dim=0",
        "noise_dim=2",
        "noise_dim=16",
        "noise_dim=784",
        "scale=1.0",
        "²=1",
        "٣",
    ]
    assert sorted(labels, key=natural) == labels
