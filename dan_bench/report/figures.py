"""`python -m dan_bench.report.figures`: what the records look like.

Three figures: where collapse hides (byte entropy against effective dimensions), how training went
(the curves), and the samples themselves. Each is written as PNG and as PDF.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from dan_bench.records import RunRecord, Store
from dan_bench.report.figure_dial import dial
from dan_bench.report.figure_robust import robust_classifier
from dan_bench.report.figure_saturation import saturation
from dan_bench.report.figure_secrecy import secrecy
from dan_bench.report.leaderboard import Row, leaderboard, name_rows
from dan_bench.report.palette import COLOURS, MARKERS

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def collapse(records: Sequence[RunRecord], _: Store) -> Figure:
    """Byte entropy against effective dimensions: noise is in the upper right corner only."""
    rows = leaderboard(records, ["shannon_bits", "effective_dimensions"])
    sections = sorted({row.section for row in rows})
    figure, axes = plt.subplots(
        1, len(sections), figsize=(5.2 * len(sections), 4), squeeze=False, layout="constrained"
    )
    for place, section in zip(axes[0], sections, strict=True):
        members = [row for row in rows if row.section == section and len(row.cells) == 2]
        for i, row in enumerate(members):
            draw_point(place, row, i)
        place.set(xlabel="byte entropy (bits)", ylabel="effective dimensions (share)")
        place.set(title=section, xlim=(-0.3, 8.4), ylim=(-0.05, 1.1))
        place.legend(fontsize=7, loc="upper left")
    return figure


def draw_point(place: Axes, row: Row, i: int) -> None:
    """One subject, with the intervals of both."""
    x, y = (row.cells[name].estimate for name in ("shannon_bits", "effective_dimensions"))
    place.errorbar(
        x.value,
        y.value,
        xerr=0 if x.high is None else x.high - x.value,
        yerr=0 if y.high is None else y.high - y.value,
        fmt=MARKERS[i % len(MARKERS)],
        color=COLOURS[i % len(COLOURS)],
        mfc="none" if row.kind == "control" else None,
        label=f"{row.label} ({row.seeds} seeds)",
    )


def curves(records: Sequence[RunRecord], store: Store) -> Figure:
    """Every trained run's curves, one colour a subject."""
    trained = [r for r in records if r.config["model"]["kind"] == "learned"]
    names = [" ".join(axes.values()) for axes in name_rows(trained, None)]
    losses = ("discriminator_loss", "degenerator_loss")
    shown = (*losses, "discriminator_accuracy", "batch_shannon_bits")
    figure, axes = plt.subplots(2, 2, figsize=(10, 6), sharex=True, layout="constrained")
    colour = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(sorted(set(names)))}
    labelled: set[str] = set()
    for record, name in zip(trained, names, strict=True):
        points = pd.read_parquet(store.folder(record.key) / "curves.parquet")
        for place, metric in zip(axes.flat, shown, strict=True):
            if metric in points:
                label = None if name in labelled else name
                place.plot(points["step"], points[metric], color=colour[name], lw=0.9, label=label)
                place.set(ylabel=metric.replace("_", " "))
        labelled.add(name)
    for place in axes[1]:
        place.set(xlabel="step")
    axes[0, 0].legend(fontsize=7)
    return figure


def samples(records: Sequence[RunRecord], store: Store) -> Figure:
    """Eight samples of the first seed of every subject, its inputs first."""
    names = [" ".join(axes.values()) for axes in name_rows(records, None)]
    first: dict[str, RunRecord] = {}
    for name, record in sorted(zip(names, records, strict=True), key=lambda x: x[1].config["seed"]):
        first.setdefault(name, record)
    figure, axes = plt.subplots(
        len(first), 1, figsize=(7, 0.62 * len(first)), squeeze=False, layout="constrained"
    )
    for place, (name, record) in zip(axes[:, 0], sorted(first.items()), strict=True):
        parts = [
            np.load(store.folder(record.key) / f"{part}.npy")[:8] for part in ("inputs", "samples")
        ]
        shape = record.config["data"].get("shape", [28, 28])
        tiles = np.concatenate([tile.reshape(shape) for part in parts for tile in part], axis=1)
        place.imshow(tiles, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        place.set_axis_off()
        place.set_title(name, fontsize=6, loc="left", pad=1)
    return figure


# A figure that the records hold nothing for is None
FIGURES: dict[str, Callable[[Sequence[RunRecord], Store], Figure | None]] = {
    "collapse": collapse,
    "curves": curves,
    "samples": samples,
    "saturation": saturation,
    "robust_classifier": robust_classifier,
    "secrecy": secrecy,
    "dial": dial,
}


def main(arguments: list[str] | None = None) -> int:
    """Draw all; 0 where there was something to draw, 2 where not."""
    parser = argparse.ArgumentParser(
        prog="python -m dan_bench.report.figures",
        description="Draw the figures of a results folder.",
    )
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR")
    asked = parser.parse_args(arguments)
    store = Store(asked.results)
    records = [record for record in store.all()[0] if record.status == "done"]
    if not any(record.config["model"]["kind"] == "learned" for record in records):
        print(
            f"no finished training runs under {store.runs}; `make sweep` makes some",
            file=sys.stderr,
        )
        return 2
    folder = Path(asked.results) / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in FIGURES.items():
        figure = draw(records, store)
        if figure is None:
            continue
        for ending in ("png", "pdf"):
            figure.savefig(folder / f"{name}.{ending}", dpi=150)
        plt.close(figure)
        print(folder / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
