"""From conf/ and a list of overrides to what we run."""

import sys
from collections.abc import Sequence
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from dan_bench.config import CONF, PACKAGE, RunConfig, parse

# Hydra looks for plugins in the namespace package hydra_plugins, and only there
PLUGINS = str(PACKAGE / "sweep" / "plugins")
if PLUGINS not in sys.path:
    sys.path.append(PLUGINS)


def configure(overrides: Sequence[str] = ()) -> RunConfig:
    """Return the config that `python -m dan_bench.train OVERRIDE ...` would run."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return from_hydra(compose("config", list(overrides)))


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
