"""Where collapse hides: byte entropy against effective dimensions."""

from collections.abc import Sequence

import altair as alt

from dan_bench.interfaces import Results
from dan_bench.report.html.charts.figure import (
    INK,
    Figure,
    by_section,
    chosen,
    colour,
    comparable,
    dimmed,
    ends,
    numbers,
    shape,
    zoom,
)
from dan_bench.report.html.subjects import MethodSummary

X, Y = "shannon_bits", "effective_dimensions"


def collapse(subjects: Sequence[MethodSummary], _: Results) -> list[Figure]:
    """Return a figure a data set; noise is in the upper right corner only."""
    found = []
    chosen_ones, others = comparable(subjects)
    for section, members in by_section(chosen_ones).items():
        both = [s for s in members if X in s.row.cells and Y in s.row.cells]
        if any(s.runs for s in both):
            found.append(figure(section, both, others))
    return found


def figure(section: str, members: Sequence[MethodSummary], others: str) -> Figure:
    """One data set."""
    rows = [
        {
            "subject": s.name,
            "kind": s.row.kind,
            "seeds": s.row.seeds,
            **ends("entropy", s.row.cells[X].estimate),
            **ends("dimensions", s.row.cells[Y].estimate),
        }
        for s in members
    ]
    names = list(dict.fromkeys(s.name for s in members))
    choice = chosen()
    base = alt.Chart().encode(color=colour(names), opacity=dimmed(choice))
    x = alt.X(
        "entropy:Q", title="byte entropy (bits)", scale=alt.Scale(domain=[0, 8.2], nice=False)
    )
    y = alt.Y(
        "dimensions:Q",
        title="effective dimensions (share of noise's)",
        scale=alt.Scale(domain=[0, 1.08], nice=False),
    )
    points = base.mark_point(size=90, filled=False, strokeWidth=2).encode(
        x=x,
        y=y,
        shape=shape(names),
        tooltip=["subject:N", "kind:N", "seeds:Q", "entropy:Q", "dimensions:Q"],
    )
    widths = base.mark_rule(clip=True).encode(x=alt.X("entropy low:Q"), x2="entropy high:Q", y=y)
    heights = base.mark_rule(clip=True).encode(
        x=x, y=alt.Y("dimensions low:Q"), y2="dimensions high:Q"
    )
    corner = alt.Chart(
        alt.InlineData(values=[{"e": 8, "d": 1, "t": "noise lives here"}])
    ).mark_text(align="right", dx=-14, color=INK, fontStyle="italic")
    text = corner.encode(x="e:Q", y="d:Q", text="t:N")
    return Figure(
        f"collapse-{section}",
        f"Where collapse hides: {section}",
        "Byte entropy looks at one byte at a time, and is impressed. The effective dimensions look "
        "at whole rows: everything at the lower right repeats a handful of textures at nearly "
        f"eight bits. Bars are 95 % t intervals over training seeds. {others}".strip(),
        alt.layer(widths, heights, points.add_params(choice, zoom()), text, data=numbers(rows)),
        tuple(run for s in members for run in s.runs),
    )
