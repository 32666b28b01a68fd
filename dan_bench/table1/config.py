"""The entries of Table 1 as configs: conf/table1/PRESET/ENTRY.yaml, and the user's own folders."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import yaml
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from pydantic import Field, NonNegativeInt

from dan_bench.config.compose import sweep
from dan_bench.config.schema import CONF, ConfigError, Part, RunConfig, Strict

PRESETS = CONF / "table1"
OWN = {"imagenet": "dan_bench.table1.imagenet.OwnImageNet", "mp3": "dan_bench.table1.mp3.OwnMp3s"}
"""Training sets of the user's own, by the option that names their folder."""


class TableOne(Strict):
    """What an entry of Table 1 has beside the config of a run."""

    subject: str
    """Its name in the records."""
    preset: str
    title: str
    position: NonNegativeInt
    """Of its row in the table."""
    in_paper: bool
    entry: Part
    training: Part
    album: Part
    scratch: Path = Path()
    """The folder in which the scratch folder is made."""
    identity: dict[str, Any] = Field(default_factory=dict)
    """What the result depends on beside the names and the seed; see `dan_bench.table1.entry`."""


class EntryConfig(RunConfig):
    """One entry of Table 1 with one seed; of the rest, DAN and its relatives are made."""

    table1: TableOne

    part: ClassVar[str] = "table1"
    task: ClassVar[str] = "dan_bench.table1.entry.plan_entry"

    @property
    def kind(self) -> str:
        """Nothing foretells how long another entry takes."""
        return self.table1.subject

    @property
    def steps(self) -> int:
        """Not known before the training set is written."""
        return 0

    def scientific_parts(self) -> dict[str, Any]:
        """Return what the result depends on, as plain containers."""
        names = {"subject": self.table1.subject, "preset": self.table1.preset}
        return {**names, **self.table1.identity, "seed": self.seed}

    def title(self) -> str:
        """Return the title of the row, and the seed."""
        return f"{self.table1.title}, seed {self.seed}"


def preset_folder(preset: str) -> Path:
    """Return the folder of a preset by name, or of the user's own, with a YAML file an entry.

    Raises:
        ConfigError: there is none.
    """
    ours = {path.name: path for path in PRESETS.iterdir() if path.is_dir()}
    found = ours.get(preset, Path(preset))
    if not any(found.glob("*.yaml")):
        names = " or ".join(sorted(ours, reverse=True))
        raise ConfigError(
            f"--preset={preset}: it is {names}, or a folder of your own with a YAML file an entry"
        )
    return found.resolve()


def chosen(folder: Path, subjects: str | None) -> list[str]:
    """Return the names of the entries that are asked for, in the table's order.

    Args:
        folder: of the preset.
        subjects: names separated by commas; None is the paper's own rows, and `all` is all.

    Raises:
        ConfigError: there is no such entry.
    """
    rows: dict[str, Any] = {}
    for path in folder.glob("*.yaml"):
        try:
            rows[path.stem] = dict(yaml.safe_load(path.read_text())["table1"])
            rows[path.stem]["position"] = int(rows[path.stem].get("position", 0))
        except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
            raise ConfigError(f"{path} is no entry of Table 1: {error}") from error
    names = sorted(rows, key=lambda name: (rows[name]["position"], name))
    if subjects is None:
        if ours := [name for name in names if rows[name].get("in_paper")]:
            return ours
        raise ConfigError(f"{folder}: no entry has in_paper; --subjects takes {', '.join(names)}")
    asked = names if subjects == "all" else subjects.split(",")
    if unknown := [name for name in asked if name not in rows]:
        raise ConfigError(f"--subjects: no {', '.join(unknown)}; there are {', '.join(names)}")
    return [name for name in names if name in asked]


def compose_entries(
    preset: str,
    subjects: str | None,
    seeds: int,
    overrides: Sequence[str],
    paths: Mapping[str, Path],
    folders: Mapping[str, Path | None],
) -> list[EntryConfig]:
    """Return the configs of the entries that are asked for, seed by seed.

    Args:
        preset: its name, or the folder of one of the user's own.
        subjects: as of `chosen`.
        seeds: how many, from 0.
        overrides: further ones, as `python -m dan_bench.train` takes them.
        paths: of `runtime`, by name, to be taken literally.
        folders: the user's own, by the name of the option: `album`, and those of `OWN`.

    Raises:
        ConfigError: something of that cannot be had.
    """
    folder = preset_folder(preset)
    names = chosen(folder, subjects)
    group = folder.relative_to(CONF) if folder.is_relative_to(CONF) else Path(folder.name)
    axes = [f"+{group}={','.join(names)}", f"seed={','.join(map(str, range(seeds)))}"]
    search = f'hydra.searchpath=["file://{folder.parent}"]'
    try:
        jobs = sweep("config", [search, *axes, *overrides], paths)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(f"{folder}: {error}") from error
    configs = []
    for number, values in enumerate(jobs):
        row = values["table1"]
        own = row.pop("own", None) or {}
        option = own.pop("option", None)
        if folders.get(option) is not None:
            row["training"] = {"_target_": OWN[option], "root": folders[option], **own}
        if folders["album"] is not None:
            target = "dan_bench.table1.album.OwnAlbum"
            row["album"] = {"_target_": target, "root": folders["album"]}
        subject = names[number // seeds]
        row |= {"subject": subject, "preset": folder.name}
        configs.append(EntryConfig.parse(values))
    return configs
