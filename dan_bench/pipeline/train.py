"""The training of one module: its data, its callbacks and its checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dan_bench.callbacks.checkpoint import Checkpoint
from dan_bench.callbacks.convergence import Convergence
from dan_bench.callbacks.overwriting import Overwrite, TrainingSetCopy
from dan_bench.callbacks.samples import Samples, Snapshots
from dan_bench.config.schema import RunConfig
from dan_bench.data.batches import Batches
from dan_bench.interfaces import Dataset, Progress, ProgressCallback, SampleSink, Sink
from dan_bench.metrics.catalogue import CURVES, headlines
from dan_bench.models.module import AdversarialModule
from dan_bench.pipeline.fit import CARRY_OUT, Effort, PlannedTraining
from dan_bench.pipeline.own_data import keeps_rows

WATCHED = tuple(row.name for row in headlines(CURVES))
"""Curves in which collapse shows, the plainest first; views of a run show one of them."""


def watched(curves: Sequence[Mapping[str, float]]) -> tuple[str, float] | None:
    """Return name and latest value of the first of `WATCHED` that there is; None without one."""
    last = curves[-1] if curves else {}
    return next(((name, last[name]) for name in WATCHED if name in last), None)


def train(
    module: AdversarialModule,
    config: RunConfig,
    source: Dataset,
    folder: Path,
    sink: Sink | None,
    progress: ProgressCallback,
) -> Effort:
    """Train the module in place, and return what that took.

    Args:
        module: what to train.
        config: of the run.
        source: the data set.
        folder: of the run, where snapshots and checkpoints are kept.
        sink: the logger.
        progress: called at every logging step.
    """
    training, seed, setting = config.trainer, config.seed, module.setting
    steps, kept = training.max_steps, config.runtime.snapshots
    data, held_out = source.load("train"), source.load("test")
    copy = TrainingSetCopy(data.rows, folder) if config.end_to_end else None
    batches = Batches(
        data if copy is None else replace(data, rows=copy),
        setting.width,
        setting.noise_dim,
        training.batch_size,
        steps,
        seed,
        noise=setting.noise,
        live=copy is not None,
    )
    if copy is not None:
        module.callbacks.append(Overwrite(batches, copy))
    module.callbacks.append(Convergence(held_out, setting, seed))
    snapshots = None
    if shown := keeps_rows(config, source):
        snapshots = Snapshots(folder, kept, steps, held_out, setting, seed)
        module.callbacks.append(snapshots)
    checkpoint = None
    if copy is None:
        # it would hold the discriminator, of which Algorithm 1 leaves nothing
        every = 0 if config.algorithm1 is not None else config.runtime.checkpoint_every
        checkpoint = Checkpoint(folder / "last.ckpt", folder.name, every, snapshots)
        if reason := checkpoint.refusal(module, steps):
            aside = checkpoint.set_aside()
            warning = f"{reason}; renamed to {aside.name}, and the run begins again"
            progress(Progress("training", warning=warning))
    if snapshots is not None and 0 in kept and (checkpoint is None or checkpoint.step() == 0):
        snapshots.keep(module)
    if shown and isinstance(sink, SampleSink):
        samples = Samples(sink.log_sample, sink.sample_steps, held_out, setting, seed)
        module.callbacks.append(samples)
    progress(Progress("training", 0, steps))
    try:
        effort = CARRY_OUT.get()(
            PlannedTraining(
                module,
                batches,
                accelerator=config.runtime.accelerator,
                precision=training.precision,
                sink=sink,
                on_step=lambda step: progress(
                    Progress("training", step, steps, watched(module.curves))
                ),
                checkpoint=checkpoint,
            )
        )
    except Exception:
        # of no use to the next attempt either, which would fail at the same place
        if checkpoint is not None and batches.start and module.step <= batches.start:
            aside = checkpoint.set_aside()
            warning = f"{checkpoint.path} could not be gone on from; renamed to {aside.name}"
            progress(Progress("training", warning=warning))
        raise
    if copy is not None:
        copy.remove()
    return effort
