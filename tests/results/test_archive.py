"""Archives: what is published of a results folder, and read back like one."""

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from archive_records import exactly, made
from html_records import fill, run
from hypothesis import given, settings
from hypothesis import strategies as st

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report import table1
from dan_bench.report.__main__ import main
from dan_bench.results.archive import (
    ROWS,
    AmbiguousResults,
    Archive,
    decimal,
    first_seeds,
    npz,
    open_results,
    publish,
    rounded,
)
from dan_bench.results.record import Store, key_of


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


def test_runs_that_are_shown_keep_all_rows_where_others_lose_theirs(
    tmp_path: Path, results: Path
) -> None:
    keys = sorted(record.key for record in open_results(results).all()[0])
    publish(results, tmp_path / "tight", limit=1)
    with np.load(tmp_path / "tight" / "arrays.npz") as kept:
        shown = next(key for key in keys if f"{key}/samples" in kept)
        assert len(kept[f"{shown}/samples"]) == 1
    publish(results, tmp_path / "shown", limit=1, shown=[shown])
    with np.load(tmp_path / "shown" / "arrays.npz") as kept:
        rows = {name: len(kept[name]) for name in kept if name.endswith("/samples")}
    assert rows.pop(f"{shown}/samples") == 8
    assert set(rows.values()) <= {1}


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
    kept = kept.drop(columns="error")  # of the run that failed, which no archive holds
    pd.testing.assert_frame_equal(kept, frames[1], check_dtype=False)
    pages = []
    for folder in (results, archive):
        path = tmp_path / "page.html"
        assert main(["html", "--results", str(folder), "--out", str(path)]) == 0
        pages.append(path.read_text())
    for found in ('id="outputs-0-0"', 'id="figure-saturation"', "Table 1, preset quick"):
        assert found in pages[0]
        assert found in pages[1]
    assert pages[0].count("<figure") == pages[1].count("<figure")


def test_the_room_is_filled_from_the_most_rows_to_the_least() -> None:
    steps = 7
    room = [samples + steps * snapshots for samples, snapshots in ROWS]
    assert room == sorted(room, reverse=True)


@pytest.mark.parametrize("name", ["curves.parquet", "arrays.npz"])
def test_a_damaged_file_beside_the_records_is_named(
    archive: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = Path(shutil.copytree(archive, tmp_path / "damaged"))
    (damaged / name).write_bytes(b"PAR1 and no more")
    assert main(["html", "--results", str(damaged), "--out", str(tmp_path / "page.html")]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"{damaged / name} is damaged")
