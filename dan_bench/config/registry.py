"""What a record may name: targets that were declared on this machine, and no others.

A config that a user composes may name whatever Python finds. A record may have been written by
somebody else, and to find what it names is already to run code of its choosing: the names in it are
compared with those that this package ships in conf/, that installed packages announce as entry
points, and that the user's own config folders hold, before anything is imported.
"""

import os
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import yaml

from dan_bench.config.build import resolve
from dan_bench.config.schema import CONF, RENAMED, ConfigError

ENTRY_POINTS = "dan_bench."
"""What the groups of entry points begin with; the rest is the group of conf/: `dan_bench.model`."""
FOLDERS = "DAN_BENCH_CONFIG_DIR"
"""Environment variable with config folders of the user's own, separated as those of PATH are."""


class UndeclaredTarget(ConfigError):
    """A record names what nobody has declared here; nothing of it was imported."""


def registered(target: object, group: str) -> Any:
    """Return what a record names, under its present name or an earlier one.

    Args:
        target: the record's `_target_`.
        group: of conf/, `model`, `data` or `objective`: a target declared there is none elsewhere.

    Raises:
        UndeclaredTarget: it is not declared in that group.
        ConfigError: it is, but is not there.
    """
    name = RENAMED.get(target, target) if isinstance(target, str) else ""
    if name not in declared(group, os.environ.get(FOLDERS, "")):
        raise UndeclaredTarget(
            f"the record's {group} is {str(target)[:200]!r}, which no part of this installation "
            f"declares, so nothing of it was run; if it is yours, announce it as an entry point of "
            f"the group {ENTRY_POINTS}{group}, or name your config folder in ${FOLDERS}"
        )
    return resolve(name, group)


@cache
def declared(group: str, folders: str) -> frozenset[str]:
    """Return the targets that a record may name in a group.

    Args:
        group: of conf/.
        folders: the user's own config folders, as in the environment.
    """
    own = [Path(folder) for folder in folders.split(os.pathsep) if folder]
    names = {name for conf in (CONF, *own) for name in targets_in(conf / group)}
    points = entry_points(group=f"{ENTRY_POINTS}{group}")
    return frozenset(names | {f"{point.module}.{point.attr}" for point in points})


def targets_in(folder: Path) -> set[str]:
    """Return the targets of the config files in a folder.

    Raises:
        ConfigError: one of them is not YAML.
    """
    found = set()
    for path in folder.glob("*.yaml"):
        try:
            values = yaml.safe_load(path.read_text())
        except (yaml.YAMLError, ValueError) as error:
            raise ConfigError(f"{path}: {error}") from error
        if isinstance(values, dict) and isinstance(values.get("_target_"), str):
            found.add(values["_target_"])
    return found
