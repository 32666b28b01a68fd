"""`python -m dan_bench.tour`: a minute that trains, shows the collapse and the cure, and explains.

Exit code: 0 the tour was given, whatever came out; 1 a run failed; 2 refused, nothing was trained.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from dan_bench.cli import FAILED, INTERRUPTED, entry_point, say, unusable, user_path

STEPS = 500
"""Of each training: with them the effect is clear for any seed, within the minute."""


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.tour",
        description="Train three degenerators in about a minute, and see how one collapses, what "
        "cures it, and why looking like noise is not being gone. Every figure is measured as you "
        "watch; what is said of it is chosen by the figure.",
        epilog="exit code: 0 the tour was given, whatever came out; 1 a run failed; 2 refused, "
        "nothing was trained.",
    )
    made.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of all randomness (default: 0)"
    )
    made.add_argument(
        "--data",
        choices=("mnist", "danoise"),
        default="mnist",
        help="what is degenerated: digits, fetched where they are missing, or noise, which needs "
        "no network (default: mnist)",
    )
    made.add_argument(
        "--steps",
        type=int,
        default=STEPS,
        metavar="N",
        help=f"of each training; fewer are quicker, and may show nothing (default: {STEPS})",
    )
    made.add_argument(
        "--results",
        type=user_path,
        metavar="DIR",
        help="keep the records there, as python -m dan_bench.train does; what is there already "
        "is not run again (default: nothing is kept)",
    )
    made.add_argument(
        "--datasets",
        type=user_path,
        default=Path("datasets"),
        metavar="DIR",
        help="where MNIST lies, or is put (default: datasets)",
    )
    return made


@entry_point
def main(arguments: list[str] | None = None) -> int:
    """Give the tour; return the exit code."""
    began = time.perf_counter()
    command = parser()
    asked = command.parse_args(arguments)
    if asked.seed < 0:
        command.error(f"--seed {asked.seed}: must be at least 0")
    if asked.steps < 1:
        command.error(f"--steps {asked.steps}: must be at least 1")
    if asked.results is None:
        with tempfile.TemporaryDirectory(prefix="dan_bench.tour.") as scratch:
            return guided(asked, Path(scratch), began)
    if why := unusable(asked.results):
        command.error(f"--results {asked.results}: {why}")
    return guided(asked, asked.results, began)


def guided(asked: argparse.Namespace, results: Path, began: float) -> int:
    """Give the tour with its records under `results`; say what went wrong, if anything did."""
    from dan_bench.tour.guide import Narrator, RunFailed

    try:
        Narrator(asked.data, asked.seed, asked.steps, results, asked.datasets).tour(
            began, kept=asked.results is not None
        )
    except RunFailed as error:
        say(error)
        return FAILED
    except KeyboardInterrupt:
        say("stopped; nothing is left behind but what --results was given")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
