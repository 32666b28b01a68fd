"""A training set that is overwritten while it is used: the run's own copy, and nothing else."""

import hashlib
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from dan_bench.callbacks.overwriting import FILE, NotOurs, Overwrite, TrainingSetCopy
from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.data.batches import Batches
from dan_bench.interfaces import Data
from dan_bench.metrics.destruction import share_left
from dan_bench.models.dan import DAN
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.nonsaturating import Nonsaturating
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.plan import plan
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store, key_of

N, WIDTH, BATCH = 400, 36, 20
ROWS = np.random.default_rng(0).integers(0, 40, (N, WIDTH), dtype=np.uint8)
NOISE = np.random.default_rng(1).integers(0, 256, (N, WIDTH), dtype=np.uint8)


def dan():
    adam = partial(torch.optim.Adam, lr=1e-3)
    optimizers = {"degenerator": adam, "discriminator": adam}
    torch.manual_seed(0)
    return DAN(
        Hyperparameters(WIDTH, 0.1, 8, "torus", Nonsaturating(), optimizers, log_every=1),
        degenerator_hidden=(16,),
        discriminator_hidden=(8,),
        input="data_and_noise",
        scale=8.0,
    )


def trained(folder, steps):
    """A module, and the copy that it overwrote."""
    folder.mkdir(exist_ok=True)
    copy = TrainingSetCopy(ROWS, folder)
    batches = Batches(replace(Data(ROWS), rows=copy), WIDTH, 8, BATCH, steps, 0, live=True)
    module = dan()
    module.callbacks.append(Overwrite(batches, copy))
    fit(module, batches)
    return module, copy


# the share that is left


@pytest.mark.parametrize(
    ("same", "total", "share"),
    [(256, 256, 1), (1, 256, 0), (0, 256, 0), (128 * 256 + 128, 256 * 256, 0.5)],
)
def test_coincidences_do_not_count_as_data_left(same, total, share):
    assert share_left(same, total) == pytest.approx(share)


@pytest.mark.parametrize(("same", "total"), [(-1, 5), (6, 5), (0, 0)])
def test_no_share_of_nothing(same, total):
    with pytest.raises(ValueError, match=f"{same} of {total}"):
        share_left(same, total)


# the copy


def test_the_copy_is_the_original_until_it_is_overwritten(tmp_path):
    copy = TrainingSetCopy(ROWS, tmp_path)
    assert len(copy) == N
    assert np.array_equal(copy[np.arange(N)], ROWS)
    assert copy.left() == 1
    rows = np.array([3, 1, 399])
    copy.overwrite(rows, NOISE[rows])
    assert np.array_equal(copy[rows], NOISE[rows])
    on_disk = np.fromfile(tmp_path / FILE, dtype=np.uint8).reshape(N, WIDTH)
    assert np.array_equal(on_disk[rows], NOISE[rows])
    untouched = np.delete(np.arange(N), rows)
    assert np.array_equal(on_disk[untouched], ROWS[untouched])
    assert copy.left() == pytest.approx(1 - 3 / N, abs=3 / N / 10)


def test_perfect_noise_leaves_nothing(tmp_path):
    """14,400 bytes: five standard deviations of the coincidences."""
    copy = TrainingSetCopy(ROWS, tmp_path)
    copy.overwrite(np.arange(N), NOISE)
    assert copy.left() <= 5 * (1 / 256 / ROWS.size) ** 0.5


def test_the_copy_of_an_earlier_attempt_is_replaced_and_not_written_to(tmp_path):
    mine = tmp_path / "mine"
    mine.write_bytes(b"precious" * 10_000)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / FILE).symlink_to(mine)
    copy = TrainingSetCopy(ROWS, folder)
    copy.overwrite(np.arange(N), NOISE)
    assert mine.read_bytes() == b"precious" * 10_000
    assert not (folder / FILE).is_symlink()
    copy.remove()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("way", ["symlink", "hardlink", "other", "shared", "gone", "moved"])
def test_nothing_is_written_once_another_file_lies_there(tmp_path, way):
    mine = tmp_path / "mine"
    mine.write_bytes(b"precious" * 10_000)
    folder = tmp_path / "run"
    folder.mkdir()
    copy = TrainingSetCopy(ROWS, folder)
    path = folder / FILE
    if way == "shared":
        (tmp_path / "another name").hardlink_to(path)
    elif way == "moved":
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        path.unlink()
    if way == "symlink":
        path.symlink_to(mine)
    elif way == "hardlink":
        path.hardlink_to(mine)
    elif way == "other":
        path.write_bytes(bytes(ROWS.size))
    with pytest.raises(NotOurs, match="nothing was written"):
        copy.overwrite(np.arange(N), NOISE)
    assert np.array_equal(copy[np.arange(N)], ROWS)
    assert mine.read_bytes() == b"precious" * 10_000
    with pytest.raises(NotOurs):
        copy.remove()


