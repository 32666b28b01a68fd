"""Seeds trained as one, as runs: each leaves what its single run does."""

import json
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from tiny_runs import SMALL

from dan_bench.callbacks import checkpoint
from dan_bench.config.compose import configure
from dan_bench.data.device import device_for, name_of
from dan_bench.interfaces import Progress
from dan_bench.models.dan import DAN
from dan_bench.pipeline.many import run_many
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store, key_of
from dan_bench.rng import derive

TINY = [*SMALL, "trainer.precision=64-true", "runtime.log_every=5", "runtime.snapshots=[0,10]"]
FILES = {"curves.parquet", "inputs.npy", "record.json", "samples.npy", "samples.png"}
FILES |= {"snapshots.npy", "snapshot_steps.npy", "weights.pt"}
COSTS = {"parameters", "training_seconds", "steps_per_second", "noise_bits", "seconds"}


def configs_of(results, *overrides, seeds=(0, 1, 2)):
    words = [*TINY, f"runtime.results={results}", *overrides]
    made = [configure([*words, f"seed={seed}"]) for seed in seeds]
    return {key_of(config.scientific()): config for config in made}


def many(configs, told=None):
    """The records by key; what the runs tell goes to `told`, by key."""
    told = {} if told is None else told
    listeners = {key: told.setdefault(key, []).append for key in configs}
    return run_many(configs, "test", listeners)


def single(configs):
    return {key: run(config, "test") for key, config in configs.items()}


def weights(results, key):
    saved = torch.load(Store(results).folder(key) / "weights.pt", weights_only=True)
    return saved["weights"]


def same_but_for_rounding(configs, one, other):
    for key in configs:
        here, there = weights(one, key), weights(other, key)
        assert here.keys() == there.keys()
        for name, weight in here.items():
            assert torch.allclose(weight, there[name], rtol=1e-6, atol=1e-7), name
        curves = [Store(results).curves(key) for results in (one, other)]
        pd.testing.assert_frame_equal(*curves, rtol=1e-9, atol=1e-9)
        for name in ("samples", "snapshots", "snapshot_steps"):
            a, b = (Store(results).array(key, name) for results in (one, other))
            assert a.shape == b.shape
            # bytes are off by one where rounding carries a number over the end of its cell
            assert np.abs(a.astype(int) - b).max() <= 1, name
            assert (a != b).mean() < 1e-4, name


def test_each_run_leaves_what_it_leaves_alone(tmp_path):
    configs = configs_of(tmp_path / "many")
    told = {}
    records = many(configs, told)
    alone = single(configs_of(tmp_path / "alone"))
    assert records.keys() == alone.keys() == configs.keys()
    same_but_for_rounding(configs, tmp_path / "many", tmp_path / "alone")
    for key, record in records.items():
        folder = Store(tmp_path / "many").folder(key)
        files, others = (
            {path.name for path in at.iterdir() if not path.name.startswith(".claim")}
            for at in (folder, Store(tmp_path / "alone").folder(key))
        )
        assert files == others == FILES
        assert (record.status, record.config) == ("done", alone[key].config)
        assert record.metrics.keys() == alone[key].metrics.keys()
        assert record.costs.keys() == alone[key].costs.keys() >= COSTS
        assert record.provenance["trained_as_one"]["seeds"] == 3
        assert "trained_as_one" not in alone[key].provenance
        steps = [one.step for one in told[key] if one.doing == "training" and one.steps]
        assert steps == [0, 5, 10, 15, 20]
        assert told[key][-1].doing == "shannon_bits"


def test_no_run_is_charged_for_the_others(tmp_path):
    """What they took, added up, is what all of it took, or a little less."""
    configs = configs_of(tmp_path)
    start = time.perf_counter()
    records = many(configs).values()
    whole = time.perf_counter() - start
    assert 0.5 * whole < sum(record.costs["seconds"] for record in records) <= whole
    assert len({record.costs["training_seconds"] for record in records}) == 1
    assert all(r.costs["training_seconds"] < r.costs["seconds"] for r in records)


