"""Train a module with Lightning's Trainer, stripped of what a run of ours does not use."""

import logging
import time
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger

from dan_bench.callbacks.checkpoint import RUN, SNAPSHOTS, STOP, Checkpoint
from dan_bench.data.batches import Batches, BatchStacks
from dan_bench.models.module import AdversarialModule
from dan_bench.models.pack import Pack

OnStep = Callable[[int], None]


class TrainingMonitor(pl.Callback):
    """Tells how far training is, and saves a checkpoint now and then, by our own step."""

    def __init__(self, on_step: OnStep, checkpoint: Checkpoint | None) -> None:
        self._on_step = on_step
        self._checkpoint = checkpoint

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Give the logger what the run had of its curves, which an earlier attempt was told."""
        assert isinstance(pl_module, AdversarialModule)
        tell_again(trainer.logger, pl_module)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """Report the step that has ended."""
        assert isinstance(pl_module, AdversarialModule)
        step, checkpoint = pl_module.step, self._checkpoint
        due = checkpoint is not None and checkpoint.due(step)
        # who was taken over while it stood still hears of it here, and saves nothing
        if due or step % pl_module.setting.log_every == 0:
            self._on_step(step)  # which may ask for a checkpoint
        if checkpoint is not None and checkpoint.due(step):
            pl_module.check_weights()
            checkpoint.save(trainer)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Say what it is a checkpoint of."""
        assert self._checkpoint is not None
        checkpoint[RUN] = self._checkpoint.run
        if self._checkpoint.snapshots is not None:
            checkpoint[SNAPSHOTS] = self._checkpoint.snapshots.state()

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take back what was kept on the way."""
        assert self._checkpoint is not None
        if self._checkpoint.snapshots is not None and SNAPSHOTS in checkpoint:
            self._checkpoint.snapshots.restore(checkpoint[SNAPSHOTS])


def tell_again(logger: Logger | None, module: AdversarialModule) -> None:
    """Give a logger the curves that a module has already."""
    if logger is None:
        return
    for point in module.curves:
        values = {name: value for name, value in point.items() if name != "step"}
        logger.log_metrics(values, step=int(point["step"]))


def fit(
    module: AdversarialModule,
    batches: Batches | BatchStacks,
    *,
    accelerator: str = "cpu",
    precision: str = "32-true",
    sink: Logger | None = None,
    on_step: OnStep = lambda _: None,
    checkpoint: Checkpoint | None = None,
) -> pl.Trainer:
    """Train `module` on `batches`; resumes from `checkpoint` where its file exists.

    Args:
        module: what to train, in place.
        batches: one batch a step; their number is the number of steps.
        accelerator: Lightning's name of the device.
        precision: Lightning's name of the arithmetic.
        sink: where curves are logged.
        on_step: called with the step at every logging step.
        checkpoint: what to resume from and to save to.

    Returns:
        The trainer, with the optimisers' state.
    """
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*resuming from a checkpoint that ended before.*")
    warnings.filterwarnings("ignore", message=".*`dataloader_iter`.*")
    resume = None
    if checkpoint is not None:
        module.pause = checkpoint.due
        batches.start = checkpoint.step()
        if batches.start and not isinstance(module, Pack):  # which brings its state with it
            resume = checkpoint.path
    trainer = pl.Trainer(
        accelerator=accelerator,
        devices=1,
        precision=precision,
        max_epochs=1,
        logger=sink or False,
        callbacks=[TrainingMonitor(on_step, checkpoint)],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )
    if (device := trainer.strategy.root_device).type != "cpu":
        batches.make_on(device)
    STOP.wanted, STOP.possible = False, checkpoint is not None and checkpoint.saves
    try:
        trainer.fit(module, batches, ckpt_path=resume, weights_only=True)
    finally:
        STOP.possible = False
    module.float()  # the samples are made in single precision, whatever it was trained in
    module.check_weights()  # in which a weight of double precision may be infinite
    return trainer


@dataclass(frozen=True)
class PlannedTraining:
    """A training that is ready to begin: the arguments of `fit`."""

    module: AdversarialModule
    batches: Batches
    accelerator: str
    precision: str
    sink: Logger | None
    on_step: OnStep
    checkpoint: Checkpoint | None


@dataclass(frozen=True)
class Effort:
    """What a training took."""

    seconds: float
    """Its share of them, where there were others."""
    waited: float = 0.0
    """Seconds in which nothing was done for it."""
    together: int = 1
    """How many runs were trained as one."""


def by_itself(training: PlannedTraining) -> Effort:
    """Carry out a training."""
    start = time.perf_counter()
    fit(**vars(training))
    return Effort(time.perf_counter() - start)


CARRY_OUT: ContextVar[Callable[[PlannedTraining], Effort]] = ContextVar(
    "CARRY_OUT", default=by_itself
)
"""How trainings are carried out here: each by itself, or together with others."""
