"""One value for every table that is printed, and one renderer a format.

A command builds a `Table` and hands it to `render`. What a name or a cell holds comes out as it is
in each format, whatever characters it has. CSV and JSON are of unrounded cells instead, one
dictionary each.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from dan_bench.tables.markup import escape_markdown, latex, markdown, markdown_lines
from dan_bench.tables.table import (
    MISSING,
    Bold,
    Cell,
    Column,
    Content,
    Link,
    Table,
    number,
    one_line,
    places,
    text,
)
from dan_bench.tables.terminal import terminal, terminal_lines, terminal_width

__all__ = [
    "FORMATS",
    "MISSING",
    "Bold",
    "Cell",
    "Column",
    "Content",
    "Link",
    "Table",
    "as_csv",
    "as_json",
    "escape_markdown",
    "latex",
    "markdown",
    "markdown_lines",
    "number",
    "one_line",
    "places",
    "render",
    "terminal",
    "terminal_lines",
    "terminal_width",
    "text",
]

FORMATS = ("table", "markdown", "latex", "csv", "json")


def as_csv(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return one line a cell, under the names of all."""
    names = list(dict.fromkeys(name for cell in cells for name in cell))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return out.getvalue()


def as_json(cells: Sequence[Mapping[str, Any]]) -> str:
    """Return one object a cell."""
    return json.dumps(cells, indent=1) + "\n"


def render(
    form: str,
    tables: Sequence[Table],
    cells: Sequence[Mapping[str, Any]] = (),
    wide: bool = False,
) -> str:
    """Return tables in one of `FORMATS`.

    Args:
        form: which.
        tables: for `table`, `markdown` and `latex`.
        cells: for `csv` and `json`: the numbers of the tables, unrounded.
        wide: print each row of `table` on one line; else what is wider than the terminal is folded.
    """
    if form == "table":
        return terminal(tables, None if wide else terminal_width())
    if form in ("csv", "json"):
        return as_csv(cells) if form == "csv" else as_json(cells)
    return markdown(tables) if form == "markdown" else latex(tables)
