"""How large a table is: the presets of conf/table1, and their parts made into objects."""

import inspect
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from dan_bench.config.schema import CONF, ConfigError, Part, Strict, bind, explain
from dan_bench.erase.filesystem import mounted
from dan_bench.erase.handles import locate
from dan_bench.table1 import imagenet, mp3
from dan_bench.table1.album import Album
from dan_bench.table1.subject import Entry
from dan_bench.table1.training_set import TrainingSet


class EntryConfig(Strict):
    """A row of the table, as conf/table1 has it."""

    title: str
    in_paper: bool
    training: Part
    subject: Part
    own: dict[str, int] = Field(default_factory=dict)
    """How much is taken of a training set of the user's own."""


@dataclass(frozen=True)
class Sources:
    """Where data of the user's own are to be had; None where the stand-in is to do."""

    datasets: Path
    imagenet: Path | None = None
    mp3: Path | None = None


@dataclass(frozen=True)
class EntryRun:
    """One subject with one seed, ready to be run."""

    name: str
    title: str
    position: int
    """Of its row in the preset."""
    seed: int
    subject: Entry
    training_set: TrainingSet
    config: dict[str, Any]
    """The scientific config, which its record is known by."""


def read_preset(preset: str) -> dict[str, EntryConfig]:
    """Return the rows of a preset by their names, in order.

    Args:
        preset: the name of a file in conf/table1, or the path of one of your own (.toml).

    Raises:
        ConfigError: there is no such file, or it is not what it must be.
    """
    own = preset.endswith(".toml")
    path = Path(preset) if own else CONF / "table1" / f"{preset}.toml"
    try:
        rows = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(
            f"--preset={preset}: it is quick, paper or a file of your own (.toml)"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    try:
        return {name: EntryConfig.model_validate(row) for name, row in rows.items()}
    except ValidationError as error:
        raise ConfigError(explain(error, path.name)) from error


def make_jobs(
    rows: dict[str, EntryConfig],
    names: list[str],
    preset: str,
    seeds: int,
    sources: Sources,
    album: Album,
    file_system: str,
) -> list[EntryRun]:
    """Make every part that the named rows need, seed by seed; does no work yet.

    Raises:
        ConfigError: no such row, or a part that cannot be had.
    """
    unknown = [name for name in names if name not in rows]
    if unknown:
        raise ConfigError(f"--subjects: no {', '.join(unknown)}; there are {', '.join(rows)}")
    whose = album.identify()
    jobs = []
    for name, row in rows.items():
        if name not in names:
            continue
        training_set = make_training_set(row, name, sources)
        subject: Entry = bind(row.subject, f"{name}.subject")()
        config = {
            "subject": name,
            "preset": Path(preset).stem,
            "training": identity_of(training_set, row.training),
            "runs": row.subject.model_dump(by_alias=True) | subject.identify(),
            "album": whose,
            "file_system": file_system,
        }
        position = list(rows).index(name)
        jobs += [
            EntryRun(
                name, row.title, position, seed, subject, training_set, {**config, "seed": seed}
            )
            for seed in range(seeds)
        ]
    return jobs


def make_training_set(row: EntryConfig, name: str, sources: Sources) -> TrainingSet:
    """Return the user's own training set where there is one for this row, or the preset's."""
    bound = bind(row.training, f"{name}.training", frozenset({"root"}))
    if bound.func is imagenet.StandIn and sources.imagenet is not None:
        return imagenet.OwnImageNet(sources.imagenet, **row.own)
    if bound.func is mp3.Synthesised and sources.mp3 is not None:
        return mp3.OwnMp3s(sources.mp3)
    if "root" in inspect.signature(bound.func).parameters:
        bound.keywords["root"] = sources.datasets
    made: TrainingSet = bound()
    return made


def identity_of(training_set: TrainingSet, part: Part) -> dict[str, Any]:
    """Return what a record knows of a training set; the preset's part says nothing of one's own."""
    if isinstance(training_set, imagenet.OwnImageNet | mp3.OwnMp3s):
        return training_set.identify()
    return part.model_dump(by_alias=True) | training_set.identify()


def file_system_of(folder: Path) -> str:
    """Return the kind of file system that a folder lies on: what can be vouched for depends on it.

    Raises:
        ValueError: the path leads through a link.
    """
    mount = locate(folder)[0].mount
    found = mounted().get(mount) if mount is not None else None
    return "unknown" if found is None else found.kind
