"""From conf/ and a list of overrides to what we run."""

import sys
from collections.abc import Sequence
from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from dan_bench.config import RunConfig, parse

PACKAGE = Path(__file__).resolve().parent.parent
CONF = next(path for path in (PACKAGE.parent / "conf", PACKAGE / "conf") if path.is_dir())

# Hydra looks for plugins in the namespace package hydra_plugins, and only there
PLUGINS = str(PACKAGE / "sweep" / "plugins")
if PLUGINS not in sys.path:
    sys.path.append(PLUGINS)


def configure(overrides: Sequence[str] = ()) -> RunConfig:
    """Return the config that `python -m dan_bench.train OVERRIDE ...` would run."""
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return from_hydra(compose("config", list(overrides)))


def from_hydra(composed: DictConfig) -> RunConfig:
    """Return what Hydra composed, checked, without Hydra's own part of it."""
    with_hydra = OmegaConf.to_container(composed, resolve=False)
    assert isinstance(with_hydra, dict)
    with_hydra.pop("hydra", None)
    values = OmegaConf.to_container(OmegaConf.create(with_hydra), resolve=True)
    assert isinstance(values, dict)
    return parse({str(name): value for name, value in values.items()})
