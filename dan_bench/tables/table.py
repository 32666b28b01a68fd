"""The value that every printed table is, and its cells as text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dan_bench.interfaces import Estimate

MISSING = "X"
GAP = 2
"""Spaces between two columns."""

Align = Literal["left", "center", "right"]


class Bold(str):
    """A cell in bold type, where a format has one."""


class Link(str):
    """A cell that refers to an anchor of the same page, where a format has links."""

    anchor: str

    def __new__(cls, text: str, anchor: str) -> "Link":
        """Return the text with the anchor's name, given without its `#`."""
        made = super().__new__(cls, text)
        made.anchor = anchor
        return made


@dataclass(frozen=True)
class Cell:
    """An estimate: value and interval, and the rank within its section where it has one."""

    estimate: Estimate
    rank: int | None = None


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

    def select(self, columns: Sequence[int]) -> "Table":
        """Return the table with these columns alone."""
        rows = [[row[i] for i in columns] for row in self.rows]
        kept = [self.columns[i] for i in columns]
        return Table(kept, rows, self.title, self.caption, self.part, self.notes)


def number(estimate: Estimate) -> str:
    """Value and half-width of the interval, to two digits of the latter (four places at most)."""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.4g}"
    half = (estimate.high - estimate.low) / 2
    return f"{estimate.value:.{places(half)}f} ± {half:.{places(half)}f}"


def places(half: float) -> int:
    """Return the decimal places that show two digits of an interval's half; four at most."""
    return 4 if half <= 0 else min(4, max(0, 1 - math.floor(math.log10(half))))


def text(cell: Content) -> str:
    """Return a cell as text, an estimate with its rank behind it."""
    if isinstance(cell, Cell):
        return number(cell.estimate) + (f" ({cell.rank})" if cell.rank is not None else "")
    return MISSING if cell is None else cell


def one_line(text: str) -> str:
    r"""Return a text with all that does not print, such as a line break, spelled as `\n`."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def split(widths: Sequence[int], width: int) -> list[list[int]]:
    """Return the columns of each part, so that each is as wide as fits; the first is in all."""
    found: list[list[int]] = []
    for i in range(1, len(widths)):
        if found and sum(widths[k] + GAP for k in [*found[-1], i]) - GAP <= width:
            found[-1].append(i)
        else:
            found.append([0, i])
    return found or [[0]]
