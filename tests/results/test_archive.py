"""Records in columns: nothing is lost, the cache is never believed too much, and archives read."""

import dataclasses
import errno
import gc
import os
import random
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from html_records import fill, run
from hypothesis import given, settings
from hypothesis import strategies as st

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report import table1
from dan_bench.report.__main__ import main
from dan_bench.results.archive import AmbiguousResults, Archive, cache, open_results, publish
from dan_bench.results.archive.cache import NAME, CachedStore
from dan_bench.results.archive.columns import from_table, to_table
from dan_bench.results.archive.folder import decimal
from dan_bench.results.archive.write import ROWS, first_seeds, npz, rounded
from dan_bench.results.record import Store, key_of

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


def exactly(records: list[RunRecord]) -> str:
    """A text that tells 1 from 1.0, -0.0 from 0.0, and one order of names from another."""
    return repr(records)


# Records in columns


@settings(max_examples=50)
@given(st.lists(RECORDS, max_size=3))
def test_records_come_back_from_a_table_as_they_were(records: list[RunRecord]) -> None:
    out = pa.BufferOutputStream()
    pq.write_table(to_table(records), out)
    for table in (to_table(records), pq.read_table(pa.BufferReader(out.getvalue()))):
        assert exactly(from_table(table)) == exactly(records)


def test_numbers_that_json_does_not_know_come_back_too() -> None:
    odd = RunRecord("0" * 16, "done", {}, {"a": Estimate(float("nan"), float("-inf"))})
    assert exactly(from_table(to_table([odd]))) == exactly([odd])


def test_a_table_of_something_else_is_refused() -> None:
    with pytest.raises(KeyError):
        from_table(pa.table({"key": ["a"]}))


# The cache


def made(seed: int, seconds: float = 1.0) -> RunRecord:
    config = {"model": {"name": "dan", "sizes": [3, 4]}, "seed": seed, "lr": 1e-3, "n": 1}
    metrics = {"a": Estimate(1.0 * seed, 0.5, None, 7, {"b": 3, "c": 3.0}), "none": None}
    return RunRecord(key_of(config), "done", config, metrics, {"seconds": seconds})


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

    def read(path: Path) -> RunRecord:
        counted[path.parent.name] += 1
        return honest(path)

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

    monkeypatch.setattr("dan_bench.results.archive.cache.whole", refuse)
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


# Archives


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    fill(folder)
    values = {"preset": "quick", "subject": "dan", "seed": 0}
    metrics = {"training_data_destroyed": Estimate(99.9, 99.8, 100.0, 9)}
    table1.store_of(folder).put(RunRecord(key_of(values), "done", values, metrics))
    return folder


@pytest.fixture(scope="module")
def archive(results: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archives") / "published"
    publish(results, folder)
    return folder


def done(results: Path) -> list[RunRecord]:
    return [record for record in Store(results).all()[0] if record.status == "done"]


def test_an_archive_holds_every_finished_record(results: Path, archive: Path) -> None:
    good, damaged = open_results(archive).all()
    assert isinstance(open_results(archive), Archive)
    assert exactly(good) == exactly(done(results))
    assert not damaged
    assert open_results(archive, "table1").all() == open_results(results, "table1").all()
    assert len(open_results(archive, "table1").all()[0]) == 1


def test_an_archive_holds_every_curve_to_five_digits(results: Path, archive: Path) -> None:
    read, plain = open_results(archive), Store(results)
    there = 0
    for record in done(results):
        found, of = read.curves(record.key), plain.curves(record.key)
        assert (found is None) == (of is None)
        if found is not None and of is not None:
            pd.testing.assert_frame_equal(found, of, rtol=1e-5, check_exact=False)
            there += 1
    assert there == 15
    assert read.curves("0" * 16) is None


def test_an_archive_holds_rows_of_each_subject_s_first_seed(results: Path, archive: Path) -> None:
    read, plain = open_results(archive), Store(results)
    for record in done(results):
        for name in ("samples", "inputs"):
            found, of = read.array(record.key, name), plain.array(record.key, name)
            assert (found is None) == (record.config["seed"] != 0)
            if found is not None and of is not None:
                assert found.dtype == of.dtype
                np.testing.assert_array_equal(found, of[:8])
        assert read.array(record.key, "snapshots") is None


def test_what_two_runs_share_is_stored_once() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 784), dtype=np.uint8)
    alone = npz({"a/inputs": noise})
    both = npz({"a/inputs": noise, "b/inputs": noise.copy(), "c/inputs": noise[:4].copy()})
    assert len(both) < 1.6 * len(alone)


