"""What a logger of ours is to a run: it takes the curves and, at the end, the record."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from dan_bench.interfaces import Estimate, RunRecord, Sample


def summary_of(metrics: Mapping[str, Estimate | None]) -> dict[str, float]:
    """Flatten estimates to numbers: name, name/low, name/high."""
    flat: dict[str, float] = {}
    for name, estimate in metrics.items():
        if estimate is None:
            continue
        flat[name] = estimate.value
        if estimate.low is not None and estimate.high is not None:
            flat[f"{name}/low"], flat[f"{name}/high"] = estimate.low, estimate.high
    return flat


def outcome_of(record: RunRecord | None) -> dict[str, float]:
    """Return the final metrics as `summary_of` does, and every cost as cost/name."""
    if record is None:
        return {}
    costs = {f"cost/{name}": cost for name, cost in record.costs.items()}
    return {**summary_of(record.metrics), **costs}


def failed(record: RunRecord | None) -> bool:
    """Return whether the run came to nothing."""
    return record is None or record.status == "failed"


def last_step(record: RunRecord) -> int:
    """Return the number of training steps; 0 for a control or an untrained network."""
    training = record.config.get("trainer") or {}
    return int(training.get("max_steps", 0))


def kept(folder: Path) -> Sample:
    """Return the sample that a finished run keeps with its record."""
    with Image.open(folder / "samples.png") as opened:
        opened.load()
    return Sample(opened.copy(), np.load(folder / "samples.npy"))
