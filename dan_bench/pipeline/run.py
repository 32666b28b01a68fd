"""One run, from a config to a record."""

import os
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dan_bench.callbacks.checkpoint import Checkpoint
from dan_bench.callbacks.convergence import Convergence
from dan_bench.callbacks.overwriting import Overwrite, TrainingSetCopy
from dan_bench.callbacks.samples import Samples, Snapshots, picture
from dan_bench.config.schema import RunConfig
from dan_bench.data.batches import Batches
from dan_bench.interfaces import (
    Degenerator,
    Progress,
    ProgressCallback,
    RunRecord,
    SampleSink,
    Sink,
)
from dan_bench.metrics.catalogue import CURVES, headlines
from dan_bench.models.module import AdversarialModule
from dan_bench.pipeline.algorithm1 import Algorithm1
from dan_bench.pipeline.evaluate import Measurement, measure
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.plan import Plan, identify, make_ready, plan
from dan_bench.results.provenance import provenance
from dan_bench.results.record import Store, key_of

WATCHED = tuple(row.name for row in headlines(CURVES))
"""Curves in which collapse shows, the plainest first; views of a run show one of them."""


def watched(curves: Sequence[Mapping[str, float]]) -> tuple[str, float] | None:
    """Return name and latest value of the first of `WATCHED` that there is; None without one."""
    last = curves[-1] if curves else {}
    return next(((name, last[name]) for name in WATCHED if name in last), None)


def run(config: RunConfig, group: str, tell: ProgressCallback = lambda _: None) -> RunRecord:
    """Carry out one run and leave its record; what was done before is not done again.

    Returns:
        The record. A run that fails leaves its traceback in one, with status "failed".

    Raises:
        ConfigError: before any work.
        ForeignRecord: the key's folder holds another config.
    """
    planned = plan(identify(config))
    tell(Progress("data"))
    make_ready(planned)
    config = planned.config
    scientific = config.scientific()
    store, key = Store(config.runtime.results), key_of(scientific)
    with store.claim(key):
        record = store.get(key, scientific)
        if record is not None and record.status == "done":
            return record
        sink = open_sink(planned, key, group)
        record = None
        try:
            record = attempt(planned, store.folder(key), scientific, sink, tell)
            store.put(record)
        finally:
            if sink is not None:
                sink.close(record, store.folder(key))
    return record


def open_sink(planned: Plan, key: str, group: str) -> Sink | None:
    """Open the logger of a run, if it is to have one."""
    if planned.make_sink is None:
        return None
    config = planned.config
    return planned.make_sink(
        title=config.title(),
        group=group,
        config={"key": key, **config.scientific()},
        results=config.runtime.results,
    )


def attempt(
    planned: Plan,
    folder: Path,
    scientific: dict[str, Any],
    sink: Sink | None,
    tell: ProgressCallback,
) -> RunRecord:
    """Do the work; whatever goes wrong goes into the record."""
    started = time.perf_counter()
    key = folder.name
    try:
        measured, costs = work(planned, folder, sink, tell)
    except Exception:
        return RunRecord(
            key,
            "failed",
            scientific,
            costs={"seconds": time.perf_counter() - started},
            provenance=provenance(),
            traceback=traceback.format_exc(),
        )
    costs["seconds"] = time.perf_counter() - started
    return RunRecord(key, "done", scientific, measured.metrics, costs, provenance())


