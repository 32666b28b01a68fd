"""A config made into objects. Making them is the whole check of the config; no work is done yet."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dan_bench.callbacks.samples import picture
from dan_bench.config.build import Component, bind, build, refusals, resolve
from dan_bench.config.schema import ConfigError, Evaluation, RunConfig
from dan_bench.data.device import device_for, name_of
from dan_bench.files import whole
from dan_bench.interfaces import (
    Dataset,
    ProgressCallback,
    Sink,
    dimension,
)
from dan_bench.pipeline.evaluate import Measures, measure
from dan_bench.pipeline.methods import METHODS, Control, RunOutcome
from dan_bench.pipeline.own_data import about_rows, forget_rows, is_own, keeps_rows
from dan_bench.results.left_out import NEEDS_ROWS, ROWS_KEPT


class PlannedRun(ABC):
    """A run of any kind, ready to begin."""

    config: RunConfig

    def preparations(self) -> dict[str, Callable[[], str]]:
        """Return what has to be done before, by what it depends on.

        Each fetches or checks something, and returns a line on where data came from, or nothing.
        """
        return {}

    def open_sink(self, key: str, group: str) -> Sink | None:
        """Open the logger, where there is to be one."""
        return None

    @abstractmethod
    def perform(self, folder: Path, sink: Sink | None, progress: ProgressCallback) -> RunOutcome:
        """Do the work, and write all files but the record."""


def plan(config: RunConfig) -> PlannedRun:
    """Check a config against everything that it names, doing no work yet.

    Raises:
        ConfigError: some part cannot be had, or parts do not fit together.
    """
    planned: PlannedRun = resolve(config.task, "task")(config)
    return planned


def check(configs: Sequence[RunConfig]) -> list[str]:
    """Refuse any config that cannot be run; return in lines what there is to say of the data.

    Raises:
        ConfigError: with a line for each config that is refused.
        DataUnavailable: no source has a data set.
    """
    refused: list[str] = []
    said: dict[str, str] = {}
    for config in configs:
        try:
            prepare(plan(config), said)
        except ConfigError as error:
            refused.append(f"{config.title()}: {error}")
    if refused:
        raise ConfigError("\n".join(refused))
    return list(dict.fromkeys(line for text in said.values() for line in text.splitlines()))


def prepare(task: PlannedRun, done: dict[str, str] | None = None) -> None:
    """Do the preparations of a task that are not among those that are done, and add them there."""
    done = {} if done is None else done
    for name, preparation in task.preparations().items():
        if name not in done:
            done[name] = preparation()


@dataclass(frozen=True)
class Plan(PlannedRun):
    """A run of the suite: a method on a data set, and what is measured of it."""

    config: RunConfig
    source: Dataset
    method: Control
    measures: Measures
    sink: Component | None

    def preparations(self) -> dict[str, Callable[[], str]]:
        """Fetch the data set, and see that it is what this run needs."""
        data = f"{self.config.data} {self.config.evaluation.samples}"
        return {data: self._fetch, f"{self.config.model} {data}": self._suit}

    def _fetch(self) -> str:
        with refusals("data"):
            said = self.source.prepare()
            there = len(self.source.load("test"))
        if there < self.measures.samples:
            raise ConfigError(
                f"evaluation.samples={self.measures.samples}: {self.config.data.name} has "
                f"{there} held-out rows; evaluation.samples can be {there} at most"
            )
        if is_own(self.config):
            said += f"\nN = {self.measures.samples:,}: {there:,} rows are held out"
        left_out = self.measures.left_out.items()
        needs = ", ".join(f"{name} needs {least:,}" for name, least in left_out)
        parts = (said, needs and f"not measured: {needs}", about_rows(self.config, self.source))
        return "\n".join(filter(None, parts))

    def _suit(self) -> str:
        self.method.check_data()
        return ""

    def open_sink(self, key: str, group: str) -> Sink | None:
        """Open the logger, where there is to be one."""
        if self.sink is None:
            return None
        config = self.config
        opened: Sink = self.sink(
            title=config.title(),
            group=group,
            config={"key": key, **config.scientific()},
            results=config.runtime.results,
        )
        return opened

    def perform(self, folder: Path, sink: Sink | None, progress: ProgressCallback) -> RunOutcome:
        """Train where there is something to train, measure, and write all files but the record."""
        kept = keeps_rows(self.config, self.source)
        if not kept:
            forget_rows(folder)
        try:
            return self._work(folder, sink, progress, kept)
        except (Exception, KeyboardInterrupt) as error:  # a copy is removed at its training's end
            if not kept:
                never = isinstance(error, Exception) and self.config.runtime.keep_inputs is False
                forget_rows(folder, checkpoints=never)
            raise

    def _work(
        self, folder: Path, sink: Sink | None, progress: ProgressCallback, kept: bool
    ) -> RunOutcome:
        config, left_out = self.config, dict(self.measures.left_out)
        torch.set_num_threads(config.runtime.threads)
        degenerator, obtained = self.method.obtain(folder, sink, progress)
        device = device_for(config.runtime.accelerator)
        asked = self.source, self.measures, config.seed, progress, str(device)
        measured = measure(degenerator, *asked)
        if kept:
            keep = slice(config.runtime.keep_samples)
            shown = picture(measured.inputs, measured.sample, self.source.shape)
            with whole(folder / "samples.npy", synced=False) as file:
                np.save(file, measured.sample[keep])
            with whole(folder / "inputs.npy", synced=False) as file:
                np.save(file, measured.inputs[keep])
            with whole(folder / "samples.png", synced=False) as file:
                shown.save(file, "png")
        (folder / "last.ckpt").unlink(missing_ok=True)
        if config.runtime.keep_inputs is False:
            forget_rows(folder, checkpoints=True)
        costs = obtained.costs | {"noise_bits": degenerator.noise_bits}
        costs |= {f"{name}_seconds": seconds for name, seconds in measured.seconds.items()}
        metrics = measured.metrics | dict.fromkeys(left_out) | obtained.metrics
        about: dict[str, Any] = {} if kept else {ROWS_KEPT: False}
        about |= {NEEDS_ROWS: left_out} if left_out else {}
        about |= {"device": name_of(device)} if device.type != "cpu" else {}
        return RunOutcome(metrics, costs, about | obtained.provenance, waited=obtained.waited)


def plan_run(config: RunConfig) -> Plan:
    """Check the config of a run of the suite."""
    source: Dataset = build(config.data, "data")
    runtime = config.runtime
    here = runtime.executor == "local"  # elsewhere, the runs need one, and not who starts them
    if here and runtime.accelerator == "gpu" and not torch.accelerator.is_available():
        raise ConfigError("runtime.accelerator=gpu: torch sees none here; type cpu or auto")
    sink = None
    measures = measures_of(config.evaluation, source.shape, few=is_own(config))
    if config.logger is not None:
        sink = bind(config.logger, "logger", {"title", "group", "config", "results"})
    method = METHODS[config.model.kind](config, source)
    return Plan(config, source, method, measures, sink)


def measures_of(evaluation: Evaluation, shape: tuple[int, ...], few: bool = False) -> Measures:
    """Make all that is to be measured of rows of a shape.

    Args:
        evaluation: what, on how many rows.
        shape: of a row.
        few: whether there are no more rows to be had: what needs more is left out, not refused.

    Raises:
        ConfigError: some part cannot be had, or needs more rows than there are to be.
    """

    def built(group: str) -> dict[str, Any]:
        parts = getattr(evaluation, group).items()
        return {name: build(part, f"evaluation.{group}.{name}") for name, part in parts}

    metrics = {
        name: bind(part, f"evaluation.metrics.{name}", {"sample"})
        for name, part in evaluation.metrics.items()
    }
    attacks, comparisons = built("attacks"), built("comparisons")
    for name, comparison in comparisons.items():
        with refusals(f"evaluation.comparisons.{name}"):
            comparison.check(shape)
    c2st = build(evaluation.c2st, "evaluation.c2st") if evaluation.c2st is not None else None
    certificate = None
    if evaluation.certificate is not None:
        certificate = build(evaluation.certificate, "evaluation.certificate")
    width = dimension(shape)
    needs = {
        name: getattr(metric.target, "needs_rows", lambda _: 1)(width)
        for name, metric in metrics.items()
    }
    needs |= {f"{name}_recovered": attack.needs_rows() for name, attack in attacks.items()}
    needs |= {"c2st_accuracy": c2st.needs_rows()} if c2st else {}
    needs |= {"certified_destroyed": certificate.needs_rows()} if certificate else {}
    left_out = {name: least for name, least in needs.items() if evaluation.samples < least}
    for name, least in () if few else left_out.items():
        raise ConfigError(f"evaluation.samples={evaluation.samples}: {name} needs at least {least}")
    attacks = {name: of for name, of in attacks.items() if f"{name}_recovered" not in left_out}
    if needed := [least for name, least in left_out.items() if name.endswith("_recovered")]:
        left_out |= {} if attacks else {"percent_destroyed": min(needed)}
    return Measures(
        evaluation.samples,
        evaluation.known,
        {name: of for name, of in metrics.items() if name not in left_out},
        None if "c2st_accuracy" in left_out else c2st,
        None if "certified_destroyed" in left_out else certificate,
        attacks,
        comparisons,
        left_out,
    )
