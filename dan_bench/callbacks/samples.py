"""Samples of the degenerator while it trains: of the same held-out rows, step after step."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dan_bench.data.batches import as_bytes, as_unit
from dan_bench.data.noise import FreshNoise
from dan_bench.files import whole
from dan_bench.interfaces import Bytes, Data, Sample
from dan_bench.metrics.pictures import as_pictures
from dan_bench.models.setting import Hyperparameters

ROWS = 64
TILES = 16
SNAPSHOT_ROWS = 16
SNAPSHOT_NUMBERS = 10_000
"""Rows of a snapshot where a row is a single number: it takes many to show their distribution."""
LEVELS = 256


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

    Only the network changes from one sample to the next, and no result depends on the sampling.

    Args:
        data: held out of training.
        rows: how many of its first rows, where there are so many.
        setting: the module's.
        seed: of the run.
    """

    def __init__(self, data: Data, rows: int, setting: Hyperparameters, seed: int) -> None:
        chosen = np.arange(min(rows, len(data)))
        fresh = FreshNoise(seed, "tracking/fresh", setting.noise_dim, setting.noise)
        self.inputs = data.rows[chosen]
        self._noise = torch.from_numpy(fresh(chosen))

    def degenerated(self, module: Any) -> Bytes:
        """Return what the module makes of them now, n x d."""
        made: Tensor = module.degenerate(
            as_unit(self.inputs).to(module.device, module.dtype),
            self._noise.to(module.device, module.dtype),
        )
        return as_bytes(made)


class Samples:
    """A module's callback: at some steps, degenerates the first held-out rows and passes them on.

    Args:
        receive: called with the sample and the step.
        steps: at which it samples.
        data: held out of training; the first 64 rows of it are used.
        setting: the module's.
        seed: of the run.
    """

    def __init__(
        self,
        receive: Callable[[Sample, int], None],
        steps: Sequence[int],
        data: Data,
        setting: Hyperparameters,
        seed: int,
    ) -> None:
        self._receive = receive
        self._steps = frozenset(steps)
        self._shape = setting.shape
        self._probe = SampleProbe(data, ROWS, setting, seed)

    def __call__(self, module: Any, _: object) -> None:
        """Sample, if this is one of the steps."""
        if module.step not in self._steps:
            return
        outputs = self._probe.degenerated(module)
        sample = Sample(picture(self._probe.inputs, outputs, self._shape), outputs)
        self._receive(sample, module.step)


class Snapshots:
    """A module's callback: at some steps, and at the last, it keeps what rows become.

    The files, each replaced as a whole each time, are `snapshots.npy`, S x n x d bytes, and
    `snapshot_steps.npy`; where a row is one number also `snapshot_critic.npy`, S x 256: the
    discriminator's logits at the middle of each byte's cell. They are never read back: a run that
    goes on takes what it had from its checkpoint.

    Args:
        folder: of the run.
        steps: at which it samples; 0 is before the first.
        last: step of the run, at which it samples too.
        data: held out of training; the first 16 rows of it are used, 10,000 of single numbers.
        setting: the module's.
        seed: of the run.
    """

    def __init__(
        self,
        folder: Path,
        steps: Sequence[int],
        last: int,
        data: Data,
        setting: Hyperparameters,
        seed: int,
    ) -> None:
        self._folder = folder
        self._at = frozenset(steps) | {last}
        rows = SNAPSHOT_ROWS if setting.width > 1 else SNAPSHOT_NUMBERS
        self._probe = SampleProbe(data, rows, setting, seed)
        self._kept: dict[str, list[Any]] = {}

    def __call__(self, module: Any, _: object) -> None:
        """Sample, if this is one of the steps."""
        if module.step in self._at:
            self.keep(module)

    @torch.no_grad()
    def keep(self, module: Any) -> None:
        """Degenerate, and write all that was kept so far."""
        outputs = self._probe.degenerated(module)
        point: dict[str, Any] = {"snapshot_steps": module.step, "snapshots": outputs}
        if outputs.shape[1] == 1:
            middles = (
                torch.arange(LEVELS, device=module.device, dtype=module.dtype) + 0.5
            ) / LEVELS
            point["snapshot_critic"] = module.critic(middles[:, None]).float().cpu().numpy()
        for name, value in point.items():
            self._kept.setdefault(name, []).append(value)
            with whole(self._folder / f"{name}.npy", synced=False) as file:
                np.save(file, np.stack(self._kept[name]))

    def state(self) -> dict[str, Tensor]:
        """Return what was kept so far, by the names of the files."""
        return {name: torch.from_numpy(np.stack(kept)) for name, kept in self._kept.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state` returned."""
        self._kept = {name: list(kept.numpy()) for name, kept in state.items()}