def work(
    planned: Plan, folder: Path, sink: Sink | None, tell: ProgressCallback
) -> tuple[Measurement, dict[str, float]]:
    """Train where there is something to train, measure, and write all files but the record."""
    config = planned.config
    torch.set_num_threads(config.runtime.threads)
    start = time.perf_counter()
    costs: dict[str, float] = {}
    made = planned.make()
    algorithm = None
    if isinstance(made, AdversarialModule):
        if config.model.kind == "learned":
            if config.algorithm1 is not None:
                algorithm = Algorithm1(folder, lambda name: tell(Progress(name)))
                train_set = planned.source.load("train")
                algorithm.before(train_set, config.algorithm1.rows, config.seed)
                start = time.perf_counter()
            train(planned, made, folder, sink, tell)
            costs["training_seconds"] = time.perf_counter() - start
            costs["steps_per_second"] = config.trainer.max_steps / costs["training_seconds"]
        costs["parameters"] = float(sum(p.numel() for p in made.parameters()))
        pd.DataFrame(made.curves).to_parquet(folder / "curves.parquet")
        degenerator: Degenerator = made.cpu().inference(config.seed)
        weights = made.state_dict()
        if algorithm is not None and config.algorithm1 is not None:
            ended = algorithm.after(degenerator, made.discriminator, config.algorithm1.cool_down)
            costs |= algorithm.seconds
            # of the discriminator nothing is to be left
            weights = {name: w for name, w in weights.items() if "discriminator." not in name}
        with (folder / "weights.pt").open("wb") as file:
            torch.save({"weights": weights, "data_mean": made.setting.data_mean}, file)
            file.flush()
            os.fsync(file.fileno())  # the record that follows says that they are there
    else:
        degenerator = made
    measured = measure(
        degenerator,
        planned.source,
        planned.measures,
        config.seed,
        lambda name: tell(Progress(name)),
    )
    if algorithm is not None:
        measured.metrics.update(ended)
    costs["noise_bits"] = degenerator.noise_bits
    costs |= {f"{name}_seconds": seconds for name, seconds in measured.seconds.items()}
    keep = slice(config.runtime.keep_samples)
    np.save(folder / "samples.npy", measured.sample[keep])
    np.save(folder / "inputs.npy", measured.inputs[keep])
    picture(measured.inputs, measured.sample, planned.source.shape).save(folder / "samples.png")
    (folder / "last.ckpt").unlink(missing_ok=True)
    return measured, costs


def train(
    planned: Plan,
    module: AdversarialModule,
    folder: Path,
    sink: Sink | None,
    tell: ProgressCallback,
) -> None:
    """Train the module in place."""
    config, training = planned.config, planned.config.trainer
    data = planned.source.load("train")
    copy = TrainingSetCopy(data.rows, folder) if config.end_to_end else None
    batches = Batches(
        data if copy is None else replace(data, rows=copy),
        module.setting.width,
        config.noise_dim,
        training.batch_size,
        training.max_steps,
        config.seed,
        live=copy is not None,
    )
    if copy is not None:
        module.callbacks.append(Overwrite(batches, copy))
    held_out = planned.source.load("test")
    module.callbacks.append(Convergence(held_out, module.setting, config.seed))
    kept = config.runtime.snapshots
    looks = Snapshots(folder, kept, training.max_steps, held_out, config.noise_dim, config.seed)
    module.callbacks.append(looks)
    checkpoint = None
    if copy is None:
        every = config.runtime.checkpoint_every
        checkpoint = Checkpoint(folder / "last.ckpt", folder.name, every)
        if reason := checkpoint.refusal(module, training.max_steps):
            aside = checkpoint.set_aside()
            warning = f"{reason}; renamed to {aside.name}, and the run begins again"
            tell(Progress("training", warning=warning))
    if 0 in kept and (checkpoint is None or checkpoint.step() == 0):
        looks.keep(module)
    if isinstance(sink, SampleSink):
        shape, noise_dim = planned.source.shape, config.noise_dim
        look = Samples(sink.log_sample, sink.sample_steps, held_out, shape, noise_dim, config.seed)
        module.callbacks.append(look)
    tell(Progress("training", 0, training.max_steps))
    try:
        fit(
            module,
            batches,
            accelerator=config.runtime.accelerator,
            precision=training.precision,
            sink=sink,
            on_step=lambda step: tell(
                Progress("training", step, training.max_steps, watched(module.curves))
            ),
            checkpoint=checkpoint,
        )
    except Exception:
        # of no use to the next attempt either, which would fail at the same place
        if checkpoint is not None and batches.start and module.step <= batches.start:
            aside = checkpoint.set_aside()
            warning = f"{checkpoint.path} could not be gone on from; renamed to {aside.name}"
            tell(Progress("training", warning=warning))
        raise
    if copy is not None:
        copy.remove()
