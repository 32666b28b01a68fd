"""What reaches the degenerator while the discriminator becomes perfect."""

from collections import defaultdict
from collections.abc import Sequence

import altair as alt
import numpy as np

from dan_bench.interfaces import Results
from dan_bench.report.figures.saturation import mean_curve
from dan_bench.report.html.charts.figure import (
    LINE,
    Figure,
    chosen,
    colour,
    dash,
    dimmed,
    numbers,
    zoom,
)
from dan_bench.report.html.subjects import MethodSummary
from dan_bench.report.saturation import gradient_curves

WIDTH = 0.1
"""Of a bin of -log10(1 - accuracy), over which gradients are averaged."""


def saturation(subjects: Sequence[MethodSummary], store: Results) -> list[Figure]:
    """Return the figure of the runs whose degenerator stood still, if there are any."""
    runs = [run for subject in subjects for run in subject.runs]
    found = gradient_curves(runs, store)
    if not found:
        return []
    rows = []
    for name, curves in found.items():
        _, nines, gradient = mean_curve(curves)
        for at, share in by_accuracy(nines, gradient).items():
            errors = 10**-at
            rows.append(
                {"objective": name, "seeds": len(curves), "accuracy": 1 - errors, "nines": at}
                | {"gradient": share}
            )
    names = list(found)
    choice = chosen("objective")
    lines = (
        alt.Chart(numbers(rows))
        .mark_line(point=alt.OverlayMarkDef(size=30), strokeWidth=1.8)
        .encode(
            x=alt.X(
                "nines:Q",
                title="discriminator's accuracy (the last is 0.999 to 1)",
                axis=alt.Axis(labelExpr="format(1 - pow(10, -datum.value), '.3~f')"),
                scale=alt.Scale(zero=False),
            ),
            y=alt.Y(
                "gradient:Q",
                title="gradient at the sample, over its first",
                scale=alt.Scale(type="log"),
            ),
            color=colour(names, "objective", LINE),
            strokeDash=dash(names, "objective"),
            opacity=dimmed(choice),
            tooltip=["objective:N", "seeds:Q", "accuracy:Q", "gradient:Q"],
        )
    )
    frozen = [run for run in runs if run.config.get("trainer", {}).get("freeze_degenerator")]
    return [
        Figure(
            "saturation",
            "Saturation: what a perfect discriminator still says",
            "The degenerator stands still while the discriminator learns to tell its output from "
            "noise. Objectives that saturate end in silence: right about everything, helpful "
            "about nothing. Geometric means over seeds and over steps of like accuracy.",
            lines.add_params(choice, zoom()),
            tuple(frozen),
        )
    ]


def by_accuracy(nines: Sequence[float], gradients: Sequence[float]) -> dict[float, float]:
    """Geometric mean of the gradients in each bin of accuracy, in ascending order."""
    bins: dict[int, list[float]] = defaultdict(list)
    for at, gradient in zip(nines, gradients, strict=True):
        bins[round(at / WIDTH)].append(gradient)
    return {WIDTH * k: float(np.exp(np.log(bins[k]).mean())) for k in sorted(bins)}
