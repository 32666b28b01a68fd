"""`end_to_end=true`: what the degenerator has learned from is degenerated at once.

The paper leaves this as future work. After every step its rows are replaced, in the run's own copy
of the training set, by what the degenerator makes of them; the next epoch finds noise there. The
original is only read: the copy is a new file in the run's folder, mapped into memory.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dan_bench.data.batches import Batch, Batches, as_bytes
from dan_bench.interfaces import Bytes, Rows
from dan_bench.metrics.destruction import share_left
from dan_bench.models.module import AdversarialModule

BLOCK_ROWS = 4096
FILE = "training_set.copy"


class NotOurs(RuntimeError):
    """The file is not the copy that this run has made; nothing was written."""


class TrainingSetCopy:
    """Rows in a copy that may be overwritten, and how much of the original is left in it.

    Args:
        original: what is copied; kept for measuring, never written.
        folder: the run's own; the copy of an earlier attempt at the same run is replaced.
    """

    def __init__(self, original: Rows, folder: Path) -> None:
        self._original = original
        self._folder = folder.resolve(strict=True)
        self.path = self._folder / FILE
        self.path.unlink(missing_ok=True)
        shape = (len(original), original[np.arange(1)].shape[1])
        with self.path.open("xb+") as file:  # x: no file that was there before is ever opened
            os.truncate(file.fileno(), shape[0] * shape[1])
            self._created = os.fstat(file.fileno())
            self._copy = np.memmap(file, dtype=np.uint8, mode="r+", shape=shape)
        for start in range(0, len(original), BLOCK_ROWS):
            rows = np.arange(start, min(start + BLOCK_ROWS, len(original)))
            self._copy[rows] = original[rows]
        self._same = np.full(len(original), shape[1])

    def __len__(self) -> int:
        return len(self._copy)

    def __getitem__(self, rows: NDArray[np.int64]) -> Bytes:
        return np.asarray(self._copy[rows])

    def overwrite(self, rows: NDArray[np.int64], degenerated: Bytes) -> None:
        """Replace those rows in the copy.

        Raises:
            NotOurs: what lies at the path is no longer the file that was made here.
        """
        self._check()
        self._copy[rows] = degenerated
        self._same[rows] = (self._copy[rows] == self._original[rows]).sum(axis=1)

    def left(self) -> float:
        """Share of the original's bytes that can still be read in the copy."""
        return share_left(int(self._same.sum()), self._copy.size)

    def remove(self) -> None:
        """Delete the copy, if it still is ours."""
        self._check()
        self.path.unlink()

    def _check(self) -> None:
        """Raise NotOurs unless the file at the path, which may be no link, is the one made here."""
        try:
            there = self.path.lstat()
        except OSError as error:
            raise NotOurs(f"{self.path}: {error.strerror}; nothing was written") from error
        inside = self.path.parent.resolve() == self._folder
        if not inside or not os.path.samestat(there, self._created) or there.st_nlink != 1:
            raise NotOurs(
                f"{self.path} is not the copy that this run made in {self._folder}; nothing was "
                "written. Let nothing else touch that folder, and run again"
            )


class Overwrite:
    """A module's callback: overwrites after each step, and adds `data_left` to the curves."""

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
