"""Files are the right ones, whoever serves them, or there is an error that says what to do."""

import gzip
import hashlib
import os
import threading
from pathlib import Path

import pytest

from dan_bench.data.fetch import DataUnavailable, fetch, what_is_wrong

RIGHT = {"pictures": b"0123456789" * 50, "labels": b"abc"}
MD5 = {name: hashlib.md5(content).hexdigest() for name, content in RIGHT.items()}


def serving(files):
    def serve(scratch, names):
        for name in set(names) & set(files):
            (scratch / name).write_bytes(files[name])

    return serve


def packed(scratch, names):
    for name in names:
        (scratch / f"{name}.gz").write_bytes(gzip.compress(RIGHT[name]))


def refuse(scratch, names):
    raise ConnectionError("the mirrors are asleep")


WRONG = RIGHT | {"labels": b"abd"}


@pytest.fixture
def folder(tmp_path):
    """Where files are to be put, two levels below what is there."""
    return tmp_path / "datasets" / "things" / "raw"


def put(folder, files):
    folder.mkdir(parents=True)
    serving(files)(folder, files)


def fetched(folder, **servers):
    return fetch("things", MD5, folder, lambda: servers)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_right_files_on_disk_are_used_and_nobody_is_asked(folder):
    put(folder, RIGHT)

    def servers():
        raise AssertionError("somebody was asked")

    assert fetch("things", MD5, folder, servers) == f"things: on disk in {folder}, MD5 sums right"


@pytest.mark.parametrize("name", list(MD5))
def test_a_spoilt_or_missing_file_is_noticed(folder, name):
    put(folder, RIGHT)
    assert what_is_wrong(folder, MD5) == ""
    (folder / name).write_bytes(RIGHT[name][:-1] + b"!")
    assert what_is_wrong(folder, MD5) == f"{name} has the wrong MD5 sum"
    (folder / name).unlink()
    assert what_is_wrong(folder, MD5) == f"{name} is missing"


@pytest.mark.parametrize("serve", [serving(RIGHT), packed], ids=["plain", "gzip"])
def test_what_is_missing_or_wrong_comes_from_the_first_who_has_it(folder, serve, capsys):
    put(folder, WRONG)
    said = fetched(folder, first=refuse, second=serve, third=refuse)
    assert said == f"things: fetched from second into {folder}, MD5 sums right"
    assert contents(folder) == RIGHT
    assert os.listdir(folder.parent) == ["raw"]
    assert capsys.readouterr().err == "things: asking first\nthings: asking second\n"


def test_wrong_or_too_few_files_are_not_accepted_and_what_was_there_is_untouched(folder):
    put(folder, {"labels": b"my own notes"})
    few = serving({"pictures": RIGHT["pictures"]})
    with pytest.raises(DataUnavailable) as failure:
        fetched(folder, wrong=serving(WRONG), few=few, asleep=refuse)
    said = str(failure.value)
    for part in (
        "disk: pictures is missing",
        "wrong: labels has the wrong MD5 sum",
        "few: labels is missing",
        "asleep: ConnectionError: the mirrors are asleep",
        f"Put the files (pictures, labels) into {folder}",
    ):
        assert part in said
    assert contents(folder) == {"labels": b"my own notes"}
    assert os.listdir(folder.parent) == ["raw"]


def test_a_damaged_gzip_file_is_an_answer_like_any_other(folder):
    def cut(scratch, names):
        for name in names:
            (scratch / f"{name}.gz").write_bytes(gzip.compress(RIGHT[name])[:-9])

    assert "fetched from good" in fetched(folder, cut=cut, good=packed)


def test_who_waits_for_a_slow_server_keeps_nobody_else_waiting(folder):
    """One process is stuck in a download; another one has the files all the same."""
    stuck, go_on = threading.Event(), threading.Event()

    def slow(scratch, names):
        stuck.set()
        assert go_on.wait(30)
        packed(scratch, names)

    said = []
    waiting = threading.Thread(target=lambda: said.append(fetched(folder, slow=slow)))
    waiting.start()
    try:
        assert stuck.wait(30)
        assert "fetched from quick" in fetched(folder, quick=packed)
    finally:
        go_on.set()
        waiting.join()
    assert "fetched from slow" in said[0]
    assert contents(folder) == RIGHT


def test_a_server_whose_programs_run_elsewhere_finds_a_relative_folder(folder, monkeypatch):
    """apt and dpkg run in the scratch folder, and `datasets` is relative unless it is changed."""
    folder.parent.mkdir(parents=True)
    monkeypatch.chdir(folder.parent)
    given = []

    def elsewhere(scratch, names):
        given.append(scratch)
        monkeypatch.chdir("/")
        packed(scratch, names)
        monkeypatch.chdir(folder.parent)

    assert "fetched from elsewhere" in fetched(Path(folder.name), elsewhere=elsewhere)
    assert given[0].is_absolute()
    assert contents(folder) == RIGHT
