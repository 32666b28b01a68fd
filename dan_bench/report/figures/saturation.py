"""What reaches the degenerator while the discriminator becomes perfect."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures import style
from dan_bench.report.figures.drawn import DrawnFigure, basis
from dan_bench.report.saturation import gradient_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMOOTHED = 9
"""Logging steps over which a line is averaged: a batch knows its accuracy to a few per mille."""
LEAST_ERROR = 1e-3
"""An accuracy of 1 is drawn as if this share were wrong."""
MOST_POINTS = 120
"""Of a line: its neighbours were averaged anyway."""
TICKS = {0.6: "0.6", 0.9: "0.9", 0.99: "0.99", 1 - LEAST_ERROR: "≥ 0.999"}
CAPTION = (
    "Saturation: what a perfect discriminator still says. The degenerator stands still while the "
    "discriminator learns to tell its output from noise; drawn is the root mean square gradient of "
    "the degenerator's loss at a sample, over its value at the first logging step, against the "
    "discriminator's accuracy on a batch (left; dots are the end) and against the step (right). "
    "Geometric means over training seeds and over {smoothed} neighbouring logging steps. "
    "Objectives that saturate end in silence: right about everything, helpful about nothing."
)


def saturation(records: Sequence[RunRecord], results: Results) -> DrawnFigure | None:
    """Draw the gradient against the discriminator's accuracy, and against the step."""
    found = gradient_curves(records, results)
    if not found:
        return None
    figure, axes = style.canvas(1, 2, 3.1, sharey=True)
    by_accuracy, by_step = axes[0]
    ends, last = [], 0.0
    for i, (name, curves) in enumerate(found.items()):
        step, nines, gradient = (thinned(values) for values in mean_curve(curves))
        look = {"color": style.colour(i), "ls": style.dash(i), "lw": 1.2}
        by_accuracy.plot(nines, gradient, **look)
        by_accuracy.plot(
            nines[-1], gradient[-1], style.marker(i), ms=5, color=look["color"], zorder=3
        )
        by_step.plot(
            step, gradient, marker=style.marker(i), markevery=[-1], ms=5, label=name, **look
        )
        ends.append((name, gradient[-1]))
        last = max(last, step[-1])
    by_accuracy.set_xticks([-np.log10(1 - tick) for tick in TICKS], list(TICKS.values()))
    by_accuracy.set(
        xlabel="discriminator's accuracy", ylabel="gradient at the sample, over its first"
    )
    by_step.set(xlabel="step of the discriminator", yscale="log")
    name_ends(by_step, ends, last)
    runs = tuple(
        r for r in records if r.config.get("trainer", {}).get("freeze_degenerator")
        and r.status == "done"
    )  # fmt: skip
    n = batches(runs)
    style.note(figure, basis(runs, n))
    return DrawnFigure(figure, CAPTION.format(smoothed=SMOOTHED), runs, n)


def thinned(values: Sequence[float]) -> list[float]:
    """Return at most about `MOST_POINTS` of the values, evenly, and the last."""
    every = max(1, len(values) // MOST_POINTS)
    return [*values[::-1][::every]][::-1]


def batches(runs: Sequence[RunRecord]) -> str:
    """Return how large the batches were that gradients were taken on."""
    sizes = {size for run in runs if (size := run.config["trainer"].get("batch_size"))}
    return f"batches of {' or '.join(map(str, sorted(sizes)))}" if sizes else "one batch a step"


def name_ends(axes: "Axes", ends: Sequence[tuple[str, float]], last: float) -> None:
    """Write each line's name where it ends, none over another."""
    low, high = (float(np.log10(x)) for x in axes.get_ylim())
    logs = [float(np.log10(value)) for _, value in ends]
    placed = style.spread(logs, 0.075 * (high - low), low, high)
    for i, ((name, value), at) in enumerate(zip(ends, placed, strict=True)):
        axes.annotate(
            name,
            (last, value),
            (1.04, (at - low) / (high - low)),
            textcoords="axes fraction",
            va="center",
            fontsize=7,
            color=style.colour(i),
            arrowprops={"arrowstyle": "-", "color": style.theme().muted, "lw": 0.5, "shrinkB": 4},
        )


def mean_curve(
    runs: Sequence[pd.DataFrame],
) -> tuple[list[float], list[float], list[float]]:
    """Step, -log10(1 - accuracy), and gradient over its first; means over runs, smoothed."""
    smooth = pd.concat(
        [
            pd.DataFrame(
                {
                    "step": run["step"],
                    "error": 1 - run["discriminator_accuracy"],
                    "log": np.log10(
                        (run["sample_gradient"] / run["sample_gradient"].iloc[0]).clip(lower=1e-12)
                    ),
                }
            )
            .rolling(SMOOTHED, min_periods=1, center=True)
            .mean()
            for run in runs
        ]
    )
    mean = smooth.groupby(level=0).mean()
    nines = -np.log10(mean["error"].clip(lower=LEAST_ERROR))
    return mean["step"].tolist(), nines.tolist(), (10 ** mean["log"]).tolist()
