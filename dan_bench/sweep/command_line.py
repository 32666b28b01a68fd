"""From the command line of `train` to configs, or to one line on what to type instead."""

import os
import sys
from collections.abc import Sequence

import hydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from dan_bench.cli import InputError, unusable
from dan_bench.config.arguments import understood
from dan_bench.config.compose import from_hydra
from dan_bench.config.schema import CONF, RunConfig

REFUSALS = (HydraException, OmegaConfBaseException, YAMLError, InputError)
"""Errors, Hydra's and our own, of a config that cannot be composed."""
WHOLE = ("results", "threads", "workers", "progress")
"""Settings of `runtime` that a sweep has but once."""


def configs_of(arguments: Sequence[str]) -> list[RunConfig]:
    """Have Hydra compose the configs of a command line; none if it only shows something.

    Raises:
        InputError: with everything that is wrong with them.
    """
    configs: list[RunConfig] = []
    refused: list[str] = []

    def take(given: DictConfig) -> None:
        try:
            configs.append(from_hydra(given))
        except REFUSALS as error:  # Hydra would add a line of its own
            refused.append(reason(error))

    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises its errors instead of exiting with code 1
    sys.argv[1:] = understood(arguments)
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(take)()
    except REFUSALS as error:
        raise InputError(reason(error)) from error
    if refused:
        raise InputError("\n".join(dict.fromkeys(refused)))
    if configs:
        refuse_mixed(configs)
    return configs


def reason(error: Exception) -> str:
    """Return what is wrong, with the valid names if an unknown one was given."""
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        return f"{error}\nvalid names there: {', '.join(map(str, cause.parent_node))}"
    return str(error)


def refuse_mixed(configs: Sequence[RunConfig]) -> None:
    """Refuse runs that disagree about the sweep, or a results folder that is not writable."""
    for name in WHOLE:
        values = list(dict.fromkeys(str(getattr(c.runtime, name)) for c in configs))
        if len(values) > 1:
            raise InputError(
                f"runtime.{name}={','.join(values)}: the runs of a sweep share one; for a text "
                f"""with a comma, type 'runtime.{name}="{",".join(values)}"'"""
            )
    results = configs[0].runtime.results
    if why := unusable(results / "runs"):
        raise InputError(f"runtime.results={results}: {why}; name another with runtime.results=DIR")
