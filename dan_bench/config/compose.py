"""From conf/ and a list of overrides to what we run."""

import sys
from collections.abc import Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from dan_bench.config.schema import CONF, PACKAGE, RunConfig, parse

# Hydra looks for plugins in the namespace package hydra_plugins, and only there
PLUGINS = str(PACKAGE / "config" / "plugins")
if PLUGINS not in sys.path:
    sys.path.append(PLUGINS)


def configure(overrides: Sequence[str] = ()) -> RunConfig:
    """Return the config that `python -m dan_bench.train OVERRIDE ...` would run."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return from_hydra(compose("config", list(overrides)))


def expand(overrides: Sequence[str]) -> list[RunConfig]:
    """Return the configs that `python -m dan_bench.train -m OVERRIDE ...` would run."""
    from hydra_plugins.dan_bench_grids import GridSweeper

    with initialize_config_dir(str(CONF), version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        whole = loader.load_configuration("config", list(overrides), RunMode.MULTIRUN)
        context = HydraContext(loader, Callbacks())
        sweeper = GridSweeper(whole.hydra.sweeper.grids)
        sweeper.setup(hydra_context=context, task_function=lambda _: None, config=whole)
        return [sweeper.compose(job) for job in sweeper.expand(list(overrides))]


def from_hydra(composed: DictConfig) -> RunConfig:
    """Return what Hydra composed, checked."""
    return resolved(OmegaConf.create(without_hydra(composed)))


def without_hydra(composed: DictConfig) -> dict[str, Any]:
    """Return plain containers without Hydra's own part, interpolations as they stand."""
    values = OmegaConf.to_container(composed, resolve=False)
    assert isinstance(values, dict)
    return {str(name): value for name, value in values.items() if name != "hydra"}


def resolved(values: DictConfig) -> RunConfig:
    """Resolve interpolations and check."""
    plain = OmegaConf.to_container(values, resolve=True)
    assert isinstance(plain, dict)
    return parse({str(name): value for name, value in plain.items()})
