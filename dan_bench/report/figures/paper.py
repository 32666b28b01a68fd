"""The run that the paper's Figures 7 to 9 look at: found by how often it has seen its data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures.tiles import Bytes, shape_of

TRAINING_ROWS = {"mnist": 60_000, "fashion_mnist": 60_000}
"""Of data sets whose config does not say it."""
NEAR = 0.01
"""Epochs by which a snapshot may miss the one asked for."""
TILES = 8


@dataclass(frozen=True)
class Snapshot:
    """What a run made of some held-out rows after so many epochs."""

    run: RunRecord
    step: int
    rows: Bytes
    shape: tuple[int, ...]


def snapshot_at(records: Sequence[RunRecord], results: Results, epochs: float) -> Snapshot | None:
    """Return the snapshot after so many epochs of the first run that has one.

    DAN comes before other models, MNIST before other data, and the smaller seed before the larger.
    """
    learned = [r for r in records if r.status == "done" and r.config["model"]["kind"] == "learned"]
    for run in sorted(learned, key=preference):
        size = run.config["data"].get("train_size", TRAINING_ROWS.get(run.config["data"]["name"]))
        batch = run.config.get("trainer", {}).get("batch_size")
        steps: NDArray[np.int64] | None = results.array(run.key, "snapshot_steps")
        if not size or not batch or steps is None:
            continue
        apart = np.abs(np.asarray(steps) * batch / size - epochs)
        at = int(apart.argmin())
        made = results.array(run.key, "snapshots")
        if apart[at] > NEAR or made is None:
            continue
        shape = shape_of(run, made.shape[2])
        if shape is not None:
            return Snapshot(run, int(steps[at]), np.asarray(made[at][:TILES]), shape)
    return None


def preference(run: RunRecord) -> tuple[bool, bool, int, str]:
    """Return what runs are sorted by."""
    config = run.config
    return (
        config["model"]["name"] != "dan",
        config["data"]["name"] != "mnist",
        config["seed"],
        run.key,
    )
