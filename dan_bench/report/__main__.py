"""`python -m dan_bench.report`: the table, from the records folder alone."""

import argparse
import sys
from pathlib import Path

from dan_bench.records import Store
from dan_bench.report import table
from dan_bench.report.leaderboard import flatten
from dan_bench.report.render import FORMATS


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.report",
        description="Print the table of a results folder: controls first, then models.",
        epilog="example: python -m dan_bench.report --metrics joint_bits,percent_destroyed "
        "--format latex",
    )
    made.add_argument("--results", type=Path, default=Path("results"), metavar="DIR")
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
        "(default: everything but the seed)",
    )
    return made


def refuse(message: str) -> int:
    """Say why, and return the exit code."""
    print(message, file=sys.stderr)
    return 2


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 0 where there was one, 2 where something asked for is not there."""
    asked = parser().parse_args(arguments)
    records, damaged = Store(asked.results).all()
    for path, reason in damaged.items():
        print(f"left out {path}: {reason}", file=sys.stderr)
    done = [record for record in records if record.status == "done"]
    if not done:
        return refuse(f"no finished runs under {asked.results}/runs; `make sweep` makes some")
    metrics = asked.metrics.split(",") if asked.metrics else None
    group_by = asked.group_by.split(",") if asked.group_by else None
    there = {name for record in done for name in record.metrics}
    details = {
        f"{name}.{detail}"
        for record in done
        for name, estimate in record.metrics.items()
        if estimate is not None
        for detail in estimate.details
    }
    axes = {name for record in done for name in flatten(record.config)}
    axes |= {name.removesuffix(".name") for name in axes}
    for flag, names, valid, more in (
        ("--metrics", metrics, there, details),
        ("--group-by", group_by, axes, set()),
    ):
        for name in names or []:
            if name not in valid | more:
                return refuse(f"{flag}: no {name!r}; there are {', '.join(sorted(valid))}")
    print(table(done, asked.format, metrics, group_by), end="")
    if len(done) < len(records):
        print(f"{len(records) - len(done)} failed runs are left out", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
