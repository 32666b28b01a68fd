"""Lines, bars and words of the screen: numbers to characters, and texts that fit."""

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.cells import cell_len, set_cell_size

BLOCKS = "▁▂▃▄▅▆▇█"
FULL, REST = "━", "─"
GAP = "·"
STYLES = {"done": "green", "failed": "bold red", "running": "cyan", "waiting": "dim"}
"""Of a job's state."""


def sparkline(
    values: Sequence[float | None], width: int, low: float | None, high: float | None
) -> str:
    """Draw a curve in one line of at most `width` characters, all of it, the latest at the right.

    Args:
        values: evenly spaced; where there are more than characters, each shows the mean of some.
        width: characters.
        low: value of the lowest block, as all that is below; None takes the least there is.
        high: of the highest.

    Returns:
        A block a character, and a dot where there is no finite number.
    """
    columns = min(width, len(values))
    edges = [round(i * len(values) / columns) for i in range(columns + 1)] if columns else [0]
    means: list[float | None] = []
    for start, end in pairwise(edges):
        finite = [x for x in values[start:end] if x is not None and math.isfinite(x)]
        means.append(mean(finite) if finite else None)
    found = [x for x in means if x is not None]
    bottom = min(found, default=0.0) if low is None else low
    top = max(found, default=0.0) if high is None else high
    return "".join(GAP if x is None else block(x, bottom, top) for x in means)


def mean(values: Sequence[float]) -> float:
    """Return the mean of finite numbers, whose sum may be more than a float holds."""
    return min(max(sum(x / len(values) for x in values), min(values)), max(values))


def block(value: float, low: float, high: float) -> str:
    """Return the block of a value between two others; the lowest where these are equal."""
    span = high / 2 - low / 2  # halves, as the whole may be more than a float holds
    share = (value / 2 - low / 2) / span if span > 0 else 0.0
    return BLOCKS[min(max(int(share * len(BLOCKS)), 0), len(BLOCKS) - 1)]


def cells(shares: Sequence[float], width: int) -> list[int]:
    """Return how many characters of a bar each share gets; they lack less than one in sum."""
    ends = [0]
    total = 0.0
    for share in shares:
        total += share
        ends.append(min(width, int(total * width + 1e-9)))
    return [end - start for start, end in pairwise(ends)]


def shorten(title: str, width: int) -> str:
    """Cut a job's title to `width` cells and fill it up to them.

    It begins with the model and ends with data and seed, which tell jobs apart: words are left
    out of its middle.
    """
    words = title.split()
    whole = " ".join(words)
    if cell_len(whole) <= width:
        return set_cell_size(whole, width)
    for left_out in range(1, len(words) - 1):
        # rather the third word, the objective, than the output or the data
        starts = sorted(range(1, len(words) - left_out), key=lambda start: abs(start - 2))
        for start in starts:
            text = " ".join([*words[:start], "…", *words[start + left_out :]])
            if cell_len(text) <= width:
                return set_cell_size(text, width)
    return cut(whole, width)


def cut(text: str, width: int) -> str:
    """Cut the end off a text that is wider than `width` cells, and fill it up to them."""
    whole = " ".join(text.split())
    if cell_len(whole) > width > 0:
        whole = set_cell_size(whole, width - 1) + "…"
    return set_cell_size(whole, width)


def clock(seconds: float) -> str:
    """Seconds as a clock shows them."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def short(value: float) -> str:
    """Return a number in at most six characters, for sizes that metrics have."""
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1e5 or 0 < size < 1e-3:
        return f"{value:.0e}"
    places = next((4 - digits for digits in (1, 2, 3) if size < 10**digits), 0)
    return f"{value:.{places}f}"
