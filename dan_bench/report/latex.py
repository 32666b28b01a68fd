r"""Tables for LaTeX: with \usepackage{booktabs} and \usepackage{graphicx} they compile, and fit.

What is too much for a page is split into several tables, each with the first column, and what is
then still wider than a line is shrunk to it.

Text is ASCII and the accented Latin letters that the default fonts have. Other scripts take fonts
and packages that a table cannot ask for: their signs are printed as code points, <U+65E5>, which
compile with any LaTeX and tell one name from another.
"""

import unicodedata
from collections.abc import Sequence

from dan_bench.report.markup import Bold, one_line

WIDTH = 110
"""Characters of a table's line, and the spaces between its columns."""
GAP = 2
HEIGHT = 50
"""Rows of a table: a page takes so many."""
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


def escape(text: str) -> str:
    """Return a text as LaTeX prints it, on one line."""
    escaped = "".join(map(signed, one_line(text))).replace("--", "-{}-")
    return rf"\textbf{{{escaped}}}" if isinstance(text, Bold) else escaped


def signed(sign: str) -> str:
    """Return LaTeX for one sign."""
    parts = unicodedata.normalize("NFD", sign)
    accented = ord(sign) < 0x180 and parts[0].isascii() and ACCENTS.issuperset(parts[1:])
    if sign in SPECIAL or sign in LATIN or accented:
        return SPECIAL.get(sign, sign)
    return rf"\textless{{}}U+{ord(sign):04X}\textgreater{{}}"


def table(
    caption: str,
    headings: Sequence[str],
    cells: Sequence[Sequence[str]],
    centred: int = 0,
    notes: Sequence[str] = (),
    short: str = "",
) -> str:
    """Return the tables of a grid.

    Args:
        caption: of the first; those that follow say that they go on.
        headings: of the columns; the first is of the rows' names, and stands in every table.
        cells: row by row.
        centred: how many columns after the first hold words and not numbers.
        notes: lines under the last.
        short: what those that follow are called; default the caption.
    """
    stacked = [stack(heading) for heading in headings]
    widths = [
        max(map(len, [*lines, *(row[i] for row in cells)])) for i, lines in enumerate(stacked)
    ]
    kinds = ["l" if i == 0 else "c" if i <= centred else "r" for i in range(len(headings))]
    heads = [
        rf"\shortstack[{kind}]{{" + r" \\ ".join(map(escape, lines)) + "}"
        for kind, lines in zip(kinds, stacked, strict=True)
    ]
    pages = [
        (columns, cells[start : start + HEIGHT])
        for start in range(0, len(cells), HEIGHT)
        for columns in split(widths)
    ]
    said = []
    for k, (columns, rows) in enumerate(pages):
        title = f"{short or caption}, continued ({k + 1} of {len(pages)})" if k else caption
        said += [r"\begin{table}", r"\centering", rf"\caption{{{escape(title)}}}", r"\scriptsize"]
        said += [rf"\sbox0{{\begin{{tabular}}{{{''.join(kinds[i] for i in columns)}}}", r"\toprule"]
        said += [" & ".join(heads[i] for i in columns) + r" \\", r"\midrule"]
        said += [" & ".join(escape(row[i]) for i in columns) + r" \\" for row in rows]
        said += [r"\bottomrule", r"\end{tabular}}"]
        said += [r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"]
        if k == len(pages) - 1:
            said += [rf"\par\smallskip\raggedright {escape(note)}" for note in notes]
        said += [r"\end{table}", ""]
    return "\n".join(said)


def split(widths: Sequence[int]) -> list[list[int]]:
    """Return the columns of each table, so that each is as wide as fits; the first is in all."""
    found: list[list[int]] = []
    for i in range(1, len(widths)):
        if found and sum(widths[k] + GAP for k in [*found[-1], i]) <= WIDTH:
            found[-1].append(i)
        else:
            found.append([0, i])
    return found or [[0]]


def stack(heading: str) -> list[str]:
    """Return a heading in two lines, as narrow as they may be, the longer one first."""
    words = heading.split(" ")
    ways = [[" ".join(words[:k]), " ".join(words[k:])] for k in range(1, len(words))]
    return min(ways, key=lambda lines: (max(map(len, lines)), -len(lines[0])), default=[heading])
