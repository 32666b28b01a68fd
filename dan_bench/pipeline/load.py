"""A finished run's degenerator, read back from its folder."""

import pickle
from pathlib import Path

import torch

from dan_bench.cli import InputError
from dan_bench.config.build import asked_for, build, resolve
from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError, RunConfig
from dan_bench.data.noise import fast_bytes
from dan_bench.interfaces import Degenerator, RunRecord
from dan_bench.models.frozen import Draw
from dan_bench.pipeline.methods import UntrainedNetwork
from dan_bench.results.record import DamagedRecord, Store, read


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
    store = Store(results)
    folder = Path(name)
    if folder.is_dir():
        try:
            return trained(read(folder / "record.json"), name)
        except FileNotFoundError:
            raise NoDegenerator(f"{name} is a folder without a record.json: no run") from None
        except DamagedRecord as error:
            raise NoDegenerator(f"{name}/record.json: {error}") from error
    done = [r for r in store.all()[0] if r.status == "done" and is_trained(r)]
    meant = [record for record in done if record.key.startswith(name)] if len(name) >= 4 else []
    if len(meant) > 1:
        keys = ", ".join(record.key for record in meant)
        raise NoDegenerator(f"{name!r} is the beginning of several keys: {keys}")
    meant = meant or sorted((r for r in done if r.config["model"]["name"] == name), key=quality)
    if not meant:
        models = ", ".join(sorted({r.config["model"]["name"] for r in done})) or "none yet"
        raise NoDegenerator(
            f"{name!r} is no finished run under {store.runs}, nor a model that one trained "
            f"(there are: {models}); train one: python -m dan_bench.train model=dan output=torus"
        )
    return meant[-1]


def is_trained(record: RunRecord) -> bool:
    """Return whether a run left a trained network that degenerates."""
    model = record.config["model"]
    try:
        return bool(model["kind"] == "learned" and resolve(model["_target_"], "model").degenerates)
    except ConfigError:  # of a package that is not installed here
        return False


def trained(record: RunRecord, name: str) -> RunRecord:
    """Return the record, if it is that of a finished training run."""
    if record.status != "done" or not is_trained(record):
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
    try:
        config = config_of(record)
        source = build(config.data, "data")
        saved = torch.load(path, weights_only=True, map_location="cpu")
        module = UntrainedNetwork(config, source).make(saved["data_mean"])
        found = module.load_state_dict(saved["weights"], strict=False)
        # the discriminator is not needed, and after Algorithm 1 it is not there
        missing = [name for name in found.missing_keys if name.startswith(("degenerator", "ema"))]
        if missing or found.unexpected_keys:
            raise KeyError(f"it lacks {missing}, and has {found.unexpected_keys}")
        module.check_weights()
    except FloatingPointError as error:
        raise NoDegenerator(f"{path} is of a run that diverged: {error}") from error
    except FileNotFoundError:
        raise NoDegenerator(f"{path} is missing: the run kept no checkpoint") from None
    except (
        pickle.UnpicklingError,
        ArithmeticError,
        RuntimeError,
        LookupError,
        TypeError,
        EOFError,
    ) as error:
        reason = str(error).split("\n")[0]
        raise NoDegenerator(f"{path} is no checkpoint of this run: {reason}") from error
    except ConfigError as error:
        raise NoDegenerator(f"the run's config is not one of this version: {error}") from error
    return module.inference(seed, draw)


def config_of(record: RunRecord) -> RunConfig:
    """Return the config of a run; where its data lie is not in it, and not needed here."""
    values = configure().model_dump(mode="json", by_alias=True)
    values |= {"noise": "uniform"} | record.config  # the only law, where a record names none
    root = asked_for(resolve(values["data"]["_target_"], "data"), {"root": "."})
    return RunConfig.parse(values | {"data": values["data"] | root, "logger": None})
