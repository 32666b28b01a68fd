"""What every command of the report begins with: its parser, and the records of a folder."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dan_bench.cli import InputError, user_path
from dan_bench.interfaces import Results, RunRecord
from dan_bench.results.archive import open_results
from dan_bench.results.reading import shown
from dan_bench.results.select import parts_of, stated


def results_parser(command: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """Return the parser of a command that reads a results folder."""
    parser = argparse.ArgumentParser(
        prog=f"python -m dan_bench.report {command}".rstrip(),
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--results", type=user_path, default=Path("results"), metavar="DIR")
    return parser


def read(folder: Path, part: str = "runs") -> tuple[Results, list[RunRecord]]:
    """Return the results of a folder and all good records; name the damaged ones."""
    results = open_results(folder, part)
    records, damaged = results.all()
    say_left_out(damaged)
    return results, records


def say_left_out(damaged: Mapping[Path, str]) -> None:
    """Say which records are left out, and why."""
    for path, reason in damaged.items():
        print(f"left out {shown(str(path))}: {reason}", file=sys.stderr)


def finished(records: Sequence[RunRecord], folder: Path) -> list[RunRecord]:
    """Return the records of runs that succeeded.

    Raises:
        InputError: there are none.
    """
    done = [record for record in records if record.status == "done"]
    if not done:
        raise InputError(f"no finished runs under {folder.absolute()}; `make sweep` makes some")
    return done


def metrics_of(records: list[RunRecord]) -> tuple[set[str], set[str]]:
    """Return the metrics that there are, and their details, which make a column too."""
    alike = {  # in thousands of records
        (name, *estimate.details)
        for record in records
        for name, estimate in record.metrics.items()
        if estimate is not None
    }
    details = {f"{name}.{detail}" for name, *of in alike for detail in of}
    return {name for record in records for name in record.metrics}, details


def axes_of(records: list[RunRecord]) -> set[str]:
    """Return the config names that may make a row; a part goes by its name too."""
    parts = {id(part): part for of in parts_of(map(stated, records)) for part in of}
    axes = {name for part in parts.values() for name in part}
    return axes | {name.removesuffix(".name") for name in axes}
