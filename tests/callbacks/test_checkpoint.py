"""What a run that was interrupted resumes from, and what becomes of a file that it cannot use."""

import os
import shutil
from functools import partial

import pytest
import torch
from tiny_runs import SMALL, batches, module_of

from dan_bench.callbacks.checkpoint import Checkpoint, Suspended, request
from dan_bench.config.compose import configure
from dan_bench.models.dan import DAN
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store, key_of


def saved(folder, run="this", *overrides):
    """A checkpoint of step 4 of 6."""
    checkpoint = Checkpoint(folder / "last.ckpt", run, every=4)
    module = module_of(*overrides)
    fit(module, batches(module, steps=6), checkpoint=checkpoint)
    return checkpoint


def test_a_checkpoint_names_its_run_and_step(tmp_path):
    checkpoint = saved(tmp_path)
    assert checkpoint.step() == 4
    assert checkpoint.refusal(module_of(), steps=6) == ""
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_where_there_is_none_the_run_begins(tmp_path):
    checkpoint = Checkpoint(tmp_path / "last.ckpt", "this", every=4)
    assert checkpoint.refusal(module_of(), steps=6) == ""
    assert checkpoint.step() == 0


def test_it_is_on_the_device_before_it_has_its_name(tmp_path, monkeypatch):
    did = []
    fsync, replace = os.fsync, os.replace

    def noting(name, call, *arguments, **options):
        did.append(name)
        return call(*arguments, **options)

    monkeypatch.setattr(os, "fsync", partial(noting, "fsync", fsync))
    monkeypatch.setattr(os, "replace", partial(noting, "replace", replace))
    saved(tmp_path)
    assert did[-3:] == ["fsync", "replace", "fsync"]  # the last is of the name