def test_what_is_done_already_is_left_out(tmp_path):
    configs = configs_of(tmp_path)
    first, *_ = configs
    before = run(configs[first], "test")
    records = many(configs)
    assert records[first] == before
    others = [records[key] for key in configs if key != first]
    assert [record.provenance["trained_as_one"]["seeds"] for record in others] == [2, 2]
    assert many(configs) == records


def test_a_seed_that_is_left_alone_is_its_single_run_to_the_bit(tmp_path):
    configs = configs_of(tmp_path / "many", seeds=(0, 1))
    first, last = configs
    run(configs[first], "test")
    records = many(configs)
    single(configs_of(tmp_path / "alone", seeds=(0, 1)))
    here, there = (weights(tmp_path / name, last) for name in ("many", "alone"))
    assert all(torch.equal(here[name], there[name]) for name in here)
    assert "trained_as_one" not in records[last].provenance


class PowerCut(BaseException):
    """Nothing gets to tidy up."""


def cut_off(configs, step):
    """Train them as one up to a step, at which the power goes."""

    def go_out(progress: Progress) -> None:
        if progress.step == step:
            raise PowerCut

    with pytest.raises(PowerCut):
        run_many(configs, "test", dict.fromkeys(configs, go_out))


EVERY = "runtime.checkpoint_every=8"


@pytest.mark.parametrize("model", ["dan", "infodan"])
@pytest.mark.parametrize("again", [many, single])
def test_runs_that_were_cut_off_go_on_as_one_or_alone(tmp_path, again, model):
    words = EVERY, f"model={model}", "trainer.ema_decay=0.9", "trainer.discriminator_steps=3"
    configs = configs_of(tmp_path / "cut", *words)
    cut_off(configs, step=15)
    for key in configs:
        folder = Store(tmp_path / "cut").folder(key)
        assert not (folder / "record.json").exists()
        saved = torch.load(folder / "last.ckpt", weights_only=True)
        assert saved["dan_bench"]["step"] == 8
        assert (folder / "last.ckpt").stat().st_size < 2 * 16 * 123_769 * 8  # of one seed, in bytes
    assert {record.status for record in again(configs).values()} == {"done"}
    single(configs_of(tmp_path / "alone", *words))
    same_but_for_rounding(configs, tmp_path / "cut", tmp_path / "alone")


def test_runs_at_different_steps_go_on_each_from_its_own(tmp_path):
    configs = configs_of(tmp_path / "cut", EVERY, seeds=(0, 1, 2, 3))
    keys = list(configs)
    cut_off({key: configs[key] for key in keys[:2]}, step=15)
    records = many(configs)
    assert {record.status for record in records.values()} == {"done"}
    assert {record.provenance["trained_as_one"]["seeds"] for record in records.values()} == {2}
    single(configs_of(tmp_path / "alone", seeds=(0, 1, 2, 3)))
    same_but_for_rounding(configs, tmp_path / "cut", tmp_path / "alone")


def test_all_of_them_are_suspended_at_a_checkpoint_of_each(tmp_path):
    configs = configs_of(tmp_path / "cut", EVERY)

    def ask(progress: Progress) -> None:
        if progress.step == 5:
            assert checkpoint.request()

    with pytest.raises(checkpoint.Suspended):
        run_many(configs, "test", dict.fromkeys(configs, ask))
    steps = []
    for key in configs:
        folder = Store(tmp_path / "cut").folder(key)
        assert not (folder / "record.json").exists()
        steps.append(torch.load(folder / "last.ckpt", weights_only=True)["dan_bench"]["step"])
    assert steps == [5, 5, 5]
    many(configs)
    single(configs_of(tmp_path / "alone"))
    same_but_for_rounding(configs, tmp_path / "cut", tmp_path / "alone")