# training on it


def test_one_pass_leaves_near_to_nothing_and_falls_all_the_way(tmp_path):
    module, copy = trained(tmp_path, N // BATCH)
    left = [point["data_left"] for point in module.curves]
    assert len(left) == N // BATCH
    assert all(later < earlier for earlier, later in pairwise(left))
    assert left[0] == pytest.approx(1 - BATCH / N, abs=0.01)
    assert left[-1] == copy.left() < 0.02


def test_later_steps_see_what_was_made_of_the_data(tmp_path):
    """The second pass finds no original, and so the networks become others."""
    _, copy = trained(tmp_path, N // BATCH)
    batches = Batches(Data(copy), WIDTH, 8, BATCH, 40, 0)
    seen = batches.at(20).data
    rows = batches.visited(20)
    assert torch.equal(seen, torch.from_numpy(copy[rows]).float().add(0.5).div(256))
    assert (copy[rows] == ROWS[rows]).mean() < 0.05

    def weights(steps, overwritten):
        module = dan()
        if overwritten:
            module, _ = trained(tmp_path, steps)
        else:
            fit(module, Batches(Data(ROWS), WIDTH, 8, BATCH, steps, 0, live=True))
        return module.state_dict()

    def equal(steps):
        one, other = weights(steps, True), weights(steps, False)
        return all(torch.equal(one[name], other[name]) for name in one)

    assert equal(20)  # the first pass sees each row once, as it was
    assert not equal(21)


def test_the_same_run_gives_the_same_bits_again(tmp_path):
    (first, one), (again, other) = (trained(tmp_path / name, 50) for name in "ab")
    for name, value in first.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    assert first.curves == again.curves
    assert np.array_equal(one[np.arange(N)], other[np.arange(N)])


@pytest.mark.parametrize(("of_the_copy", "live"), [(False, True), (True, False)])
def test_batches_that_would_not_see_the_copy_change_are_refused(tmp_path, of_the_copy, live):
    copy = TrainingSetCopy(ROWS, tmp_path)
    data = replace(Data(ROWS), rows=copy) if of_the_copy else Data(ROWS)
    with pytest.raises(ValueError, match="read live from the copy"):
        Overwrite(Batches(data, WIDTH, 8, BATCH, 20, 0, live=live), copy)


# a whole run

SMALL = [
    "end_to_end=true",
    "evaluation=minimal",
    "output=torus",
    "logger=none",
    "runtime.log_every=1",
]


def digests(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def check(record, results, steps):
    assert record.status == "done", record.traceback
    folder = Store(results).folder(record.key)
    left = pd.read_parquet(folder / "curves.parquet")["data_left"]
    assert len(left) == steps
    assert left.iloc[-1] < left.iloc[0] < 1
    assert not (folder / FILE).exists()
    return left


def test_mnists_own_files_are_untouched(tmp_path, mnist):
    before = digests(mnist.folder)
    where = [f"runtime.results={tmp_path}", f"runtime.datasets={mnist.root}"]
    record = run(configure([*SMALL, *where, "trainer={max_steps: 5, batch_size: 2000}"]), "test")
    left = check(record, tmp_path, 5)
    assert left.iloc[-1] == pytest.approx(1 - 10_000 / 60_000, abs=0.02)
    assert digests(mnist.folder) == before


def test_your_own_files_are_untouched(tmp_path):
    root = tmp_path / "mine"
    root.mkdir()
    ROWS[:300].tofile(root / "a.bin")
    np.tile(ROWS, (10, 1)).tofile(root / "b.bin")
    before = digests(root)
    folder = ["data=folder", f"data.root={root}", "data.kind=bytes", "data.shape=[6,6]"]
    more = ["data.test_fraction=0.4", "trainer={max_steps: 50, batch_size: 60}", "noise_dim=36"]
    results = tmp_path / "results"
    config = configure([*SMALL, *folder, *more, f"runtime.results={results}"])
    left = check(run(config, "test"), results, 50)
    assert left.iloc[-1] < 0.1
    assert digests(root) == before


def test_a_checkpoint_of_data_that_is_gone_is_refused():
    given = ["end_to_end=true", "runtime.checkpoint_every=7"]
    with pytest.raises(ConfigError, match="checkpoint_every=7"):
        plan(configure(given))
    plan(configure([*given, "model=identity"]))  # nothing is trained, nothing overwritten


def test_end_to_end_is_another_run_for_what_learns_and_no_other():
    def key(*overrides):
        return key_of(configure(overrides).scientific())

    assert key("end_to_end=true") != key()
    for model in ("identity", "untrained"):
        assert key("end_to_end=true", f"model={model}") == key(f"model={model}")
