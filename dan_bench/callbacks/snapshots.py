"""What the degenerator makes as it learns, kept with the run: the same rows, step after step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dan_bench.callbacks.samples import SampleProbe
from dan_bench.interfaces import Data

ROWS = 16
ROWS_OF_ONE = 10_000
"""Where a row is a single number it takes many to see their law."""
LEVELS = 256


class Snapshots:
    """A module's listener: at some steps, and at the last, it keeps what rows become.

    The files, written anew each time so that a run that is cut off keeps what it had, are
    `snapshots.npy`, S x n x d bytes, and `snapshot_steps.npy`; where a row is one number also
    `snapshot_critic.npy`, S x 256: the discriminator's logits at the middle of each byte's cell.

    Args:
        folder: of the run.
        steps: at which it looks; 0 is before the first.
        last: step of the run, at which it looks too.
        data: held out of training; the first 16 rows of it are used, 10,000 of single numbers.
        noise_dim: fresh random numbers a sample.
        seed: of the run.
    """

    def __init__(
        self,
        folder: Path,
        steps: Sequence[int],
        last: int,
        data: Data,
        noise_dim: int,
        seed: int,
    ) -> None:
        self._folder = folder
        self._at = frozenset(steps) | {last}
        width = data.rows[np.arange(1)].shape[1]
        self._watched = SampleProbe(data, ROWS if width > 1 else ROWS_OF_ONE, noise_dim, seed)
        self._kept: dict[str, list[Any]] = {}

    def __call__(self, module: Any, _: object) -> None:
        """Look, if this is one of the steps."""
        if module.step in self._at:
            self.look(module)

    @torch.no_grad()
    def look(self, module: Any) -> None:
        """Degenerate, and write all that was kept so far."""
        if not self._kept:
            self._kept = self._before(module.step)
        outputs = self._watched.degenerated(module)
        point: dict[str, Any] = {"snapshot_steps": module.step, "snapshots": outputs}
        if outputs.shape[1] == 1:
            middles = (
                torch.arange(LEVELS, device=module.device, dtype=module.dtype) + 0.5
            ) / LEVELS
            point["snapshot_critic"] = module.critic(middles[:, None]).float().cpu().numpy()
        for name, value in point.items():
            self._kept.setdefault(name, []).append(value)
            np.save(self._folder / f"{name}.npy", np.stack(self._kept[name]))

    def _before(self, step: int) -> dict[str, list[Any]]:
        """Return what this run kept before it was cut off, up to the step that it went on from."""
        path = self._folder / "snapshot_steps.npy"
        if not path.is_file() or step == 0:
            return {}
        good = np.load(path) < step
        return {
            found.stem: list(np.load(found)[good]) for found in self._folder.glob("snapshot*.npy")
        }
