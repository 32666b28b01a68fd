"""Points with their intervals, and names beside them instead of a legend."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dan_bench.interfaces import Estimate
from dan_bench.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


WIDTH = 30
"""Letters of a line of names."""


@dataclass(frozen=True)
class Point:
    """Two numbers of one subject."""

    name: str
    x: Estimate
    y: Estimate
    place: int
    """Of its colour and mark."""
    hollow: bool


def span(estimate: Estimate) -> tuple[float, float]:
    """How far the interval reaches below and above the value; 0 where there is none."""
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    return estimate.value - low, high - estimate.value


def draw(axes: "Axes", point: Point, size: float = 5.5) -> None:
    """One point and both of its intervals."""
    below, above = span(point.y)
    left, right = span(point.x)
    drawn = axes.errorbar(
        point.x.value,
        point.y.value,
        xerr=[[left], [right]],
        yerr=[[below], [above]],
        fmt=style.MARKS[point.place],
        color=style.colour(point.place),
        mfc="none" if point.hollow else None,
        mew=1.2,
        elinewidth=1,
        ms=size + 2.5 if point.hollow else size,  # a ring around what lies at the same place
        label=point.name,
        zorder=3,
    )
    drawn.lines[0].set_clip_on(False)  # the mark; an interval ends at the frame


def together(points: Sequence[Point], near: tuple[float, float]) -> list[list[Point]]:
    """Return the points in groups: those within `near` of a group's first are one."""
    groups: list[list[Point]] = []
    for point in points:
        for group in groups:
            first = group[0]
            apart = abs(point.x.value - first.x.value), abs(point.y.value - first.y.value)
            if apart[0] <= near[0] and apart[1] <= near[1]:
                group.append(point)
                break
        else:
            groups.append([point])
    return groups


def column(
    axes: "Axes",
    groups: Sequence[Sequence[Point]],
    x: float,
    gap: float,
    limits: tuple[float, float],
    align: str = "right",
) -> None:
    """Name groups of points in a column at `x`, each with a thin line to its mark."""
    heights = [group[0].y.value for group in groups]
    placed = style.spread(heights, gap, *limits)
    line = {"arrowstyle": "-", "color": style.theme().muted, "lw": 0.5, "shrinkA": 1, "shrinkB": 4}
    for group, height in zip(groups, placed, strict=True):
        first = group[0]
        axes.annotate(
            textwrap.fill(", ".join(point.name for point in group), WIDTH),
            (first.x.value, first.y.value),
            (x, height),
            ha=align,
            va="center",
            fontsize=style.SMALL,
            color=style.colour(first.place),
            arrowprops=line | {"relpos": (float(align == "right"), 0.5)},
        )


def beside(axes: "Axes", group: Sequence[Point], offset: tuple[float, float], align: str) -> None:
    """Name a group of points next to its first, `offset` points of print away."""
    first = group[0]
    axes.annotate(
        ", ".join(point.name for point in group),
        (first.x.value, first.y.value),
        offset,
        textcoords="offset points",
        ha=align,
        va="center",
        fontsize=style.SMALL,
        color=style.colour(first.place),
    )
