"""Curves over training, beside the optimum that theory knows."""

import math
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from dan_bench.interfaces import Results
from dan_bench.report.html.charts.figure import (
    INK,
    LINE,
    Figure,
    by_section,
    chosen,
    colour,
    comparable,
    dash,
    dimmed,
    numbers,
    zoom,
)
from dan_bench.report.html.subjects import MethodSummary

OPTIMA = {
    "held_out_accuracy": ("discriminator's accuracy on held-out data", 0.5),
    "value_function": ("GAN value V(D, G)", -math.log(4)),
    "uniform_distance_bits": ("distance to the uniform law of a byte (bits)", 0.0),
    "effective_dimensions": ("effective dimensions (share of noise's)", 1.0),
    "batch_shannon_bits": ("byte entropy of a batch (bits)", 8.0),
}
MOST_POINTS = 1000
"""On the page; more curves have fewer steps each, but not fewer than `LEAST_STEPS`."""
LEAST_STEPS = 10


def convergence(subjects: Sequence[MethodSummary], store: Results) -> list[Figure]:
    """Return a figure a data set, of the trained subjects whose curves were kept."""
    alike, others = comparable(subjects)
    learned = [s for s in alike if s.row.kind == "learned"]
    most = max(LEAST_STEPS, MOST_POINTS // max(1, len(learned)))
    found = []
    for section, members in by_section(learned).items():
        curves = {s.name: (s, of) for s in members if (of := read(s, store))}
        shown = [m for m in OPTIMA if any(m in one for _, of in curves.values() for one in of)]
        if shown:
            found.append(figure(section, shown, curves, most, others))
    return found


def read(subject: MethodSummary, store: Results) -> list[pd.DataFrame]:
    """Return the curves of a subject's runs, those with any."""
    found = [store.curves(run.key) for run in subject.runs]
    return [one for one in found if one is not None and len(one)]


def figure(
    section: str,
    shown: Sequence[str],
    curves: dict[str, tuple[MethodSummary, list[pd.DataFrame]]],
    most: int,
    others: str,
) -> Figure:
    """One data set; which curve is looked at is chosen on the page."""
    rows = [
        {"subject": name, **point}
        for name, (_, of) in curves.items()
        for point in mean_curves(of, shown, most)
    ]
    names = list(curves)
    choice = chosen()
    select = alt.param(
        name="curve",
        value=shown[0],
        bind=alt.binding_select(
            options=list(shown), labels=[OPTIMA[m][0] for m in shown], name="Curve: "
        ),
    )
    base = (
        alt.Chart()
        .transform_calculate(
            mean="datum[curve]", least="datum[curve + ' least']", most="datum[curve + ' most']"
        )
        .transform_filter("isValid(datum.mean) && datum.mean !== ''")
        .encode(x=alt.X("step:Q", title="step"), color=colour(names, symbol=LINE))
    )
    band = base.mark_area().encode(y=alt.Y("least:Q"), y2="most:Q", opacity=dimmed(choice, 0.18))
    lines = base.mark_line(strokeWidth=1.8).encode(
        y=alt.Y("mean:Q", title="mean over seeds", scale=alt.Scale(zero=False)),
        strokeDash=dash(names),
        opacity=dimmed(choice),
    )
    near = base.mark_point(size=60, opacity=0, aria=False).encode(
        y="mean:Q", tooltip=["subject:N", "step:Q", "mean:Q", "least:Q", "most:Q"]
    )
    optima = [{"curve": m, "optimum": OPTIMA[m][1]} for m in shown]
    rule = (
        alt.Chart(alt.InlineData(values=optima))
        .transform_filter("datum.curve == curve")
        .mark_rule(color=INK, strokeDash=[5, 4], strokeWidth=1.5)
        .encode(y="optimum:Q", tooltip=["optimum:Q"])
    )
    return Figure(
        f"convergence-{section}",
        f"Convergence to the known optimum: {section}",
        "Few adversaries know where they are going. These do: the dashed line is what theory "
        "promises once the output is noise. Lines are means over seeds, bands reach from the "
        f"least of the seeds to the most. {others}".strip(),
        alt.layer(
            band, lines, rule, near.add_params(choice, zoom()), data=numbers(rows)
        ).add_params(select),
        tuple(run for subject, _ in curves.values() for run in subject.runs),
    )


def mean_curves(
    runs: Sequence[pd.DataFrame], metrics: Sequence[str], most: int
) -> list[dict[str, float]]:
    """Mean, least and most over runs of each metric, at about `most` of their steps at most."""
    together = pd.concat([run.reindex(columns=["step", *metrics]) for run in runs])
    by_step = together.groupby("step")
    ends = {"": by_step.mean(), " least": by_step.min(), " most": by_step.max()}
    wide = pd.concat([frame.add_suffix(end) for end, frame in ends.items()], axis=1)
    kept = wide.iloc[:: math.ceil(len(wide) / most)]
    kept = pd.concat([kept, wide.tail(1)]) if kept.index[-1] != wide.index[-1] else kept
    return [
        {str(name): float(value) for name, value in point.items() if np.isfinite(value)}
        for point in kept.reset_index().to_dict("records")
    ]
