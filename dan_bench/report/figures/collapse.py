"""Where collapse hides: byte entropy against effective dimensions."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures import points, style
from dan_bench.report.figures.drawn import DrawnFigure, basis, rows_of
from dan_bench.report.figures.grid import PlottedMethod, grid
from dan_bench.report.figures.points import Point
from dan_bench.report.leaderboard import over_seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

X, Y = "shannon_bits", "effective_dimensions"
CORNER = (7.9, 0.95)
"""From here on a point is where noise is."""
GLUE = "\u00a0"
"""Holds a name together at the end of a line."""
RIGHT = 8.5
"""Bits at which a panel ends."""
SAME = (0.02, 0.005)
"""Bits and share within which two points are one, and are named together."""
GAP = 0.052
"""Share between two names."""
COLUMN = 4.3
"""Bits at which the names stand of what lies to the right of them."""
CAPTION = (
    "Where collapse hides. Byte entropy looks at one byte at a time, and is impressed; the "
    "effective dimensions look at whole rows, as a share of those that noise of the same size has. "
    "Noise is in the upper right corner. What lies in the shaded one repeats a handful of textures "
    "at nearly eight bits a byte. Hollow marks were not trained. Bars are 95 % t intervals over "
    "training seeds, and mostly narrower than the marks."
)


def collapse(records: Sequence[RunRecord], _: Results) -> DrawnFigure | None:
    """Draw each subject's byte entropy and effective dimensions, a panel a data set."""
    shown, others = grid([r for r in records if r.metrics.get(X) and r.metrics.get(Y)])
    if not shown:
        return None
    sections = sorted({subject.section for subject in shown})
    figure, axes = style.canvas(1, len(sections), 3.7, sharey=True)
    for panel, section in zip(axes[0], sections, strict=True):
        draw_panel(panel, [point(s) for s in shown if s.section == section])
        panel.set(title=section, xlabel="byte entropy (bits)")
    axes[0, 0].set(ylabel="effective dimensions (share of noise's)")
    runs = tuple(run for subject in shown for run in subject.runs)
    n = rows_of(runs)
    style.note(figure, basis(runs, n))
    return DrawnFigure(figure, f"{CAPTION} {others}".strip(), runs, n)


def point(subject: PlottedMethod) -> Point:
    """Return both means over seeds."""
    x, y = (over_seeds(subject.runs, name) for name in (X, Y))
    assert x is not None
    assert y is not None
    trained = subject.kind == "learned"
    return Point(subject.name, x, y, style.place_of(subject.model), hollow=not trained)


def draw_panel(axes: "Axes", members: Sequence[Point]) -> None:
    """One data set."""
    theme = style.theme()
    axes.set(xlim=(0, RIGHT), ylim=(-0.04, 1.1))
    axes.axvspan(7, RIGHT, ymax=0.35, color=theme.faint, lw=0, zorder=0)
    aside: dict[str, Any] = {"fontsize": style.SMALL, "style": "italic", "color": theme.muted}
    axes.text(
        RIGHT - 0.08, 0.15, "collapse hides here", rotation=90, ha="right", va="center", **aside
    )
    for member in members:
        points.draw(axes, member)
    noise = [p for p in reversed(members) if p.x.value >= CORNER[0] and p.y.value >= CORNER[1]]
    if noise:
        names = textwrap.fill(", ".join(p.name.replace(" ", GLUE) for p in noise), 38)
        axes.text(
            7.5, 1.05, "noise lives here", ha="right", va="center", **aside | {"fontsize": 7.5}
        )
        axes.text(7.5, 1.015, names, ha="right", va="top", fontsize=style.SMALL)
    groups = points.together([p for p in members if p not in noise], SAME)
    # names stand in a column to the left of all marks but those that are near the axis
    marks = [group[0].x.value for group in groups if group[0].x.value > COLUMN / 2]
    column = min([COLUMN - 0.15, *(x - 0.3 for x in marks)])
    right = [group for group in groups if group[0].x.value > column]
    points.column(axes, right, column, GAP, (0, 1))
    for group in groups:
        if group not in right:
            far = group[0].x.value < COLUMN / 2
            points.beside(axes, group, (6, 10) if far else (0, 10), "right" if far else "center")
