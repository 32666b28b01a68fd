"""The style sheet of every figure: two themes, one set of sizes, one mark for each model.

Figures are drawn inside `styled(theme)`, and ask here for their colours: no figure names one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from dan_bench.report.palette import MARKERS, ON_DARK, ON_LIGHT

if TYPE_CHECKING:  # matplotlib takes half a second to import, and `--help` draws nothing
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAGE = 7.2
"""Inches: the width of a page's text. One column is half of it."""
DPI = 150
SMALL = 6.5
"""Points of the smallest text, in print."""


@dataclass(frozen=True)
class Theme:
    """What a figure is drawn on, and with."""

    name: str
    ground: str
    ink: str
    muted: str
    """Of what is said aside: ticks, notes, what was expected."""
    faint: str
    """Of what lies behind: grid lines, shades."""
    colours: tuple[str, ...]

    @property
    def suffix(self) -> str:
        """Of the files' names."""
        return "" if self.name == "light" else f"-{self.name}"


LIGHT = Theme("light", "#FFFFFF", "#1F2328", "#59636E", "#E3E7EB", ON_LIGHT)
DARK = Theme("dark", "#0D1117", "#E6EDF3", "#9198A1", "#262C34", ON_DARK)
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}

_current: ContextVar[Theme] = ContextVar("theme", default=LIGHT)

# Which of the colours and marks a model has, wherever it is drawn
PLACES = {
    name: i for i, name in enumerate(("dan", "infodan", "dcdan", "entropydan", "gan", "untrained"))
}
MARKS = "osD^v<o"
"""Of models, at their places; the last is that of what has no place of its own."""
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))


def theme() -> Theme:
    """Return the theme that is drawn in."""
    return _current.get()


@contextmanager
def styled(chosen: Theme) -> Iterator[None]:
    """Draw in a theme; matplotlib's own settings are as before afterwards."""
    import matplotlib

    token = _current.set(chosen)
    try:
        with matplotlib.rc_context(cast(Any, settings(chosen))):
            yield
    finally:
        _current.reset(token)


def settings(chosen: Theme) -> dict[str, Any]:
    """Return the style sheet, as matplotlib's rc settings."""
    return {
        "axes.axisbelow": True,
        "axes.edgecolor": chosen.muted,
        "axes.facecolor": chosen.ground,
        "axes.grid": True,
        "axes.labelcolor": chosen.ink,
        "axes.labelsize": 8,
        "axes.linewidth": 0.7,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": chosen.ink,
        "axes.titlelocation": "left",
        "axes.titlesize": 9,
        "axes.titleweight": "bold",
        "errorbar.capsize": 0,
        "figure.facecolor": chosen.ground,
        "font.family": "sans-serif",
        # the first ships with matplotlib; the next is as wide, where an SVG is looked at without it
        "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
        "font.size": 8,
        "grid.color": chosen.faint,
        "grid.linewidth": 0.6,
        "image.interpolation": "none",
        "legend.fontsize": 7,
        "legend.frameon": False,
        "legend.handlelength": 2.6,
        "legend.labelcolor": chosen.ink,
        "lines.linewidth": 1.4,
        "lines.markersize": 5,
        "patch.linewidth": 0.8,
        "savefig.facecolor": chosen.ground,
        "svg.fonttype": "none",
        "svg.hashsalt": "dan_bench",
        "text.color": chosen.ink,
        "xtick.color": chosen.muted,
        "xtick.labelsize": 7,
        "xtick.major.size": 2.5,
        "ytick.color": chosen.muted,
        "ytick.labelsize": 7,
        "ytick.major.size": 2.5,
    }


def colour(i: int) -> str:
    """Return the i-th colour; they begin again after the last."""
    return theme().colours[i % len(theme().colours)]


def marker(i: int) -> str:
    """Return the i-th mark."""
    return MARKERS[i % len(MARKERS)]


def dash(i: int) -> Any:
    """Return the i-th kind of line."""
    return DASHES[i % len(DASHES)]


def place_of(model: str) -> int:
    """Return a model's colour and mark; what has none of its own gets the last, which is ink."""
    return PLACES.get(model, len(ON_LIGHT) - 1)


def canvas(
    rows: int, columns: int, height: float, width: float = PAGE, **options: Any
) -> "tuple[Figure, NDArray[Any]]":
    """Return a figure and its axes, rows x columns.

    Args:
        rows: of axes.
        columns: of axes.
        height: inches.
        width: inches.
        options: of `Figure.subplots`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes: NDArray[Any] = np.asarray(figure.subplots(rows, columns, squeeze=False, **options))
    return figure, axes


def note(figure: "Figure", said: str) -> None:
    """Write the short line at the foot: how much data, which seeds."""
    figure.supxlabel(said, x=0.995, ha="right", fontsize=SMALL, color=theme().muted)


def legend(axes: "Axes", **where: Any) -> None:
    """Name what is drawn by its marks and lines, without the bars of their intervals."""
    from matplotlib.container import ErrorbarContainer

    handles, labels = axes.get_legend_handles_labels()
    marks = [h.lines[0] if isinstance(h, ErrorbarContainer) else h for h in handles]
    axes.legend(marks, labels, **where)


def bare(axes: "Axes") -> None:
    """Take the frame, the ticks and the grid away, for what is no plot."""
    axes.set_axis_off()
    axes.grid(visible=False)


def spread(heights: list[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart as little as it takes, so that none is nearer than `gap` to the next.

    Args:
        heights: where the labels would stand.
        gap: least distance between two.
        low: below which none may stand.
        high: above which none may stand; there is to be room for all.

    Returns:
        Where each stands, in the order given.
    """
    order = np.argsort(heights, kind="stable")
    steps = gap * np.arange(len(heights))
    # apart by gap means in order once the steps are taken off: the nearest such is isotonic
    wanted = np.asarray(heights, dtype=np.float64)[order] - steps
    blocks: list[list[float]] = []
    for one in wanted:
        blocks.append([one])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    apart = np.concatenate([np.full(len(b), np.mean(b)) for b in blocks]) if blocks else wanted
    placed = np.clip(apart, low, high - (steps[-1] if len(steps) else 0)) + steps
    found = np.empty(len(heights))
    found[order] = placed
    return [float(x) for x in found]
