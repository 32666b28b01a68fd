"""Is it gone? %_dd against the fresh randomness of a sample, under Shannon's bound."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from dan_bench.interfaces import Results, RunRecord
from dan_bench.metrics.destruction import shannon_bound
from dan_bench.report.figures.secrecy import ATTACKS
from dan_bench.report.figures.secrecy import subjects as by_randomness
from dan_bench.report.html.charts.figure import (
    INK,
    Figure,
    chosen,
    colour,
    dimmed,
    ends,
    numbers,
    shape,
    zoom,
)
from dan_bench.report.html.subjects import MethodSummary, short_names

SCALE = alt.Scale(type="symlog", constant=1)
TICKS = [0, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000]


def secrecy(subjects: Sequence[MethodSummary], _: Results) -> list[Figure]:
    """Return a figure a data set, of the runs that faced both attacks on a list of candidates."""
    panels: dict[str, list[RunRecord]] = defaultdict(list)
    for subject in subjects:
        for run in subject.runs:
            if "noise_bits" in run.costs and all(run.metrics.get(name) for name in ATTACKS):
                panels[subject.row.section].append(run)
    return [figure(section, runs) for section, runs in panels.items()]


def figure(section: str, runs: Sequence[RunRecord]) -> Figure:
    """One data set."""
    by_subject = by_randomness(runs)
    called = short_names([name for _, name in by_subject])
    rows = [
        {
            "subject": called[name],
            "kind": "network" if is_network else "control",
            "fresh bits": point.noise_bits,
            **ends("destroyed", point.destroyed),
            "seeds": point.destroyed.n,
            "without rehearsal": point.by_dictionary,
        }
        for (is_network, name), points in sorted(by_subject.items())
        for point in points
    ]
    names = list(dict.fromkeys(str(row["subject"]) for row in rows))
    choice = chosen()
    x = alt.X(
        "fresh bits:Q",
        scale=SCALE,
        axis=alt.Axis(values=TICKS, format=",d"),
        title="fresh random bits a sample",
    )
    y = alt.Y(
        "destroyed:Q", title="data destroyed, %_dd", scale=alt.Scale(domain=[0, 104], nice=False)
    )
    base = alt.Chart().encode(x=x, color=colour(names), opacity=dimmed(choice))
    lines = base.transform_filter("datum.kind == 'network'").mark_line().encode(y=y)
    bars = base.mark_rule(clip=True).encode(y=alt.Y("destroyed low:Q"), y2="destroyed high:Q")
    points = base.mark_point(size=90, strokeWidth=2).encode(
        y=y,
        shape=shape(names),
        tooltip=["subject:N", "seeds:Q", "fresh bits:Q", "destroyed:Q", "without rehearsal:Q"],
    )
    asked = runs[0].metrics[ATTACKS[0]]
    assert asked is not None
    information = asked.details["of_bits"]
    return Figure(
        f"secrecy-{section}",
        f"%_dd against fresh randomness: {section}",
        f"The dashed line is Shannon's bound for the {information:g} bits that name one of "
        f"{2**information:.0f} candidates: what keeps its inputs apart cannot destroy more than "
        "the randomness put in. Attackers name the input from the output; the better attack "
        "counts. Bars are 95 % t intervals over training seeds.",
        alt.layer(
            bound(information, runs),
            lines,
            bars,
            points.add_params(choice, zoom()),
            data=numbers(rows),
        ),
        tuple(runs),
    )


def bound(information: float, runs: Sequence[RunRecord]) -> Any:
    """Shannon's bound, drawn densely where the axis bends."""
    most = max(information, *(run.costs["noise_bits"] for run in runs))
    bits = [*np.linspace(0, information, 40), 2 * most]
    line = [{"h": float(h), "b": shannon_bound(float(h), information)} for h in bits]
    return (
        alt.Chart(alt.InlineData(values=line))
        .mark_line(color=INK, strokeDash=[5, 4], strokeWidth=1.5)
        .encode(x=alt.X("h:Q", scale=SCALE), y="b:Q")
    )
