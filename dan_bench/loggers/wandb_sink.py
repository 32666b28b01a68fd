"""`logger=wandb`: one wandb run a job, offline unless `logger.offline=false`.

Curves stand under train/ over our own `step`; the final metrics are the run's summary, by the
names that the records give them, and costs stand under cost/.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import wandb
from pydantic import AfterValidator
from pytorch_lightning.loggers import Logger

from dan_bench.interfaces import RunRecord, Sample
from dan_bench.loggers.offline import finish, has_account, prepare, refusal
from dan_bench.loggers.sink import failed, kept, last_step, outcome_of

BETTER = {
    "batch_shannon_bits": "max",
    "effective_dimensions": "max",
    "held_out_accuracy": "min",
    "discriminator_accuracy": "min",
    "uniform_distance_bits": "min",
}
"""Curves whose best value the summary keeps beside the last: nearer to noise is better."""
BINS = 32


def possible(offline: bool) -> bool:
    """Refuse to go online without an account, before any work is done."""
    if not offline and not has_account():
        raise ValueError(
            "wandb has no key of an account: `wandb login` stores one, WANDB_API_KEY gives one; "
            "or leave it true, and `make sync` uploads the runs later"
        )
    return offline


def by_wandb(name: str) -> AfterValidator:
    """Check a value by wandb's own rules for that setting, before any work is done."""

    def check(value: Any) -> Any:
        if why := refusal(name, value):
            raise ValueError(why)
        return value

    return AfterValidator(check)


class WandbSink(Logger):
    """One wandb run a job, with all of its config from the start, closed whatever happens."""

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
        self.experiment = open_run(
            project, offline, Path(results), title, group, config, tags=[*tags, *own_tags(config)]
        )

    @property
    def name(self) -> str:
        """The project."""
        return str(self.experiment.project)

    @property
    def version(self) -> str:
        """The wandb run's id."""
        return str(self.experiment.id)

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Do nothing: the config was there from the start."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add one point to the curves."""
        point = {f"train/{name}": value for name, value in metrics.items()}
        self.experiment.log({**point, "step": step})

    def log_sample(self, sample: Sample, step: int) -> None:
        """Add a picture of the sample, and how often it holds which bytes."""
        counts, edges = np.histogram(sample.outputs, bins=BINS, range=(0, 256))
        histogram = wandb.Histogram(np_histogram=(counts.tolist(), edges.tolist()))
        image = wandb.Image(sample.picture)
        self.experiment.log({"samples": image, "samples/bytes": histogram, "step": step})

    def close(self, record: RunRecord | None, folder: Path) -> None:
        """Write what came out and end the run."""
        run = self.experiment
        try:
            run.summary.update(outcome_of(record))
            if record is not None:
                self.add(record, folder)
        finally:
            finish(run, exit_code=int(failed(record)))

    def add(self, record: RunRecord, folder: Path) -> None:
        """Add the last sample, the table of results, and the artifacts; of a failure its error."""
        run = self.experiment
        if failed(record):
            run.summary["error"] = (record.traceback or "no traceback").strip().splitlines()[-1]
        else:
            self.log_sample(kept(folder), last_step(record))
            run.summary["results"] = table_of(record)
        if self._artifacts:
            log_artifacts(run, record.key, folder)


def own_tags(config: Mapping[str, Any]) -> list[str]:
    """Return what a run is looked for by: its model, data, output and objective."""
    found = [config["model"]["name"], config["data"]["name"], config.get("output")]
    found.append((config.get("objective") or {}).get("name"))
    return [tag for tag in found if tag is not None]


def open_run(
    project: str,
    offline: bool,
    results: Path,
    title: str,
    group: str,
    config: dict[str, Any],
    tags: list[str],
) -> Any:
    """Start a wandb run that keeps everything under `results`, and define its axes."""
    prepare(results)
    results.mkdir(parents=True, exist_ok=True)
    run = wandb.init(
        project=project,
        mode="offline" if offline else "online",
        name=title,
        group=group,
        job_type=config["model"]["kind"],
        tags=list(dict.fromkeys(tags)),
        config=config,
        dir=str(results),
    )
    run.define_metric("step", hidden=True)
    for name in ("train/*", "samples", "samples/*"):
        run.define_metric(name, step_metric="step", summary="last")
    for name, best in BETTER.items():
        run.define_metric(f"train/{name}", step_metric="step", summary=f"{best},last")
    return run


def table_of(record: RunRecord) -> wandb.Table:
    """Return the final metrics as a table of the run's own, one row a metric."""
    rows = [
        [name, estimate.value, estimate.low, estimate.high, estimate.n]
        for name, estimate in record.metrics.items()
        if estimate is not None
    ]
    return wandb.Table(columns=["metric", "value", "low", "high", "n"], data=rows)


def log_artifacts(run: Any, key: str, folder: Path) -> None:
    """Log the record and, where there is one, the checkpoint, as they lie in the run's folder."""
    for kind, names in {
        "record": ("record.json", "curves.parquet"),
        "model": ("weights.pt",),
    }.items():
        there = [path for name in names if (path := folder.resolve() / name).is_file()]
        artifact = wandb.Artifact(f"{kind}-{key}", type=kind)
        for path in there:
            # no copy: a record's files do not change once they are written
            artifact.add_file(str(path), policy="immutable", skip_cache=True)
        if there:
            run.log_artifact(artifact)