def test_who_still_has_to_train_alone_does_not_begin_once_one_is_suspended(tmp_path):
    """They are at different steps, so that each would be trained by itself."""
    configs = configs_of(tmp_path / "cut", EVERY, seeds=(0, 1))
    first, last = sorted(configs)
    cut_off({last: configs[last]}, step=15)
    trained = []

    def ask(progress: Progress) -> None:
        if progress.step == 5:
            assert checkpoint.request()

    def tell(progress: Progress) -> None:
        trained.extend([progress.step] * (progress.step > 0))

    with pytest.raises(checkpoint.Suspended):
        run_many(configs, "test", {first: ask, last: tell})
    assert not trained
    for key, step in ((first, 5), (last, 8)):
        folder = Store(tmp_path / "cut").folder(key)
        assert not (folder / "record.json").exists()
        assert torch.load(folder / "last.ckpt", weights_only=True)["dan_bench"]["step"] == step
    assert {record.status for record in many(configs).values()} == {"done"}


def test_a_seed_that_diverges_is_failed_and_the_others_are_done(tmp_path, monkeypatch):
    configs = configs_of(tmp_path / "many", "runtime.snapshots=[10]")
    first, bad, last = configs
    made = DAN.make_degenerator

    def make(self):
        network = made(self)
        if torch.initial_seed() == spoiled:
            network[0].weight.data[0, 0] = torch.nan
        return network

    spoiled = derive(configs[bad].seed, "init")
    monkeypatch.setattr(DAN, "make_degenerator", make)
    records = many(configs)
    assert [records[key].status for key in configs] == ["done", "failed", "done"]
    assert "FloatingPointError: step 1: " in records[bad].traceback
    assert not (Store(tmp_path / "many").folder(bad) / "weights.pt").exists()
    good = {key: configs[key] for key in (first, last)}
    single(configs_of(tmp_path / "alone", "runtime.snapshots=[10]", seeds=(0, 2)))
    same_but_for_rounding(good, tmp_path / "many", tmp_path / "alone")


FAST = ["trainer.precision=32-true", "optimizer.discriminator.lr=1e30"]
FAST += ["optimizer.degenerator.lr=1e30"]


def test_where_all_diverge_each_says_so(tmp_path):
    records = many(configs_of(tmp_path, *FAST, seeds=(0, 1)))
    for record in records.values():
        assert record.status == "failed"
        assert "FloatingPointError: step" in record.traceback.splitlines()[-1]
        assert "loss is" in record.traceback or "not finite" in record.traceback


def test_a_model_that_cannot_be_computed_for_many_at_once_is_trained_alone(tmp_path, monkeypatch):
    configs = configs_of(tmp_path / "many", seeds=(0, 1))
    single(configs_of(tmp_path / "alone", seeds=(0, 1)))
    plain = DAN.penalty

    def penalty(self, batch, fake):
        return plain(self, batch, fake) * float(bool(fake.mean() > 0))  # which vmap cannot do

    monkeypatch.setattr(DAN, "penalty", penalty)
    told = {}
    records = many(configs, told)
    for key in configs:
        assert records[key].status == "done"
        assert "trained_as_one" not in records[key].provenance
        (warning,) = (one.warning for one in told[key] if one.warning)
        assert warning.startswith("not trained together with other seeds, but alone: RuntimeError")
        here, there = (weights(tmp_path / name, key) for name in ("many", "alone"))
        assert all(torch.equal(here[name], there[name]) for name in here)


def test_a_checkpoint_that_cannot_be_written_fails_its_own_run(tmp_path, monkeypatch):
    configs = configs_of(tmp_path, EVERY)
    _, bad, _ = configs
    plain = checkpoint.Checkpoint.save

    def save(self, trainer):
        if self.run == bad and self.path.parent.name == bad:
            raise OSError(28, "No space left on device")
        plain(self, trainer)

    monkeypatch.setattr(checkpoint.Checkpoint, "save", save)
    records = many(configs)
    assert [records[key].status for key in configs] == ["done", "failed", "done"]
    assert "No space left on device" in records[bad].traceback


