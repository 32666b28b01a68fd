"""Loggers: sinks that a run pours into. Offline, and never the truth: the records are."""

import os
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger, WandbLogger

from dan_bench.metrics.statistics import Estimate


class WandbSink(WandbLogger):
    """One wandb run a job, with all of its config from the start, closed whatever happens."""

    def __init__(
        self,
        *,
        project: str,
        offline: bool,
        tags: list[str],
        title: str,
        group: str,
        config: dict[str, Any],
        results: Path,
    ) -> None:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # the one call home when offline
        os.environ.setdefault("WANDB_SILENT", "true")
        Path(results).mkdir(parents=True, exist_ok=True)
        super().__init__(
            project=project,
            offline=offline,
            name=title,
            group=group,
            tags=[*tags, config["model"]["name"], config["data"]["name"]],
            config=config,
            save_dir=str(results),
        )

    def close(self, summary: dict[str, float], failed: bool) -> None:
        """Write the summary and end the run."""
        run = self.experiment
        run.summary.update(summary)
        run.finish(exit_code=int(failed))


class CsvSink(CSVLogger):
    """A metrics.csv and an hparams.yaml a job."""

    def __init__(self, *, title: str, group: str, config: dict[str, Any], results: Path) -> None:
        super().__init__(
            Path(results) / "csv", name=group, version=f"{title}-{config['key']}".replace(" ", "-")
        )
        self.log_hyperparams(config)

    def close(self, summary: dict[str, float], failed: bool) -> None:
        """Write the summary as the last row."""
        self.log_metrics({**summary, "failed": float(failed)})
        self.finalize("failed" if failed else "success")


Sink = WandbSink | CsvSink


def summary_of(metrics: dict[str, Estimate | None]) -> dict[str, float]:
    """Flatten estimates to numbers: name, name/low, name/high."""
    flat: dict[str, float] = {}
    for name, estimate in metrics.items():
        if estimate is None:
            continue
        flat[name] = estimate.value
        if estimate.low is not None and estimate.high is not None:
            flat[f"{name}/low"], flat[f"{name}/high"] = estimate.low, estimate.high
    return flat
