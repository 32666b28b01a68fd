"""`python -m dan_bench.report show RUN`, and `compare RUN RUN`: single runs, in full."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from dan_bench.cli import user_path
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.leaderboard import flatten, flattened
from dan_bench.report.markup import one_line
from dan_bench.report.render import MISSING
from dan_bench.results.archive import open_results


class NoSuchRun(LookupError):
    """A key that no record has, or several; the message says which there are."""


def find(records: Sequence[RunRecord], key: str) -> RunRecord:
    """Return the run whose key begins so."""
    found = [record for record in records if record.key.startswith(key)]
    if len(found) == 1:
        return found[0]
    there = sorted(record.key for record in found or records)
    keys = ", ".join(there[:20]) or "none"
    keys += f" and {len(there) - 20} more" if len(there) > 20 else ""
    what = "is the beginning of several keys" if found else "is the key of no run; there are"
    raise NoSuchRun(f"{key!r} {what}: {keys}")


def span(estimate: Estimate | None) -> str:
    """Return a value with its interval."""
    if estimate is None:
        return MISSING
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.6g}"
    return f"{estimate.value:.6g} [{estimate.low:.6g}, {estimate.high:.6g}]"


def lines_of(title: str, rows: dict[str, str]) -> list[str]:
    """Return a heading and aligned rows."""
    if not rows:
        return []
    printed = {one_line(name): one_line(value) for name, value in rows.items()}
    width = max(map(len, printed))
    return [title, *(f"  {name.ljust(width)}  {value}" for name, value in printed.items()), ""]


def show(record: RunRecord) -> str:
    """Render all that a record holds."""
    metrics = {
        name: span(e) + ("" if e is None or e.n is None else f"  N = {e.n:,}")
        for name, e in record.metrics.items()
    }
    details = {
        f"{name}.{detail}": f"{value:.6g}"
        for name, estimate in record.metrics.items()
        if estimate is not None
        for detail, value in estimate.details.items()
    }
    costs = {name: f"{value:.6g}" for name, value in record.costs.items()}
    parts = [
        [f"run {record.key}: {record.status}", ""],
        lines_of("metrics, with their 95 % intervals", metrics),
        lines_of("details", details),
        lines_of("costs", costs),
        lines_of("config", flatten(record.config)),
        lines_of("provenance", flatten(record.provenance)),
        [record.traceback] if record.traceback else [],
    ]
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def compare(one: RunRecord, other: RunRecord) -> str:
    """Render what differs between two runs: settings first, then every metric of both."""
    flat = flattened(record.config for record in (one, other))
    names = [*flat[0], *(name for name in flat[1] if name not in flat[0])]
    settings = [
        (name, *(f.get(name, MISSING) for f in flat))
        for name in names
        if flat[0].get(name) != flat[1].get(name)
    ]
    metrics = [
        (name, span(one.metrics.get(name)), span(other.metrics.get(name)))
        for name in dict.fromkeys([*one.metrics, *other.metrics])
    ]
    rows = [("", one.key, other.key), *settings, ("", "", ""), *metrics]
    rows = [tuple(map(one_line, row)) for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return (
        "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )
        + "\n"
    )


def main(command: str, arguments: list[str] | None) -> int:
    """Show one run or compare two; 0 where they are there, 2 where not."""
    parser = argparse.ArgumentParser(
        prog=f"python -m dan_bench.report {command}",
        description="Print all that a run left."
        if command == "show"
        else "Set two runs side by side: what differs in their settings, and all their metrics.",
    )
    count = 1 if command == "show" else 2
    parser.add_argument("runs", nargs=count, metavar="RUN", help="a key, or its beginning")
    parser.add_argument("--results", type=user_path, default=Path("results"), metavar="DIR")
    asked = parser.parse_args(arguments)
    records, _ = open_results(asked.results).all()
    try:
        found = [find(records, key) for key in asked.runs]
    except NoSuchRun as error:
        print(error.args[0], file=sys.stderr)
        return 2
    print(show(found[0]) if command == "show" else compare(*found), end="")
    return 0
