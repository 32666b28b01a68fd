"""After the paper's Figure 6: p_x, p_d and D in one dimension."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures import style
from dan_bench.report.figures.drawn import DrawnFigure, basis

PANELS = 4
LEVELS = 256
BINS = 32
HIGHEST = 4.6
"""Density at which the panels are cut off."""
CAPTION = (
    "The paper's Figure 6: one dimension, at steps {steps}. Above, dashed, p_x, the uniform law "
    "that is aimed at; filled, p_d, the law of {model}'s output ({bins} bins, cut off at "
    "{highest:g}); dotted, the law of the data. Below, thick, D's probability that a number is "
    "true noise, from its logits at the middle of every fourth byte; thin, the best that a "
    "discriminator could say, p_x / (p_x + p_d). D has as many steps as its opponent and lags "
    "behind; at the end both say 1/2."
)


def one_dimension(records: Sequence[RunRecord], results: Results) -> DrawnFigure | None:
    """Draw both laws and the discriminator at four steps of the first run of single numbers."""
    for run in sorted(records, key=lambda r: (r.config["seed"], r.key)):
        arrays = [
            results.array(run.key, name)
            for name in ("snapshot_steps", "snapshots", "snapshot_critic")
        ]
        if run.status == "done" and all(array is not None for array in arrays):
            return draw(run, *(np.asarray(array) for array in arrays))
    return None


def draw(
    run: RunRecord, steps: NDArray[np.int64], made: NDArray[np.uint8], logits: NDArray[np.float64]
) -> DrawnFigure:
    """One run: above the laws, below the discriminator, a column a step."""
    chosen = np.unique(np.linspace(0, len(steps) - 1, PANELS).round().astype(int))
    theme = style.theme()
    figure, axes = style.canvas(
        2, len(chosen), 3.1, sharex=True, sharey="row", height_ratios=[1.6, 1]
    )
    middles = (np.arange(LEVELS) + 0.5) / LEVELS
    edges = np.linspace(0, 1, BINS + 1)
    for letter, (above, below), i in zip("abcd", axes.T, chosen, strict=False):
        law = density(made[i])
        green = style.colour(2)
        above.stairs(
            law, edges, fill=True, facecolor=(green, 0.6), edgecolor=green, label="$p_d$, output"
        )
        above.plot([0, 1], [1, 1], ls="--", color=theme.ink, label="$p_x$, target")
        bell = law_of_data(run, middles)
        if bell is not None:
            above.plot(middles[::4], bell[::4], ls=":", lw=1.1, color=theme.muted, label="data")
        if law.max() > HIGHEST:
            above.text(0.97, 0.97, f"up to {law.max():.1f}", transform=above.transAxes,
                       ha="right", va="top", fontsize=style.SMALL, color=green)  # fmt: skip
        above.set_title(f"({letter})  step {steps[i]:,}", fontsize=8)
        best = 1 / (1 + law)
        below.stairs(best, edges, baseline=None, color=theme.muted, lw=0.9, label="best D")
        probability = 1 / (1 + np.exp(-logits[i].astype(np.float64)))
        below.plot(middles[::4], probability[::4], color=style.colour(0), lw=1.8, label="D")
        below.set(xlabel="y", ylim=(0, 1), xlim=(0, 1))
        below.set_xticks([0, 0.5, 1], ["0", "½", "1"])
        below.set_yticks([0, 0.5, 1], ["0", "½", "1"])
    axes[0, 0].set(ylim=(0, min(HIGHEST, axes[0, 0].get_ylim()[1])))
    axes[1, -1].legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=1.6)
    axes[0, 0].set(ylabel="density")
    axes[1, 0].set(ylabel="D(y)")
    axes[0, -1].legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=1.6)
    n = f"{made.shape[1]:,} samples"
    style.note(figure, basis([run], n))
    caption = CAPTION.format(
        steps=", ".join(f"{steps[i]:,}" for i in chosen),
        model=run.config["model"]["name"],
        bins=BINS,
        highest=HIGHEST,
    )
    return DrawnFigure(figure, caption, (run,), n)


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
