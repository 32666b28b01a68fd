"""What reaches the degenerator while the discriminator becomes perfect."""

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from dan_bench.interfaces import DataFrame, Results, RunRecord
from dan_bench.report.figures.figure import Figure
from dan_bench.report.figures.style import dash, marks, numbers, series
from dan_bench.report.saturation import gradient_curves

SMOOTHED = 9
"""Logging steps over which a line is averaged: a batch knows its accuracy to a few per mille."""
LEAST_ERROR = 1e-3
"""An accuracy of 1 is drawn as if this share were wrong."""
MOST_POINTS = 60
"""Of a line: its neighbours were averaged anyway."""
TICKS = [0.6, 0.9, 0.99, 1 - LEAST_ERROR]
WIDTH, HEIGHT = 250, 250
CAPTION = (
    "Saturation: what a perfect discriminator still says. The degenerator stands still while the "
    "discriminator learns to tell its output from noise; drawn is the root mean square gradient of "
    "the degenerator's loss at a sample, over its value at the first logging step, against the "
    "discriminator's accuracy on a batch (left; marks are the end) and against the step (right). "
    "Geometric means over training seeds and over {smoothed} neighbouring logging steps. "
    "Objectives that saturate end in silence: right about everything, helpful about nothing."
)


def saturation(records: Sequence[RunRecord], results: Results) -> Figure | None:
    """Draw the gradient against the discriminator's accuracy, and against the step."""
    found = gradient_curves(records, results)
    if not found:
        return None
    rows: list[dict[str, Any]] = [
        {"method": name, "step": step, "nines": nines, "accuracy": 1 - 10**-nines}
        | {"gradient": gradient, "point": "end" if last else ""}
        for name, curves in found.items()
        for step, nines, gradient, last in mean_curve(curves)
    ]
    names = list(found)
    nines = [-np.log10(1 - tick) for tick in TICKS]
    by_accuracy = alt.X(
        "nines:Q",
        title="discriminator's accuracy",
        scale=alt.Scale(zero=False, domainMin=nines[0], domainMax=nines[-1] + 0.1),
        axis=alt.Axis(
            values=nines,
            labelExpr=f"(datum.value > {nines[-1] - 0.01} ? '≥ ' : '') + "
            "format(1 - pow(10, -datum.value), '.3~f')",
        ),
    )
    by_step = alt.X("step:Q", title="step of the discriminator")
    powers = [math.floor(math.log10(row["gradient"])) for row in rows]
    tens = [10.0**power for power in range(min(powers), max(powers) + 2)]
    chart = alt.hconcat(
        panel(by_accuracy, names, tens, "gradient at the sample, over its first"),
        panel(by_step, names, tens, None),
        data=numbers(rows),
    ).resolve_scale(y="shared")
    runs = tuple(
        r for r in records if r.config.get("trainer", {}).get("freeze_degenerator")
        and r.status == "done"
    )  # fmt: skip
    return Figure(chart, CAPTION.format(smoothed=SMOOTHED), runs, batches(runs))


def panel(x: alt.X, names: Sequence[str], tens: Sequence[float], title: str | None) -> Any:
    """Return the gradients over one axis; each line ends in its mark."""
    y = alt.Y("gradient:Q", title=title, scale=alt.Scale(type="log"), axis=alt.Axis(values=tens))
    base = alt.Chart().encode(x=x, y=y)
    lines = base.mark_line(strokeWidth=1.5).encode(
        color=series(names), strokeDash=dash(names), order="step:Q"
    )
    last = base.transform_filter("datum.point == 'end'")
    return alt.layer(lines, marks(last, names, alt.value(55))).properties(
        width=WIDTH, height=HEIGHT
    )


def batches(runs: Sequence[RunRecord]) -> str:
    """Return how large the batches were that gradients were taken on."""
    sizes = {size for run in runs if (size := run.config["trainer"].get("batch_size"))}
    return f"batches of {' or '.join(map(str, sorted(sizes)))}" if sizes else "one batch a step"


def mean_curve(runs: Sequence[DataFrame]) -> list[tuple[float, float, float, bool]]:
    """Return step, -log10(1 - accuracy) and gradient over its first, means over runs, smoothed.

    Of a long curve every few points are kept, evenly, and the last, which says that it is.
    """
    import pandas as pd

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
    mean = mean.iloc[:: -max(1, len(mean) // MOST_POINTS)].iloc[::-1]
    nines = -np.log10(mean["error"].clip(lower=LEAST_ERROR))
    ends = np.arange(len(mean)) == len(mean) - 1
    points = zip(mean["step"], nines, 10 ** mean["log"], ends, strict=True)
    return [(float(s), float(n), float(g), bool(last)) for s, n, g, last in points]
