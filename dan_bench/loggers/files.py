"""`logger=csv` and `logger=tensorboard`, and what every logger takes from a record."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from lightning_fabric.utilities.logger import _flatten_dict
from PIL import Image
from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger
from torch.utils.tensorboard.summary import hparams

from dan_bench.interfaces import Estimate, RunRecord, Sample
from dan_bench.results.left_out import NO_ROWS, without_rows


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

    Curves and samples are under train/, so that the first page opens on curves: a group `samples`
    would stand before it. Final metrics are a text, and columns result/ beside the choices of the
    config in the HPARAMS tab; as scalars each would be a card with one point, before all curves.
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
        """Add one point to the curves."""
        super().log_metrics({f"train/{name}": value for name, value in metrics.items()}, step)

    def log_sample(self, sample: Sample, step: int) -> None:
        """Add a picture of the sample and a histogram of its bytes."""
        pixels = np.asarray(sample.picture)
        form = "HW" if pixels.ndim == 2 else "HWC"
        self.experiment.add_image("train/samples", pixels, step, dataformats=form)
        self.experiment.add_histogram("train/samples/bytes", sample.outputs, step, bins="fd")

    def close(self, record: RunRecord | None, folder: Path) -> None:
        """Add the outcome, and close the file."""
        final = outcome_of(record) | {"failed": float(failed(record))}
        self.hparams.update(self._config)
        flat = choices_of(self._config) | {f"result/{name}": of for name, of in final.items()}
        for summary in hparams(self._sanitize_params(flat), {}):
            self.experiment._get_file_writer().add_summary(summary)
        lines = "".join(f"| {name} | {value:.6g} |\n" for name, value in final.items())
        self.experiment.add_text("results", f"| metric | value |\n| --- | ---: |\n{lines}")
        if record is not None and not failed(record):
            if (sample := final_sample(folder)) is not None:
                self.log_sample(sample, last_step(record))
            elif without_rows(record):
                self.experiment.add_text("samples", NO_ROWS)
        elif record is not None:
            self.experiment.add_text("traceback", f"```\n{record.traceback}\n```")
        self.finalize("failed" if failed(record) else "success")


def folder_name(title: str, config: dict[str, Any]) -> str:
    """Return the name of a job's folder; jobs of one title differ in their keys."""
    return f"{title}-{config['key']}".replace(" ", "-")


def choices_of(config: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a config that tell methods apart, by path (`model/name`).

    Classes and how a run is evaluated are left out: some 80 columns that hardly ever differ.
    """
    flat = _flatten_dict({name: part for name, part in config.items() if name != "evaluation"})
    return {path: value for path, value in flat.items() if not path.endswith("_target_")}


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
