"""A finished run's degenerator, read back from its folder.

The folder may be somebody else's. What its record names is looked for among what is declared here
(`config.registry`), and no more of its config is used than describes the network; its weights are
numbers, of the shapes that the config says and no larger than their file.
"""

import math
import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dan_bench.cli import InputError
from dan_bench.config.build import asked_for, build
from dan_bench.config.compose import configure
from dan_bench.config.registry import UndeclaredTarget, registered
from dan_bench.config.schema import ConfigError, RunConfig
from dan_bench.data.noise import fast_bytes
from dan_bench.interfaces import Degenerator, RunRecord, dimension
from dan_bench.models.frozen import Draw
from dan_bench.pipeline.methods import UntrainedNetwork
from dan_bench.results.cache import CheckedStore
from dan_bench.results.reading import DAMAGES, reason, shown
from dan_bench.results.record import DamagedRecord, described, read

NAMED = ("model", "data", "objective")
"""Parts of a record's config whose targets are called here."""
TAKEN = (*NAMED, "output", "noise_dim", "noise", "seed", "trainer")
"""What of it is used: all that the network and its shapes depend on."""
MOST_NEW = 1 << 28
"""Weights that may be made anew, of a discriminator that its run did not keep: 1 GiB."""


class NoDegenerator(InputError):
    """There is no trained degenerator of that name; the message says what there is."""


def find(name: str, results: Path) -> RunRecord:
    """Return the finished training run that a person means.

    Args:
        name: a run's folder, the beginning of its key, or the name of a model, of which the run
            that destroyed most, and among equals the one with most entropy, is taken.
        results: folder that holds `runs`.

    Raises:
        NoDegenerator: none is meant, or several.
    """
    store = CheckedStore(results)
    folder = Path(name)
    if folder.is_dir():
        try:
            return trained(described(read(folder / "record.json")), name)
        except FileNotFoundError:
            raise NoDegenerator(f"{name} is a folder without a record.json: no run") from None
        except DamagedRecord as error:
            raise NoDegenerator(f"{name}/record.json: {error}") from error
    done = [r for r in store.all()[0] if r.status == "done"]
    meant = [record for record in done if record.key.startswith(name)] if len(name) >= 4 else []
    if len(meant) > 1:
        keys = ", ".join(record.key for record in meant)
        raise NoDegenerator(f"{name!r} is the beginning of several keys: {keys}")
    if meant:
        return trained(meant[0], name)
    of_model = [r for r in done if r.config["model"]["name"] == name]
    refused: list[InputError] = []
    for record in sorted(of_model, key=quality, reverse=True):
        try:
            if is_trained(record):
                saved_network(store.folder(record.key) / "weights.pt")
                return record
        except (NoDegenerator, UndeclaredTarget) as error:
            refused.append(error)
    if refused:
        raise NoDegenerator(str(refused[0])) from refused[0]
    models = ", ".join(sorted({r.config["model"]["name"] for r in done if trains(r)})) or "none yet"
    raise NoDegenerator(
        f"{name!r} is no finished run under {store.runs}, nor a model that one trained "
        f"(there are: {models}); train one: python -m dan_bench.train model=dan output=torus"
    )


def is_trained(record: RunRecord) -> bool:
    """Return whether a run left a trained network that degenerates.

    Raises:
        UndeclaredTarget: its model is none that is declared here.
    """
    model = record.config["model"]
    if model["kind"] != "learned":
        return False
    try:
        return getattr(registered(model["_target_"], "model"), "degenerates", False) is True
    except UndeclaredTarget:
        raise
    except ConfigError:  # declared by a package that is no longer as it was
        return False


def trains(record: RunRecord) -> bool:
    """Return whether `is_trained`, and False of an undeclared model."""
    try:
        return is_trained(record)
    except UndeclaredTarget:
        return False


def trained(record: RunRecord, name: str) -> RunRecord:
    """Return the record, if it is that of a finished training run."""
    try:
        good = record.status == "done" and is_trained(record)
    except UndeclaredTarget as error:
        raise NoDegenerator(f"{name}: {error}") from error
    if not good:
        raise NoDegenerator(
            f"{name} is a {record.status} run of {record.config['model']['name']}: "
            "a finished one of a model that degenerates is needed"
        )
    return record


def quality(record: RunRecord) -> tuple[float, ...]:
    """Return what runs of one model are chosen by: what is certainly destroyed, the newest attacks,
    what they left, and then entropy.
    """
    names = ("certified_destroyed", "percent_destroyed", "joint_bits")
    found = [record.metrics.get(name) for name in names]
    certain, left, bits = (-1.0 if estimate is None else estimate.value for estimate in found)
    return max(0.0, certain), record.schema_version, left, bits