@pytest.mark.parametrize("precision", ["32-true", "64-true", "bf16-mixed"])
def test_a_resumed_run_is_the_run_that_was_not_interrupted(precision, tmp_path):
    """Weights of double precision were rounded to single precision on the way."""
    checkpoint = Checkpoint(tmp_path / "last.ckpt", "this", every=4)
    whole, parted, resumed = (module_of("runtime.log_every=3") for _ in range(3))
    fit(whole, batches(whole, steps=11), precision=precision)
    fit(parted, batches(parted, steps=6), precision=precision, checkpoint=checkpoint)
    fit(resumed, batches(resumed, steps=11), precision=precision, checkpoint=checkpoint)
    assert resumed.curves == whole.curves
    pairs = zip(resumed.state_dict().values(), whole.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_a_checkpoint_remembers_what_its_run_was_trained_on(tmp_path, monkeypatch):
    """A run that began on a GPU and ended on a CPU is not one of a CPU."""
    with monkeypatch.context() as patch:
        patch.setattr("dan_bench.models.module.name_of", lambda _: "cuda: NVIDIA H100")
        checkpoint = saved(tmp_path)
    resumed = module_of()
    fit(resumed, batches(resumed, steps=6), checkpoint=checkpoint)
    assert resumed.devices == ["cuda: NVIDIA H100", "cpu"]


def test_a_checkpoint_of_an_earlier_version_says_nothing_of_devices(tmp_path):
    checkpoint = saved(tmp_path)
    changed(lambda content: content["dan_bench"].pop("devices"))(checkpoint.path)
    resumed = module_of()
    fit(resumed, batches(resumed, steps=6), checkpoint=checkpoint)
    assert (resumed.step, resumed.devices) == (6, ["cpu"])


def truncated(path):
    os.truncate(path, path.stat().st_size // 2)


def emptied(path):
    os.truncate(path, 0)


def garbage(path):
    path.write_bytes(bytes(range(256)) * 40)


def without_a_run(path):
    """As an earlier version wrote them."""
    content = torch.load(path, weights_only=True)
    del content["dan_bench_run"]
    torch.save(content, path)


def of_another_run(path):
    content = torch.load(path, weights_only=True)
    content["dan_bench_run"] = "0123456789abcdef"
    torch.save(content, path)


def of_another_network(path):
    content = torch.load(path, weights_only=True)
    content["state_dict"] = {f"x{name}": w for name, w in content["state_dict"].items()}
    torch.save(content, path)


def a_pickle(path):
    torch.save({"run": module_of()}, path)


def a_folder(path):
    path.unlink()
    path.mkdir()


def changed(change):
    def damage(path):
        content = torch.load(path, weights_only=True)
        change(content)
        torch.save(content, path)

    return damage


def shorten_moments(content):
    for optimizer in content["optimizer_states"]:
        for moments in optimizer["state"].values():
            moments["exp_avg"] = torch.zeros(3)


def spoil(content):
    for weight in content["state_dict"].values():
        weight.fill_(torch.nan)


DAMAGES = [
    (truncated, "no checkpoint that can be read"),
    (emptied, "no checkpoint that can be read"),
    (garbage, "no checkpoint that can be read"),
    (a_pickle, "no checkpoint that can be read"),
    (without_a_run, "no checkpoint that can be read"),
    (of_another_run, "run 0123456789abcdef"),
    (of_another_network, "other networks"),
    (a_folder, "is no file"),
    (changed(lambda content: content.pop("optimizer_states")), "no checkpoint that can be read"),
    (changed(lambda content: content["optimizer_states"].pop()), "no checkpoint that can be read"),
    (changed(shorten_moments), "other optimisers"),
    (changed(lambda content: content["dan_bench"].update(step=21)), "step 21, of a run of 20"),
    (changed(lambda content: content["dan_bench"].update(step=-3)), "step -3, of a run of 20"),
]
USELESS = [
    changed(spoil),
    changed(lambda content: content.pop("loops")),
    changed(lambda content: content["dan_bench"].pop("curves")),
    changed(lambda content: content.pop("pytorch-lightning_version")),
]


@pytest.mark.parametrize(("damage", "reason"), DAMAGES)
def test_what_cannot_be_resumed_from_is_set_aside_and_the_run_begins_again(
    damage, reason, tmp_path
):
    """It blocked its run for ever: every attempt failed at the same file."""
    config = configure([*SMALL, f"runtime.results={tmp_path}"])
    key = key_of(config.scientific())
    folder = Store(tmp_path).folder(key)
    folder.mkdir(parents=True)
    damage(saved(folder, key).path)
    damaged = folder / "last.ckpt"
    if damaged.is_file():
        shutil.copy(damaged, tmp_path / "damaged")
    told = []
    record = run(config, "test", told.append)
    assert record.status == "done", record.traceback
    (warning,) = [progress.warning for progress in told if progress.warning]
    assert reason in warning
    assert "renamed to last.ckpt.unusable, and the run begins again" in warning
    kept = folder / "last.ckpt.unusable"
    assert kept.exists()
    if kept.is_file():
        assert kept.read_bytes() == (tmp_path / "damaged").read_bytes()
    steps = [progress.step for progress in told if progress.doing == "training"]
    assert steps[0] == 0


@pytest.mark.parametrize("damage", USELESS)
def test_what_fails_at_once_does_not_fail_again(damage, tmp_path):
    config = configure([*SMALL, f"runtime.results={tmp_path}"])
    key = key_of(config.scientific())
    folder = Store(tmp_path).folder(key)
    folder.mkdir(parents=True)
    damage(saved(folder, key).path)
    told = []
    assert run(config, "test", told.append).status == "failed"
    (warning,) = [progress.warning for progress in told if progress.warning]
    assert "could not be gone on from; renamed to last.ckpt.unusable" in warning
    assert run(config, "test").status == "done"


def test_nothing_that_was_set_aside_is_overwritten(tmp_path):
    checkpoint = Checkpoint(tmp_path / "last.ckpt", "this", every=4)
    for content in (b"first", b"second"):
        checkpoint.path.write_bytes(content)
        checkpoint.set_aside()
    assert (tmp_path / "last.ckpt.unusable").read_bytes() == b"first"
    assert (tmp_path / "last.ckpt.unusable1").read_bytes() == b"second"


def test_a_good_one_is_resumed_from_without_a_warning(tmp_path):
    config = configure([*SMALL, f"runtime.results={tmp_path}"])
    key = key_of(config.scientific())
    folder = Store(tmp_path).folder(key)
    folder.mkdir(parents=True)
    saved(folder, key)
    told = []
    record = run(config, "test", told.append)
    assert record.status == "done", record.traceback
    assert [progress.warning for progress in told if progress.warning] == []
    assert not (folder / "last.ckpt.unusable").exists()


@pytest.mark.parametrize("stop", [1, 7, 12, 19])
def test_a_run_that_is_asked_to_stop_goes_on_bit_for_bit_somewhere_else(stop, tmp_path):
    """A signal handler asks; what is asked for comes after the step, wherever that is."""

    often = ["runtime.snapshots=[0,3,6,15]", "runtime.log_every=2"]

    def of(folder):
        return configure([*SMALL, *often, f"runtime.results={tmp_path / folder}"])

    straight = run(of("straight"), "test")
    assert not request()  # nothing is trained
    learn = DAN.learn

    def asking(module, batch):
        learn(module, batch)
        if module.step == stop:
            assert request()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DAN, "learn", asking)
        with pytest.raises(Suspended):
            run(of("here"), "test")
    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    assert here.all() == ([], {})  # it has not failed
    assert not request()
    folder = there.folder(straight.key)
    folder.mkdir(parents=True)
    shutil.copy(here.folder(straight.key) / "last.ckpt", folder)
    told = []
    resumed = run(of("there"), "test", told.append)
    assert min(p.step for p in told if p.doing == "training" and p.step) >= stop
    assert resumed.metrics == straight.metrics
    assert not (folder / "last.ckpt").exists()
    first = Store(tmp_path / "straight").folder(straight.key)
    names = {path.name for path in first.iterdir()} - {"record.json"}
    assert names >= {"weights.pt", "snapshots.npy", "snapshot_steps.npy", "curves.parquet"}
    for name in names:
        assert (folder / name).read_bytes() == (first / name).read_bytes(), name


def test_by_time_one_is_saved_when_the_time_has_passed(tmp_path):
    """Of a run of less than that none is left, so that short runs pay nothing."""
    for every, saves in (("60s", False), ("0.0s", True)):
        checkpoint = Checkpoint(tmp_path / every, "this", every)
        module = module_of()
        fit(module, batches(module, steps=6), checkpoint=checkpoint)
        assert checkpoint.path.exists() is saves
    assert checkpoint.step() == 6
    assert configure([]).runtime.checkpoint_every == "60s"


def test_torn_snapshots_do_not_concern_a_run_that_goes_on(tmp_path):
    """What was there came from them: cut short, each attempt ended in the same traceback."""
    config = configure([*SMALL, f"runtime.results={tmp_path}", "runtime.snapshots=[1,2,20]"])
    key = key_of(config.scientific())
    folder = Store(tmp_path).folder(key)
    folder.mkdir(parents=True)
    saved(folder, key)
    for name in ("snapshots", "snapshot_steps"):
        (folder / f"{name}.npy").write_bytes(b"\x93NUMPY\x01\x00v")
    record = run(config, "test")
    assert record.status == "done", record.traceback
    assert Store(tmp_path).array(key, "snapshot_steps").tolist() == [20]


def test_who_was_taken_over_saves_nothing_any_more(tmp_path):
    """It hears of it where it tells how far it is: before a checkpoint, and not only in curves."""

    class TakenOver(BaseException):
        pass

    def told(step):
        raise TakenOver

    checkpoint = Checkpoint(tmp_path / "last.ckpt", "this", every=4)
    module = module_of("runtime.log_every=1000")
    with pytest.raises(TakenOver):
        fit(module, batches(module, steps=6), checkpoint=checkpoint, on_step=told)
    assert module.step == 4
    assert list(tmp_path.iterdir()) == []


def test_a_draft_of_another_process_is_left_alone(tmp_path):
    for name in ("last.tmp", "last.ckpt.tmp"):
        (tmp_path / name).write_bytes(b"theirs")
    saved(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"last.tmp", "last.ckpt.tmp", "last.ckpt"}
