"""A run's folder from somebody else: nothing that its record names is run, nothing is written."""

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from tiny_runs import SMALL

from dan_bench.cli import InputError
from dan_bench.config.compose import configure
from dan_bench.degenerate.__main__ import main as degenerate
from dan_bench.models.compatibility import choices
from dan_bench.pipeline.load import (
    NoDegenerator,
    config_of,
    find,
    load,
    saved_network,
    width_of,
)
from dan_bench.pipeline.methods import UntrainedNetwork
from dan_bench.pipeline.plan import plan
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store, key_of, read

MARK = "PWNED"
TOUCH = {"_target_": "os.system", "command": f"touch {MARK}", "name": "x"}
HOSTILE = {
    "data": {"data": TOUCH},
    "model": {"model": TOUCH | {"kind": "learned", "name": "dan"}},
    "objective": {"objective": TOUCH},
    "optimizer": {"optimizer": {"degenerator": TOUCH, "discriminator": TOUCH}},
    "evaluation": {
        "evaluation": {"samples": 64, "known": 64, "metrics": {"x": TOUCH}, "c2st": TOUCH}
    },
    "logger": {"logger": TOUCH},
    "a module of its own": {"data": {"_target_": "mine.Data", "name": "x"}},
    "through a module of ours": {
        "data": {
            "_target_": "dan_bench.erase.plan.os.system",
            "command": f"touch {MARK}",
            "name": "x",
        }
    },
    "by a colon": {"data": {"_target_": "os:system", "command": f"touch {MARK}", "name": "x"}},
    "a function of ours": {
        "data": {"_target_": "dan_bench.data.fetch.fetch", "name": "x", "folder": MARK}
    },
    "a model for data": {"data": {"_target_": "dan_bench.models.dan.DAN", "name": "x"}},
    "a control that trains": {
        "model": {
            "_target_": "dan_bench.controls.adversarial.Fgsm",
            "name": "dan",
            "kind": "learned",
        }
    },
    "no text": {"data": {"_target_": ["os.system"], "name": "x"}},
    "a target within": {"data": {"size": TOUCH}},
    "a function asked for": {"objective": {"_partial_": True}},
    "data elsewhere": {
        "data": {"_target_": "dan_bench.data.mnist.Mnist", "name": "mnist", "root": f"./{MARK}"}
    },
}
"""Changes of a record's config, of which none may do anything."""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A folder with one finished run."""
    folder = tmp_path_factory.mktemp("results")
    run(configure([*SMALL, "output=torus", f"runtime.results={folder}"]), "test")
    return folder


def forged(results: Path, into: Path, changes: dict, weights=None) -> Path:
    """Copy the run with another config, which its key is made from, and return its folder."""
    (record,) = Store(results).all()[0]
    values = asdict(record)
    for part, change in changes.items():
        old = values["config"].get(part)
        keeps = isinstance(old, dict) and isinstance(change, dict) and "_target_" not in change
        values["config"][part] = {**old, **change} if keeps else change
    values["key"] = key_of(values["config"])
    folder = into / "results" / "runs" / values["key"]
    folder.mkdir(parents=True)
    (folder / "record.json").write_text(json.dumps(values))
    saved = (results / "runs" / record.key / "weights.pt").read_bytes()
    (folder / "weights.pt").write_bytes(saved)
    if weights is not None:
        torch.save(
            weights(torch.load(folder / "weights.pt", weights_only=True)), folder / "weights.pt"
        )
    return folder


def listing(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


@pytest.mark.parametrize("by", ["folder", "model"])
@pytest.mark.parametrize("change", HOSTILE)
def test_nothing_that_a_record_names_is_run(results, change, by, tmp_path, monkeypatch, capfd):
    """Refused, or not looked at; a module beside it is not even imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mine.py").write_text(f"open({MARK!r}, 'w')")
    folder = forged(results, tmp_path, HOSTILE[change])
    (tmp_path / "secret").write_bytes(b"Dear diary, " * 100)
    before = listing(tmp_path)
    words = ["secret", "--dry-run", "--leaky", "--with", str(folder) if by == "folder" else "dan"]
    code = degenerate(words)
    said = capfd.readouterr()
    assert listing(tmp_path) == before
    assert (tmp_path / "secret").read_bytes() == b"Dear diary, " * 100
    used = set(HOSTILE[change]) <= {"model", "data", "objective"}
    assert code == (2 if used else 0), said
    assert "Traceback" not in said.out + said.err
    assert "mine" not in sys.modules


