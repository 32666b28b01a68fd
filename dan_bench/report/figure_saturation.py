"""Figure `saturation`: what reaches the degenerator while the discriminator becomes perfect."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from dan_bench.records import RunRecord, Store
from dan_bench.report.palette import COLOURS
from dan_bench.report.saturation import gradient_curves

SMOOTHED = 9
"""Logging steps over which a line is averaged: a batch knows its accuracy to a few per mille."""
LEAST_ERROR = 1e-3
"""An accuracy of 1 is drawn as if this share were wrong."""


def saturation(records: Sequence[RunRecord], store: Store) -> Figure | None:
    """Gradient at the sample against the discriminator's accuracy, and against the step."""
    found = gradient_curves(records, store)
    if not found:
        return None
    figure, (by_accuracy, by_step) = plt.subplots(
        1, 2, figsize=(12, 4.2), sharey=True, layout="constrained"
    )
    for i, (name, runs) in enumerate(found.items()):
        step, nines, gradient = mean_curve(runs)
        style = {"color": COLOURS[i % len(COLOURS)], "lw": 1.3}
        by_accuracy.plot(nines, gradient, **style)
        by_accuracy.plot(nines[-1], gradient[-1], "o", ms=4, color=style["color"])
        by_step.plot(step, gradient, label=f"{name} ({len(runs)} seeds)", **style)
    ticks = (0.6, 0.9, 0.99, 1 - LEAST_ERROR)
    by_accuracy.set(
        xlabel="discriminator accuracy", ylabel="gradient at the sample, over its first"
    )
    by_accuracy.set_xticks(
        [-np.log10(1 - tick) for tick in ticks], ["0.6", "0.9", "0.99", "0.999 to 1"]
    )
    by_step.set(xlabel="step of the discriminator", yscale="log")
    by_step.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


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
