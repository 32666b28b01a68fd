"""A trained (or untrained) network as a degenerator of bytes."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dan_bench.data.batches import UNIT_VARIANCE, as_bytes, as_unit
from dan_bench.data.noise import NoiseRows, fast_bytes
from dan_bench.interfaces import Bytes

CHUNK = 1000
Draw = Callable[[int, int], Bytes]
"""From a seed and a number to that many random bytes."""


class FrozenDegenerator:
    """A network with fresh noise that is a function of the row number.

    Args:
        degenerate: from data B x d and noise B x noise_dim to numbers in (0, 1), B x d.
        noise_dim: fresh random numbers a sample.
        seed: of the run.
        draw: makes the fresh noise.
    """

    def __init__(
        self,
        degenerate: Callable[[Tensor, Tensor], Tensor],
        noise_dim: int,
        seed: int,
        draw: Draw = fast_bytes,
    ) -> None:
        self._degenerate = degenerate
        self._fresh = NoiseRows(seed, "fresh", 2 * noise_dim, draw=draw)
        self.noise_bits = 16.0 * noise_dim

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Run the network on the data, in chunks of bounded size."""
        out = np.empty_like(data)
        for start in range(0, len(data), CHUNK):
            part = slice(start, start + CHUNK)
            noise = torch.from_numpy(self._fresh.uniform(rows[part], *UNIT_VARIANCE))
            out[part] = as_bytes(self._degenerate(as_unit(data[part]), noise))
        return out
