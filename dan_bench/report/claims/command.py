"""`python -m dan_bench.report findings`: what the records say of each claim."""

import argparse
import shutil
import sys
from pathlib import Path

from dan_bench.cli import user_path
from dan_bench.report.claims.judge import findings
from dan_bench.report.claims.render import FORMATS
from dan_bench.report.claims.runs import Material
from dan_bench.results.archive import AmbiguousResults, open_results


def main(arguments: list[str] | None = None) -> int:
    """Judge and print; 0 where there are records, 2 where there are none."""
    parser = argparse.ArgumentParser(
        prog="python -m dan_bench.report findings",
        description="Judge each claim of the paper and of the note, and our own, by the records "
        "alone: agree, disagree, undecided, or not measured (and what would measure it).",
    )
    parser.add_argument("--results", type=user_path, default=Path("results"), metavar="DIR")
    parser.add_argument("--format", choices=FORMATS, default="table")
    parser.add_argument("--keys", action="store_true", help="name the runs behind each figure")
    asked = parser.parse_args(arguments)
    try:
        results = open_results(asked.results)
        of_table, damaged_there = open_results(asked.results, "table1").all()
    except AmbiguousResults as error:
        print(error, file=sys.stderr)
        return 2
    records, damaged = results.all()
    for path, reason in (damaged | damaged_there).items():
        print(f"left out {path}: {reason}", file=sys.stderr)
    done = [record for record in records if record.status == "done"]
    if not done and not of_table:
        print(f"no finished runs in {asked.results}; `make sweep` makes some", file=sys.stderr)
        return 2
    done += [record for record in of_table if record.status == "done"]
    width = shutil.get_terminal_size((100, 24)).columns
    print(FORMATS[asked.format](findings(Material(done, results)), asked.keys, width), end="")
    return 0
