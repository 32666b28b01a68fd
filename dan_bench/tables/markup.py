r"""Tables in Markdown, as GitHub renders it, and in LaTeX.

LaTeX needs \usepackage{booktabs} and \usepackage{graphicx}. Its text is ASCII and the accented
Latin letters that the default fonts have. Other scripts take fonts and packages that a table cannot
ask for: their signs are printed as code points, <U+65E5>, which compile with any LaTeX and
distinguish one name from another.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby

from dan_bench.tables.table import Bold, Link, Table, one_line, split

MARKDOWN = re.compile(r"[\\|*`<&~$]|\](?=\()|_(?![^\W_])")
"""What Markdown, or the mathematics on GitHub, would take for its own: a `]` only before a link's
address, and a `_` only where it could end an emphasis, not within a word."""
RULES = {"left": "---", "center": ":---:", "right": "---:"}


def escape_markdown(text: str) -> str:
    """Return a text that Markdown renders as it stands, on one line."""
    escaped = MARKDOWN.sub(r"\\\g<0>", one_line(text))
    if isinstance(text, Link):
        return f"[{escaped}](#{text.anchor})"
    return f"**{escaped}**" if isinstance(text, Bold) else escaped


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
SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    # after the end of a row, these would be read as arguments of it
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    **{sign: rf"\{sign}" for sign in "%_&#$"},
}
LATIN = set("ŁłŒœı…") | set(map(chr, range(256))) - set("«»ÐÞðþ")
"""Printed as they stand in the encoding that LaTeX starts with, OT1."""
ACCENTS = set("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327")
"""Those that OT1 puts on any letter."""


def escape_latex(text: str) -> str:
    """Return a text as LaTeX prints it, on one line."""
    escaped = "".join(map(latex_sign, one_line(text))).replace("--", "-{}-")
    return rf"\textbf{{{escaped}}}" if isinstance(text, Bold) else escaped


def latex_sign(sign: str) -> str:
    """Return LaTeX for one sign."""
    parts = unicodedata.normalize("NFD", sign)
    accented = ord(sign) < 0x180 and parts[0].isascii() and ACCENTS.issuperset(parts[1:])
    if sign in SPECIAL or sign in LATIN or accented:
        return SPECIAL.get(sign, sign)
    return rf"\textless{{}}U+{ord(sign):04X}\textgreater{{}}"


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
