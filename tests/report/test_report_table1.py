"""Table 1 from records made by hand, so that every cell can be worked out on paper."""

import csv
import dataclasses
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dan_bench.cli import entry_point
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.__main__ import main as report
from dan_bench.report.table1 import (
    ACCURACY,
    ALBUM,
    HEADINGS,
    METRICS,
    OUTPUT,
    TRAINING,
    UnusableNumbers,
    cells,
    main,
    over_seeds,
    render,
    reported_by_paper,
    rows_of,
    store_of,
    text,
)
from dan_bench.results.record import key_of
from dan_bench.table1.__main__ import main as measure
from dan_bench.tables import FORMATS

HEAVY = {"torch", "torchvision", "pytorch_lightning", "wandb", "hydra"}
T_975_2 = 4.302652729911275  # Student's t with two degrees of freedom, from a printed table
UNTOUCHED = Estimate(0.0, 0.0, 0.02, 1000, {"files": 4, "gone": 0, "replaced": 0, "unverified": 0})
ERASED = Estimate(100.0, 99.9, 100.0, 1000, {"files": 4, "gone": 0, "replaced": 0, "unverified": 0})


def counted(estimate, **counts):
    return dataclasses.replace(estimate, details=estimate.details | counts)


def record(subject="dan", seed=0, status="done", training=ERASED, album=UNTOUCHED, **config):
    whole = {"subject": subject, "preset": "quick", "seed": seed, **config}
    return RunRecord(
        key_of(whole),
        status,
        whole,
        {TRAINING: training, ALBUM: album, ACCURACY: Estimate(0.5, 0.4, 0.6)},
        provenance={
            "title": f"{subject.upper()} on its data",
            "position": {"vgg": 0, "dan": 3}.get(subject, 9),
            "stand_in": subject == "vgg",
            "notes": [f"what {subject} is"],
            "unverified": ["somebody moved it"] if training.details["unverified"] else [],
        },
        traceback="Traceback:\nValueError: no" if status == "failed" else None,
    )


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / "reported.toml"
    path.write_text("# nothing\n")
    return path


def test_rows_stand_in_the_order_of_the_preset_and_say_what_stands_in(empty):
    rows = rows_of([record("rm"), record("dan"), record("vgg")], empty)
    assert [row.title for row in rows] == [
        "VGG on its data (stand-in)",
        "DAN on its data",
        "RM on its data",
    ]
    said = render(rows)
    for subject in ("vgg", "dan", "rm"):
        assert said.count(f"what {subject} is") == 1


def test_the_papers_column_is_an_x_where_the_paper_has_no_such_row(empty, tmp_path):
    line = render(rows_of([record()], empty), "markdown").splitlines()[4]
    assert [cell.strip() for cell in line.split("|")][4:7:2] == ["X", "X"]
    filled = tmp_path / "filled.toml"
    filled.write_text("[dan]\ntraining = 12.5\nalbum = 0\n")
    said = render(rows_of([record()], filled), "markdown")
    found = [cell.strip() for cell in said.splitlines()[4].split("|")]
    assert (found[4], found[6]) == ("12.5", "0")


def test_the_papers_own_table_stands_beside_ours():
    """Gontijo Lopes & Deb, Table 1."""
    subjects = ("vgg", "inception", "alphago", "dan", "shred")
    rows = rows_of([record(subject) for subject in subjects])
    reported = {row.subject: row.reported for row in rows}
    untouched = {"training": 0, "album": 0}
    assert reported == {
        **dict.fromkeys(subjects[:3], untouched),
        "dan": {"training": 100, "album": 100},
        "shred": {},
    }
    printed = {row.subject: cells(row)[3:6:2] for row in rows}
    assert printed["alphago"] == ["0", "0"]
    assert printed["dan"] == ["100", "100"]
    assert printed["shred"] == ["X", "X"]
    lines = {form: render(rows, form).splitlines() for form in ("table", "markdown", "latex")}
    (plain,) = (line for line in lines["table"] if line.startswith("DAN"))
    assert [cell for cell in plain.split() if cell == "100"] == ["100", "100"]
    (bold,) = (line for line in lines["markdown"] if line.startswith("| DAN"))
    assert bold.count("| **100** |") == 2
    (bold,) = (line for line in lines["latex"] if line.startswith("DAN"))
    assert bold.count(r"& \textbf{100} &") == 2


def test_what_is_read_from_the_output_has_a_column_of_its_own(empty):
    """So that nobody takes the bytes on disk for what the noise in their place still tells."""
    measured = record()
    measured.metrics[OUTPUT] = Estimate(48.0, 47.0, 49.0)
    (row,) = rows_of([measured], empty)
    assert HEADINGS[6] == "%_dd in the output"
    assert cells(row)[2].startswith("100")
    assert cells(row)[6] == "48.0 ± 1.0"
    (without,) = rows_of([record()], empty)
    assert cells(without)[6] == "X"


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("[alphgo]\ntraining = 1\n", "no subject 'alphgo'; there are alphago, dan, dcdan"),
        ("[dan]\ntrainig = 1\n", "dan has 'trainig', not training or album"),
        ("[dan]\nalbum = 101\n", "dan.album is 101, not a percentage"),
        ("[dan]\nalbum = nan\n", "dan.album is nan, not a percentage"),
        ("[dan]\nalbum = '0'\n", "dan.album is '0', not a percentage"),
        ("[dan]\nalbum = true\n", "dan.album is True, not a percentage"),
        ("dan = 1\n", "dan has 'dan', not training or album"),
        ("[dan\n", "at line 1"),
    ],
)
def test_numbers_of_the_paper_that_cannot_be_used_are_named(tmp_path, written, named):
    path = tmp_path / "reported.toml"
    path.write_text(written)
    with pytest.raises(UnusableNumbers, match=re.escape(named)) as raised:
        rows_of([record()], path)
    assert str(path) in str(raised.value)