def test_curves_of_different_columns_stay_apart_and_nan_is_no_gap(tmp_path: Path) -> None:
    store = Store(tmp_path)
    points = {
        0: pd.DataFrame({"step": [10.0, 100_001.0], "a": [1 / 3, np.nan]}),
        1: pd.DataFrame({"step": [20.0], "b": [np.inf]}),
        2: pd.DataFrame(),
        3: pd.DataFrame({"step": [10.0], "a": [np.nan]}),
    }
    for seed, of in points.items():
        of.to_parquet(store.put(made(seed)).parent / "curves.parquet")
    publish(tmp_path, tmp_path / "published")
    read = open_results(tmp_path / "published")
    for seed in (0, 1, 3):
        found = read.curves(made(seed).key)
        assert found is not None
        pd.testing.assert_frame_equal(found, points[seed], rtol=1e-5)
    assert read.curves(made(2).key) is None


@settings(max_examples=300)
@given(st.integers(1, 99_999), st.integers(-16, 16), st.sampled_from([1, -1]))
def test_five_digits_come_back_exactly(digits: int, power: int, sign: int) -> None:
    value = sign * float(f"{digits}e{power}")
    assert decimal(rounded(np.array([value])).astype(np.float64))[0] == pytest.approx(value, 1e-7)
    if power < 0 and value != round(value):
        assert decimal(rounded(np.array([value])).astype(np.float64))[0] == value


def test_rounding_drops_bits_and_leaves_integers_and_what_is_no_number() -> None:
    values = np.concatenate([np.geomspace(1e-30, 1e30, 999), [-1 / 3, 0.0, 123_457.0, 16_777_215]])
    found = rounded(values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values, rtol=4e-6)
    np.testing.assert_allclose(decimal(found.astype(float)), values, rtol=5.5e-5)
    np.testing.assert_array_equal(found[-3:], values[-3:])
    odd = np.array([np.nan, np.inf, -np.inf])
    np.testing.assert_array_equal(decimal(rounded(odd).astype(float)), odd)
    assert not (rounded(np.random.default_rng(0).random(99)).view(np.uint32) & 0x3F).any()


