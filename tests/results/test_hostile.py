"""Results that somebody else has written: damaged and forged files are refused by name.

Whatever is in them, nothing is run, nothing is written elsewhere, and no command ends in a
traceback.
"""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from archive_records import made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junk import JUNK

from dan_bench.interfaces import RunRecord
from dan_bench.results.archive import Archive, open_results, publish
from dan_bench.results.cache import from_table, to_table
from dan_bench.results.record import DamagedRecord, Store, key_of, read

MARK = "PWNED"
pytestmark = pytest.mark.usefixtures("elsewhere")


PLACES = [
    *((name,) for name in asdict(made(0))),
    *(("config", name) for name in made(0).config),
    ("config", "model", "name"),
    ("config", "model", "kind"),
    ("config", "data", "name"),
    ("config", "evaluation", "samples"),
    ("config", "subject"),
    ("metrics", "a"),
    *(("metrics", "a", name) for name in ("value", "low", "high", "n", "details")),
    ("metrics", "a", "details", "b"),
    ("costs", "seconds"),
]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(place=st.sampled_from(PLACES), junk=JUNK, keyed=st.booleans())
def test_a_record_with_anything_anywhere_is_good_or_damaged(
    place: tuple[str, ...], junk: Any, keyed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With its key made anew: a good one can be written again, tabled, and put into an archive."""
    values = json.loads(json.dumps(asdict(made(0))))
    *way, last = place
    inner = values
    for name in way:
        inner = inner[name]
    inner[last] = junk
    if keyed:
        try:
            values["key"] = key_of(values["config"])
        except (ValueError, TypeError):
            return
    results = tmp_path_factory.mktemp("results")
    folder = results / "runs" / (values["key"] if keyed else made(0).key)
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(values))
    good, damaged = open_results(results).all()
    assert len(good) + len(damaged) == 1
    for found in good:
        again = results / "again"
        Store(again).put(found)
        assert from_table(to_table([found])) == [found]
        if found.status == "done":
            publish(results, results / "archive")
            assert [one.key for one in Archive(results / "archive").all()[0]] == [found.key]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 100_000, "RecursionError"),
        ('{"a":' * 100_000, "RecursionError"),
        ("9" * 5000, "ValueError"),
        (" " * (1 << 23), "bytes"),
        ("\x00" * 100, "JSONDecodeError"),
        ("", "JSONDecodeError"),
    ],
    ids=["nested lists", "nested objects", "a huge number", "a huge file", "zeros", "nothing"],
)
def test_text_that_is_no_record(text: str, why: str, tmp_path: Path, record: RunRecord) -> None:
    path = Store(tmp_path).folder(record.key) / "record.json"
    path.write_text(text)
    with pytest.raises(DamagedRecord, match=why):
        read(path)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
@pytest.mark.parametrize("part", ["value", "low", "high", "n", "details", "costs", "config"])
def test_a_number_that_is_not_finite_is_in_no_record(
    number: str, part: str, tmp_path: Path, record: RunRecord
) -> None:
    """Least of all in its metrics: what is not finite would be ranked first or last."""
    path = Store(tmp_path).folder(record.key) / "record.json"
    values = json.loads(path.read_text())
    parts = {"details": values["metrics"]["a"]["details"], "costs": values["costs"]}
    parts["config"] = values["config"]
    parts.get(part, values["metrics"]["a"])[part] = "HERE"
    path.write_text(json.dumps(values).replace('"HERE"', number))
    with pytest.raises(DamagedRecord):
        read(path)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link(to: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.unlink()
        path.symlink_to(to)

    return make


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


NO_FILES = {
    "a pipe": pipe,
    "an endless device": link("/dev/zero"),
    "a link to itself": link("record.json"),
    "a folder": folder,
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_not_waited_for(kind: str, tmp_path: Path, record: RunRecord) -> None:
    path = Store(tmp_path).folder(record.key) / "record.json"
    NO_FILES[kind](path)
    with pytest.raises((DamagedRecord, FileNotFoundError)):
        read(path)
    assert open_results(tmp_path).all()[0] == []
    for name in ("curves.parquet", "samples.npy"):
        NO_FILES[kind](path.with_name(name))
    assert Store(tmp_path).curves(record.key) is None or kind == "a link to itself"
    assert Store(tmp_path).array(record.key, "samples") is None


def test_a_key_leads_nowhere_else(tmp_path: Path, record: RunRecord) -> None:
    """Neither of a record, whose folder has its name, nor of an archive."""
    lost = replace(record, key="../../etc")
    path = Store(tmp_path).folder(record.key) / "record.json"
    path.write_text(json.dumps(asdict(lost)))
    assert open_results(tmp_path).all()[0] == []
    archive = tmp_path / "archive"
    archive.mkdir()
    pq.write_table(to_table([lost]), archive / "records.parquet")
    good, damaged = Archive(archive).all()
    assert good == []
    assert "../../etc" in damaged[archive / "records.parquet"]


ESCAPE = "\x1b[2J"


@pytest.mark.parametrize("sign", [ESCAPE, "\u202e", "\ud800", "a\nb"])
@pytest.mark.parametrize("place", ["model", "setting", "name of a setting", "provenance", "metric"])
def test_what_no_terminal_should_be_shown_is_in_no_record(
    sign: str, place: str, tmp_path: Path, record: RunRecord
) -> None:
    values = asdict(record)
    if place == "model":
        values["config"]["model"]["name"] = sign
    elif place == "setting":
        values["config"]["model"]["sizes"] = [{"a": sign}]
    elif place == "name of a setting":
        values["config"][sign] = 1
    elif place == "provenance":
        values["provenance"] = {"commit": sign}
    else:
        values["metrics"][sign] = None
    values["key"] = key_of(values["config"])
    results = tmp_path / "forged"
    (results / "runs" / values["key"]).mkdir(parents=True)
    (results / "runs" / values["key"] / "record.json").write_text(json.dumps(values))
    good, damaged = open_results(results).all()
    assert good == []
    assert all(message.isprintable() for message in damaged.values())


@pytest.mark.parametrize("traceback", [f"one\n{ESCAPE}two\tthree", "", " \n ", "one\rtwo"])
def test_of_a_traceback_what_can_be_shown_is_shown(traceback: str, tmp_path: Path) -> None:
    """Others colour theirs: the run is not lost for that."""
    Store(tmp_path).put(replace(made(0), status="failed", traceback=traceback))
    (found,), _ = open_results(tmp_path).all()
    assert found.traceback
    assert all(line.isprintable() and line.strip() for line in found.traceback.splitlines())
    assert ("two" in found.traceback) == ("two" in traceback)


def test_an_interval_has_two_ends(tmp_path: Path, record: RunRecord) -> None:
    path = Store(tmp_path).folder(record.key) / "record.json"
    values = json.loads(path.read_text())
    values["metrics"]["a"]["low"] = 0.0
    path.write_text(json.dumps(values))
    with pytest.raises(DamagedRecord, match="one end"):
        read(path)
