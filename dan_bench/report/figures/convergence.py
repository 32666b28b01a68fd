"""Convergence to the known optimum: curves over training, beside what theory promises."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from dan_bench.interfaces import Results, RunRecord
from dan_bench.metrics.catalogue import MetricEntry, curve
from dan_bench.report.figures.figure import Figure, joined, one_data_set
from dan_bench.report.figures.grid import PlottedMethod, grid
from dan_bench.report.figures.style import constants, numbers, series

if TYPE_CHECKING:  # it takes a third of a second to import, which most commands need not
    import pandas as pd

SHOWN = (
    *("value_function", "held_out_accuracy", "uniform_distance_bits"),
    *("effective_dimensions", "data_distance"),
)
"""Of the last, theory says only: away."""
WIDTH, HEIGHT = 122, 150
HELD_OUT = 256
"""Rows that every point of a curve was taken on, where there are so many."""
CAPTION = (
    "Convergence to the known optimum on {data}. Few adversaries know where they are going; these "
    "do, and the dotted lines say where; a line of panels for each output layer. Lines are means "
    "over training seeds; bands reach from the least of the seeds to the most. The last panel has "
    "no optimum: it is how far the data get from themselves. A GAN's optimum is its data, not "
    "noise. V(D, G), of objectives that have one, is cut off at {least:g}."
)


def convergence(records: Sequence[RunRecord], results: Results) -> Figure | None:
    """Draw the mean curves of the models of one data set, a panel a curve, a line an output."""
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
        alt.hconcat(
            *(
                panel(
                    curve(name),
                    output,
                    models,
                    heading=curve(name).axis.split(" (share")[0] if output == outputs[0] else "",
                    title=output if name == curves[0] else None,
                )
                for name in curves
            ),
            bounds="flush",
            spacing=46,
        )
        for output in outputs
    ]
    runs = tuple(run for one, _ in members for run in one.runs)
    caption = CAPTION.format(data=data, least=curve("value_function").limits[0])
    return Figure(
        alt.vconcat(*lines, data=numbers(rows)),
        joined(caption, elsewhere, others),
        runs,
        f"{HELD_OUT} held-out rows at each step",
    )


def read(runs: Sequence[RunRecord], results: Results) -> "list[pd.DataFrame]":
    """Return the curves of the runs that left any."""
    found = [results.curves(run.key) for run in runs]
    return [one for one in found if one is not None and len(one)]


def means(one: PlottedMethod, runs: "Sequence[pd.DataFrame]") -> list[dict[str, Any]]:
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


def panel(
    of: MetricEntry, output: str, models: Sequence[str], heading: str, title: str | None
) -> Any:
    """Return one curve of all models with one output layer."""
    low, high = of.limits
    ends: dict[str, Any] = {"domainMin": low, "domainMax": high}
    scale = alt.Scale(
        nice=high is None, zero=False, **{k: v for k, v in ends.items() if v is not None}
    )
    y = alt.Y("mean:Q", title=title, scale=scale, axis=alt.Axis(tickCount=5))
    base = (
        alt.Chart()
        .transform_filter((alt.datum.curve == of.name) & (alt.datum.output == output))
        .encode(x=alt.X("step:Q", axis=alt.Axis(tickCount=4)))
    )
    colour = series(models, "model", orient="bottom", columns=len(models), symbolType="stroke")
    band = base.mark_area(clip=True, opacity=0.14).encode(
        alt.Y("least:Q", scale=scale), y2="most:Q", color=colour
    )
    line = base.mark_line(clip=True, strokeWidth=1.5).encode(y=y, color=colour)
    said = alt.Chart(constants(said=heading)).mark_text(style="said", align="left")
    above = said.encode(x=alt.value(0), y=alt.value(-12), text="said:N")
    layers = [band, line, *optimum(of), *([above] if heading else [])]
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def optimum(of: MetricEntry) -> list[Any]:
    """Return where theory says that a curve ends, and its name at the right edge."""
    if of.ideal is None:
        return []
    base = alt.Chart(constants(ideal=of.ideal)).encode(y=alt.Y("ideal:Q"))
    text = base.mark_text(style="said", align="left", dx=3, text=of.ideal_label or f"{of.ideal:g}")
    return [base.mark_rule(style="optimum"), text.encode(x=alt.value(WIDTH))]