def test_a_snapshot_keeps_few_rows_of_pictures_and_all_of_single_numbers(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for seed, width in ((0, 784), (5, 1)):
        folder = store.put(dataclasses.replace(run(seed=seed, width=width))).parent
        np.save(folder / "samples.npy", np.zeros((256, width), np.uint8))
        np.save(folder / "snapshots.npy", np.ones((3, 256, width), np.float32))
        np.save(folder / "snapshot_steps.npy", np.array([1, 10, 100]))
        np.save(folder / "snapshot_critic.npy", np.ones((3, 256), np.float32))
    publish(tmp_path, tmp_path / "published")
    read = open_results(tmp_path / "published")
    shapes = {
        seed: [
            None
            if (found := read.array(run(seed=seed, width=width).key, name)) is None
            else found.shape
            for name in ("samples", "snapshots", "snapshot_steps", "snapshot_critic")
        ]
        for seed, width in ((0, 784), (5, 1))
    }
    assert shapes[0] == [(8, 784), (3, 8, 784), (3,), (3, 256)]
    assert shapes[5] == [(256, 1), (3, 256, 1), (3,), (3, 256)]
    asked = run(seed=5, width=1).key
    publish(tmp_path, tmp_path / "less", snapshots_of=[asked])
    with np.load(tmp_path / "less" / "arrays.npz") as kept:
        assert {name.split("/")[0] for name in kept if "snapshot" in name} == {asked}
        assert len([name for name in kept if name.endswith("/samples")]) == 2


def test_subjects_are_runs_that_differ_in_the_seed_and_in_data_that_follow_it() -> None:
    def of(seed: int, noise: int | None) -> RunRecord:
        return run(seed=seed, data={"name": "danoise", "seed": noise})

    runs = [of(2, 2), of(1, 1), of(1, 7), of(2, 7), of(3, None)]
    first = {record.key for record in first_seeds(runs)}
    assert first == {of(1, 1).key, of(1, 7).key, of(3, None).key}


def test_fewer_rows_are_kept_where_there_is_less_room(tmp_path: Path, results: Path) -> None:
    full = publish(results, tmp_path / "full")
    assert full.rows == (8, 8)
    less = publish(results, tmp_path / "less", limit=sum(full.sizes.values()) - 1000)
    assert less.rows[0] < 8 or less.rows[1] < 8
    assert sum(less.sizes.values()) < sum(full.sizes.values())
    assert publish(results, tmp_path / "least", limit=0).rows == (1, 1)
    assert f"{less.runs} runs (1 are left out)" in str(less)


def test_the_same_results_make_the_same_bytes_and_replace_what_was_there(
    tmp_path: Path, results: Path, archive: Path
) -> None:
    publish(results, tmp_path, keys={done(results)[0].key})
    assert len(open_results(tmp_path).all()[0]) == 1
    shutil.copytree(results / "runs", tmp_path / "elsewhere" / "runs")
    for source in (results, tmp_path / "elsewhere"):
        publish(source, tmp_path)
        for name in ("records.parquet", "curves.parquet", "arrays.npz"):
            assert (tmp_path / name).read_bytes() == (archive / name).read_bytes()
        assert (tmp_path / "table1.parquet").exists() == (source == results)


def test_publishing_is_refused_where_it_would_mix_things_up(tmp_path: Path, results: Path) -> None:
    with pytest.raises(ValueError, match="folder of its own"):
        publish(results, results)
    with pytest.raises(ValueError, match="make sweep"):
        publish(tmp_path / "nowhere", tmp_path / "published")
    with pytest.raises(ValueError, match="make sweep"):
        publish(results, tmp_path / "published", keys=["no such key"])
    assert not (tmp_path / "published").exists()


def test_runs_and_an_archive_in_one_folder_are_an_error_with_a_remedy(
    tmp_path: Path, archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(archive, tmp_path, dirs_exist_ok=True)
    (tmp_path / "runs").mkdir()
    with pytest.raises(AmbiguousResults, match=r"records\.parquet and runs/; move one"):
        open_results(tmp_path)
    for command in ([], ["show", "a"], ["export", str(tmp_path / "a.csv")], ["html"]):
        assert main([*command, "--results", str(tmp_path)]) == 2
        assert "move one" in capsys.readouterr().err


def test_a_damaged_archive_is_named(tmp_path: Path, archive: Path) -> None:
    shutil.copytree(archive, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "records.parquet"
    path.write_bytes(path.read_bytes()[:-50])
    good, damaged = open_results(tmp_path).all()
    assert good == []
    assert list(damaged) == [path]
    path.write_bytes(b"")
    (tmp_path / "curves.parquet").unlink()
    (tmp_path / "arrays.npz").unlink()
    assert open_results(tmp_path).curves("0" * 16) is None
    assert open_results(tmp_path).array("0" * 16, "samples") is None


@pytest.mark.parametrize(
    "command",
    [
        ["leaderboard"],
        ["leaderboard", "--format", "json"],
        ["table1"],
        ["saturation"],
        ["show", "KEY"],
        ["compare", "KEY", "KEY"],
    ],
    ids=" ".join,
)
def test_every_command_says_of_an_archive_what_it_says_of_its_runs(
    results: Path, archive: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [done(results)[0].key if word == "KEY" else word for word in command]
    said = []
    for folder in (results, archive):
        assert main([*asked, "--results", str(folder)]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert said[0]


def test_an_archive_is_exported_and_drawn_like_its_runs(
    results: Path, archive: Path, tmp_path: Path
) -> None:
    frames = []
    for folder in (results, archive):
        path = tmp_path / "all.csv"
        assert main(["export", str(path), "--results", str(folder)]) == 0
        frames.append(pd.read_csv(path))
    kept = frames[0][frames[0]["status"] == "done"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, frames[1], check_dtype=False)
    pages = []
    for folder in (results, archive):
        path = tmp_path / "page.html"
        assert main(["html", "--results", str(folder), "--out", str(path)]) == 0
        pages.append(path.read_text())
    for found in ('id="outputs-0-0"', 'id="saturation"', "Table 1, preset quick"):
        assert found in pages[0]
        assert found in pages[1]
    assert pages[0].count("<figure") == pages[1].count("<figure")


def test_the_room_is_filled_from_the_most_rows_to_the_least() -> None:
    steps = 7
    room = [samples + steps * snapshots for samples, snapshots in ROWS]
    assert room == sorted(room, reverse=True)
