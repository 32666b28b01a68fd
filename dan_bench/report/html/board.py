"""The leaderboard as tables that can be sorted and filtered, and read without either."""

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

from markupsafe import Markup

from dan_bench.metrics.catalogue import headlines, metric
from dan_bench.report.figures.grid import short
from dan_bench.report.headline import Headline
from dan_bench.report.headline import name_of as method_name
from dan_bench.report.html.runs import NONE, MethodSummary
from dan_bench.report.html.templates import template
from dan_bench.report.leaderboard import Row, caption, notes_of
from dan_bench.report.verdicts import VERDICTS, Verdict
from dan_bench.results.left_out import needs
from dan_bench.results.select import AXES
from dan_bench.tables import MISSING, number

KINDS = {"baseline": "ideal", "control": "control", "untrained": "untrained", "learned": "trained"}
FIRST = 25
"""Rows of a table that stand in the page as they are; the others are packed."""
SIGNS = {"yes": "✓", "gone": "✓", "no": "✗", MISSING: NONE}
BETTER = {True: "more is better", False: "less is better", None: "not ranked"}


def boards(
    methods: Sequence[MethodSummary], metrics: Sequence[str]
) -> tuple[Markup, dict[str, list[str]]]:
    """Return a table for each evaluation and data set, of the metrics that anything there has.

    Below them stands, once, what has to be said of the metrics.

    Returns:
        The tables, with `FIRST` rows each; and the further rows of those that have more, by the
        tables' names.
    """
    found, further, parts = [], dict[str, list[str]](), macros()
    alike = groupby(enumerate(methods), key=lambda item: (item[1].evaluation, item[1].row.section))
    for k, ((evaluation, section), group) in enumerate(alike):
        members = [(i, method.row) for i, method in group]
        there = [
            name
            for name in metrics
            if any(name in row.cells or needs(row.runs, name) for _, row in members)
        ]
        groups = [(name, group_of(name)) for name in there]
        rows = [(row.kind == "baseline", parts.row(i, row, groups)) for i, row in members]
        rest = [text for is_ideal, text in rows if not is_ideal]
        said = caption([row for _, row in members], missing=NONE)
        about = (f"board-{k}", section, said, evaluation, list(map(metric, there)))
        ideal = [text for is_ideal, text in rows if is_ideal]
        found.append(parts.table(*about, ideal, rest[:FIRST]))
        if rest[FIRST:]:
            further[f"board-{k}"] = rest[FIRST:]
    notes = notes_of([method.row for method in methods], metrics)
    found += [Markup("<p>{}</p>").format(note) for note in notes]
    if more := sum(map(len, further.values())):
        unseen = "<noscript><p>{:,} more methods are packed, and need JavaScript.</p></noscript>"
        found.append(Markup(unseen).format(more))
    return Markup("\n").join(found), further


def lead(of: Headline, links: dict[str, int]) -> Markup:
    """Return the table of the finding.

    Args:
        of: the finding.
        links: the number of the method that each run is of, by its key.
    """
    made: Markup = macros().lead(of, of.table(NONE), links)
    return made


@cache
def macros() -> Any:
    """Return the macros of board.html."""
    return template(
        "board.html",
        better=BETTER,
        group_of=group_of,
        kind_of=kind_of,
        kinds=KINDS,
        method_name=method_name,
        missing=MISSING,
        names_of=names_of,
        needs=needs,
        none_here=NONE,
        number=number,
        signs=SIGNS,
        verdicts=list(VERDICTS),
    ).module


@cache
def group_of(name: str) -> str:
    """Return the classes of a metric's cells: its question, and m where it is shown on request."""
    first = any(entry.name == name for entry in headlines())
    return f"g-{metric(name).question}" + ("" if first else " m")


def names_of(of: Row) -> tuple[str, str]:
    """Return what a row is, and what tells it from its like."""
    first = " ".join(of.axes[axis] for axis in AXES if axis != "data" and axis in of.axes)
    return first, short(" ".join(v for axis, v in of.axes.items() if axis not in AXES and v))


def kind_of(verdict: Verdict) -> str:
    """Return what the page filters and colours by: gone is a yes, hidden is between it and no."""
    word = "yes" if verdict.word == "gone" else verdict.word
    return word if word in ("yes", "no", MISSING) else "some"
