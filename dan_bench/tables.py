r"""One value for every table that is printed, and one renderer a format.

A command builds a `Table` and hands it to `render`. What a name or a cell holds comes out as it is
in each format, whatever characters it has. LaTeX needs \usepackage{booktabs} and
\usepackage{graphicx}.
"""

import csv
import io
import json
import math
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from rich.cells import cell_len, chop_cells

from dan_bench.interfaces import Estimate
from dan_bench.markup import Bold as Bold
from dan_bench.markup import Link as Link
from dan_bench.markup import escape_latex
from dan_bench.markup import escape_markdown as escape_markdown
from dan_bench.markup import one_line as one_line

FORMATS = ("table", "markdown", "latex", "csv", "json")
MISSING = "X"
GAP = 2
"""Spaces between two columns."""

Align = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Cell:
    """An estimate: value and interval, and the rank within its section where it has one."""

    estimate: Estimate
    rank: int | None = None
    mark: str = ""
    """Stands behind it; a note says what for."""


Content = str | Cell | None
"""What a cell may hold; None is printed as `MISSING`."""


@dataclass(frozen=True)
class Column:
    """A column: its heading, and on which side its cells stand."""

    heading: str
    align: Align = "right"
    optional: bool = False
    """Left out of a terminal that is too narrow for it, the last one first."""


@dataclass(frozen=True)
class Table:
    """Rows under headings; the first column names the rows."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Content]]
    title: str = ""
    caption: str = ""
    """What the numbers are; stands behind the title."""
    part: str = ""
    """Heading of this table and of those after it that have the same."""
    notes: Sequence[str] = ()
    """Sentences under the table, which may use Markdown."""

    @property
    def headings(self) -> list[str]:
        """The heading of each column."""
        return [column.heading for column in self.columns]

    def texts(self) -> list[list[str]]:
        """Return the cells as texts, row by row."""
        return [[text(cell) for cell in row] for row in self.rows]


def number(estimate: Estimate) -> str:
    """Value and half-width of the interval, to two digits of the latter (four places at most).

    Of an interval that is not symmetric, the wider side.
    """
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.4g}"
    half = max(estimate.high - estimate.value, estimate.value - estimate.low)
    return f"{estimate.value:.{places(half)}f} ± {half:.{places(half)}f}"


def places(half: float) -> int:
    """Return the decimal places that show two digits of an interval's half; four at most."""
    return 4 if half <= 0 else min(4, max(0, 1 - math.floor(math.log10(half))))


def text(cell: Content) -> str:
    """Return a cell as text, an estimate with its rank and its mark behind it."""
    if isinstance(cell, Cell):
        rank = "" if cell.rank is None else f" ({cell.rank})"
        return number(cell.estimate) + rank + cell.mark
    return MISSING if cell is None else cell


def split(widths: Sequence[int], width: int) -> list[list[int]]:
    """Return the columns of each part, so that each is as wide as fits; the first is in all."""
    found: list[list[int]] = []
    for i in range(1, len(widths)):
        if found and sum(widths[k] + GAP for k in [*found[-1], i]) - GAP <= width:
            found[-1].append(i)
        else:
            found.append([0, i])
    return found or [[0]]


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


# --- terminal ------------------------------------------------------------------------------------

# rich's own table takes 2 ms a row: seconds for a sweep of a thousand methods

LEAST, LEAST_REMARK = 24, 12
"""Widths down to which the first column of text, and another one, are folded before a split."""
PLAIN_WIDTH = 100
"""Width of what is printed to a file or a pipe."""


def terminal_width() -> int:
    """Return the terminal's width, or `COLUMNS`; of a pipe or a file `PLAIN_WIDTH`."""
    return shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns


def shown_width() -> int | None:
    """Return the width of the terminal that is printed to; None where it is none."""
    return terminal_width() if sys.stdout is not None and sys.stdout.isatty() else None


