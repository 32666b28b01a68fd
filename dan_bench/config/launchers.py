"""Hydra's launchers and sweepers by their usual names, as settings of `runtime`.

None of their plugins has to be installed. Their settings are taken where `runtime` has the same,
and refused by name where it has not.
"""

from collections.abc import Container, Mapping
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from dan_bench.config.schema import ConfigError

SWEEPER = "hydra_plugins.dan_bench_grids.GridSweeper"
LAUNCHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
SLURM = {
    "timeout_min": "time",
    "mem_gb": "memory",
    "cpus_per_task": "cpus",
    "gpus_per_node": "gpus",
    "signal_delay_s": "signal_delay",
    "additional_parameters": "options",
    **{name: name for name in ("partition", "account", "qos", "constraint", "setup")},
    **{name: f"options.{name}" for name in ("comment", "exclude", "gres")},
    "array_parallelism": "array_parallelism",
}
RAY = {
    "ray.init.address": "address",
    "ray.remote.num_cpus": "num_cpus",
    "ray.remote.num_gpus": "num_gpus",
}
LAUNCHERS: Mapping[str, Mapping[str, str]] = {
    "basic": {},
    "joblib": {"n_jobs": "workers"},
    "submitit_local": {},
    "submitit_slurm": {theirs: f"slurm.{ours}" for theirs, ours in SLURM.items()},
    "ray": {
        **{theirs: f"ray.{ours}" for theirs, ours in RAY.items()},
        "ray.init.num_cpus": "workers",
        "ray.remote.max_retries": "retries",
    },
}
"""By launcher, those of its settings that are taken, and what each is called in `runtime`."""
EXECUTORS = {"submitit_slurm": "slurm", "ray": "ray"}
"""The `runtime.executor` of those that are not local."""
AT_A_TIME = "type runtime.workers=N for N runs at a time"
NO_SETTINGS = f"{AT_A_TIME}, or choose the launcher that has such settings, hydra/launcher=joblib"
SEARCH = (
    "a search needs one number from each job, and these leave records: sweep over the values, "
    "-m A=1,2,3, and choose from `python -m dan_bench.report`"
)


def register() -> None:
    """Let Hydra know these names, in place of any plugin's, in this process."""
    plugins = Plugins.instance()  # theirs are registered by now

    def only_ours(**given: Any) -> Sweeper:
        check_sweeper(given["config"].hydra)
        return Plugins.instantiate_sweeper(plugins, **given)

    # a sweeper of others would be made, and might run, before the first job could be looked at
    plugins.instantiate_sweeper = only_ours  # type: ignore[method-assign]
    store = ConfigStore.instance().store
    for name, settings in LAUNCHERS.items():
        node = OmegaConf.from_dotlist([f"{setting}=null" for setting in settings])
        store(name, {"_target_": LAUNCHER, **node}, "hydra/launcher")
    store("basic", ConfigStore.instance().load("hydra/sweeper/grids.yaml").node, "hydra/sweeper")


def launched(hydra: DictConfig) -> dict[str, Any]:
    """Return what the launcher and its settings ask for, by the name in `runtime`.

    Args:
        hydra: Hydra's own part of what it composed.

    Raises:
        ConfigError: something would have no effect, or contradicts `runtime`.
    """
    check_sweeper(hydra)
    if hydra.sweeper.max_batch_size is not None:
        raise ConfigError(f"hydra.sweeper.max_batch_size has no effect here: {AT_A_TIME}")
    if hydra.mode != RunMode.MULTIRUN and (hydra.sweeper.grids or hydra.sweeper.params):
        raise ConfigError("hydra.sweeper names axes, and one run is asked for: add -m to sweep")
    name = hydra.runtime.choices.get("hydra/launcher")
    if name not in LAUNCHERS:
        raise ConfigError(f"hydra/launcher={name}: it can be {', '.join(LAUNCHERS)}")
    taken = LAUNCHERS[name]
    asked: dict[str, Any] = {}
    if f"hydra/launcher={name}" in bare(hydra.overrides.hydra) or name != "basic":
        asked["executor"] = EXECUTORS.get(name, "local")
    if name == "basic" and "hydra/launcher=basic" in bare(hydra.overrides.hydra):
        asked["workers"] = 1  # where nobody names it, it is Hydra's default
    given = OmegaConf.to_container(hydra.launcher, resolve=True)
    for setting, value in flat(given, taken).items():
        if setting not in taken and setting != "_target_":
            known = f"of {name}'s, those used are {', '.join(taken)}" if taken else NO_SETTINGS
            raise ConfigError(f"hydra.launcher.{setting} has no effect here: {known}")
        if setting in taken:
            asked[taken[setting]] = value
    if name == "joblib" and asked.get("workers") == -1:
        asked["workers"] = 0  # one for every core, in our words
    for ours, value in asked.items():
        for text in bare(hydra.overrides.task):
            if text.startswith(f"runtime.{ours}=") and text != f"runtime.{ours}={value}":
                raise ConfigError(
                    f"{text} and hydra/launcher={name}, which is runtime.{ours}={value}: "
                    "leave one of them out"
                )
    return asked


def check_sweeper(hydra: DictConfig) -> None:
    """Refuse a sweeper of others, which only a file can choose."""
    if hydra.sweeper.get("_target_") != SWEEPER:
        raise ConfigError(f"hydra/sweeper={hydra.runtime.choices['hydra/sweeper']}: {SEARCH}")


def bare(overrides: list[str]) -> list[str]:
    """Return overrides without the signs that say whether their names are new."""
    return [text.lstrip("+") for text in overrides]


def flat(values: Any, whole: Container[str], prefix: str = "") -> dict[str, Any]:
    """Return nested values by dotted names, those that are null left out.

    Args:
        values: containers, or what is in them.
        whole: names whose values stay as they are, containers too.
        prefix: name of these values.
    """
    if not isinstance(values, dict) or prefix in whole:
        return {} if values is None else {prefix: values}
    found: dict[str, Any] = {}
    for name, inner in values.items():
        found |= flat(inner, whole, f"{prefix}.{name}" if prefix else str(name))
    return found
