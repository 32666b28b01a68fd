"""A trained (or untrained) network as a degenerator of bytes."""

import numpy as np
import torch
from numpy.typing import NDArray

from dan_bench.data.batches import UNIT_VARIANCE, as_unit
from dan_bench.data.noise import NoiseRows, fast_bytes
from dan_bench.degenerator import Bytes
from dan_bench.models.module import AdversarialModule, quantise

CHUNK = 1000


class Frozen:
    """The network with fresh noise that is a function of the row number."""

    def __init__(self, module: AdversarialModule, seed: int) -> None:
        self._module = module.eval()
        self._fresh = NoiseRows(seed, "fresh", 2 * module.setting.noise_dim, draw=fast_bytes)
        self.noise_bits = 16.0 * module.setting.noise_dim

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Run the network on the data, in chunks of bounded size."""
        out = np.empty_like(data)
        device = self._module.device
        for start in range(0, len(data), CHUNK):
            part = slice(start, start + CHUNK)
            noise = torch.from_numpy(self._fresh.uniform(rows[part], *UNIT_VARIANCE))
            y = self._module.degenerate(as_unit(data[part]).to(device), noise.to(device))
            out[part] = quantise(y)
        return out
