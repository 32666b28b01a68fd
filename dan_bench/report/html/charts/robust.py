"""After the paper's Figure 4: a network fooled, or a person too?"""

from collections.abc import Sequence

import altair as alt

from dan_bench.interfaces import Results
from dan_bench.report.figures.fooled import FIXED, PROXIES
from dan_bench.report.html.charts.figure import (
    Figure,
    by_section,
    chosen,
    colour,
    dimmed,
    ends,
    numbers,
    shape,
    zoom,
)
from dan_bench.report.html.subjects import MethodSummary

PROXY = PROXIES[0]


def robust(subjects: Sequence[MethodSummary], _: Results) -> list[Figure]:
    """Return a figure a data set, of the subjects that both classifiers have looked at."""
    found = []
    for section, members in by_section(subjects).items():
        both = [s for s in members if FIXED in s.row.cells and PROXY in s.row.cells]
        if both:
            found.append(figure(section, both))
    return found


def figure(section: str, members: Sequence[MethodSummary]) -> Figure:
    """One data set."""
    rows = [
        {
            "subject": s.name,
            "seeds": s.row.seeds,
            **ends("fixed", s.row.cells[FIXED].estimate),
            **ends("fresh", s.row.cells[PROXY].estimate),
        }
        for s in members
    ]
    names = list(dict.fromkeys(s.name for s in members))
    choice = chosen()
    percent = alt.Scale(domain=[0, 102], nice=False)
    x = alt.X("fixed:Q", title="accuracy of the fixed classifier, %", scale=percent)
    y = alt.Y("fresh:Q", title="accuracy of a fresh classifier, %", scale=percent)
    base = alt.Chart().encode(color=colour(names), opacity=dimmed(choice))
    points = base.mark_point(size=90, strokeWidth=2).encode(
        x=x, y=y, shape=shape(names), tooltip=["subject:N", "seeds:Q", "fixed:Q", "fresh:Q"]
    )
    widths = base.mark_rule(clip=True).encode(x=alt.X("fixed low:Q"), x2="fixed high:Q", y=y)
    heights = base.mark_rule(clip=True).encode(x=x, y=alt.Y("fresh low:Q"), y2="fresh high:Q")
    return Figure(
        f"robust-{section}",
        f"A network fooled, or a person too: {section}",
        "Upper left fools one network, and a fresh one reads the digit all the same; lower left "
        "fools everybody, since there is no digit left. Bars are 95 % t intervals over seeds.",
        alt.layer(widths, heights, points.add_params(choice, zoom()), data=numbers(rows)),
        tuple(run for s in members for run in s.runs if run.metrics.get(FIXED)),
    )
