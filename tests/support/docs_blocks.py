"""Markdown as the tests of the documentation need it: blocks of code, spans of code, links."""

import re
import string
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
SHELLS = ("sh", "console")
LANGUAGES = (*SHELLS, "python", "yaml", "toml", "text", "bibtex")
"""What a block may be; the last two hold nothing to execute."""
FENCE = re.compile(r"^```(\S*)\s*$")
FILE = re.compile(r"^# ((?:mine/[\w./]+|pyproject\.toml))$")


@dataclass(frozen=True)
class Block:
    """A block of code, fenced or indented."""

    page: Path
    line: int
    """Of its first line of code."""
    section: str
    language: str
    """`sh` of one that is indented."""
    text: str

    @property
    def place(self) -> str:
        """Where it is: `docs/faq.md:7`."""
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the block is, as its first line says."""
        found = FILE.match(self.text.partition("\n")[0])
        return None if found is None else found[1]


@dataclass(frozen=True)
class Command:
    """A line of a shell block, continuations joined, comments taken off."""

    place: str
    text: str


@dataclass(frozen=True)
class Page:
    """A page taken apart."""

    blocks: tuple[Block, ...]
    prose: str
    """All but the blocks."""


@cache
def page(path: Path) -> Page:
    """Take a page apart. Blocks within lists and HTML comments around tables are not looked for."""
    blocks, prose, open_block, section = [], [], [], ""
    language: str | None = None
    start = 0
    blank = True

    def close() -> None:
        text = "\n".join(open_block).rstrip() + "\n"
        blocks.append(Block(path, start, section, language or "sh", text))
        open_block.clear()

    for number, line in enumerate([*path.read_text().splitlines(), ""], start=1):
        fence = FENCE.match(line)
        if language is not None:
            if fence:
                close()
                language = None
            else:
                open_block.append(line)
            continue
        if line.startswith("    ") and (blank or open_block):
            start = start if open_block else number
            open_block.append(line[4:])
            continue
        if open_block:
            close()
        if fence:
            language, start = fence[1] or "none", number + 1
            continue
        section = line[3:] if line.startswith("## ") else section
        blank = not line.strip()
        prose.append(line)
    return Page(tuple(blocks), "\n".join(prose))


def commands(block: Block) -> list[Command]:
    """Return the commands of a shell block; of a console, what stands behind its prompts."""
    found, joined, start = [], "", block.line
    for number, line in enumerate(block.text.splitlines(), start=block.line):
        if block.language == "console" and not joined:
            if not line.startswith("$ "):
                continue
            line = line[2:]
        start = start if joined else number
        joined += line
        if joined.endswith("\\"):
            joined = joined[:-1] + " "
            continue
        text = " ".join(re.sub(r"(^|\s)#\s.*$", "", joined).split())
        if text:
            place = f"{block.page.relative_to(REPOSITORY)}:{start}"
            found.append(Command(place, text))
        joined = ""
    return found


def spans(path: Path) -> list[str]:
    """Return what stands in backticks in the prose of a page."""
    return re.findall(r"`([^`\n]+)`", page(path).prose)


def links(path: Path) -> list[str]:
    """Return the targets of a page's links and images, those written in HTML among them."""
    prose = re.sub(r"`[^`\n]*`", "", page(path).prose)
    return [
        *re.findall(r"\]\(([^()\s]+)\)", prose),
        *re.findall(r"(?:src|srcset|href)=\"([^\"\s]+)\"", prose),
    ]


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub makes of a page's headings."""
    kept = set(string.ascii_lowercase + string.digits + "-_ ")
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"(?m)^#{1,6} (.+)$", page(path).prose):
        slug = "".join(c for c in heading.lower() if c in kept or c.isalpha()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found
