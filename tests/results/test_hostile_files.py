"""Curves, arrays and archives that somebody else has written: the damaged ones are refused."""

import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_records import made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from junk import JUNK

from dan_bench.cli import InputError
from dan_bench.interfaces import Results, RunRecord
from dan_bench.report import write
from dan_bench.report.__main__ import main as report
from dan_bench.results import reading
from dan_bench.results.archive import Archive, npz, publish
from dan_bench.results.cache import CachedStore, to_table
from dan_bench.results.reading import DAMAGES
from dan_bench.results.record import Store

MARK = "PWNED"
pytestmark = pytest.mark.usefixtures("elsewhere")


class Command:
    """A pickle that runs a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {MARK}",)


def flipped(whole: bytes, at: int) -> bytes:
    return whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :]


def read_or_named(results: Results, key: str, name: str) -> bool:
    """Whether curves and arrays are read, or the file of that name is said to be damaged."""
    fine = True
    for part in ("curves", "samples", "inputs"):
        try:
            results.curves(key) if part == "curves" else results.array(key, part)
        except InputError as error:
            fine &= name in str(error)
    return fine


# --- tables and arrays ----------------------------------------------------------------------------


def array(of: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, of, allow_pickle=True)
    return out.getvalue()


def claiming(shape: str, descr: str = "'|u1'") -> bytes:
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    padded = header + " " * (117 - len(header)) + "\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded.encode() + b"\0" * 8


ARRAYS = {
    "of objects": array(np.array([Command()], dtype=object)),
    "a pickle": pickle.dumps(Command()),
    "a zip": npz({"samples": np.arange(3)}),
    "texts": array(np.array(["a", "b"])),
    "a record": array(np.zeros(2, dtype=[("a", "u1"), ("b", "O")])),
    "of terabytes": claiming("(1000000000, 1000000)"),
    "of a shape beyond numbers": claiming("(" + "9" * 30 + ",)"),
    "of a negative shape": claiming("(-1, 4)"),
    "of a shape that is code": claiming(f"__import__('os').system('touch {MARK}')"),
    "of a type that is code": claiming("(1,)", f"__import__('os').system('touch {MARK}')"),
    "empty": b"",
    "cut off": array(np.arange(8, dtype=np.uint8))[:-3],
    "of noise": bytes(range(256)) * 4,
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_that_is_none_is_refused(kind: str, tmp_path: Path, record: RunRecord) -> None:
    path = Store(tmp_path).folder(record.key) / "samples.npy"
    path.write_bytes(ARRAYS[kind])
    with pytest.raises(InputError, match=r"samples\.npy is damaged"):
        Store(tmp_path).array(record.key, "samples")
    with zipfile.ZipFile(tmp_path / "arrays.npz", "w") as file:
        file.writestr(f"{record.key}/samples.npy", ARRAYS[kind])
    if kind != "texts":  # by which an entry names another
        with pytest.raises(InputError, match="is damaged"):
            Archive(tmp_path).array(record.key, "samples")


@pytest.mark.parametrize("name", ["nowhere", "key/samples", "../../etc/passwd"])
def test_an_array_that_names_another_names_one_of_its_archive(name: str, tmp_path: Path) -> None:
    (tmp_path / "arrays.npz").write_bytes(npz({"key/samples": np.array(name)}))
    with pytest.raises(InputError, match="key/samples is damaged"):
        Archive(tmp_path).array("key", "samples")


def test_arrays_that_unpack_to_more_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zeros = npz({"key/samples": np.zeros(1_000_000, np.uint8)})
    assert len(zeros) < 3000
    (tmp_path / "arrays.npz").write_bytes(zeros)
    found = Archive(tmp_path).array("key", "samples")
    assert found is not None
    assert not found.any()
    monkeypatch.setattr("dan_bench.results.archive.MOST_UNPACKED", 900_000)
    with pytest.raises(InputError, match="bytes"):
        Archive(tmp_path).array("key", "samples")


def table(**columns: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


TABLES = {
    "of texts": table(step=["a", "b"]),
    "of lists": table(step=[[1.0], [2.0]]),
    "of pickles": table(step=[pickle.dumps(Command())]),
    "empty": b"",
    "a pickle": pickle.dumps(Command()),
    "its ends alone": b"PAR1" * 5,
    "a length beyond numbers": b"PAR1" + b"\xff" * 100 + b"\xff\xff\xff\x7fPAR1",
}


@pytest.mark.parametrize("kind", TABLES)
def test_curves_that_are_none_are_refused(kind: str, tmp_path: Path, record: RunRecord) -> None:
    path = Store(tmp_path).folder(record.key) / "curves.parquet"
    for place in (path, tmp_path / "curves.parquet", tmp_path / "records.parquet"):
        place.write_bytes(TABLES[kind])
    with pytest.raises(InputError, match=r"curves\.parquet is damaged"):
        Store(tmp_path).curves(record.key)
    with pytest.raises(InputError, match=r"curves\.parquet is damaged"):
        Archive(tmp_path).curves(record.key)
    good, damaged = Archive(tmp_path).all()
    assert good == []
    assert "not an archive" in damaged[tmp_path / "records.parquet"]


def test_a_table_of_more_rows_than_there_are_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of equal rows a thousand million are a few bytes."""
    path = tmp_path / "curves.parquet"
    pq.write_table(pa.table({"step": np.zeros(3_000_000)}), path)
    assert path.stat().st_size < 20_000
    assert reading.read_table(path).num_rows == 3_000_000
    monkeypatch.setattr(reading, "MOST_CELLS", 2_999_999)
    with pytest.raises(ValueError, match="3,000,000 rows"):
        reading.read_table(path)