def test_a_record_in_the_working_folder_runs_nothing(results, tmp_path):
    """The whole command, as it was typed."""
    forged(results, tmp_path, HOSTILE["data"])
    (tmp_path / "secret").write_bytes(b"Dear diary, " * 100)
    words = ["-m", "dan_bench.degenerate", "secret", "--with", "dan", "--leaky", "--yes"]
    ended = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert ended.returncode == 2
    assert "'os.system', which no part of this installation declares" in ended.stderr
    assert not (tmp_path / MARK).exists()
    assert (tmp_path / "secret").read_bytes() == b"Dear diary, " * 100


HUGE = {
    "a wide row": {"data": {"shape": [1_000_000, 1_000_000]}},
    "more numbers than there are": {"data": {"shape": [10**30]}},
    "much noise": {"noise_dim": 10**12},
    "a wide layer": {"model": {"degenerator_hidden": [10**9, 10**9]}},
    "a wide discriminator": {"model": {"discriminator_hidden": [10**6, 10**6]}},
    "a large alphabet": {
        "data": {
            "_target_": "dan_bench.data.symbols.Symbols", "name": "symbols", "seed": 0,
            "train_size": 1, "test_size": 1, "size": 1 << 60, "width": 60,
        }
    },
}  # fmt: skip


@pytest.mark.parametrize("change", HUGE)
def test_a_network_larger_than_its_weights_takes_no_memory(results, change, tmp_path):
    folder = forged(results, tmp_path, HUGE[change])
    with pytest.raises(NoDegenerator):
        load(read(folder / "record.json"), folder, seed=0)


def test_a_discriminator_that_was_not_kept_is_not_made_at_any_size(results, tmp_path):
    def without(saved):
        kept = {n: w for n, w in saved["weights"].items() if n.startswith("degenerator")}
        return saved | {"weights": kept}

    folder = forged(results, tmp_path, {}, without)
    load(read(folder / "record.json"), folder, seed=0)
    change = {"model": {"discriminator_hidden": [100_000, 100_000]}}
    folder = forged(results, tmp_path, change, without)
    with pytest.raises(NoDegenerator, match="lacks most"):
        load(read(folder / "record.json"), folder, seed=0)


def changed(**tensors):
    return lambda saved: saved | {"weights": saved["weights"] | tensors}


def stretched(saved):
    """Each weight is one number of which it claims as many as it should have."""
    return saved | {
        "weights": {n: torch.ones(1).expand(w.shape) for n, w in saved["weights"].items()}
    }


