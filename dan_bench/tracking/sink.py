"""What a logger of ours is to a run: it takes the curves and, at the end, the record."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from dan_bench.metrics.statistics import Estimate
from dan_bench.records import RunRecord
from dan_bench.tracking.pictures import Sample


class Sink(Protocol):
    """One job's logger. Each is one of Lightning's loggers too."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Take one point of the curves, by the module's own step."""
        ...

    def close(self, record: RunRecord | None, folder: Path) -> None:
        """Take what came out, and end.

        Args:
            record: of the run; None where it was cut off before there was one.
            folder: where the run keeps its files.
        """
        ...


@runtime_checkable
class SampleSink(Sink, Protocol):
    """A logger that takes samples, too, while the run trains."""

    sample_steps: Sequence[int]
    """Training steps at which it is given one."""

    def log_sample(self, sample: Sample, step: int) -> None:
        """Take a sample of what the degenerator makes at that step."""
        ...


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
