"""Table 1: what subjects do to files shows up, and nothing else is ever touched.

Whatever is damaged here lies in folders that the tests make. How large a %_dd can be vouched for
depends on the file system that the tests run on, so what is asserted of damage is what was seen,
the interval's upper end, and of the vouched value only that it is right where files are left alone.
"""

import json
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from table1_rows import contents, preset, records, runs, saboteur, table, vouched

from dan_bench.report.table1 import ALBUM, TRAINING, store_of
from dan_bench.results.record import Store
from dan_bench.sweep import local
from dan_bench.table1.__main__ import main
from dan_bench.table1.workspace import copy_files, refuse_overlap, regular_files, scratch


@pytest.fixture
def album(tmp_path):
    """An album of the user's own."""
    folder = tmp_path / "pictures"
    (folder / "1999").mkdir(parents=True)
    for number in range(3):
        content = np.random.default_rng(number).bytes(5000 + number)
        (folder / "1999" / f"{number}.jpg").write_bytes(content)
    return folder


# what is done to files shows up


def test_a_subject_that_does_nothing_has_destroyed_nothing(tmp_path, album):
    assert table(tmp_path, "--preset", preset(tmp_path, idle=saboteur("nothing", "training")),
                 "--album", album) == 0  # fmt: skip
    found = records(tmp_path)["idle"].metrics
    for column in (TRAINING, ALBUM):
        assert found[column].value == found[column].low == 0
        assert found[column].high < 0.2
        assert not any(found[column].details[k] for k in ("gone", "replaced", "unverified"))


@pytest.mark.parametrize("folder", ["training", "album"])
@pytest.mark.parametrize("deed", ["overwrite", "truncate", "delete", "replace"])
def test_a_saboteur_shows_up_in_the_right_column(tmp_path, album, deed, folder):
    before = contents(album)
    chosen = preset(tmp_path, saboteur=saboteur(deed, folder))
    assert table(tmp_path, "--preset", chosen, "--album", album) == 0
    record = records(tmp_path)["saboteur"]
    hit, spared = (TRAINING, ALBUM) if folder == "training" else (ALBUM, TRAINING)
    damage, other = record.metrics[hit], record.metrics[spared]
    share = 100 / {"training": 2, "album": 3}[folder]  # files are of about the same size
    if deed == "overwrite":
        assert damage.high == pytest.approx(share, abs=1)
        assert damage.value == pytest.approx(share if vouched(tmp_path) else 0, abs=1)
    elif deed == "truncate":
        assert damage.high == pytest.approx(share, abs=1)
        assert damage.value == pytest.approx(0, abs=1)
        assert damage.details["unverified"] == 1
        assert record.provenance["unverified"]
    else:
        fate = {"delete": "gone", "replace": "replaced"}[deed]
        assert damage.details[fate] == 1
        assert damage.value == 0  # the old bytes are where they were
    assert other.value == 0
    assert other.high < 0.2
    assert not any(other.details[k] for k in ("gone", "replaced", "unverified"))
    assert contents(album) == before
    files = pd.read_parquet(tmp_path / "results" / "table1" / record.key / "files.parquet")
    assert len(files) == 5
    assert (files.fate == "there").sum() == (4 if deed in ("delete", "replace") else 5)


def test_the_table_says_so_too(tmp_path, album, capsys):
    chosen = preset(tmp_path, thief=saboteur("delete", "album"))
    assert table(tmp_path, "--preset", chosen, "--album", album) == 0
    said = capsys.readouterr().out
    assert "1 of 3 files gone" in said
    assert "a copy of 3 files of yours" in said


# failures, and what was done before


def test_a_failure_is_recorded_and_stops_nobody(tmp_path, album, capsys):
    chosen = preset(
        tmp_path,
        first=saboteur("overwrite", "album", fails=True),
        second=saboteur("nothing", "training"),
    )
    assert table(tmp_path, "--preset", chosen, "--album", album) == 1
    found = records(tmp_path)
    assert found["first"].status == "failed"
    assert "ArithmeticError: after the deed" in found["first"].traceback
    assert found["first"].metrics[ALBUM].high > 30  # what it did until then, it has done
    assert found["second"].status == "done"
    captured = capsys.readouterr()
    assert "the first (failed)" in captured.out
    assert "ArithmeticError" in captured.err
    assert runs(tmp_path) == 2
    # the failed one is tried again, the finished one is not
    assert table(tmp_path, "--preset", chosen, "--album", album) == 1
    assert runs(tmp_path) == 3


def test_a_finished_row_is_printed_again_without_being_run(tmp_path, album, capsys):
    chosen = preset(tmp_path, one=saboteur("nothing", "training"))
    asked = ("--preset", chosen, "--album", album, "--seeds", 2)
    assert table(tmp_path, *asked) == 0
    first = capsys.readouterr().out
    assert runs(tmp_path) == 2
    assert table(tmp_path, *asked) == 0
    assert capsys.readouterr().out == first
    assert runs(tmp_path) == 2
    (album / "one more").write_bytes(b"another album is another question")
    assert table(tmp_path, *asked) == 0
    assert runs(tmp_path) == 4


