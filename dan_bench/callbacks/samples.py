"""What the degenerator makes, to be looked at: of the same held-out rows, step after step."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dan_bench.data.batches import UNIT_VARIANCE, as_bytes, as_unit
from dan_bench.data.noise import NoiseRows, fast_bytes
from dan_bench.interfaces import Bytes, Data, Sample
from dan_bench.metrics.pictures import as_pictures

ROWS = 64
TILES = 16


def picture(
    inputs: Bytes, outputs: Bytes, shape: tuple[int, ...], tiles: int = TILES
) -> Image.Image:
    """Draw the first inputs above what became of them.

    Args:
        inputs: n x d.
        outputs: n x d.
        shape: of one row, whose product is d.
        tiles: how many rows of the data are shown.
    """
    rows = [as_pictures(stack[:tiles], shape) for stack in (inputs, outputs)]
    strips: list[Bytes] = [np.concatenate(list(row), axis=1) for row in rows]
    return Image.fromarray(np.concatenate(strips, axis=0))


class SampleProbe:
    """The first held-out rows, with fresh noise of a stream of their own, the same each time.

    What is seen to change is the network, and no result depends on who looks.

    Args:
        data: held out of training.
        rows: how many of its first rows, where there are so many.
        noise_dim: fresh random numbers a sample.
        seed: of the run.
    """

    def __init__(self, data: Data, rows: int, noise_dim: int, seed: int) -> None:
        chosen = np.arange(min(rows, len(data)))
        fresh = NoiseRows(seed, "tracking/fresh", 2 * noise_dim, draw=fast_bytes)
        self.inputs = data.rows[chosen]
        self._noise = torch.from_numpy(fresh.uniform(chosen, *UNIT_VARIANCE))

    def degenerated(self, module: Any) -> Bytes:
        """Return what the module makes of them now, n x d."""
        made: Tensor = module.degenerate(
            as_unit(self.inputs).to(module.device, module.dtype),
            self._noise.to(module.device, module.dtype),
        )
        return as_bytes(made)


class Samples:
    """A module's listener: at some steps, degenerates the first held-out rows and hands them on.

    Args:
        hand_on: called with the sample and the step.
        steps: at which it looks.
        data: held out of training; the first 64 rows of it are used.
        shape: of one row.
        noise_dim: fresh random numbers a sample.
        seed: of the run.
    """

    def __init__(
        self,
        hand_on: Callable[[Sample, int], None],
        steps: Sequence[int],
        data: Data,
        shape: tuple[int, ...],
        noise_dim: int,
        seed: int,
    ) -> None:
        self._hand_on = hand_on
        self._steps = frozenset(steps)
        self._shape = shape
        self._watched = SampleProbe(data, ROWS, noise_dim, seed)

    def __call__(self, module: Any, _: object) -> None:
        """Look, if this is one of the steps."""
        if module.step not in self._steps:
            return
        outputs = self._watched.degenerated(module)
        sample = Sample(picture(self._watched.inputs, outputs, self._shape), outputs)
        self._hand_on(sample, module.step)
