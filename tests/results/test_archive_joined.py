"""Results published before, added to: what is new counts, and nothing of the rest changes."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from html_records import fill

from dan_bench.interfaces import Estimate
from dan_bench.reference import main
from dan_bench.results.archive import Archive, JoinedResults, publish
from dan_bench.results.record import Store


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An archive of a results folder that is no longer there."""
    results = tmp_path / "before"
    fill(results)
    publish(results, tmp_path / "base")
    return tmp_path / "base"


def some_run(archive: Path):
    """A run that left curves and a sample, as an archive has it."""
    read = Archive(archive)
    return next(
        record
        for record in read.all()[0]
        if read.curves(record.key) is not None and read.array(record.key, "samples") is not None
    )


def test_publishing_an_archive_with_nothing_added_gives_its_bytes(base, tmp_path):
    publish(tmp_path / "nothing", tmp_path / "again", base=base)
    for name in ("records.parquet", "curves.parquet", "arrays.npz"):
        assert (tmp_path / "again" / name).read_bytes() == (base / name).read_bytes(), name


def test_a_run_that_was_made_again_takes_the_place_of_the_one_before(base, tmp_path):
    old = some_run(base)
    fresh = tmp_path / "fresh"
    store = Store(fresh)
    store.put(dataclasses.replace(old, metrics={"joint_bits": Estimate(1.5, n=10)}))
    curves = pd.DataFrame({"step": [50.0], "discriminator_accuracy": [0.75]})
    curves.to_parquet(store.folder(old.key) / "curves.parquet")
    np.save(store.folder(old.key) / "samples.npy", np.full((8, 4), 7, dtype=np.uint8))
    publish(fresh, tmp_path / "joined", base=base)
    before, now = Archive(base), Archive(tmp_path / "joined")
    assert [r.key for r in now.all()[0]] == [r.key for r in before.all()[0]]
    for record in now.all()[0]:
        was = next(r for r in before.all()[0] if r.key == record.key)
        if record.key == old.key:
            assert record.metrics == {"joint_bits": Estimate(1.5, n=10)}
        else:
            assert record == was
            one, other = now.curves(record.key), before.curves(record.key)
            assert (one is None) == (other is None)
            if one is not None:
                pd.testing.assert_frame_equal(one, other, check_exact=True)
    pd.testing.assert_frame_equal(now.curves(old.key), curves)
    assert np.unique(now.array(old.key, "samples")).tolist() == [7]


def test_what_the_new_run_did_not_leave_is_not_taken_from_the_old_one(base, tmp_path):
    """Curves of a training that was withdrawn must not stand beside the new metrics."""
    old = some_run(base)
    store = Store(tmp_path / "fresh")
    store.put(old)
    joined = JoinedResults([store, Archive(base)])
    assert joined.curves(old.key) is None
    assert joined.array(old.key, "samples") is None
    assert joined.curves("no such key") is None


def test_a_failed_attempt_does_not_hide_the_finished_run(base, tmp_path):
    old = some_run(base)
    store = Store(tmp_path / "fresh")
    store.put(dataclasses.replace(old, status="failed", metrics={}, traceback="no luck"))
    found = {record.key: record for record in JoinedResults([store, Archive(base)]).all()[0]}
    assert found[old.key] == old


@pytest.mark.parametrize("more", [[], ["--publish"]])
def test_a_base_is_refused_where_it_makes_no_sense(more, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--results", str(tmp_path), "--base", str(tmp_path / "none"), *more])
    assert ended.value.code == 2
    assert "--base" in capsys.readouterr().err
