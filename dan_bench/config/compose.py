"""From conf/ and a list of overrides to what we run."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from dan_bench.config.schema import CONF, PACKAGE, Known, RunConfig
from dan_bench.config.template import container

# Hydra looks for plugins in the namespace package hydra_plugins, and only there
PLUGINS = str(PACKAGE / "config" / "plugins")
if PLUGINS not in sys.path:
    sys.path.append(PLUGINS)
NO_PATHS: Mapping[str, Path] = MappingProxyType({})


def configure(overrides: Sequence[str] = (), paths: Mapping[str, Path] = NO_PATHS) -> RunConfig:
    """Return the config that `python -m dan_bench.train OVERRIDE ...` would run.

    Args:
        overrides: as on the command line.
        paths: of `runtime`, by name, to be taken literally: nothing in them is expanded.
    """
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return RunConfig.parse(plain_values(compose("config", list(overrides)), paths))


def expand(overrides: Sequence[str]) -> list[RunConfig]:
    """Return the configs that `python -m dan_bench.train -m OVERRIDE ...` would run."""
    known: Known = {}
    return [RunConfig.parse(values, known) for values in sweep("config", overrides)]


def sweep(
    name: str, overrides: Sequence[str], paths: Mapping[str, Path] = NO_PATHS
) -> list[dict[str, Any]]:
    """Return the resolved values of every job of a sweep over the config of that name."""
    from hydra_plugins.dan_bench_grids import GridSweeper

    with initialize_config_dir(str(CONF), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        whole = loader.load_configuration(name, list(overrides), RunMode.MULTIRUN)
        sweeper = GridSweeper(whole.hydra.sweeper.grids)
        context = HydraContext(loader, Callbacks())
        sweeper.setup(hydra_context=context, task_function=lambda _: None, config=whole)
        axes = [override for override in overrides if not override.startswith("hydra.")]
        return [sweeper.values(job, paths) for job in sweeper.expand(axes)]


def plain_values(composed: DictConfig, paths: Mapping[str, Path] = NO_PATHS) -> dict[str, Any]:
    """Return what Hydra composed as plain containers, with these paths of `runtime`."""
    values = without_hydra(composed)
    values["runtime"] |= paths
    return container(OmegaConf.create(values))


def without_hydra(composed: DictConfig) -> dict[str, Any]:
    """Return plain containers without Hydra's own part, interpolations as they stand."""
    values = container(composed, resolve=False)
    return {name: value for name, value in values.items() if name != "hydra"}