def fold(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken at spaces; a word too long for a line within its name."""
    if cell_len(text) <= width:
        return [text]
    lines = [""]
    for k, word in enumerate(text.split(" ")):
        gap = " " * (k > 0)
        for piece in [word] if cell_len(word) <= width else re.split(r"(?<=[._=/])", word):
            if cell_len(lines[-1] + gap + piece) <= width:
                lines[-1] += gap + piece
            else:
                lines += chop_cells(piece, width) or [""]
            gap = ""
    return lines if lines[0] else lines[1:]


GLUE = {"left": r"(?!)", "center": r"(?<=\bof) | (?=of\b)", "right": r"(?<!;) (?![±\[])"}
"""Spaces at which a cell is not folded: not `3 of 5`; a number may be apart from its interval."""


def longest_word(text: str) -> int:
    """Return the width that a text cannot be folded below without cutting a word."""
    return max(map(cell_len, text.split(" ")))


class FittedColumn:
    """A column as texts for a terminal, and how wide it is: unfolded, and folded."""

    def __init__(self, column: Column, cells: Sequence[Content], least: int) -> None:
        self.align, self.optional = column.align, column.optional
        self.head = one_line(column.heading)
        # a text never holds a non-breaking space of its own: `one_line` spells it out
        self.cells = [re.sub(GLUE[self.align], "\xa0", one_line(text(cell))) for cell in cells]
        word = longest_word(self.head)
        self.whole = max([word, *map(cell_len, self.cells)])
        inner = [least] if self.align == "left" else map(longest_word, self.cells)
        self.least = min(self.whole, max([word, *inner]))
        self.one_line = self.whole if self.align == "right" else self.least
        """Width with texts folded, but each estimate on one line."""

    def pad(self, text: str, width: int) -> str:
        """Return a text that fills the width."""
        room = width - cell_len(text)
        left = {"left": 0, "center": room // 2, "right": room}[self.align]
        return " " * left + text + " " * (room - left)


def total(widths: Iterable[int]) -> int:
    """Return the width of columns side by side."""
    return sum(width + GAP for width in widths) - GAP


def terminal_lines(table: Table, width: int | None = None) -> list[str]:
    """Return the lines of a table's rows: headings, a rule, the rows; nothing of its title.

    What is too wide is folded: texts down to `LEAST` and `LEAST_REMARK`. If that is not enough,
    optional columns are left out; then intervals stand under their values; then the table is split
    into several below one another, each with the first column.

    Args:
        table: with any cells.
        width: of the terminal; None prints each row on one line, as wide as it is.
    """
    columns = [
        FittedColumn(column, [row[i] for row in table.rows], LEAST_REMARK if i else LEAST)
        for i, column in enumerate(table.columns)
    ]
    if width is None:
        return laid_out(columns, [column.whole for column in columns])
    for column in columns[:0:-1]:
        if column.optional and total(one.one_line for one in columns) > width:
            columns.remove(column)
    lines: list[str] = []
    for part in split([column.least for column in columns], width):
        chosen = [columns[i] for i in part]
        widths = [column.one_line for column in chosen]
        if total(widths) > width:
            widths = [column.least for column in chosen]
        for k, column in enumerate(chosen):
            widths[k] += max(0, min(width - total(widths), column.whole - widths[k]))
        # what is still too wide is cut
        widest = widths.index(max(widths))
        widths[widest] = max(1, widths[widest] + min(0, width - total(widths)))
        lines += [*([""] if lines else []), *laid_out(chosen, widths)]
    return lines


def laid_out(columns: Sequence[FittedColumn], widths: Sequence[int]) -> list[str]:
    """Return the lines of columns that have their widths."""

    def lines_of(cells: Sequence[str], above: bool = False) -> list[str]:
        pieces = [fold(cell, width) for cell, width in zip(cells, widths, strict=True)]
        blank = [[""] * (max(map(len, pieces)) - len(piece)) for piece in pieces]
        filled = [b + p if above else p + b for b, p in zip(blank, pieces, strict=True)]
        return [
            (" " * GAP)
            .join(c.pad(text, width) for c, text, width in zip(columns, line, widths, strict=True))
            .rstrip()
            .replace("\xa0", " ")
            for line in zip(*filled, strict=True)
        ]

    rows = zip(*(column.cells for column in columns), strict=True)
    lines = [line for row in rows for line in lines_of(row)]
    heads = [column.head for column in columns]
    return [*lines_of(heads, above=True), "-" * total(widths), *lines] if any(heads) else lines


def wrapped(text: str, width: int | None) -> list[str]:
    """Return a sentence as lines of a terminal; None keeps it on one."""
    return [one_line(text)] if width is None else fold(one_line(text), width)


def terminal(tables: Sequence[Table], width: int | None = None) -> str:
    """Return tables for a terminal of that width; None prints them as wide as they are."""
    lines: list[str] = []
    for k, (part, members) in enumerate(groupby(tables, key=lambda table: table.part)):
        lines += [""] if k else []
        lines += [*wrapped(part, width), ""] if part else []
        for table in members:
            said = ": ".join(filter(None, [table.title, table.caption]))
            lines += wrapped(said, width) if said else []
            lines += terminal_lines(table, width)
            lines += [""] if table.notes else []
            lines += [line for note in table.notes for line in wrapped(note, width)]
            lines.append("")
    return "\n".join(lines)


# --- Markdown ------------------------------------------------------------------------------------

RULES = {"left": "---", "center": ":---:", "right": "---:"}


def markdown_lines(table: Table) -> list[str]:
    """Return the lines of a table's rows; nothing of its title."""
    head, *rows = [
        "| " + " | ".join(map(escape_markdown, cells)) + " |"
        for cells in (table.headings, *table.texts())
    ]
    return [head, "| " + " | ".join(RULES[c.align] for c in table.columns) + " |", *rows]


def markdown(tables: Sequence[Table]) -> str:
    """Return tables as GitHub renders them."""
    lines: list[str] = []
    for part, members in groupby(tables, key=lambda table: table.part):
        lines += [f"## {escape_markdown(part)}", ""] if part else []
        for table in members:
            title = f"**{escape_markdown(table.title)}**" if table.title else ""
            said = ": ".join(filter(None, [title, table.caption]))
            lines += [said, ""] if said else []
            lines += [*markdown_lines(table), ""]
            lines += [f"- {one_line(note)}" for note in table.notes]
            lines += [""] if table.notes else []
    return "\n".join(lines)


# --- LaTeX --------------------------------------------------------------------------------------

LATEX_WIDTH = 110
"""Characters that fit on a line of a page; what is still wider is shrunk to it."""
LATEX_HEIGHT = 50
"""Rows that fit on a page."""


def stack(heading: str) -> list[str]:
    """Return a heading in two lines, as narrow as they may be, the longer one first."""
    words = heading.split(" ")
    ways = [[" ".join(words[:k]), " ".join(words[k:])] for k in range(1, len(words))]
    return min(ways, key=lambda lines: (max(map(len, lines)), -len(lines[0])), default=[heading])


def latex_table(table: Table) -> str:
    """Return a table, in as many as its columns and rows take; each has the first column."""
    cells, stacked = table.texts(), [stack(heading) for heading in table.headings]
    kinds = [column.align[0] for column in table.columns]
    widths = [
        max(map(len, [*lines, *(row[i] for row in cells)])) for i, lines in enumerate(stacked)
    ]
    heads = [
        rf"\shortstack[{kind}]{{" + r" \\ ".join(map(escape_latex, lines)) + "}"
        for kind, lines in zip(kinds, stacked, strict=True)
    ]
    pages = [
        (columns, cells[start : start + LATEX_HEIGHT])
        for start in range(0, len(cells), LATEX_HEIGHT)
        for columns in split(widths, LATEX_WIDTH)
    ]
    caption = ": ".join(filter(None, [table.title, table.part, table.caption]))
    lines = []
    for k, (columns, rows) in enumerate(pages):
        title = f"{table.title or caption}, continued ({k + 1} of {len(pages)})" if k else caption
        lines += [r"\begin{table}", r"\centering", rf"\caption{{{escape_latex(title)}}}"]
        lines += [r"\scriptsize"]
        lines += [rf"\sbox0{{\begin{{tabular}}{{{''.join(kinds[i] for i in columns)}}}"]
        lines += [r"\toprule", " & ".join(heads[i] for i in columns) + r" \\", r"\midrule"]
        lines += [" & ".join(escape_latex(row[i]) for i in columns) + r" \\" for row in rows]
        lines += [r"\bottomrule", r"\end{tabular}}"]
        lines += [r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"]
        if k == len(pages) - 1:
            lines += [rf"\par\smallskip\raggedright {escape_latex(note)}" for note in table.notes]
        lines += [r"\end{table}", ""]
    return "\n".join(lines)


def latex(tables: Sequence[Table]) -> str:
    r"""Return tables for LaTeX; they need \usepackage{booktabs} and \usepackage{graphicx}."""
    return "\n".join(map(latex_table, tables))
