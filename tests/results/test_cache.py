"""Records in columns lose nothing, and the cache is never believed too much."""

import dataclasses
import errno
import gc
import json
import os
import random
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archive_records import exactly, made
from hypothesis import given, settings
from hypothesis import strategies as st

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.results import cache
from dan_bench.results.archive import (
    open_results,
)
from dan_bench.results.cache import NAME, CachedStore, from_table, to_table, with_numbers
from dan_bench.results.numbers import array_of
from dan_bench.results.record import SharedParts, Store

NUMBERS = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.just(-0.0)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(st.characters(), max_size=5)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
OBJECTS = st.dictionaries(st.text(st.characters(), max_size=5), JSON, max_size=4)
ESTIMATES = st.builds(
    Estimate,
    NUMBERS,
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    st.none() | st.integers(),
    st.dictionaries(st.text(max_size=5), NUMBERS, max_size=3),
)
RECORDS = st.builds(
    RunRecord,
    st.text("0123456789abcdef", min_size=16, max_size=16),
    st.sampled_from(["done", "failed"]),
    OBJECTS,
    st.dictionaries(st.text(max_size=5), st.none() | ESTIMATES, max_size=4),
    OBJECTS,
    OBJECTS,
    st.none() | st.text(st.characters()),
)


# Records in columns


@settings(max_examples=50)
@given(st.lists(RECORDS, max_size=3))
def test_records_come_back_from_a_table_as_they_were(records: list[RunRecord]) -> None:
    out = pa.BufferOutputStream()
    pq.write_table(to_table(records), out)
    again = pq.read_table(pa.BufferReader(out.getvalue()))
    for table in (to_table(records), again, with_numbers(records)):
        assert exactly(from_table(table)) == exactly(records)


def test_what_a_float_cannot_hold_stays_text_and_the_rest_are_numbers() -> None:
    details = {"zero": -0.0, "count": 3, "largest": 2**53}
    plain = RunRecord("0" * 16, "done", {}, {"a": Estimate(0.5, n=7, details=details), "b": None})
    larger = dataclasses.replace(plain, metrics={"a": Estimate(2**53 + 1)})
    logical = dataclasses.replace(plain, costs={"seconds": True})
    bare = [dataclasses.replace(plain, metrics=of) for of in ({}, {"b": None})]
    records = [larger, plain, logical, plain, *bare]
    table = with_numbers(records)
    kept = [of is not None for of in table["form"].to_pylist()]
    assert kept == [False, True, False, True, True, True]
    assert exactly(from_table(table)) == exactly(records)


@pytest.mark.parametrize("spoilt", [[1.0], [1.0] * 99, None])
def test_numbers_that_are_not_of_their_form_are_refused(spoilt: list[float] | None) -> None:
    table = with_numbers([made(0), made(1)])
    i = table.column_names.index("numbers")
    kept = table["numbers"].to_pylist()[:1]
    column = pa.array([*kept, spoilt], pa.list_(pa.float64()))
    with pytest.raises(ValueError, match="not of their form"):
        from_table(table.set_column(i, "numbers", column))


@pytest.mark.parametrize("names", [[], [["a", []]], [["a", ["b", "c"]], ["more", []]]])
def test_a_form_of_other_numbers_is_refused(names: list[Any]) -> None:
    table = with_numbers([made(0)])
    kinds, costs, _ = json.loads(table["form"][0].as_py())
    form = pa.array([json.dumps([kinds, costs, names])], pa.string())
    with pytest.raises(ValueError, match="does not name its numbers"):
        from_table(table.set_column(table.column_names.index("form"), "form", form))


def test_numbers_that_json_does_not_know_come_back_too() -> None:
    odd = RunRecord("0" * 16, "done", {}, {"a": Estimate(float("nan"), float("-inf"))})
    assert exactly(from_table(to_table([odd]))) == exactly([odd])


def test_a_table_of_something_else_is_refused() -> None:
    with pytest.raises(KeyError):
        from_table(pa.table({"key": ["a"]}))


