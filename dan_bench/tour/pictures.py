"""Pictures in a terminal: two pixels a character where there are greys, characters where not."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

Bytes = NDArray[np.uint8]
MARGIN = 2
"""Pixels that are left out at each edge: three pictures of 28 x 28 then fit into 80 columns."""
GAP = 2
RAMP = " .:-=+*#%@"
"""From black to white, for who has no greys."""


def most_alike(rows: Bytes) -> tuple[int, int, float]:
    """Return the two rows of n x d whose correlation is the largest, and that correlation.

    A row without variance is like no other: there is nothing to correlate.
    """
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.where(length > 0, length, np.inf)
    correlation = unit @ unit.T
    np.fill_diagonal(correlation, -np.inf)
    first, second = divmod(int(correlation.argmax()), len(rows))
    return first, second, float(correlation[first, second])


def has_greys(console: Console) -> bool:
    """Return whether the console shows colours and block characters."""
    shows = console.color_system is not None and not console.no_color
    return console.is_terminal and shows and console.encoding.startswith("utf")


def strip(pictures: Sequence[Bytes], captions: Sequence[str], console: Console) -> Text:
    """Draw pictures side by side, as many as the console is wide enough for, captions below.

    Args:
        pictures: of one shape, rows x columns.
        captions: one for each, no longer than a picture is wide.
        console: what they are for. With greys a character holds two pixels; without, it is as
            bright as the mean of the two.
    """
    cropped = [picture[MARGIN:-MARGIN, MARGIN:-MARGIN] for picture in pictures]
    columns = cropped[0].shape[1]
    cropped = cropped[: max(1, (console.width + GAP) // (columns + GAP))]
    draw = blocks if has_greys(console) else characters
    drawn = [draw(picture) for picture in cropped]
    gap = " " * GAP
    lines = [Text(gap).join(parts) for parts in zip(*drawn, strict=True)]
    words = [caption.ljust(columns) for caption in captions[: len(cropped)]]
    lines.append(Text(gap.join(words).rstrip(), "dim"))
    return Text("\n").join(lines)


def blocks(picture: Bytes) -> list[Text]:
    """Draw two rows of pixels a line: the upper half of a character, and what is behind it."""
    lines = []
    for upper, lower in zip(picture[::2], picture[1::2], strict=True):
        line = Text()
        for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
            line.append("\N{UPPER HALF BLOCK}", Style(color=grey(above), bgcolor=grey(below)))
        lines.append(line)
    return lines


def grey(byte: int) -> Color:
    """Return that shade."""
    return Color.from_rgb(byte, byte, byte)


def characters(picture: Bytes) -> list[Text]:
    """Draw two rows of pixels a line, brightness as ink."""
    brightness = picture.reshape(-1, 2, picture.shape[1]).mean(axis=1)
    shades = (brightness * len(RAMP) / 256).astype(int)
    return [Text("".join(RAMP[shade] for shade in line)) for line in shades.tolist()]
