"""Train and measure one run, or sweep many: `python -m dan_bench.train [-m] [OVERRIDE ...]`.

    python -m dan_bench.train model=dan data=mnist output=torus seed=3
    python -m dan_bench.train -m model=dan,gan seed=0,1,2
    python -m dan_bench.train -m +sweep=default

Exit code: 0 all is done, 1 a run failed, 2 the config was refused and nothing was run, 130 it was
interrupted (Ctrl-C); what was finished is kept, and the same command goes on.
"""

import os
import sys
from collections.abc import Sequence

import hydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from dan_bench.cli import OK, InputError, entry_point
from dan_bench.config import CONF, RunConfig
from dan_bench.sweep.arguments import understood
from dan_bench.sweep.compose import from_hydra

REFUSALS = (HydraException, OmegaConfBaseException, YAMLError, InputError)
"""What Hydra, and we, raise over a config that cannot be composed."""


def composed(arguments: Sequence[str]) -> list[RunConfig]:
    """Have Hydra make the configs of a command line; none where it only shows something.

    Raises:
        InputError: with all that is wrong with them.
    """
    configs: list[RunConfig] = []
    refused: list[str] = []

    def take(given: DictConfig) -> None:
        try:
            configs.append(from_hydra(given))
        except REFUSALS as error:  # Hydra would add a line of its own
            refused.append(reason(error))

    os.environ["HYDRA_FULL_ERROR"] = "1"  # have Hydra hand us its errors, and not end with code 1
    sys.argv[1:] = understood(arguments)
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(take)()
    except REFUSALS as error:
        raise InputError(reason(error)) from error
    if refused:
        raise InputError("\n".join(dict.fromkeys(refused)))
    return configs


def reason(error: Exception) -> str:
    """Say what is wrong, and which names there are where an unknown one was given."""
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        return f"{error}\nvalid names there: {', '.join(map(str, cause.parent_node))}"
    return str(error)


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Compose the configs, and carry them out."""
    configs = composed(sys.argv[1:] if arguments is None else arguments)
    if not configs:
        return OK
    from dan_bench.sweep.jobs import carry_out

    return carry_out(configs)


if __name__ == "__main__":
    sys.exit(main())
