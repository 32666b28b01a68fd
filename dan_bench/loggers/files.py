"""`logger=csv` and `logger=tensorboard`, and what every logger takes from a record."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

from dan_bench.interfaces import Estimate, RunRecord, Sample
from dan_bench.results.left_out import NO_ROWS


class CsvSink(CSVLogger):
    """A metrics.csv and an hparams.yaml for each job."""

    def __init__(self, *, title: str, group: str, config: dict[str, Any], results: Path) -> None:
        super().__init__(Path(results) / "csv", name=group, version=folder_name(title, config))
        self.log_hyperparams(config)

    def close(self, record: RunRecord | None, folder: Path) -> None:
        """Write the final metrics as the last row."""
        final = summary_of(record.metrics) if record is not None else {}
        self.log_metrics({**final, "failed": float(failed(record))})
        self.finalize("failed" if failed(record) else "success")


class TensorBoardSink(TensorBoardLogger):
    """TensorBoard's events, one folder a job: `tensorboard --logdir results/tensorboard`.

    Curves are under train/, final metrics under final/ and beside the config in the HPARAMS tab.
    """

    def __init__(
        self,
        *,
        sample_steps: list[int],
        title: str,
        group: str,
        config: dict[str, Any],
        results: Path,
    ) -> None:
        super().__init__(
            Path(results) / "tensorboard",
            name=group,
            version=folder_name(title, config),
            default_hp_metric=False,
        )
        self.sample_steps = tuple(sample_steps)
        self._config = config
        self.experiment.add_text("config", f"```json\n{json.dumps(config, indent=1)}\n```")

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add one point to the curves, or the final metrics under their own names."""
        named = {  # Lightning passes the final metrics through here, too
            name if name.startswith("final/") else f"train/{name}": value
            for name, value in metrics.items()
        }
        super().log_metrics(named, step)

    def log_sample(self, sample: Sample, step: int) -> None:
        """Add a picture of the sample and a histogram of its bytes."""
        pixels = np.asarray(sample.picture)
        form = "HW" if pixels.ndim == 2 else "HWC"
        self.experiment.add_image("samples", pixels, step, dataformats=form)
        self.experiment.add_histogram("samples/bytes", sample.outputs, step, bins="fd")

    def close(self, record: RunRecord | None, folder: Path) -> None:
        """Add the outcome, and close the file."""
        final = {f"final/{name}": value for name, value in outcome_of(record).items()}
        self.log_hyperparams(self._config, {**final, "final/failed": float(failed(record))})
        if record is not None and not failed(record):
            if (sample := final_sample(folder)) is not None:
                self.log_sample(sample, last_step(record))
            else:
                self.experiment.add_text("samples", NO_ROWS)
        elif record is not None:
            self.experiment.add_text("traceback", f"```\n{record.traceback}\n```")
        self.finalize("failed" if failed(record) else "success")


def folder_name(title: str, config: dict[str, Any]) -> str:
    """Return the name of a job's folder; jobs of one title differ in their keys."""
    return f"{title}-{config['key']}".replace(" ", "-")


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
    """Return whether the run failed or left no record."""
    return record is None or record.status == "failed"


def last_step(record: RunRecord) -> int:
    """Return the number of training steps; 0 for a control or an untrained network."""
    training = record.config.get("trainer") or {}
    return int(training.get("max_steps", 0))


def final_sample(folder: Path) -> Sample | None:
    """Return the sample that a finished run keeps with its record; None where it keeps none."""
    if not (folder / "samples.png").exists():
        return None
    with Image.open(folder / "samples.png") as opened:
        opened.load()
    return Sample(opened.copy(), np.load(folder / "samples.npy"))