WEIGHTS = {
    "no dictionary": lambda _: [1, 2],
    "no weights": lambda _: {"data_mean": 0.5},
    "weights of another kind": lambda saved: (
        saved | {"weights": dict.fromkeys(saved["weights"], 1)}
    ),
    "an empty dictionary": lambda saved: saved | {"weights": {}},
    "one too many": changed(more=torch.ones(3)),
    "one number for all": stretched,
    "a mean that is none": lambda saved: saved | {"data_mean": "grey"},
    "a mean that is not finite": lambda saved: saved | {"data_mean": float("nan")},
    "a mean out of range": lambda saved: saved | {"data_mean": 1e39},
    "weights of which all outputs are infinite": lambda saved: (
        saved | {"weights": {n: torch.full_like(w, 3e38) for n, w in saved["weights"].items()}}
    ),
    "weights that single precision cannot hold": lambda saved: (
        saved | {"weights": {n: w.double() + 1e300 for n, w in saved["weights"].items()}}
    ),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_that_are_none_are_refused(results, name, tmp_path):
    try:
        folder = forged(results, tmp_path, {}, WEIGHTS[name])
    except TypeError:
        pytest.fail("it could not be made")
    with pytest.raises(NoDegenerator, match=r"weights\.pt is (no checkpoint|of a run that div)"):
        load(read(folder / "record.json"), folder, seed=0)


class Command:
    """A pickle that runs a command."""

    def __reduce__(self):
        return os.system, (f"touch {MARK}",)


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_weights_run_nothing(results, new, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = forged(results, tmp_path, {})
    saved = {"weights": {"a": Command()}, "data_mean": 0.5}
    torch.save(saved, folder / "weights.pt", _use_new_zipfile_serialization=new)
    with pytest.raises(NoDegenerator, match="no checkpoint"):
        load(read(folder / "record.json"), folder, seed=0)
    assert not (tmp_path / MARK).exists()


def test_damaged_weights_are_refused(results, tmp_path):
    """Cut anywhere, or with any bit flipped: refused, or what they were but for a weight."""
    (record,) = Store(results).all()[0]
    path = tmp_path / "weights.pt"
    whole = (Store(results).folder(record.key) / path.name).read_bytes()
    draw = torch.Generator().manual_seed(0)
    places = torch.randint(len(whole), (40,), generator=draw).tolist()
    for damaged in [b"", b"PK", os.urandom(500), *(whole[:at] for at in places)]:
        path.write_bytes(damaged)
        with pytest.raises(NoDegenerator):
            saved_network(path)
    refused = 0
    for at in [*places, *range(0, 2000, 40), *range(len(whole) - 2000, len(whole), 40)]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
        try:
            saved_network(path)
        except NoDegenerator:
            refused += 1
    assert refused > 10


def test_a_pipe_in_place_of_weights_is_not_waited_for(results, tmp_path):
    folder = forged(results, tmp_path, {})
    (folder / "weights.pt").unlink()
    os.mkfifo(folder / "weights.pt")
    with pytest.raises(NoDegenerator, match="missing"):
        load(read(folder / "record.json"), folder, seed=0)


def test_of_a_model_the_best_run_with_good_weights_is_picked(results, tmp_path):
    """One that diverged, as once was recorded as done, is passed over; by its key it is refused."""
    (good,) = Store(results).all()[0]
    folder = forged(results, tmp_path, {})
    perfect = {"value": 100.0, "low": 100.0, "high": 100.0, "n": 1, "details": {}}

    def broken(saved):
        next(iter(saved["weights"].values())).view(-1)[0] = float("nan")
        return saved

    bad = forged(results, tmp_path, {"seed": 5}, broken)
    values = json.loads((bad / "record.json").read_text())
    values["metrics"] |= {"percent_destroyed": perfect, "certified_destroyed": perfect}
    (bad / "record.json").write_text(json.dumps(values))
    assert find("dan", tmp_path / "results").key == good.key == folder.name
    with pytest.raises(NoDegenerator, match="diverged"):
        load(find(bad.name, tmp_path / "results"), bad, seed=0)
    (folder / "weights.pt").unlink()
    with pytest.raises(NoDegenerator, match="diverged"):
        find("dan", tmp_path / "results")


@pytest.mark.parametrize("name", sorted(choices("model")))
def test_each_model_of_ours_is_sized_without_memory_and_takes_its_own_weights(name, tmp_path):
    config = configure([*SMALL, f"model={name}", "output=sigmoid"])
    network = plan(config).method
    with torch.device("meta"):
        planned = network.make(0.5).state_dict()
    made = network.make(0.5).state_dict()
    assert {n: w.shape for n, w in planned.items()} == {n: w.shape for n, w in made.items()}
    assert isinstance(network, UntrainedNetwork)


def test_of_a_config_that_is_ones_own_anything_may_be_named(results):
    """Only records are held to what is declared."""
    metric = "+evaluation.metrics.mine={_target_:tests.nowhere.mine}"
    with pytest.raises(ValueError, match=r"tests\.nowhere"):
        plan(configure([*SMALL, metric]))  # looked for, and not there
    plan(configure([*SMALL, "+evaluation.metrics.mine={_target_:statistics.fmean,data:[1]}"]))
    (record,) = Store(results).all()[0]
    assert width_of(record) == 120
    assert config_of(record).data.name == "danoise"


def rezipped(path, change, compression=zipfile.ZIP_STORED):
    """Write the entries of a file of weights anew, with a change of their contents."""
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, change(name, content))


def test_weights_that_claim_more_numbers_than_there_are_read_nothing_beyond_them(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"weights": {"a": torch.arange(200.0)}, "data_mean": 0.5}, path)
    assert saved_network(path)[0]["a"].sum() == 19900

    def many(name, content):
        assert content.count(b"K\xc8") == 2 or not name.endswith("data.pkl")
        return content.replace(b"K\xc8", b"J\x80\x96\x98\x00")

    rezipped(path, many)
    with pytest.raises(NoDegenerator, match="no checkpoint"):
        saved_network(path)


def test_weights_that_unpack_to_more_than_they_are(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save({"weights": {"a": torch.zeros(10)}, "data_mean": 0.5}, path)
    rezipped(path, lambda _, content: content + bytes(1 << 20), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 15
    with pytest.raises(NoDegenerator, match="compressed"):
        saved_network(path)


@pytest.mark.parametrize("name", ["weights.pt", ".lock", "samples.npy"])
def test_a_run_in_somebody_elses_results_writes_through_no_link(name, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    config = configure([*SMALL, f"runtime.results={tmp_path}"])
    folder = Store(tmp_path).folder(key_of(config.scientific()))
    folder.mkdir(parents=True)
    (folder / name).symlink_to(precious)
    with pytest.raises(InputError, match="is a link"):
        run(config, "test")
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("name", ["weights.pt", ".lock", "samples.npy"])
def test_a_run_in_somebody_elses_results_waits_for_no_pipe(name, tmp_path):
    config = configure([*SMALL, f"runtime.results={tmp_path}"])
    folder = Store(tmp_path).folder(key_of(config.scientific()))
    folder.mkdir(parents=True)
    os.mkfifo(folder / name)
    with pytest.raises(InputError, match="is no regular file"):
        run(config, "test")