def test_the_commands_refuse_them_before_anything_runs(tmp_path, monkeypatch, capsys):
    path = tmp_path / "reported.toml"
    path.write_text("[dan]\nalbum = 101\n")
    monkeypatch.setattr(reported_by_paper, "__defaults__", (path,))
    monkeypatch.setattr(rows_of, "__defaults__", (path,))
    store_of(tmp_path).put(record())
    assert report(["table1", "--results", str(tmp_path)]) == 2
    assert "dan.album is 101" in capsys.readouterr().err
    fresh = tmp_path / "fresh"
    assert measure(["--subjects", "rm", "--results", str(fresh)]) == 2
    assert "dan.album is 101" in capsys.readouterr().err
    assert not fresh.exists()


def test_what_is_unverified_shows_its_whole_interval_and_why(empty):
    doubtful = counted(Estimate(0.0, 0.0, 100.0, 9, ERASED.details), unverified=4)
    rows = rows_of([record(training=doubtful)], empty)
    assert text(rows[0].cells[TRAINING]) == "unverified, 0 to 100"
    assert text(rows[0].cells[ALBUM]) == "0.000 ± 0.020"
    assert "unverified because: somebody moved it" in render(rows)


def test_files_that_are_gone_or_replaced_are_counted():
    assert text(counted(UNTOUCHED, gone=3)).endswith("; 3 of 4 files gone")
    assert text(counted(UNTOUCHED, replaced=1)).endswith("; 1 of 4 files replaced")
    assert text(None) == "X"


def test_seeds_are_averaged_with_students_t():
    values = (97.0, 98.0, 99.0)
    found = over_seeds(
        [
            record(seed=i, training=dataclasses.replace(ERASED, value=v))
            for i, v in enumerate(values)
        ],
        TRAINING,
    )
    half = T_975_2 * 1 / 3**0.5
    assert found.value == pytest.approx(98)
    assert (found.low, found.high) == pytest.approx((98 - half, 98 + half))
    assert found.details["files"] == 12


def test_one_unverified_seed_leaves_the_row_unverified():
    doubtful = counted(Estimate(0.0, 0.0, 100.0, 9, ERASED.details), unverified=4)
    found = over_seeds([record(), record(seed=1, training=doubtful)], TRAINING)
    assert (found.low, found.high) == pytest.approx((99.9 / 2, 100))
    assert text(found).startswith("unverified, ")


def test_a_failed_seed_does_not_hide_the_others_and_is_named(empty):
    (row,) = rows_of([record(), record(seed=1, status="failed")], empty)
    assert row.seeds == 1
    assert "DAN on its data, seed 1, failed: ValueError: no" in render([row])
    assert "(failed)" not in render([row])


def test_a_subject_that_only_failed_still_shows_what_it_did(empty):
    damage = dataclasses.replace(UNTOUCHED, value=42.0, low=42.0, high=42.0)
    (row,) = rows_of([record(status="failed", album=damage)], empty)
    assert "DAN on its data (failed)" in render([row])
    assert "42.0000" in render([row])


def test_rows_of_one_name_are_told_apart_by_what_differs(empty):
    rows = rows_of([record(album_of="mine"), record(album_of="yours")], empty)
    assert sorted(row.title for row in rows) == [
        "DAN on its data album_of=mine",
        "DAN on its data album_of=yours",
    ]


def test_every_format_holds_every_row(empty):
    rows = rows_of([record("vgg"), record("dan")], empty)
    for form in FORMATS:
        said = render(rows, form)
        assert "VGG on its data" in said
        assert "DAN on its data" in said
    latex = render(rows, "latex")
    assert r"\%\_dd" in latex
    assert r"\toprule" in latex
    lines = list(csv.DictReader(io.StringIO(render(rows, "csv"))))
    assert len(lines) == 8
    assert {cell["metric"] for cell in lines} == set(METRICS)
    loaded = json.loads(render(rows, "json"))
    assert [cell["mean"] for cell in loaded["cells"] if cell["metric"] == TRAINING] == [100, 100]
    assert loaded["notes"]


def test_it_prints_again_from_the_folder_alone(tmp_path, capsys):
    assert entry_point(main)(["--results", str(tmp_path)]) == 2
    assert "python -m dan_bench.table1" in capsys.readouterr().err
    store_of(tmp_path).put(record())
    assert main(["--results", str(tmp_path), "--format", "markdown"]) == 0
    assert "DAN on its data" in capsys.readouterr().out
    assert (tmp_path / "table1" / record().key / "record.json").is_file()


def test_printing_imports_nothing_heavy(tmp_path):
    store_of(tmp_path).put(record())
    program = (
        "import sys\nfrom dan_bench.report.table1 import main\n"
        f"assert main(['--results', {str(tmp_path)!r}]) == 0\n"
        f"print({HEAVY!r} & sys.modules.keys())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert (ended.stderr, ended.returncode) == ("", 0)
    assert ended.stdout.splitlines()[-1] == "set()"