def load(record: RunRecord, folder: Path, seed: int, draw: Draw = fast_bytes) -> Degenerator:
    """Build the degenerator of a run, with fresh noise from `seed` and `draw`.

    Raises:
        NoDegenerator: the weights are missing, are no weights, or are another network's.
    """
    path = folder / "weights.pt"
    weights, mean = saved_network(path)
    try:
        config = config_of(record)
        source = build(config.data, "data")
        network = UntrainedNetwork(config, source)
        with torch.device("meta"):  # where a parameter has a shape and costs nothing
            check_shapes(network.make(mean).state_dict(), weights)
        module = network.make(mean)
        # the discriminator is not needed, and after Algorithm 1 it is not there
        module.load_state_dict(weights, strict=False)
        module.check_weights()  # in which one of double precision may be infinite
        degenerator = module.inference(seed, draw)
        ends = np.repeat(np.array([[0], [255]], np.uint8), dimension(source.shape), axis=1)
        degenerator(ends, np.arange(2))
    except FloatingPointError as error:
        raise NoDegenerator(f"{path} is of a run that diverged: {error}") from error
    except ConfigError as error:
        raise NoDegenerator(f"the run's config is not one of this version: {error}") from error
    except DAMAGES as error:
        raise NoDegenerator(f"{path} is no checkpoint of this run: {reason(error)}") from error
    return degenerator


def saved_network(path: Path) -> tuple[dict[str, Tensor], float]:
    """Read weights, all of them finite and none larger than the file, and the mean of the data.

    Raises:
        NoDegenerator: there are none, they are damaged, or they are of a run that diverged.
    """
    if not path.is_file():
        why = "runs with runtime.keep_inputs=false keep no weights"
        raise NoDegenerator(f"{path} is missing: {why}")
    try:
        with zipfile.ZipFile(path) as file:  # as torch writes it, which compresses nothing
            if any(entry.compress_type for entry in file.infolist()):
                raise ValueError("it is compressed")
        # mapped, each number is within the file; read, a forged length would go beyond its end
        saved = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
        weights, mean = dict(saved["weights"]), float(saved["data_mean"])
        if not all(type(weight) is Tensor for weight in weights.values()):
            raise TypeError("its weights are not tensors")
        # tied weights are kept once
        if sum(weight.nbytes for weight in weights.values()) > 2 * path.stat().st_size:
            raise ValueError("its weights are larger than the file")
        bad = [str(name) for name, weight in weights.items() if not weight.isfinite().all()]
    except Exception as error:  # whatever torch makes of a file that is damaged or forged
        raise NoDegenerator(f"{path} is no checkpoint of this run: {reason(error)}") from error
    bad += [] if math.isfinite(mean) else ["data_mean"]
    if bad:
        raise NoDegenerator(f"{path} is of a run that diverged: {shown(bad[0])} is not finite")
    return weights, mean


def check_shapes(planned: dict[str, Tensor], weights: dict[str, Tensor]) -> None:
    """Raise a KeyError where a network is not that of the weights, before it takes any memory.

    Args:
        planned: the network's state, on the device `meta`.
        weights: those that were saved.
    """
    new = planned.keys() - weights.keys()
    missing = sorted(name for name in new if name.startswith(("degenerator", "ema")))
    others = sorted(weights.keys() - planned.keys())
    others += [n for n in planned.keys() - new if planned[n].shape != weights[n].shape]
    if missing or others:
        raise KeyError(f"it lacks {missing[:3]}, and has {others[:3]} of another network")
    if sum(planned[name].numel() for name in new) > MOST_NEW:
        raise KeyError("it lacks most of the network that the config describes")


def config_of(record: RunRecord) -> RunConfig:
    """Return what a record says of its network as a config; of the rest of it the defaults.

    Where its data lie is not in it, and not needed here.

    Raises:
        UndeclaredTarget: its model, data or objective is none that is declared here.
        ConfigError: it is of another version.
    """
    values = configure().model_dump(mode="json", by_alias=True)
    given = {"noise": "uniform"} | record.config  # the only law, where a record names none
    values |= {name: given[name] for name in TAKEN}
    found = {name: registered(values[name]["_target_"], name) for name in NAMED}
    root = asked_for(found["data"], {"root": "."})
    return RunConfig.parse(values | {"data": values["data"] | root, "logger": None})


def width_of(record: RunRecord) -> int:
    """Return how many bytes a row of the data has that a run's network was made for."""
    return dimension(build(config_of(record).data, "data").shape)
