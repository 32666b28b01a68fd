"""`python -m dan_bench.report [COMMAND]`: what came out, from the records folder alone."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from dan_bench.cli import entry_point, user_path
from dan_bench.interfaces import RunRecord
from dan_bench.report import table
from dan_bench.report.leaderboard import flattened
from dan_bench.report.render import FORMATS
from dan_bench.results.archive import open_results
from dan_bench.results.archive.cache import uncollected
from dan_bench.results.selection import listed, there_are


def figures(arguments: list[str]) -> int:
    """Draw the figures."""
    from dan_bench.report.figures import main as draw

    return draw(arguments)


def saturation(arguments: list[str]) -> int:
    """Print the saturation tables."""
    from dan_bench.report.saturation import main as tables

    return tables(arguments)


def export(arguments: list[str]) -> int:
    """Write a tidy frame."""
    from dan_bench.report.export import main as write

    return write(arguments)


def findings(arguments: list[str]) -> int:
    """Print the findings."""
    from dan_bench.report.claims import main as judge

    return judge(arguments)


def html(arguments: list[str]) -> int:
    """Write the HTML page."""
    from dan_bench.report.html.command import main as write

    return write(arguments)


def single(command: str, arguments: list[str]) -> int:
    """Show or compare single runs."""
    from dan_bench.report.show import main as runs

    return runs(command, arguments)


def table_one(arguments: list[str]) -> int:
    """Print Table 1 again."""
    from dan_bench.report.table1 import main as again

    return again(arguments)


COMMANDS: dict[str, tuple[str, Callable[[list[str]], int]]] = {
    "leaderboard": ("the table (the default)", lambda arguments: board(arguments)),
    "table1": ("the paper's Table 1, as `python -m dan_bench.table1` measured it", table_one),
    "figures": ("draw results/figures", figures),
    "findings": ("the claims, each judged from the records", findings),
    "html": ("the results as one self-contained page", html),
    "saturation": ("what gradient is left as the discriminator learns", saturation),
    "show": ("all that one run left", lambda arguments: single("show", arguments)),
    "compare": ("two runs side by side", lambda arguments: single("compare", arguments)),
    "export": ("every number as CSV or Parquet", export),
}


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.report",
        description="Print the table of a results folder: controls first, then models.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="commands, each with a --help of its own:\n"
        + "".join(f"  {name:12} {said}\n" for name, (said, _) in COMMANDS.items())
        + "\nexample: python -m dan_bench.report --metrics joint_bits,percent_destroyed "
        "--format latex",
    )
    made.add_argument("--results", type=user_path, default=Path("results"), metavar="DIR")
    made.add_argument("--format", choices=FORMATS, default="table")
    made.add_argument(
        "--metrics",
        metavar="A,B,...",
        help="which columns (default: all); METRIC.DETAIL is one too, e.g. c2st_accuracy.mlp",
    )
    made.add_argument(
        "--group-by",
        metavar="A,B,...",
        help="config names that make a row, e.g. data,model,output or trainer.max_steps "
        "(default: everything but the seed); refused where a row would average over anything but "
        "seeds, with the names to add",
    )
    made.add_argument(
        "--where",
        metavar="A=X,B=Y,...",
        help="only runs whose setting A is X, e.g. data=mnist,trainer.max_steps=1200; values as in "
        "an override of train: 1e-3 is 0.001, false is False, [64,64] is a list; null or none also "
        "stands for a setting that a run does not have. Controls and untrained networks stay "
        "where the setting is of a part that they do not have, such as trainer, objective or "
        "end_to_end: trained models are read against them",
    )
    return made


def refuse(message: str) -> int:
    """Say why, and return the exit code."""
    print(message, file=sys.stderr)
    return 2


@entry_point
def main(arguments: list[str] | None = None) -> int:
    """Carry out a command; without one, print the table."""
    given = sys.argv[1:] if arguments is None else arguments
    command, rest = (given[0], given[1:]) if given and given[0] in COMMANDS else (None, given)
    if command is None and given and not given[0].startswith("-"):
        return refuse(f"no command {given[0]!r}; {there_are(set(COMMANDS), given[0])}")
    with uncollected():
        return board(rest) if command is None else COMMANDS[command][1](rest)


def metrics_of(records: list[RunRecord]) -> tuple[set[str], set[str]]:
    """Return the metrics that there are, and their details, which make a column too."""
    details = {
        f"{name}.{detail}"
        for record in records
        for name, estimate in record.metrics.items()
        if estimate is not None
        for detail in estimate.details
    }
    return {name for record in records for name in record.metrics}, details


def axes_of(records: list[RunRecord]) -> set[str]:
    """Return the config names that may make a row; a part goes by its name too."""
    axes = {name for flat in flattened(record.config for record in records) for name in flat}
    return axes | {name.removesuffix(".name") for name in axes}


def board(arguments: list[str]) -> int:
    """Print the table; 0 where there was one, 2 where something asked for is not there."""
    asked = parser().parse_args(arguments)
    records, damaged = open_results(asked.results).all()
    for path, reason in damaged.items():
        print(f"left out {path}: {reason}", file=sys.stderr)
    done = [record for record in records if record.status == "done"]
    failed = len(records) - len(done)
    if not done:
        return refuse(f"no finished runs under {asked.results}; `make sweep` makes some")
    if asked.where is not None:
        from dan_bench.results.where import conditions, where  # YAML is read only here

        done = where(done, conditions(asked.where), axes_of(done))
    metrics = (
        None if asked.metrics is None else listed("--metrics", asked.metrics, *metrics_of(done))
    )
    axes = None if asked.group_by is None else listed("--group-by", asked.group_by, axes_of(done))
    print(table(done, asked.format, metrics, axes), end="")
    if failed:
        print(f"{failed} failed runs are left out", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
