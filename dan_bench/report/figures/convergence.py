"""Convergence to the known optimum: curves over training, beside what theory promises."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from dan_bench.interfaces import DataFrame, Results, RunRecord
from dan_bench.metrics.catalogue import MetricEntry, curve
from dan_bench.report.figures.figure import Figure, joined, one_data_set
from dan_bench.report.figures.grid import PlottedMethod, grid
from dan_bench.report.figures.style import constants, numbers, series

SHOWN = (
    *("value_function", "held_out_accuracy", "uniform_distance_bits"),
    *("effective_dimensions", "data_distance"),
)
"""Of the last, theory says only: away."""
AXES = {
    "value_function": ["V(D, G)"],
    "held_out_accuracy": ["D's accuracy", "on held-out data"],
    "uniform_distance_bits": ["KL of a byte", "from uniform (bits)"],
    "effective_dimensions": ["effective dims", "(share of noise's)"],
    "data_distance": ["mean", "|output - input|"],
}
"""Titles of the y axes, in lines that are no longer than a panel is high."""
WIDTH, HEIGHT = 150, 90
HELD_OUT = 256
"""Rows that every point of a curve was taken on, where there are so many."""
CAPTION = (
    "Convergence to the known optimum on {data}. Few adversaries know where they are going; these "
    "do, and the dotted lines say where. A column is a model, a row a quantity. Lines are means "
    "over training seeds; bands reach from the least of the seeds to the most. The last row has no "
    "optimum: it is how far the data get from themselves. A GAN's optimum is its data, not noise. "
    "V(D, G), of objectives that have one, is cut off at {least:g}."
)


def convergence(records: Sequence[RunRecord], results: Results) -> Figure | None:
    """Draw mean curves of one data set: a row a curve, a column a model, a colour an output."""
    shown, others = grid([r for r in records if r.config["model"]["kind"] == "learned"])
    found = [(one, of) for one in shown if (of := read(one.runs, results))]
    if not found:
        return None
    data, elsewhere = one_data_set([one.section for one, _ in found])
    members = [(one, of) for one, of in found if one.section == data]
    rows = [row for one, of in members for row in means(one, of)]
    curves = [name for name in SHOWN if any(row["curve"] == name for row in rows)]
    if not curves:
        return None
    models = list(dict.fromkeys(one.model for one, _ in members))
    outputs = sorted({one.output for one, _ in members})
    lines = [
        line(curve(name), models, outputs, i == 0, i == len(curves) - 1)
        for i, name in enumerate(curves)
    ]
    runs = tuple(run for one, _ in members for run in one.runs)
    caption = CAPTION.format(data=data, least=curve("value_function").limits[0])
    return Figure(
        alt.vconcat(*lines, data=numbers(rows), spacing=20),
        joined(caption, elsewhere, others),
        runs,
        f"{HELD_OUT} held-out rows at each step",
    )


def read(runs: Sequence[RunRecord], results: Results) -> list[DataFrame]:
    """Return the curves of the runs that left any."""
    found = [results.curves(run.key) for run in runs]
    return [one for one in found if one is not None and len(one)]


def means(one: PlottedMethod, runs: Sequence[DataFrame]) -> list[dict[str, Any]]:
    """Return each curve's mean, least and most over a method's runs, step by step."""
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for name in SHOWN:
        having = [run.set_index("step")[name].dropna() for run in runs if name in run]
        if having:
            by_step = pd.concat(having).groupby(level=0).agg(["mean", "min", "max"])
            rows += [
                {"model": one.model, "output": one.output, "curve": name, "step": float(step)}
                | {"mean": float(mean), "least": float(least), "most": float(most)}
                for step, mean, least, most in by_step.itertuples(name=None)
            ]
    return rows


def line(
    of: MetricEntry, models: Sequence[str], outputs: Sequence[str], first: bool, last: bool
) -> Any:
    """Return one curve, a panel a model; the first line names the models, the last the steps."""
    low, high = of.limits
    ends: dict[str, Any] = {"domainMin": low, "domainMax": high}
    scale = alt.Scale(
        nice=high is None, zero=False, **{k: v for k, v in ends.items() if v is not None}
    )
    axis = alt.Axis(tickCount=4, titlePadding=8)
    y = alt.Y("mean:Q", title=AXES.get(of.name, [of.axis]), scale=scale, axis=axis)
    x = alt.X("step:Q", title="step" if last else None, axis=alt.Axis(tickCount=4))
    colour = series(outputs, "output", orient="bottom", columns=len(outputs), symbolType="stroke")
    base = alt.Chart().encode(x=x)
    band = base.mark_area(clip=True, opacity=0.2).encode(
        alt.Y("least:Q", scale=scale), y2="most:Q", color=colour
    )
    mean = base.mark_line(clip=True, strokeWidth=1.8).encode(y=y, color=colour)
    layers = alt.layer(band, mean, *optimum(of)).properties(width=WIDTH, height=HEIGHT)
    header = alt.Header() if first else None
    column = alt.Column("model:N", title=None, sort=list(models), header=header)
    whole = alt.FacetChart(
        data=alt.Undefined,  # that of all lines
        spec=layers,
        facet=alt.FacetMapping(column=column),
        spacing=48,
        bounds="flush",
    )
    return whole.transform_filter(alt.datum.curve == of.name)


def optimum(of: MetricEntry) -> list[Any]:
    """Return where theory says that a curve ends, and its name at the right edge."""
    if of.ideal is None:
        return []
    base = alt.Chart(constants(ideal=of.ideal)).encode(y=alt.Y("ideal:Q"))
    text = base.mark_text(style="said", align="left", dx=3, text=of.ideal_label or f"{of.ideal:g}")
    return [base.mark_rule(style="optimum"), text.encode(x=alt.value(WIDTH))]