# The cache


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the cache be written for every single record, however young."""
    monkeypatch.setattr(cache, "LEAST", 1)
    monkeypatch.setattr(cache, "SETTLED", 0.0)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count which records are read from their files."""
    counted: Counter[str] = Counter()
    honest = cache.read

    def read(path: Path, shared: SharedParts | None = None) -> RunRecord:
        counted[path.parent.name] += 1
        return honest(path, shared)

    monkeypatch.setattr(cache, "read", read)
    return counted


def filled(results: Path, runs: int = 6) -> CachedStore:
    store = CachedStore(results)
    for seed in range(runs):
        store.put(made(seed))
    return store


class Chaos:
    """A store to which things happen, one at a time."""

    def __init__(self, results: Path, seed: int) -> None:
        self.store = CachedStore(results)
        self.random = random.Random(seed)
        self.made = 0

    def path(self) -> Path | None:
        there = sorted(self.store.runs.glob("*/record.json"))
        return self.random.choice(there) if there else None

    def add(self) -> None:
        self.store.put(made(self.made))
        self.made += 1

    def change(self) -> None:
        if self.made:
            seed = self.random.randrange(self.made)
            self.store.put(made(seed, seconds=float(self.random.randrange(10))))  # of equal size

    def damage(self) -> None:
        if path := self.path():
            path.write_text(path.read_text()[: self.random.randrange(40)])

    def edit(self) -> None:
        """Edit in place, without a trace in size or modification time."""
        if path := self.path():
            of = path.stat()
            time.sleep(0.02)  # the clock of the file system has ticked
            path.write_text(path.read_text().replace("0.001", f"0.00{self.random.randrange(1, 9)}"))
            os.utime(path, ns=(of.st_atime_ns, of.st_mtime_ns))

    def touch(self) -> None:
        if path := self.path():
            os.utime(path, (0, self.random.randrange(1000)))

    def delete(self) -> None:
        if path := self.path():
            shutil.rmtree(path.parent)

    def rename(self) -> None:
        if path := self.path():
            target = path.parent.with_name(f"{self.random.randrange(10):016d}")
            if not target.exists():
                path.parent.rename(target)

    def exchange(self) -> None:
        one, other = self.path(), self.path()
        if one and other and one != other:
            parked = one.with_name("parked")
            one.rename(parked)
            other.rename(one)
            parked.rename(other)

    def begin(self) -> None:
        (self.store.runs / f"unfinished{self.random.randrange(3)}").mkdir(
            parents=True, exist_ok=True
        )

    def forget(self) -> None:
        (self.store.runs / NAME).unlink(missing_ok=True)

    def corrupt(self) -> None:
        path = self.store.runs / NAME
        if path.is_file():
            content = bytearray(path.read_bytes())
            content[self.random.randrange(len(content))] ^= 1 << self.random.randrange(8)
            path.write_bytes(content)

    def strike(self) -> str:
        often = [self.add] * 4 + [self.change] * 3
        once = [self.damage, self.edit, self.touch, self.delete, self.rename, self.exchange]
        action = self.random.choice([*often, *once, self.begin, self.forget, self.corrupt])
        action()
        return action.__name__


@pytest.mark.parametrize("seed", range(6))
def test_reading_through_the_cache_is_reading_whatever_happens(
    tmp_path: Path, seed: int, eager: None
) -> None:
    chaos, done = Chaos(tmp_path, seed), []
    for _ in range(60):
        done.append(chaos.strike())
        plain, cached = Store(tmp_path).all(), open_results(tmp_path).all()
        assert repr(cached) == repr(plain), done


def test_only_what_changed_is_read_again(tmp_path: Path, eager: None, reads: Counter[str]) -> None:
    store = filled(tmp_path)
    store.all()
    reads.clear()
    assert len(store.all()[0]) == 6
    assert not reads
    store.put(made(3, seconds=2.0))
    assert store.all() == Store(tmp_path).all()
    assert reads == {made(3).key: 1}