@pytest.mark.parametrize("name", ["records.parquet", "curves.parquet", "arrays.npz"])
def test_an_archive_cut_anywhere_or_with_any_bit_flipped(
    name: str, tmp_path: Path, record: RunRecord
) -> None:
    """It is refused, or what it says is of the right form."""
    publish(tmp_path, tmp_path / "archive")
    path = tmp_path / "archive" / name
    whole = path.read_bytes()
    places = sorted({*range(0, len(whole), max(1, len(whole) // 60)), *range(8)})
    for damaged in [*(whole[:at] for at in places), *(flipped(whole, at) for at in places)]:
        path.write_bytes(damaged)
        archive = Archive(tmp_path / "archive")
        good, _ = archive.all()
        assert [len(one.key) for one in good] in ([], [16])
        assert read_or_named(archive, record.key, name)


@pytest.mark.parametrize("name", ["curves.parquet", "samples.npy", "record.json"])
def test_a_file_of_a_run_cut_anywhere_or_with_any_bit_flipped(
    name: str, tmp_path: Path, record: RunRecord
) -> None:
    path = Store(tmp_path).folder(record.key) / name
    whole = path.read_bytes()
    places = sorted({*range(0, len(whole), max(1, len(whole) // 80)), *range(8)})
    for damaged in [*(whole[:at] for at in places), *(flipped(whole, at) for at in places)]:
        path.write_bytes(damaged)
        store = CachedStore(tmp_path)
        good, faults = store.all()
        assert len(good) + len(faults) == 1
        assert read_or_named(store, record.key, name)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(column=st.sampled_from(sorted(to_table([made(0)]).column_names)), junk=JUNK)
def test_a_table_of_records_with_anything_in_a_column_is_refused_or_read(
    column: str, junk: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    table = to_table([made(0)])
    i = table.column_names.index(column)
    folder = tmp_path_factory.mktemp("archive")
    try:
        raw = pa.array([junk if column in ("key", "status") else json.dumps(junk)])
        pq.write_table(table.set_column(i, column, raw), folder / "records.parquet")
    except DAMAGES:  # no table could hold that
        return
    good, damaged = Archive(folder).all()
    assert len(good) + len(damaged) == 1


# --- commands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], ["html"], ["figures"], ["export", "out.csv"], ["show"]])
def test_no_command_ends_in_a_traceback_over_somebody_elses_results(
    command: list[str], tmp_path: Path, record: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Store(tmp_path).folder(record.key)
    for path in folder.glob("*.*"):
        if path.name != "record.json":
            path.write_bytes(b"\x93NUMPY" + bytes(100))
    words = [str(tmp_path / word) if word.startswith("out") else word for word in command]
    words += [record.key] * (command == ["show"])
    assert report([*words, "--results", str(tmp_path)]) in (0, 2)
    assert "Traceback" not in "".join(capsys.readouterr())


def test_what_a_report_writes_replaces_a_link_and_does_not_follow_it(
    tmp_path: Path, record: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a results folder from elsewhere may have it in the place of a report."""
    precious = tmp_path / "precious"
    precious.write_text("mine")
    names = ["report.html", "report.md", "report.csv"]
    for name in names:
        (tmp_path / name).symlink_to(precious)
    assert report(["html", "--results", str(tmp_path)]) == 0
    write(tmp_path)
    assert precious.read_text() == "mine"
    assert not any((tmp_path / name).is_symlink() for name in names)
    assert capsys.readouterr().err == ""


def test_figures_are_not_drawn_through_a_link_for_a_folder(
    tmp_path: Path, record: RunRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    """A README.md in a folder of the user's own would be replaced."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "README.md").write_text("mine")
    (tmp_path / "figures").symlink_to(own)
    assert report(["figures", "--results", str(tmp_path)]) == 2
    assert "is a link" in capsys.readouterr().err
    assert [path.name for path in own.iterdir()] == ["README.md"]
    assert (own / "README.md").read_text() == "mine"
