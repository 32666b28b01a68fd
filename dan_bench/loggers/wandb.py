"""`logger=wandb`: one wandb run a job, offline unless `logger.offline=false`.

Curves are under train/ over our own `step`; the final metrics are the run's summary, by the names
that they have in the records, costs are under cost/, and the verdicts' words under verdict/.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import wandb
from pydantic import AfterValidator
from pytorch_lightning.loggers import Logger

from dan_bench.interfaces import RunRecord, Sample
from dan_bench.loggers.files import failed, final_sample, last_step, outcome_of
from dan_bench.loggers.offline import (
    NO_KEY,
    finish,
    has_account,
    id_of,
    prepare,
    refusal,
    verdict_key,
)
from dan_bench.metrics.catalogue import CURVES
from dan_bench.report.verdicts import VERDICTS
from dan_bench.results.left_out import NO_ROWS, without_rows

BINS = 32
ARTIFACTS = {"record": ("record.json", "curves.parquet"), "model": ("weights.pt",)}
"""Files of a run that are logged, by the type of the artifact."""


def possible(offline: bool) -> bool:
    """Refuse to go online without an account, before any work is done."""
    if not offline and not has_account():
        raise ValueError(f"{NO_KEY}; or leave it true, and `make sync` uploads the runs later")
    return offline


def by_wandb(name: str) -> AfterValidator:
    """Return a check of a value by wandb's own rules for that setting."""

    def check(value: Any) -> Any:
        if why := refusal(name, value):
            raise ValueError(why)
        return value

    return AfterValidator(check)


class WandbSink(Logger):
    """One wandb run for each job, with its whole config from the start, always closed."""

    def __init__(
        self,
        *,
        project: Annotated[str, by_wandb("project")],
        offline: Annotated[bool, AfterValidator(possible)],
        tags: Annotated[list[str], by_wandb("run_tags")],
        sample_steps: list[int],
        artifacts: bool,
        title: str,
        group: str,
        config: dict[str, Any],
        results: Path,
    ) -> None:
        super().__init__()
        self.sample_steps = tuple(sample_steps)
        self._artifacts = artifacts
        prepare(results)
        Path(results).mkdir(parents=True, exist_ok=True)
        self.experiment = wandb.init(
            project=project,
            mode="offline" if offline else "online",
            id=id_of(results, config["key"]),
            resume=None if offline else "allow",
            name=f"{title} {config['key'][:8]}",  # runs of one title differ in what it does not say
            group=group,
            job_type=config["model"]["kind"],
            tags=list(dict.fromkeys([*tags, *own_tags(config)])),
            config=config,
            dir=str(results),
            reinit="create_new",  # several may be open, of seeds that are trained as one
        )
        define_axes(self.experiment)
        resumed = not offline and self.experiment.resumed
        self._there = int(self.experiment.summary.get("step") or 0) if resumed else 0
        """The last step that the server has already, of an attempt that was cut off."""

    @property
    def name(self) -> str:
        """Return the name of the wandb project."""
        return str(self.experiment.project)

    @property
    def version(self) -> str:
        """The wandb run's id."""
        return str(self.experiment.id)

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Do nothing: the config was there from the start."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add one point to the curves."""
        if step is not None and step <= self._there:
            return
        point = {f"train/{name}": value for name, value in metrics.items()}
        self.experiment.log({**point, "step": step})

    def log_sample(self, sample: Sample, step: int) -> None:
        """Add a picture of the sample and a histogram of its bytes."""
        counts, edges = np.histogram(sample.outputs, bins=BINS, range=(0, 256))
        histogram = wandb.Histogram(np_histogram=(counts.tolist(), edges.tolist()))
        image = wandb.Image(sample.picture)
        self.experiment.log({"samples": image, "samples/bytes": histogram, "step": step})

    def close(self, record: RunRecord | None, folder: Path) -> None:
        """Write the outcome and end the run."""
        run = self.experiment
        try:
            run.summary.update(outcome_of(record))
            if record is not None and not failed(record):
                words = {
                    verdict_key(name): judge([record]).word for name, judge in VERDICTS.items()
                }
                run.summary.update(words)
            if record is not None and failed(record):
                run.summary["error"] = (record.traceback or "no traceback").strip().splitlines()[-1]
            elif record is not None:
                if (sample := final_sample(folder)) is not None:
                    self.log_sample(sample, last_step(record))
                elif without_rows(record):
                    run.summary["no_samples"] = NO_ROWS
                run.summary["results"] = table_of(record)
            if record is not None and self._artifacts:
                log_artifacts(run, record, folder.resolve())
        finally:
            finish(run, exit_code=int(failed(record)), ended=record is not None)


def own_tags(config: Mapping[str, Any]) -> list[str]:
    """Return the tags of every run: its model, data, output and objective."""
    found = [config["model"]["name"], config["data"]["name"], config.get("output")]
    found.append((config.get("objective") or {}).get("name"))
    return [tag for tag in found if tag is not None]


def define_axes(run: Any) -> None:
    """Draw everything over our own step.

    The summary keeps the last value of a curve, and the best where one direction is better.
    """
    run.define_metric("step", hidden=True)
    summaries = dict.fromkeys(("train/*", "samples", "samples/*"), "last")
    for row in CURVES:
        if row.higher_is_better is not None:
            summaries[f"train/{row.name}"] = "max,last" if row.higher_is_better else "min,last"
    for name, summary in summaries.items():
        run.define_metric(name, step_metric="step", summary=summary)


def table_of(record: RunRecord) -> wandb.Table:
    """Return the final metrics as a table, one row a metric."""
    rows = [
        [name, estimate.value, estimate.low, estimate.high, estimate.n]
        for name, estimate in record.metrics.items()
        if estimate is not None
    ]
    return wandb.Table(columns=["metric", "value", "low", "high", "n"], data=rows)


def log_artifacts(run: Any, record: RunRecord, folder: Path) -> None:
    """Log the record from where it is and, where rows of the data may be shown, the weights.

    What is logged is uploaded, and weights can hold something of the data.
    """
    for kind, names in ARTIFACTS.items():
        if kind == "model" and without_rows(record):
            continue
        artifact = wandb.Artifact(f"{kind}-{record.key}", type=kind)
        there = [path for name in names if (path := folder / name).is_file()]
        for path in there:
            # no copy: a record's files do not change once they are written
            artifact.add_file(str(path), policy="immutable", skip_cache=True)
        if there:
            run.log_artifact(artifact)
