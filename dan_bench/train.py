"""Train and measure one run, or sweep many: `python -m dan_bench.train [-m] [OVERRIDE ...]`.

    python -m dan_bench.train model=dan data=mnist output=torus seed=3
    python -m dan_bench.train -m model=dan,gan seed=0,1,2
    python -m dan_bench.train -m +sweep=default

Exit code: 0 all is done, 1 a run failed, 2 the config was refused and nothing was run, 130 it was
interrupted (Ctrl-C); finished runs are kept, and the same command does the rest.
"""

import gc
import sys
from collections.abc import Sequence

from dan_bench.cli import OK, entry_point, uncollected


def is_watched(arguments: Sequence[str]) -> bool:
    """Return whether somebody waits at a terminal for runs that are to be shown to him."""
    silent = ("progress=quiet", "progress=json")
    shows = any(one.startswith("-") and one not in ("-m", "--multirun") for one in arguments)
    return sys.stdout.isatty() and not shows and not any(a.endswith(silent) for a in arguments)


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Compose the configs, and carry them out."""
    # imported here, so that their absence is reported with the remedy, and Ctrl-C is heard
    given = sys.argv[1:] if arguments is None else arguments
    if is_watched(given):
        print("reading the config and the data, which takes some seconds", flush=True)
    with uncollected():
        from dan_bench.config.command_line import configs_of

        configs = configs_of(given)
        if not configs:
            return OK
        from dan_bench.sweep.jobs import carry_out
    if arguments is None:  # the process ends with this sweep
        gc.freeze()  # many configs, none of which is ever garbage
    return carry_out(configs)


if __name__ == "__main__":
    sys.exit(main())