def test_progress_does_not_mix_with_what_is_printed(tmp_path, album, capsys):
    chosen = preset(tmp_path, one=saboteur("nothing", "training"))
    assert table(tmp_path, "--preset", chosen, "--album", album, "--format", "json",
                 progress="plain") == 0  # fmt: skip
    captured = capsys.readouterr()
    assert json.loads(captured.out)["cells"]
    assert "[1/1] the one, seed 0: running" in captured.err
    assert "[1/1] the one, seed 0: done" in captured.err


def test_interrupted_it_leaves_no_copy_behind(tmp_path, album, monkeypatch):
    chosen = preset(tmp_path, slow=saboteur("wait", "training"))
    folder = tmp_path / "results" / "table1"

    def interrupt(connections, timeout):
        if (folder / "ran.txt").exists():
            raise KeyboardInterrupt
        return wait(connections, timeout)

    monkeypatch.setattr(local, "wait", interrupt)
    assert table(tmp_path, "--preset", chosen, "--album", album) == 130
    assert not list(folder.rglob("*.jpg"))
    assert not (folder / "scratch").exists()


def test_paths_are_expanded_once(tmp_path, album, monkeypatch, capsys):
    monkeypatch.setenv("NAME", "$HOME")
    album.rename(tmp_path / "$HOME")
    chosen = preset(tmp_path, one=saboteur("nothing", "training"))
    for results in (tmp_path / "$HOME", tmp_path / "a${b}, c"):
        typed = str(results).replace("$HOME", "$NAME")
        paths = [
            "--results",
            typed,
            "--album",
            f"{tmp_path}/$NAME",
            "--scratch",
            str(tmp_path / "s"),
        ]
        assert main(["--preset", chosen, "--progress", "quiet", *paths]) == 0
        assert len(store_of(results).all()[0]) == 1


# what is refused, with nothing touched


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x95", "a.yaml is no entry of Table 1"),
        (b"table1: {position: x}", "a.yaml is no entry of Table 1"),
        (b"table1: {position: 1}", "no entry has in_paper; --subjects takes a"),
    ],
)
def test_a_file_that_is_no_entry_is_refused(tmp_path, content, said, capsys):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.yaml").write_bytes(content)
    assert table(tmp_path, "--preset", tmp_path / "own") == 2
    assert said in capsys.readouterr().err


def test_a_folder_of_ones_own_may_be_called_as_ours_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path(preset(tmp_path, mine=saboteur("nothing", "training"))).rename("quick")
    assert table(tmp_path, "--preset", "./quick", "--subjects", "nobody") == 2
    assert "there are mine" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--album", "--imagenet", "--mp3"])
def test_folders_that_overlap_with_the_scratch_folder_are_refused(tmp_path, album, flag, capsys):
    chosen = preset(tmp_path, one=saboteur("overwrite", "training"))
    before = contents(album)
    for inner, outer in ((album / "scratch", album), (album, album), (album, tmp_path)):
        asked = ("--preset", chosen, "--scratch", inner if outer == album else outer)
        assert table(tmp_path, *asked, flag, album) == 2
        assert flag in capsys.readouterr().err
        assert contents(album) == before
    assert not (tmp_path / "results" / "table1").exists()


def test_an_overlap_through_a_link_is_seen(tmp_path, album):
    (tmp_path / "link").symlink_to(album)
    with pytest.raises(ValueError, match="lie in one another"):
        refuse_overlap(tmp_path / "link", album / "scratch", "--album")
    refuse_overlap(album, tmp_path / "elsewhere", "--album")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--subjects", "nobody"], "no nobody; there are one"),
        (["--album", "/nowhere/at/all"], "is not a folder"),
        (["--preset", "huge"], "quick or paper, or a folder"),
        (["--preset", "/nowhere"], "quick or paper, or a folder"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path, arguments, said, capsys):
    chosen = preset(tmp_path, one=saboteur("overwrite", "training"))
    assert table(tmp_path, "--preset", chosen, *arguments) == 2
    assert said in capsys.readouterr().err


def test_the_scratch_folder_is_removed_and_nothing_that_took_its_place(tmp_path):
    canary = tmp_path / "precious"
    canary.mkdir()
    (canary / "file").write_bytes(b"precious")
    with scratch(tmp_path / "s") as place:
        (place.training / "x").write_bytes(b"x")
        (place.work / "out").symlink_to(canary)
    assert not place.root.exists()
    with scratch(tmp_path / "s") as place:
        place.root.rename(tmp_path / "moved")
        place.root.symlink_to(canary)
    with scratch(tmp_path / "s") as other:
        other.root.rename(tmp_path / "moved too")
        canary.rename(other.root)
    assert (other.root / "file").read_bytes() == b"precious"


def test_links_and_hidden_files_are_not_copied(tmp_path, album):
    (album / ".hidden").write_bytes(b"x")
    (album / "link.jpg").symlink_to(album / "1999" / "0.jpg")
    (album / "out").symlink_to(tmp_path)
    files = regular_files(album, "--album")
    target = tmp_path / "copy"
    copy_files(files, album, target)
    assert contents(target) == {k: v for k, v in contents(album).items() if k.startswith("1999")}


def test_store_and_report_agree_on_the_place(tmp_path):
    assert store_of(tmp_path).runs == tmp_path / "table1"
    assert Store(tmp_path).runs != store_of(tmp_path).runs
