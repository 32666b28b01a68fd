"""Tables for a terminal, fitted to its width.

`rich.table` would do much of it, but takes 2 ms a row: seconds for a sweep of a thousand methods.
"""

import shutil
from collections.abc import Iterable, Sequence
from itertools import groupby

from rich.cells import cell_len, chop_cells

from dan_bench.tables.table import GAP, Cell, Column, Content, Table, one_line, split, text

LEAST = 24
"""Width down to which a column of text is folded before a table is split."""
PLAIN_WIDTH = 100
"""Width of what is printed to a file or a pipe."""


def terminal_width() -> int:
    """Return the terminal's width, or `COLUMNS`; of a pipe or a file `PLAIN_WIDTH`."""
    return shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns


def fold(text: str, width: int) -> list[str]:
    """Return the lines of a text, broken at spaces; a word that is too long is cut."""
    if cell_len(text) <= width:
        return [text]
    lines: list[str] = []
    for word in text.split(" "):
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines += chop_cells(word, width) or [""]
    return lines


def folded(cell: Content) -> str:
    """Return a cell of a terminal; of an estimate, value and interval may stand on two lines."""
    if isinstance(cell, Cell):
        value, sign, rest = text(cell).partition(" ± ")
        # a name never holds a non-breaking space: `one_line` spells it out
        return value + (f" ±\xa0{rest}".replace(" (", "\xa0(") if sign else "")
    return one_line(text(cell))


def longest_word(text: str) -> int:
    """Return the width that a text cannot be folded below without cutting a word."""
    return max(map(cell_len, text.split(" ")))


def can_fold_to(column: Column, cells: Sequence[str]) -> Iterable[int]:
    """Return widths of which the largest is the least for a column's cells."""
    if column.align == "left":
        return [LEAST]
    return map(cell_len if column.align == "center" else longest_word, cells)


def terminal_lines(table: Table, width: int | None = None) -> list[str]:
    """Return the lines of a table's rows: headings, a rule, the rows; nothing of its title.

    What is too wide is folded: texts down to `LEAST`. If that is not enough, optional columns are
    left out; then intervals stand under their values; then the table is split into several below
    one another, each with the first column.

    Args:
        table: with any cells.
        width: of the terminal; None prints each row on one line, as wide as it is.
    """
    heads = [one_line(heading) for heading in table.headings]
    columns = [[folded(row[i]) for row in table.rows] for i in range(len(heads))]
    words = [longest_word(head) for head in heads]
    whole = [max([word, *map(cell_len, cells)]) for word, cells in zip(words, columns, strict=True)]
    if width is None:
        return laid_out(table, heads, columns, whole)
    least = [
        min(natural, max([word, *can_fold_to(column, cells)]))
        for natural, word, column, cells in zip(whole, words, table.columns, columns, strict=True)
    ]
    # texts folded, intervals not
    rows = [
        low if column.align == "left" else natural
        for low, natural, column in zip(least, whole, table.columns, strict=True)
    ]
    kept = list(range(len(heads)))
    for i in reversed(kept[1:]):
        if table.columns[i].optional and total(rows, kept) > width:
            kept.remove(i)
    lines: list[str] = []
    for part in split([least[i] for i in kept], width):
        chosen = [kept[i] for i in part]
        narrow = rows if total(rows, chosen) <= width else least
        widths = [narrow[i] for i in chosen]
        spare = width - total(narrow, chosen)
        for k, i in enumerate(chosen):
            more = max(0, min(spare, whole[i] - widths[k]))
            widths[k] += more
            spare -= more
        # what is still too wide is cut
        widest = widths.index(max(widths))
        widths[widest] = max(1, widths[widest] + min(0, spare))
        shown = table.select(chosen)
        lines += [""] if lines else []
        lines += laid_out(shown, [heads[i] for i in chosen], [columns[i] for i in chosen], widths)
    return lines


def total(widths: Sequence[int], columns: Sequence[int]) -> int:
    """Return the width of a line of some of the columns."""
    return sum(widths[i] + GAP for i in columns) - GAP


def laid_out(
    table: Table, heads: Sequence[str], columns: Sequence[Sequence[str]], widths: Sequence[int]
) -> list[str]:
    """Return the lines of columns that have their widths."""

    def lines_of(cells: Sequence[str], top: bool) -> list[str]:
        pieces = [fold(cell, width) for cell, width in zip(cells, widths, strict=True)]
        height = max(map(len, pieces))
        stacked = []
        for k in range(height):
            line = []
            for piece, width, column in zip(pieces, widths, table.columns, strict=True):
                at = k if top else k - (height - len(piece))
                said = piece[at] if 0 <= at < len(piece) else ""
                room = width - cell_len(said)
                left = {"left": 0, "center": room // 2, "right": room}[column.align]
                line.append(" " * left + said + " " * (room - left))
            stacked.append((" " * GAP).join(line).rstrip().replace("\xa0", " "))
        return stacked

    lines = [line for row in zip(*columns, strict=True) for line in lines_of(row, True)]
    if not any(heads):
        return lines
    return [*lines_of(heads, False), "-" * (sum(widths) + GAP * (len(widths) - 1)), *lines]


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
