"""The ladder of known truth: the bracket of %_dd beside the number that it is to hold."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures.figure import Figure, joined, measured, rows_of
from dan_bench.report.figures.grid import left_out, most_common
from dan_bench.report.figures.style import numbers
from dan_bench.results.select import group_methods

TRUTH, LEAST, MOST = "true_destroyed", "certified_destroyed", "percent_destroyed"
BRACKET = "at least to at most"
OTHERS = {"pairs alone": "counts_recovered", "F-BLEAU": "fbleau_destroyed"}
"""What else is drawn where it was measured: estimates that are told nothing but pairs."""
WIDTH, STEP = 430, 15
ROUNDING = 1e-6
CAPTION = (
    "The bracket, where the truth is known: channels of one or two bytes whose %_dd can be "
    "computed (ticks). Each bar reaches from what the certificate guarantees to the upper end of "
    "what the attacks leave, mean over {seeds}; it begins at 0 where no certificate is stated. "
    "The truth lies inside in {inside} of {runs} runs."
)
OF_PAIRS = (
    "Marks are estimates from pairs alone, which an attacker with the channel's law does better "
    "than: a table of counts{fbleau}."
)
OF_FBLEAU = (
    "; and F-BLEAU, which estimates how often the input is named, turned into the bits that naming "
    "it so often takes at least"
)


def ladder(records: Sequence[RunRecord], _: Results) -> Figure | None:
    """Draw each channel's bracket and its truth."""
    known = [r for r in records if all(r.metrics.get(name) for name in (TRUTH, LEAST, MOST))]
    shown = most_common(known, lambda r: repr(r.config["evaluation"]))
    if not shown:
        return None
    rows = [row for name, runs in rungs(shown).items() for row in rows_of_rung(name, runs)]
    order = list(dict.fromkeys(row["rung"] for row in rows))
    names = list(dict.fromkeys(row["method"] for row in rows))
    x = alt.X("value:Q", title="data destroyed, %_dd", scale=alt.Scale(domain=[0, 100]))
    y = alt.Y("rung:N", sort=order, title=None, axis=alt.Axis(grid=True, labelLimit=220))
    scale, legend = alt.Scale(domain=names), alt.Legend(title=None, symbolOpacity=1)
    colour = alt.Color("method:N", scale=scale, legend=legend)
    base = alt.Chart(numbers(rows)).encode(x=x, y=y)
    bracket = base.transform_filter(alt.datum.method == BRACKET)
    estimates = base.transform_filter(alt.datum.method != BRACKET)
    chart = alt.layer(
        # what is exact has no length, and shows as a dot of the bar's thickness
        bracket.mark_rule(strokeWidth=5, strokeCap="round").encode(color=colour, x2="end:Q"),
        bracket.mark_tick(style="ink", thickness=2, size=12).encode(x=alt.X("true:Q")),
        estimates.mark_point(filled=False, size=32, strokeWidth=1.3, opacity=1).encode(
            color=colour, shape=alt.Shape("method:N", scale=scale, legend=legend)
        ),
    ).properties(width=WIDTH, height=alt.Step(STEP))
    said = CAPTION.format(
        seeds="the training seeds" if len({r.config["seed"] for r in shown}) > 1 else "one seed",
        inside=f"{sum(map(holds, shown)):,}",
        runs=f"{len(shown):,}",
    )
    there = [name for name in names if name != BRACKET]
    more = OF_PAIRS.format(fbleau=OF_FBLEAU if "F-BLEAU" in there else "") if there else ""
    return Figure(
        chart, joined(said, more, left_out(known, shown, "")), tuple(shown), rows_of(shown)
    )


def rungs(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Return the runs of each channel by its name; what destroys least comes first."""
    methods = sorted(group_methods(records), key=lambda method: mean(method.runs, TRUTH))
    short = [named(method.axes, "model.") for method in methods]
    names = [
        name if short.count(name) == 1 else f"{name}, {named(method.axes, 'data.')}"
        for name, method in zip(short, methods, strict=True)
    ]
    return {name: list(method.runs) for name, method in zip(names, methods, strict=True)}


def named(axes: Mapping[str, str], part: str) -> str:
    """Return the settings of a model or of data that tell channels apart; its name if none does."""
    values = [value for axis, value in axes.items() if axis.startswith(part)]
    if part == "model.":
        values = [value.partition("=")[2] for value in values]
    return " ".join(value.removeprefix(part) for value in values) or axes[part.rstrip(".")]


def rows_of_rung(name: str, runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """Return the bracket of one channel and the estimates beside it, means over its runs."""
    rung = {"rung": name}
    bracket = {
        "method": BRACKET,
        "value": mean(runs, LEAST),
        "end": float(np.mean([upper(run) for run in runs])),
        "true": mean(runs, TRUTH),
    }
    found = [rung | bracket]
    for other, metric in OTHERS.items():
        there = [run for run in runs if run.metrics.get(metric)]
        if there:
            value = mean(there, metric)
            share = metric.endswith("_recovered")
            found.append(rung | {"method": other, "value": 100 * (1 - value) if share else value})
    return found


def mean(runs: Sequence[RunRecord], metric: str) -> float:
    """Return a metric's mean over runs that all have it."""
    return float(np.mean([measured(run, metric).value for run in runs]))


def upper(run: RunRecord) -> float:
    """Return the upper end of what the attacks leave."""
    return measured(run, MOST).ends[1]


def holds(run: RunRecord) -> bool:
    """Whether the truth lies in a run's bracket, but for rounding."""
    truth = mean([run], TRUTH)
    return mean([run], LEAST) - ROUNDING <= truth <= upper(run) + ROUNDING
