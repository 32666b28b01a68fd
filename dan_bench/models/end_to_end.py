"""`end_to_end=true`: what the degenerator has learned from is degenerated at once.

The paper leaves this as future work. After every step the rows just visited are replaced, in the
run's own copy of the training set, by what the degenerator makes of them; the next visit finds
noise there.
"""

from typing import Any

import pytorch_lightning as pl

from dan_bench.data.batches import Batch, Batches
from dan_bench.data.overwritten import Overwritten
from dan_bench.models.module import AdversarialModule, quantise


class Overwrite(pl.Callback):
    """Overwrites after each step, and puts `data_left` beside the other curves."""

    def __init__(self, batches: Batches, copy: Overwritten) -> None:
        if batches.data.rows is not copy:
            raise ValueError("the batches must be read from the copy that is overwritten")
        self._batches = batches
        self._copy = copy

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        """Replace the rows of the step that has just ended."""
        assert isinstance(pl_module, AdversarialModule)
        step = pl_module.step
        pl_module.eval()  # as it degenerates once it is frozen
        made = quantise(pl_module.degenerate(batch.data, batch.noise))
        pl_module.train()
        self._copy.overwrite(self._batches.visited(step - 1), made)
        if step % pl_module.setting.log_every == 0:
            left = {"data_left": self._copy.left()}
            pl_module.curves[-1] |= left
            if pl_module.logger is not None:
                pl_module.logger.log_metrics(left, step=step)
