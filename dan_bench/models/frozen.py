"""A trained (or untrained) network as a degenerator of bytes."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from dan_bench.data.batches import UNIT_VARIANCE, as_bytes, as_unit
from dan_bench.data.noise import NoiseRows, fast_bytes
from dan_bench.interfaces import Bytes, Degenerator
from dan_bench.models.entropydan import EntropyDAN
from dan_bench.models.module import AdversarialModule

CHUNK = 1000
Draw = Callable[[int, int], Bytes]


def freeze(module: AdversarialModule, seed: int, draw: Draw = fast_bytes) -> Degenerator:
    """Return the module as a degenerator of run `seed`; one with a dial can be turned.

    `draw` makes its fresh noise: with `data.noise.system_bytes` no seed reproduces it.
    """
    if isinstance(module, EntropyDAN):
        return FrozenConditional(module, seed, draw)
    return FrozenDegenerator(module, seed, draw)


class FrozenDegenerator:
    """The network with fresh noise that is a function of the row number."""

    def __init__(self, module: AdversarialModule, seed: int, draw: Draw = fast_bytes) -> None:
        self._module = module.eval()
        self._fresh = NoiseRows(seed, "fresh", 2 * module.setting.noise_dim, draw=draw)
        self.noise_bits = 16.0 * module.setting.noise_dim
        self._degenerate = module.degenerate

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Run the network on the data, in chunks of bounded size."""
        out = np.empty_like(data)
        device = self._module.device
        for start in range(0, len(data), CHUNK):
            part = slice(start, start + CHUNK)
            noise = torch.from_numpy(self._fresh.uniform(rows[part], *UNIT_VARIANCE))
            y = self._degenerate(as_unit(data[part]).to(device), noise.to(device))
            out[part] = as_bytes(y)
        return out


class FrozenConditional(FrozenDegenerator):
    """An EntropyDAN: as true as its data ask for, or as true as it is told.

    Raises:
        ValueError: `trueness` is not in [0, 1].
    """

    def __init__(
        self,
        module: EntropyDAN,
        seed: int,
        draw: Draw = fast_bytes,
        trueness: float | None = None,
    ) -> None:
        super().__init__(module, seed, draw)
        self.at = partial(FrozenConditional, module, seed, draw)
        if trueness is not None:
            if not 0 <= trueness <= 1:
                raise ValueError(f"trueness={trueness} must be 0 (a constant) to 1 (true noise)")
            self._degenerate = partial(module.at_trueness, trueness)
