"""Where collapse hides: byte entropy against effective dimensions."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from dan_bench.interfaces import Results, RunRecord
from dan_bench.metrics.catalogue import metric
from dan_bench.report.figures.figure import Figure, joined, rows_of
from dan_bench.report.figures.grid import PlottedMethod, grid
from dan_bench.report.figures.style import constants, ends, interval, marks, numbers
from dan_bench.report.leaderboard import over_seeds

X, Y = "shannon_bits", "effective_dimensions"
WIDTH, HEIGHT = 255, 300
CAPTION = (
    "Where collapse hides. Byte entropy looks at one byte at a time, and is impressed; the "
    "effective dimensions look at whole rows, as a share of those that noise of the same size has. "
    "Noise is in the upper right corner. What lies in the shaded one repeats a handful of textures "
    "at nearly eight bits a byte. Hollow marks were not trained. Bars are 95 % t intervals over "
    "training seeds, and mostly narrower than the marks."
)


def collapse(records: Sequence[RunRecord], _: Results) -> Figure | None:
    """Draw each method's byte entropy and effective dimensions, a panel a data set."""
    shown, others = grid([r for r in records if r.metrics.get(X) and r.metrics.get(Y)])
    if not shown:
        return None
    runs = tuple(run for one in shown for run in one.runs)
    # networks first: they are what is looked for in the legend
    ordered = sorted(shown, key=lambda one: (one.kind == "control", one.kind == "untrained"))
    names = list(dict.fromkeys(one.name for one in ordered))
    x = alt.X("entropy:Q", title=metric(X).axis, scale=alt.Scale(domain=[0, 8.5], nice=False))
    y = alt.Y("dimensions:Q", title=metric(Y).axis, scale=alt.Scale(domain=[-0.04, 1.1]))
    base = alt.Chart()
    whiskers = [
        interval(base, names, x=alt.X("entropy low:Q"), x2="entropy high:Q", y=y),
        interval(base, names, x=x, y=alt.Y("dimensions low:Q"), y2="dimensions high:Q"),
    ]
    points = marks(base.encode(x=x, y=y), names, alt.value(50), "datum.kind == 'learned'")
    panel = alt.layer(*corners(), *whiskers, points).properties(width=WIDTH, height=HEIGHT)
    chart = panel.facet(
        column=alt.Column("data:N"), data=numbers([row(one) for one in ordered]), spacing=12
    )
    return Figure(chart, joined(CAPTION, others), runs, rows_of(runs))


def row(one: PlottedMethod) -> dict[str, Any]:
    """Return both means of a method over its seeds."""
    x, y = (over_seeds(one.runs, name) for name in (X, Y))
    assert x is not None
    assert y is not None
    about = {"data": one.section, "method": one.name, "kind": one.kind, "seeds": one.seeds}
    return about | ends("entropy", x) | ends("dimensions", y)


def corners() -> list[Any]:
    """Return the shade of the lower right corner, and the name of each."""
    area = alt.Chart(constants(x=7, x2=8.5, y=-0.04, y2=0.35)).mark_rect(style="shade")
    upper = alt.Chart(constants(x=7.6, y=1.04, said="noise lives here"))
    lower = alt.Chart(constants(x=8.3, y=0.16, said="collapse hides here"))
    text = {"x": "x:Q", "y": "y:Q", "text": "said:N"}
    return [
        area.encode(x="x:Q", x2="x2:Q", y="y:Q", y2="y2:Q"),
        upper.mark_text(style="hint", align="right").encode(**text),
        lower.mark_text(style="hint", angle=270).encode(**text),
    ]
