"""Train and measure one run, or sweep many: `python -m dan_bench.train [-m] [OVERRIDE ...]`.

    python -m dan_bench.train model=dan data=mnist output=torus seed=3
    python -m dan_bench.train -m model=dan,gan seed=0,1,2
    python -m dan_bench.train -m +sweep=default

Exit code: 0 all is done, 1 a run failed, 2 the config was refused and nothing was run, 130 it was
interrupted (Ctrl-C); what was finished is kept, and the same command goes on.
"""

import os
import sys

import hydra
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from dan_bench.config import CONF, ConfigError
from dan_bench.sweep.compose import from_hydra


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")  # type: ignore[untyped-decorator]
def one(composed: DictConfig) -> None:
    """Carry out one run."""
    from dan_bench.sweep.jobs import carry_out

    raise SystemExit(carry_out([from_hydra(composed)]))


def refuse(error: Exception) -> int:
    """Say what is wrong, and which names there are where an unknown one was given."""
    print(error, file=sys.stderr)
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        print(f"valid names there: {', '.join(map(str, cause.parent_node))}", file=sys.stderr)
    return 2


def main() -> int:
    """Run Hydra, and have it hand its errors to us rather than end with code 1."""
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        one()
    except (HydraException, OmegaConfBaseException, ConfigError) as error:
        return refuse(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
