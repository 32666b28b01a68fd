"""Train a module with Lightning's Trainer, stripped of what a run of ours does not use."""

import logging
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger

from dan_bench.data.batches import Batches
from dan_bench.models.module import AdversarialModule

OnStep = Callable[[int], None]


class Watch(pl.Callback):
    """Tells how far training is, and saves a checkpoint now and then, by our own step."""

    def __init__(self, on_step: OnStep, every: int, checkpoint: Path | None) -> None:
        self._on_step = on_step
        self._every = every
        self._checkpoint = checkpoint

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """Count."""
        assert isinstance(pl_module, AdversarialModule)
        step = pl_module.step
        if step % pl_module.setting.log_every == 0:
            self._on_step(step)
        if self._checkpoint is not None and self._every and step % self._every == 0:
            draft = self._checkpoint.with_suffix(".tmp")
            trainer.save_checkpoint(draft)
            draft.replace(self._checkpoint)


def fit(
    module: AdversarialModule,
    batches: Batches,
    *,
    accelerator: str = "cpu",
    precision: str = "32-true",
    sink: Logger | None = None,
    on_step: OnStep = lambda _: None,
    checkpoint: Path | None = None,
    checkpoint_every: int = 0,
) -> pl.Trainer:
    """Train `module` on `batches`; goes on from `checkpoint` where that file exists.

    Args:
        module: what to train, in place.
        batches: one batch a step; their number is the number of steps.
        accelerator: Lightning's name of the device.
        precision: Lightning's name of the arithmetic.
        sink: where curves are logged.
        on_step: called with the step at every logging step.
        checkpoint: file to resume from and to save to.
        checkpoint_every: steps between two saves; 0 saves none.

    Returns:
        The trainer, with the optimisers' state.
    """
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*resuming from a checkpoint that ended before.*")
    warnings.filterwarnings("ignore", message=".*`dataloader_iter`.*")
    module.stride = math.gcd(module.setting.log_every, checkpoint_every)
    resume = checkpoint if checkpoint is not None and checkpoint.is_file() else None
    if resume is not None:
        batches.start = torch.load(resume, weights_only=True)["dan_bench"]["step"]
    trainer = pl.Trainer(
        accelerator=accelerator,
        devices=1,
        precision=precision,
        max_epochs=1,
        logger=sink or False,
        callbacks=[Watch(on_step, checkpoint_every, checkpoint)],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, batches, ckpt_path=resume, weights_only=True)
    module.check_weights()
    module.float()  # the samples are made in single precision, whatever it was trained in
    return trainer
