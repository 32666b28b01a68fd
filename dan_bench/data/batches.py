"""Training batches as a pure function of (seed, step): resuming is asking for the next one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dan_bench.data.noise import NoiseRows, fast_bytes
from dan_bench.data.source import Bytes, Data
from dan_bench.streams import generator

UNIT_VARIANCE = (-(3**0.5), 3**0.5)
"""Ends of the uniform law of mean 0 and variance 1."""


class Batch(NamedTuple):
    """What one step sees."""

    data: Tensor
    """What is degenerated, in (0, 1): B x d."""
    target: Tensor
    """True noise, uniform on (0, 1): B x d."""
    noise: Tensor
    """Fresh randomness, uniform of mean 0 and variance 1: B x noise_dim."""
    labels: Tensor
    """Classes of the data, or -1 where it has none: B."""


def as_unit(rows: Bytes) -> Tensor:
    """Byte b as the middle of its cell, (b + 1/2) / 256: quantising gives b back."""
    numbers = rows.astype(np.float32)
    numbers += np.float32(0.5)
    numbers *= np.float32(1 / 256)
    return torch.from_numpy(numbers)


@dataclass
class Batches:
    """`steps` batches, each sliced out of memory or made on the spot; no worker, no collating.

    Every epoch visits the data in an order of its own; target and fresh noise are never used twice.
    """

    data: Data
    width: int
    noise_dim: int
    batch_size: int
    steps: int
    seed: int
    start: int = 0
    _order: tuple[int, NDArray[np.int64]] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.target = NoiseRows(self.seed, "target", 2 * self.width, ahead=True)
        self.fresh = NoiseRows(
            self.seed, "train/fresh", 2 * self.noise_dim, draw=fast_bytes, ahead=True
        )

    def __len__(self) -> int:
        return self.steps - self.start

    def __iter__(self) -> Iterator[Batch]:
        return map(self.at, range(self.start, self.steps))

    def at(self, step: int) -> Batch:
        """Return the batch of that step, whatever came before it."""
        rows = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        visited = self._visit(rows)
        labels = self.data.labels
        return Batch(
            as_unit(self.data.rows[visited]),
            torch.from_numpy(self.target.uniform(rows)),
            torch.from_numpy(self.fresh.uniform(rows, *UNIT_VARIANCE)),
            torch.from_numpy(np.full(len(rows), -1) if labels is None else labels[visited]),
        )

    def visited(self, step: int) -> NDArray[np.int64]:
        """Return which rows of the data that step sees."""
        return self._visit(np.arange(step * self.batch_size, (step + 1) * self.batch_size))

    def _visit(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        size = len(self.data)
        epochs, places = np.divmod(rows, size)
        if isinstance(self.data.rows, NoiseRows):
            return places  # noise is exchangeable, and cheapest to read in its own order
        visited = np.empty_like(places)
        for epoch in np.unique(epochs):
            of_epoch = epochs == epoch
            visited[of_epoch] = self._permutation(int(epoch))[places[of_epoch]]
        return visited

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        if self._order is None or self._order[0] != epoch:
            order = generator(self.seed, f"order/{epoch}").permutation(len(self.data))
            self._order = (epoch, order)
        return self._order[1]
