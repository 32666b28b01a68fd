"""What rows become as training goes on, kept with the run; and the data of one dimension."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import norm

from dan_bench.callbacks.samples import Snapshots
from dan_bench.config.compose import configure
from dan_bench.data.bell import Bell
from dan_bench.data.noise import NoiseRows
from dan_bench.interfaces import Data
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store, key_of

SMALL = ["logger=none", "trainer.max_steps=60", "evaluation.samples=1000", "evaluation.known=100"]


class Adder:
    """A module that adds its step to the data, whose critic says the number itself."""

    device, dtype = torch.device("cpu"), torch.float32
    step = 0

    def degenerate(self, data, noise):
        assert len(noise) == len(data)
        return (data + self.step / 256) % 1

    def critic(self, y):
        return y.squeeze(1)


def setting_of(rows):
    """What a module of three fresh numbers is told, whose samples are such rows."""
    width = rows[np.arange(1)].shape[1]
    return Hyperparameters(width, 0.5, 3, "sigmoid", Nonsaturating())


def looked(folder, rows, steps, at, last=50):
    """A listener called at some steps, on a module that adds the step."""
    module = Adder()
    looks = Snapshots(folder, at, last, Data(rows), setting_of(rows), seed=0)
    for module.step in steps:
        looks(module, None)
    return Store(folder.parent.parent)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "runs" / "key"
    made.mkdir(parents=True)
    return made


def test_it_looks_at_the_steps_asked_for_and_at_the_last(folder):
    rows = NoiseRows(0, "test", 4, 100)
    store = looked(folder, rows, range(1, 51), at=[1, 10])
    assert store.array("key", "snapshot_steps").tolist() == [1, 10, 50]
    kept = store.array("key", "snapshots")
    assert kept.shape == (3, 16, 4)
    first = rows[np.arange(16)].astype(int)
    for step, made in zip((1, 10, 50), kept, strict=True):
        assert np.array_equal(made, (first + step) % 256)
    assert store.array("key", "snapshot_critic") is None


def test_of_single_numbers_it_keeps_thousands_and_the_critic(folder):
    store = looked(folder, Bell(0, 10, 20_000).load("test").rows, [50], at=[])
    assert store.array("key", "snapshots").shape == (1, 10_000, 1)
    (critic,) = store.array("key", "snapshot_critic")
    assert critic == pytest.approx((np.arange(256) + 0.5) / 256)


def test_a_run_that_goes_on_keeps_what_it_had_and_looks_again_where_it_must(folder):
    rows = NoiseRows(0, "test", 4, 100)
    straight = looked(folder, rows, range(1, 51), at=[1, 10, 30])
    expected = straight.array("key", "snapshots").copy()
    module = Adder()
    looks, goes_on = (
        Snapshots(folder, [1, 10, 30], 50, Data(rows), setting_of(rows), seed=0) for _ in range(2)
    )
    for module.step in range(1, 31):  # cut off after 30, with a checkpoint of 20
        looks(module, None)
        if module.step == 20:
            state = looks.state()
    goes_on.restore(state)
    for module.step in range(21, 51):
        goes_on(module, None)
    assert straight.array("key", "snapshot_steps").tolist() == [1, 10, 30, 50]
    assert np.array_equal(straight.array("key", "snapshots"), expected)


def test_a_run_that_begins_anew_keeps_nothing_of_an_earlier_attempt(folder):
    rows = NoiseRows(0, "test", 4, 100)
    looked(folder, rows, range(1, 31), at=[3, 5, 30])
    store = looked(folder, rows, range(1, 51), at=[3])
    assert store.array("key", "snapshot_steps").tolist() == [3, 50]


def test_a_real_run_keeps_them_and_no_result_depends_on_it(tmp_path):
    base = ["+experiment=one_dimension", *SMALL]
    told = []
    for name, steps in {"some": "[0,7]", "none": "[]"}.items():
        config = configure(
            [*base, f"runtime.results={tmp_path / name}", f"runtime.snapshots={steps}"]
        )
        record = run(config, "test")
        store = Store(tmp_path / name)
        assert record.status == "done", record.traceback
        told.append(SimpleNamespace(key=record.key, metrics=record.metrics))
        at = [0, 7, 60] if name == "some" else [60]
        assert store.array(record.key, "snapshot_steps").tolist() == at
        snapshots = store.array(record.key, "snapshots")
        assert snapshots.shape == (len(at), 10_000, 1)
        assert len(np.unique(snapshots[-1])) > 20
    assert told[0] == told[1]


# one dimension


def test_the_bell_follows_the_normal_law():
    bell = Bell(seed=3, train_size=100_000, test_size=1000, mean=0.4, deviation=0.1)
    found = np.sort(bell.load("train").rows[np.arange(100_000)].ravel())
    edges = np.arange(1, 256)
    empirical = np.searchsorted(found, edges) / len(found)  # the share below each byte's cell
    exact = norm.cdf(edges / 256, 0.4, 0.1)
    # Kolmogorov's distance: 1.95 / sqrt(n) is passed once in a thousand
    assert np.abs(empirical - exact).max() < 1.95 / np.sqrt(len(found))


def test_the_bell_s_rows_are_a_function_of_their_number():
    rows = Bell(0, 5000, 10).load("train").rows
    chosen = np.array([4000, 3, 1500])
    assert np.array_equal(rows[chosen], rows[np.arange(5000)][chosen])
    other = Bell(0, 5000, 5000).load("test").rows
    assert not np.array_equal(rows[np.arange(100)], other[np.arange(100)])


def test_a_bell_that_is_none_is_refused():
    with pytest.raises(ValueError, match="deviation"):
        Bell(0, 10, 10, deviation=0.0)


def test_the_experiment_is_the_paper_s_figure():
    config = configure(["+experiment=one_dimension"])
    assert config.data.name == "bell"
    assert len(config.runtime.snapshots) == 3  # and the end: panels a to d
    assert key_of(config.scientific()) != key_of(configure(["data=bell"]).scientific())
