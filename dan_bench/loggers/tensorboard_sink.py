"""`logger=tensorboard`: event files, one folder a job, `tensorboard --logdir results/tensorboard`.

Curves stand under train/, final metrics under final/ and beside the config in the HPARAMS tab.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pytorch_lightning.loggers import TensorBoardLogger

from dan_bench.interfaces import RunRecord, Sample
from dan_bench.loggers.sink import failed, kept, last_step, outcome_of


class TensorBoardSink(TensorBoardLogger):
    """Curves, samples, config and final metrics of a job as TensorBoard's events."""

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
            version=f"{title}-{config['key']}".replace(" ", "-"),
            default_hp_metric=False,
        )
        self.sample_steps = tuple(sample_steps)
        self._config = config
        self.experiment.add_text("config", f"```json\n{json.dumps(config, indent=1)}\n```")

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add one point to the curves; what is final keeps its name."""
        named = {  # Lightning hands the final metrics through here, too
            name if name.startswith("final/") else f"train/{name}": value
            for name, value in metrics.items()
        }
        super().log_metrics(named, step)

    def log_sample(self, sample: Sample, step: int) -> None:
        """Add a picture of the sample, and how often it holds each byte."""
        pixels = np.asarray(sample.picture)
        form = "HW" if pixels.ndim == 2 else "HWC"
        self.experiment.add_image("samples", pixels, step, dataformats=form)
        self.experiment.add_histogram("samples/bytes", sample.outputs, step, bins="fd")

    def close(self, record: RunRecord | None, folder: Path) -> None:
        """Add what came out, and close the file."""
        final = {f"final/{name}": value for name, value in outcome_of(record).items()}
        self.log_hyperparams(self._config, {**final, "final/failed": float(failed(record))})
        if record is not None and not failed(record):
            self.log_sample(kept(folder), last_step(record))
        elif record is not None:
            self.experiment.add_text("traceback", f"```\n{record.traceback}\n```")
        self.finalize("failed" if failed(record) else "success")
