"""Samples as pictures: rows of bytes set side by side, every byte a square of whole pixels."""

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import RunRecord
from dan_bench.metrics.pictures import picture_shape
from dan_bench.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NOISE_SEED = 2026
GAP = 1
"""Bytes between two pictures."""
MARGIN = 8
"""Pixels around a sheet of pictures."""
FOOT = 26
"""Pixels that the note at the foot takes."""
Bytes = NDArray[np.uint8]
Picture = Any
"""A masked array of bytes, rows x columns [x colours]."""


def shape_of(run: RunRecord, width: int) -> tuple[int, ...] | None:
    """Return rows and columns [and colours] of a picture; None where a row is none."""
    given = tuple(run.config["data"].get("shape", ()))
    side = math.isqrt(width)
    shape = picture_shape(given) if len(given) >= 2 else (side, side)
    return shape if math.prod(shape) == width and min(shape[:2]) > 1 else None


def mosaic(rows: Bytes, shape: Sequence[int], columns: int) -> Picture:
    """Set pictures side by side, a byte apart, `columns` in a line; the gaps are masked."""
    high, wide, *colours = shape
    lines = math.ceil(len(rows) / columns)
    size = (lines * (high + GAP) - GAP, columns * (wide + GAP) - GAP, *colours)
    whole = np.ma.masked_all(size, dtype=np.uint8)
    for i, row in enumerate(rows):
        y, x = i // columns * (high + GAP), i % columns * (wide + GAP)
        whole[y : y + high, x : x + wide] = row.reshape(high, wide, *colours)
    return whole


def columns_for(count: int) -> int:
    """Return how many pictures a line has, so that a mosaic is full and about square."""
    return next(k for k in range(math.isqrt(count), count + 1) if k * k >= count and count % k == 0)


def python_noise(count: int, width: int) -> Bytes:
    """Return rows of `random.Random(2026).randbytes`."""
    drawn = random.Random(NOISE_SEED).randbytes(count * width)
    return np.frombuffer(drawn, dtype=np.uint8).reshape(count, width)


def sheet(width: int, height: int) -> "Figure":
    """Return an empty figure of so many pixels, a margin around it, and room for the note."""
    from matplotlib.figure import Figure

    whole = (width + 2 * MARGIN, height + 2 * MARGIN + FOOT)
    return Figure(figsize=(whole[0] / style.DPI, whole[1] / style.DPI))


def place(figure: "Figure", picture: Picture, left: int, top: int, scale: int) -> "Axes":
    """Draw a picture at a place of a sheet: 0 is black and 255 white, in every theme.

    Args:
        figure: made by `sheet`.
        picture: of bytes.
        left: pixels from the margin.
        top: likewise.
        scale: pixels of one byte; whole, so that noise shows no pattern that is not its own.
    """
    wide, high = (round(inches * style.DPI) for inches in figure.get_size_inches())
    size = picture.shape[1] * scale, picture.shape[0] * scale
    corner = MARGIN + left, high - MARGIN - top - size[1]
    axes = figure.add_axes(
        (corner[0] / wide, corner[1] / high, size[0] / wide, size[1] / high), frameon=False
    )
    style.bare(axes)
    if picture.ndim == 3:  # colours know no mask: an alpha of 0 stands for it
        alpha = np.where(np.ma.getmaskarray(picture)[..., :1], 0, 255).astype(np.uint8)
        axes.imshow(np.concatenate([picture.filled(0), alpha], axis=2), aspect="auto")
    else:
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, aspect="auto")
    return axes


def label(figure: "Figure", said: str, left: int, top: int, **look: Any) -> None:
    """Write a text at a place of a sheet, in pixels from its margin."""
    wide, high = figure.get_size_inches() * style.DPI
    figure.text((MARGIN + left) / wide, 1 - (MARGIN + top) / high, said, **look)


def foot(figure: "Figure", said: str) -> None:
    """Write the note at the foot of a sheet."""
    wide, high = figure.get_size_inches() * style.DPI
    figure.text(
        1 - MARGIN / wide, MARGIN / high, said, ha="right", va="bottom",
        fontsize=style.SMALL, color=style.theme().muted,
    )  # fmt: skip