def test_each_run_has_its_own_logger(tmp_path):
    configs = configs_of(tmp_path, "logger=csv", seeds=(0, 1))
    records = many(configs)
    logs = sorted(tmp_path.rglob("metrics.csv"))
    assert len(logs) == 2
    finals = sorted(pd.read_csv(log)["discriminator_loss"].dropna().iloc[-1] for log in logs)
    curves = [Store(tmp_path).curves(key) for key in records]
    assert finals == pytest.approx(sorted(c["discriminator_loss"].iloc[-1] for c in curves))


def test_who_goes_on_tells_its_logger_the_whole_curve(tmp_path):
    configs = configs_of(tmp_path, EVERY, "logger=csv", seeds=(0, 1))
    cut_off(configs, step=15)
    many(configs)
    logs = [pd.read_csv(log) for log in tmp_path.rglob("metrics.csv")]
    points = [log.dropna(subset="discriminator_loss")["step"].tolist() for log in logs]
    assert points == [[5, 10, 15, 20]] * 2


def test_a_records_key_and_config_are_those_of_its_single_run(tmp_path):
    configs = configs_of(tmp_path, seeds=(0, 1))
    for key, record in many(configs).items():
        stored = json.loads((Store(tmp_path).folder(key) / "record.json").read_text())
        assert stored["key"] == key == key_of(configs[key].scientific())
        assert record == replace(record, config=configs[key].scientific())


# devices

GPU = "cuda: NVIDIA H100"


class Accelerator:
    """What calls itself one, and is the CPU to torch."""

    type = "cuda"

    def __str__(self):
        return "cpu"


def devices(records):
    return [record.provenance.get("device") for record in records.values()]


@pytest.mark.parametrize("trained", [many, single])
def test_a_run_that_is_trained_on_a_gpu_says_so_and_one_on_a_cpu_nothing(
    trained, tmp_path, monkeypatch
):
    assert devices(trained(configs_of(tmp_path / "cpu", seeds=(0, 1)))) == [None, None]
    monkeypatch.setattr("dan_bench.models.module.name_of", lambda _: GPU)
    assert devices(trained(configs_of(tmp_path / "gpu", seeds=(0, 1)))) == [GPU, GPU]


@pytest.mark.parametrize("again", [many, single])
def test_a_run_that_begins_on_a_gpu_and_ends_on_a_cpu_says_both(again, tmp_path, monkeypatch):
    configs = configs_of(tmp_path, EVERY, seeds=(0, 1))
    with monkeypatch.context() as patch:
        patch.setattr("dan_bench.models.module.name_of", lambda _: GPU)
        cut_off(configs, step=15)
    assert devices(again(configs)) == [f"{GPU}, cpu"] * 2


def test_a_control_whose_attackers_are_trained_on_a_gpu_says_so(tmp_path, monkeypatch):
    words = [word for word in SMALL if not word.startswith("trainer.")]
    config = configure([*words, "model=one_time_pad", f"runtime.results={tmp_path}"])
    monkeypatch.setattr("dan_bench.pipeline.plan.device_for", lambda _: Accelerator())
    monkeypatch.setattr("dan_bench.pipeline.plan.name_of", lambda _: GPU)
    record = run(config, "test")
    assert (record.status, record.provenance["device"]) == ("done", GPU)


def test_a_cpu_is_what_is_asked_for_or_all_that_there_is(monkeypatch):
    monkeypatch.setattr("torch.accelerator.is_available", lambda: False)
    asked = [device_for(accelerator) for accelerator in ("cpu", "auto", "gpu")]
    assert [name_of(device) for device in asked] == ["cpu"] * 3
