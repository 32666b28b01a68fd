"""Texts as a terminal, Markdown and LaTeX print them, whatever characters they hold.

LaTeX gets ASCII and the accented Latin letters that its default fonts have. Other scripts take
fonts and packages that a table cannot ask for: their signs are printed as code points, <U+65E5>,
which compile with any LaTeX and distinguish one name from another.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby

MARKDOWN = re.compile(r"[\\|*`<&~$]|\](?=\()|_(?![^\W_])")
"""What Markdown, or the mathematics on GitHub, would take for its own: a `]` only before a link's
address, and a `_` only where it could end an emphasis, not within a word."""
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


def spans(numbers: Iterable[int]) -> list[str]:
    """Return whole numbers in ascending order as texts, neighbours together: `0-3`, `7`."""
    found = []
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        of = [number for _, number in group]
        found.append(f"{of[0]}-{of[-1]}" if len(of) > 1 else f"{of[0]}")
    return found


def one_line(text: str) -> str:
    r"""Return a text with all that does not print, such as a line break, spelled as `\n`."""
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def escape_markdown(text: str) -> str:
    """Return a text that Markdown renders as it stands, on one line."""
    escaped = MARKDOWN.sub(r"\\\g<0>", one_line(text))
    if isinstance(text, Link):
        return f"[{escaped}](#{text.anchor})"
    return f"**{escaped}**" if isinstance(text, Bold) else escaped


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
