"""`python -m dan_bench.report runs`: which runs there are; and the order of rows in tables."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from dan_bench.cli import InputError
from dan_bench.interfaces import RunRecord
from dan_bench.metrics import catalogue
from dan_bench.report.inputs import axes_of, finished, metrics_of, read, results_parser
from dan_bench.report.leaderboard import Leaderboard, Row, heading, over_seeds
from dan_bench.results.left_out import needs
from dan_bench.results.select import AXES, natural
from dan_bench.results.where import conditions, listed, setting, there_are, where
from dan_bench.tables import FORMATS, Cell, Column, Table, render

FIRST = ("key", "subject", "seed", "status", "ended", "seconds")


def shown() -> list[str]:
    """Return the metrics of the list where none are asked for."""
    return [row.name for row in catalogue.headlines()[:3]]


def value_of(run: RunRecord, name: str) -> Any:
    """Return what a run is sorted by: one of `FIRST`, a metric, a cost, or a setting."""
    if name in ("ended", "subject", "key", "status"):
        return text_of(run, name)
    if name == "seconds":
        return run.costs.get("seconds")
    if name == "seed":
        return run.config["seed"]
    estimate = over_seeds([run], name)
    return setting(run, name) if estimate is None else estimate.value


def text_of(run: RunRecord, name: str) -> str:
    """Return one of `FIRST` as it is printed."""
    if name == "subject":
        data = setting(run, "data")
        names = [setting(run, axis) for axis in AXES if axis != "data"]
        return " ".join(str(one) for one in [data, *names] if isinstance(one, str))
    if name == "ended":
        return str(run.provenance.get("ended", ""))[:16].replace("T", " ")
    if name == "seconds":
        return f"{run.costs['seconds']:,.0f}" if "seconds" in run.costs else ""
    return str(run.config["seed"]) if name == "seed" else str(getattr(run, name))


def in_order(value: Any) -> tuple[Any, ...]:
    """Return what any values can be sorted by: numbers, then texts, then what there is none of."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return 0, value
    return (1, natural(value)) if isinstance(value, str) and value else (2,)


def sort(records: Sequence[RunRecord], by: str, reverse: bool) -> list[RunRecord]:
    """Return runs in the order of a value; those that have none come last in either direction."""
    found = [(in_order(value_of(run, by)), run) for run in records]
    there = sorted((one for one in found if one[0] != (2,)), key=lambda one: one[0])
    there = there[::-1] if reverse else there
    return [run for _, run in [*there, *(one for one in found if one[0] == (2,))]]


def ordered(board: Leaderboard, metric: str) -> Leaderboard:
    """Return a board with the rows of each data set by a metric, the best first.

    Ideal noise stays above them, and what was not measured below; a metric without a direction is
    sorted from its least value.
    """
    sign = -1 if catalogue.metric(metric).higher_is_better else 1

    def place(row: Row) -> tuple[bool, float]:
        if row.kind == "baseline":
            return False, -math.inf
        cell = row.cells.get(metric)
        found = cell.estimate if cell else over_seeds(row.runs, metric)
        return found is None, 0.0 if found is None else sign * found.value

    sections = groupby(board.rows, key=lambda row: row.section)
    return replace(board, rows=[row for _, of in sections for row in sorted(of, key=place)])


def table_of(records: Sequence[RunRecord], metrics: Sequence[str]) -> Table:
    """Return a row for each run."""
    left = ("key", "subject", "status", "ended")
    columns = [Column(name, "left" if name in left else "right") for name in FIRST[:4]]
    columns += [Column(name, "left" if name in left else "right", True) for name in FIRST[4:]]
    columns += [Column(heading(name), optional=True) for name in metrics]
    rows = [
        [
            *(text_of(run, name) for name in FIRST),
            *(
                Cell(found) if (found := over_seeds([run], name)) else needs([run], name) or None
                for name in metrics
            ),
        ]
        for run in records
    ]
    failed = sum(run.status == "failed" for run in records)
    return Table(columns, rows, caption=f"{len(rows):,} runs, {failed:,} of them failed")


def tidy(records: Sequence[RunRecord], metrics: Sequence[str]) -> list[dict[str, Any]]:
    """Return the same as dictionaries, unrounded."""
    return [
        {name: value_of(run, name) for name in FIRST}
        | {name: None if (e := over_seeds([run], name)) is None else e.value for name in metrics}
        for run in records
    ]


def main(arguments: list[str]) -> int:
    """Print the list; 0 where there are runs, 2 where something asked for is not there."""
    parser = results_parser(
        "runs",
        "List the runs of a results folder, those that failed too.",
        "example: python -m dan_bench.report runs --where model=dan --sort joint_bits\n"
        "         python -m dan_bench.report runs --status failed --keys",
    )
    parser.add_argument("--where", metavar="A=X,B=Y,...", help="as in the table: see report --help")
    parser.add_argument("--status", choices=("done", "failed"), help="only these")
    parser.add_argument("--metrics", metavar="A,B,...", help=f"(default: {','.join(shown())})")
    parser.add_argument(
        "--sort", metavar="A", default="subject", help="a column, metric or setting, ascending"
    )
    parser.add_argument("--reverse", action="store_true", help="descending")
    parser.add_argument("--keys", action="store_true", help="print the keys alone, one a line")
    parser.add_argument("--format", choices=FORMATS, default="table")
    parser.add_argument("--wide", action="store_true", help="each run on one line, all columns")
    asked = parser.parse_args(arguments)
    _, records = read(asked.results)
    if not records:
        finished(records, asked.results)  # which says so
    names = axes_of(records)
    if asked.where is not None:
        records = where(records, conditions(asked.where), names)
    found = [run for run in records if asked.status in (None, run.status)]
    there, details = metrics_of(records)
    metrics = [name for name in shown() if name in there]
    if asked.metrics is not None:
        metrics = listed("--metrics", asked.metrics, there, details)
    known = {*FIRST, *there, *names}
    if asked.sort not in known | details:
        raise InputError(f"--sort {asked.sort}: {there_are(known, asked.sort, details)}")
    found = sort(found, asked.sort, asked.reverse)
    if asked.keys:
        print("".join(f"{run.key}\n" for run in found), end="")
        return 0
    cells = tidy(found, metrics) if asked.format in ("csv", "json") else ()
    print(render(asked.format, [table_of(found, metrics)], cells, asked.wide), end="")
    return 0
