"""Names and cells as a terminal and Markdown show them, whatever characters they hold."""

import re
from collections.abc import Sequence

MARKDOWN = re.compile(r"[\\|*`<&~$]|\](?=\()|_(?![^\W_])")
"""What Markdown, or the mathematics on GitHub, would take for its own: a `]` only before a link's
address, and a `_` only where it could end an emphasis, not within a word."""
RULES = {"l": "---", "c": ":---:", "r": "---:"}


class Bold(str):
    """A cell in bold type, where a format has one."""


def one_line(text: str) -> str:
    r"""Return a text with all that does not print, such as a line break, spelled as `\n`."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def markdown(text: str) -> str:
    """Return a text that Markdown renders as it stands, on one line."""
    escaped = MARKDOWN.sub(r"\\\g<0>", one_line(text))
    return f"**{escaped}**" if isinstance(text, Bold) else escaped


def markdown_line(cells: Sequence[str]) -> str:
    """Return a line of a Markdown table; the cells are Markdown already."""
    return "| " + " | ".join(cells) + " |"


def markdown_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], kinds: str = ""
) -> list[str]:
    """Return the lines of a Markdown table of plain texts.

    Args:
        headings: of the columns.
        rows: cells of each.
        kinds: `l`, `c` or `r` for each column; those not named are numbers, on the right.
    """
    rules = [RULES[kind] for kind in kinds.ljust(len(headings), "r")]
    lines = [headings, *rows]
    first, *rest = [markdown_line([markdown(cell) for cell in line]) for line in lines]
    return [first, markdown_line(rules), *rest]


def terminal_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table with aligned columns between rules, the first on the left."""
    grid = [[one_line(cell) for cell in line] for line in (headings, *rows)]
    widths = [max(map(len, column)) for column in zip(*grid, strict=True)]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = []
    for first, *rest in grid:
        padded = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *padded]).rstrip())
    return [rule, lines[0], rule, *lines[1:]]