def test_a_replaced_record_is_another_though_size_and_time_are_the_same(
    tmp_path: Path, eager: None
) -> None:
    store = filled(tmp_path)
    before = store.all()[0]
    path = store.folder(before[0].key) / "record.json"
    of = path.stat()
    store.put(dataclasses.replace(before[0], costs={"seconds": 9.0}))
    os.utime(path, ns=(of.st_atime_ns, of.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (of.st_size, of.st_mtime_ns)
    assert store.all()[0][0].costs == {"seconds": 9.0}


def test_a_record_too_young_to_be_told_from_the_next_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "LEAST", 1)
    store = filled(tmp_path)
    store.all()
    assert not (store.runs / NAME).exists()
    monkeypatch.setattr(cache, "SETTLED", 0.0)
    store.all()
    assert (store.runs / NAME).exists()


def test_a_damaged_record_is_told_each_time(tmp_path: Path, eager: None) -> None:
    store = filled(tmp_path)
    path = store.folder(made(2).key) / "record.json"
    store.all()
    path.write_text("{")
    for _ in range(3):
        good, damaged = store.all()
        assert len(good) == 5
        assert list(damaged) == [path]
        assert (good, damaged) == Store(tmp_path).all()


def test_a_few_records_leave_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "SETTLED", 0.0)
    store = filled(tmp_path, cache.LEAST - 1)
    store.all()
    assert not (store.runs / NAME).exists()
    store.put(made(cache.LEAST))
    store.all()
    assert (store.runs / NAME).exists()


def foreign(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({"dan_bench": "0/0"}), path)


def edited(path: Path) -> None:
    table = pq.read_table(path)
    column = pa.array(["{"] * len(table), pa.string())
    pq.write_table(table.set_column(table.column_names.index("costs"), "costs", column), path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "something").touch()


SPOILT = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "no parquet": lambda path: path.write_text("hello"),
    "another table": lambda path: pq.write_table(pa.table({"a": [1]}), path),
    "another version": foreign,
    "not our JSON": edited,
    "a folder": a_folder,
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_cache_that_is_none_is_done_without(
    tmp_path: Path, eager: None, spoil: Any, reads: Counter[str]
) -> None:
    store = filled(tmp_path)
    store.all()
    reads.clear()
    spoil(store.runs / NAME)
    assert repr(store.all()) == repr(Store(tmp_path).all())
    assert len(reads) == 6
    assert list(store.runs.glob("*.tmp")) == []


def test_a_flipped_bit_anywhere_is_never_believed(tmp_path: Path, eager: None) -> None:
    record = made(0)
    metrics: dict[str, Estimate | None] = {f"m{i}": Estimate(i / 7) for i in range(40)}
    store = CachedStore(tmp_path)
    store.put(dataclasses.replace(record, metrics=metrics))
    right = repr(store.all())
    content = (store.runs / NAME).read_bytes()
    for place in range(0, len(content), 17):
        flipped = bytearray(content)
        flipped[place] ^= 1  # which makes of one digit another
        (store.runs / NAME).write_bytes(flipped)
        assert repr(store.all()) == right, place


def test_a_folder_that_cannot_be_written_is_read(
    tmp_path: Path, eager: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "read-only file system")

    monkeypatch.setattr("dan_bench.results.cache.whole", refuse)
    assert len(store.all()[0]) == 6
    assert not (store.runs / NAME).exists()


def test_many_readers_at_once_see_whole_caches(tmp_path: Path, eager: None) -> None:
    store = filled(tmp_path, 20)
    right = Store(tmp_path).all()

    def look(i: int) -> bool:
        if i % 5 == 0:
            (store.runs / NAME).unlink(missing_ok=True)
        return CachedStore(tmp_path).all() == right

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, range(80)))
    assert list(store.runs.glob("*.tmp")) == []
    assert gc.isenabled()


def test_there_is_nothing_where_there_is_no_folder(tmp_path: Path) -> None:
    assert open_results(tmp_path / "nowhere").all() == ([], {})
    (tmp_path / "runs").write_text("not a folder")
    assert open_results(tmp_path).all() == ([], {})


@pytest.mark.parametrize("values", [[], [None], ["", "a", None, "\u00e4\u20ac", None]])
def test_arrays_that_are_made_without_pandas_are_arrows(values: list[str | None]) -> None:
    made = array_of(values)
    made.validate(full=True)
    assert made.equals(pa.array(values, pa.string()))
    for kind in (np.int32, np.int64, np.float64):
        assert array_of(np.array([3, -1], kind)).equals(pa.array(np.array([3, -1], kind)))
