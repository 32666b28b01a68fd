"""Convergence to the known optimum: curves over training, beside what theory promises."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures import style
from dan_bench.report.figures.curves import mean_of, read
from dan_bench.report.figures.drawn import DrawnFigure, basis
from dan_bench.report.figures.grid import PlottedMethod, grid, rank

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OPTIMA = {
    "value_function": ("GAN value V(D, G)", -math.log(4), "-log 4"),
    "held_out_accuracy": ("D's accuracy, held-out data", 0.5, "1/2"),
    "uniform_distance_bits": ("KL from uniform, one byte (bits)", 0.0, "0"),
    "effective_dimensions": ("effective dimensions (share)", 1.0, "1"),
    "data_distance": ("mean |output - input|", None, ""),
}
"""Heading of each curve, and where it ends in theory; of the last, theory says only: away."""
LIMITS = {"value_function": (-3.0, 0.0), "held_out_accuracy": (0.0, 1.0)}
ROWS, COLUMNS = 2, 3
MOST = 6
"""Subjects that can be told apart."""
FIRST = "mnist"
"""The data set that is shown where there are several."""
HELD_OUT = 256
"""Rows that every point of a curve was taken on, where there are so many."""
CAPTION = (
    "Convergence to the known optimum on {data}. Few adversaries know where they are going; these "
    "do, and the dotted lines say where. Solid lines end on the torus, dashed ones in a sigmoid. "
    "Lines are means over training seeds; bands reach from the least of the seeds to the most. The "
    "last panel has no optimum: it is how far the data get from themselves. A GAN's optimum is its "
    "data, not noise. V(D, G), of objectives that have one, is cut off at {least:g}."
)


def convergence(records: Sequence[RunRecord], results: Results) -> DrawnFigure | None:
    """Draw the mean curves of the models of one data set, a panel a curve."""
    shown, others = grid([r for r in records if r.config["model"]["kind"] == "learned"])
    found = [(subject, of) for subject in shown if (of := read(subject.runs, results))]
    sections = sorted({subject.section for subject, _ in found}, key=lambda s: (s != FIRST, s))
    here = [(subject, of) for subject, of in found if subject.section == sections[0]]
    here.sort(key=lambda pair: rank(pair[0]))
    members = here[:MOST]
    metrics = [m for m in OPTIMA if any(m in run for _, of in members for run in of)]
    if not metrics:
        return None
    figure, axes = style.canvas(ROWS, COLUMNS, 4)
    flat = list(axes.flat)
    for panel, metric in zip(flat, metrics, strict=False):
        for subject, of in members:
            draw_curve(panel, subject, of, metric)
        draw_optimum(panel, metric)
    for panel in flat[len(metrics) :]:
        style.bare(panel)
    last = flat[len(metrics)] if len(metrics) < len(flat) else flat[-1]
    last.legend(*flat[0].get_legend_handles_labels(), loc="center left")
    runs = tuple(run for subject, _ in members for run in subject.runs)
    n = f"{HELD_OUT} held-out rows at each step"
    style.note(figure, basis(runs, n))
    caption = CAPTION.format(data=sections[0], least=LIMITS["value_function"][0])
    more = [subject.name for subject, _ in here[MOST:]]
    if more:
        caption += f" Not shown: {', '.join(more)}."
    if len(sections) > 1:
        caption += f" Other data sets are not shown: {', '.join(sections[1:])}."
    return DrawnFigure(figure, f"{caption} {others}".strip(), runs, n)


def draw_optimum(axes: "Axes", metric: str) -> None:
    """What the curve is, and where it should end."""
    heading, optimum, called = OPTIMA[metric]
    axes.set_title(heading, fontsize=8, fontweight="normal")
    axes.set(xlabel="step", ylim=LIMITS.get(metric))
    if optimum is None:
        return
    axes.axhline(optimum, color=style.theme().ink, ls=":", lw=1.2, zorder=1)
    axes.annotate(
        called,
        (1, optimum),
        (2, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=7,
    )


def draw_curve(
    axes: "Axes", subject: PlottedMethod, of: Sequence[pd.DataFrame], metric: str
) -> None:
    """One subject's mean and band; its mark stands at the end."""
    curve = mean_of(of, metric)
    if curve is None:
        return
    place = style.place_of(subject.model)
    colour = style.colour(place)
    axes.plot(
        curve.steps,
        curve.mean,
        color=colour,
        ls=style.dash(int(subject.output == "sigmoid")),
        marker=style.MARKS[place],
        markevery=[-1],
        ms=3.5,
        lw=1.2,
        label=subject.name,
    )
    axes.fill_between(curve.steps, curve.least, curve.most, color=colour, alpha=0.14, lw=0)
