"""EntropyDAN's dial: the entropy that was asked for, and the entropy that came out."""

from collections.abc import Sequence

import altair as alt

from dan_bench.interfaces import Results
from dan_bench.report.figures.dial import settings
from dan_bench.report.html.charts.figure import (
    INK,
    LINE,
    Figure,
    by_section,
    chosen,
    colour,
    dash,
    dimmed,
    ends,
    numbers,
    zoom,
)
from dan_bench.report.html.subjects import MethodSummary

METRIC = "joint_bits"


def dial(subjects: Sequence[MethodSummary], _: Results) -> list[Figure]:
    """Return a figure a data set, of the subjects that have a dial to turn."""
    found = []
    for section, members in by_section(subjects).items():
        turned = [s for s in members if any(run.metrics.get("dial") for run in s.runs)]
        if turned:
            found.append(figure(section, turned))
    return found


def figure(section: str, members: Sequence[MethodSummary]) -> Figure:
    """One data set."""
    runs = {s.name: [run for run in s.runs if run.metrics.get("dial")] for s in members}
    rows = [
        {"subject": name, "trueness": asked, **ends("bits", bits), "seeds": bits.n}
        for name, of in runs.items()
        for asked, bits in settings(of, METRIC)
    ]
    names = list(runs)
    choice = chosen()
    base = alt.Chart().encode(
        x=alt.X("trueness:Q", title="trueness asked for, t"),
        color=colour(names, symbol=LINE),
        opacity=dimmed(choice),
    )
    y = alt.Y(
        "bits:Q", title="joint entropy (bits a byte)", scale=alt.Scale(domain=[0, 8.2], nice=False)
    )
    lines = base.mark_line(strokeWidth=2).encode(y=y, strokeDash=dash(names))
    bars = base.mark_rule(strokeWidth=2).encode(y=alt.Y("bits low:Q"), y2="bits high:Q")
    points = base.mark_point(filled=True, size=45).encode(
        y=y, tooltip=["subject:N", "seeds:Q", "trueness:Q", "bits:Q", "bits low:Q", "bits high:Q"]
    )
    asked = [{"t": 0, "b": 0}, {"t": 1, "b": 8}]
    ideal = (
        alt.Chart(alt.InlineData(values=asked))
        .mark_line(color=INK, strokeDash=[5, 4])
        .encode(x="t:Q", y="b:Q")
    )
    return Figure(
        f"dial-{section}",
        f"EntropyDAN's dial: {section}",
        "Noise in the strength that the user ordered; the dashed line, 8t, is what was ordered. "
        "The untrained network serves whatever it has. Bars are 95 % t intervals over training "
        "seeds, and mostly narrower than the marks.",
        alt.layer(ideal, lines, bars, points.add_params(choice, zoom()), data=numbers(rows)),
        tuple(run for of in runs.values() for run in of),
    )
