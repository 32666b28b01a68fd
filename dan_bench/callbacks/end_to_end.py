"""`end_to_end=true`: what the degenerator has learned from is degenerated at once.

The paper leaves this as future work. After every step the rows just visited are replaced, in the
run's own copy of the training set, by what the degenerator makes of them; the next visit finds
noise there.
"""

from dan_bench.callbacks.overwritten import TrainingSetCopy
from dan_bench.data.batches import Batch, Batches, as_bytes
from dan_bench.models.module import AdversarialModule


class Overwrite:
    """A module's listener: overwrites after each step, and adds `data_left` to the curves."""

    def __init__(self, batches: Batches, copy: TrainingSetCopy) -> None:
        if batches.data.rows is not copy or not batches.live:
            raise ValueError("the batches must be read live from the copy that is overwritten")
        self._batches = batches
        self._copy = copy

    def __call__(self, module: AdversarialModule, batch: Batch) -> None:
        """Replace the rows of the step that has just ended."""
        step = module.step
        module.eval()  # as it degenerates once it is frozen
        made = as_bytes(module.degenerate(batch.data, batch.noise))
        module.train()
        self._copy.overwrite(self._batches.visited(step - 1), made)
        if step % module.setting.log_every == 0:
            module.note({"data_left": self._copy.left()})
