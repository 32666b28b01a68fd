"""After the paper's Figure 6: p_x, p_d and D in one dimension."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures.figure import Figure
from dan_bench.report.figures.style import numbers, series

ARRAYS = ("snapshot_steps", "snapshots", "snapshot_critic")
PANELS = 4
LEVELS = 256
BINS = 32
HIGHEST = 4.6
"""Density at which the panels are cut off."""
WIDTH, ABOVE, BELOW = 130, 150, 90
LAWS = ("p_d, output", "p_x, target", "data")
VIEWS = ("D", "best D")
CAPTION = (
    "The paper's Figure 6: one dimension, at steps {steps}. Above, dashed, p_x, the uniform law "
    "that is aimed at; filled, p_d, the law of {model}'s output ({bins} bins, cut off at "
    "{highest:g}); dotted, the law of the data. Below, thick, D's probability that a number is "
    "true noise, from its logits at the middle of every fourth byte; thin, the best that a "
    "discriminator could say, p_x / (p_x + p_d). D has as many steps as its opponent and lags "
    "behind; at the end both say 1/2."
)


def one_dimension(records: Sequence[RunRecord], results: Results) -> Figure | None:
    """Draw both laws and the discriminator at four steps of the first run of single numbers."""
    for run in sorted(records, key=lambda r: (r.config["seed"], r.key)):
        if run.status != "done" or results.array(run.key, "snapshot_critic") is None:
            continue
        arrays = [results.array(run.key, name) for name in ARRAYS]
        if all(array is not None for array in arrays):
            return draw(run, *(np.asarray(array) for array in arrays))
    return None


def draw(
    run: RunRecord, steps: NDArray[np.int64], made: NDArray[np.uint8], logits: NDArray[np.float64]
) -> Figure:
    """Return the figure of one run: above the laws, below the discriminator, a column a step."""
    chosen = np.unique(np.linspace(0, len(steps) - 1, PANELS).round().astype(int))
    rows = [row for i in chosen for row in points(run, int(steps[i]), made[i], logits[i])]
    columns = [
        column(letter, int(steps[i]), density(made[i]), letter == "a")
        for letter, i in zip("abcd", chosen, strict=False)
    ]
    chart = alt.hconcat(*columns, data=numbers(rows), spacing=8)
    caption = CAPTION.format(
        steps=", ".join(f"{steps[i]:,}" for i in chosen),
        model=run.config["model"]["name"],
        bins=BINS,
        highest=HIGHEST,
    )
    return Figure(chart, caption, (run,), f"{made.shape[1]:,} samples")


def points(
    run: RunRecord, step: int, made: NDArray[np.uint8], logits: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Return what is drawn of one step: a row a line and place on [0, 1]."""
    middles = (np.arange(LEVELS) + 0.5)[::4] / LEVELS
    law = density(made)
    edges = np.linspace(0, 1, BINS + 1)
    steps = np.append(law, law[-1])  # a bin reaches to where the next begins
    lines = {LAWS[0]: (edges, steps), VIEWS[1]: (edges, 1 / (1 + steps))}
    lines[LAWS[1]] = (np.array([0, 1]), np.array([1.0, 1.0]))
    bell = law_of_data(run, middles)
    if bell is not None:
        lines[LAWS[2]] = (middles, bell)
    lines[VIEWS[0]] = (middles, 1 / (1 + np.exp(-logits[::4].astype(np.float64))))
    return [
        {"step": step, "law": name, "y": float(y), "value": float(value)}
        for name, (places, values) in lines.items()
        for y, value in zip(places, values, strict=True)
    ]


def column(letter: str, step: int, law: NDArray[np.float64], is_first: bool) -> Any:
    """Return the two panels of a step."""
    ticks = alt.Axis(values=[0, 0.5, 1])
    at = alt.Chart().transform_filter(alt.datum.step == step)
    one = {
        name: at.transform_filter(alt.datum.law == name).encode(
            alt.X("y:Q", title=title, axis=ticks, scale=alt.Scale(domain=[0, 1]))
        )
        for names, title in ((LAWS, None), (VIEWS, "y"))
        for name in names
    }
    colour = series([*LAWS, *VIEWS], "law")

    def axis(title: str, values: list[float]) -> alt.Axis:
        return alt.Axis(values=values, title=title if is_first else None, labels=is_first)

    high = alt.Y(
        "value:Q",
        scale=alt.Scale(domain=[0, HIGHEST], nice=False),
        axis=axis("density", [0, 1, 2, 3, 4]),
    )
    fill = (
        one[LAWS[0]]
        .mark_area(clip=True, opacity=0.6, interpolate="step-after")
        .encode(y=high, color=colour)
    )
    line: dict[str, Any] = {"strokeWidth": 1.3, "clip": True}
    target = one[LAWS[1]].mark_line(strokeDash=[5, 4], **line).encode(y=high, color=colour)
    data = one[LAWS[2]].mark_line(strokeDash=[1.5, 2], **line).encode(y=high, color=colour)
    cut = alt.Chart(alt.InlineData([{"said": f"up to {law.max():.1f}"}])).mark_text(
        style="aside", align="right", baseline="top"
    )
    beyond = [cut.encode(x=alt.value(WIDTH - 12), y=alt.value(2), text="said:N")]
    above = alt.layer(fill, target, data, *(beyond if law.max() > HIGHEST else []))
    low = alt.Y("value:Q", scale=alt.Scale(domain=[0, 1]), axis=axis("D(y)", [0, 0.5, 1]))
    best = one[VIEWS[1]].mark_line(interpolate="step-after", **line).encode(y=low, color=colour)
    said = one[VIEWS[0]].mark_line(strokeWidth=2.2, clip=True).encode(y=low, color=colour)
    below = alt.layer(best, said)
    title = alt.Title(f"({letter}) step {step:,}", fontSize=11)
    return alt.vconcat(
        above.properties(width=WIDTH, height=ABOVE, title=title),
        below.properties(width=WIDTH, height=BELOW),
        bounds="flush",
        spacing=30,
    )


def density(made: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the density on [0, 1] in each bin; its mean over the bins is 1."""
    counts = np.bincount(made.ravel(), minlength=LEVELS).reshape(BINS, -1).sum(axis=1)
    law: NDArray[np.float64] = counts * BINS / made.size
    return law


def law_of_data(run: RunRecord, y: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the data's normal density, where the config is that of a bell curve."""
    data = run.config["data"]
    if "mean" not in data or "deviation" not in data:
        return None
    z = (y - float(data["mean"])) / float(data["deviation"])
    peak = float(data["deviation"]) * math.sqrt(2 * math.pi)
    law: NDArray[np.float64] = np.exp(-z * z / 2) / peak
    return law
