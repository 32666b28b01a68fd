"""What a training that was interrupted resumes from: one file, replaced atomically."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from dan_bench.models.module import AdversarialModule

RUN = "dan_bench_run"
"""Where the file names its run."""


@dataclass(frozen=True)
class Checkpoint:
    """The latest state of one training.

    Args:
        path: of the file.
        run: key of the run; a checkpoint of another run is not resumed from.
        every: steps between two saves; 0 saves none.
    """

    path: Path
    run: str
    every: int = 0

    def refusal(self, module: AdversarialModule) -> str:
        """Say why `module` cannot resume from the file; empty where it can, or there is none."""
        if not self.path.is_file():
            return ""
        try:
            saved = self._read()
            run, _ = saved[RUN], int(saved["dan_bench"]["step"])
            shapes = {name: weight.shape for name, weight in saved["state_dict"].items()}
        except Exception as error:  # a damaged file can make the reader raise anything
            reason = f"{type(error).__name__}: {error}".split("\n")[0]
            return f"{self.path} is no checkpoint that can be read: {reason}"
        if run != self.run:
            return f"{self.path} is a checkpoint of run {run}, not of {self.run}"
        if shapes != {name: weight.shape for name, weight in module.state_dict().items()}:
            return f"{self.path} holds the weights of other networks"
        return ""

    def set_aside(self) -> Path:
        """Rename the file, so that the run begins again, and return its new name."""
        aside = self.path.with_name(f"{self.path.name}.unusable")
        return self.path.replace(aside)

    def step(self) -> int:
        """Return the step to resume from; 0 where there is no file."""
        return int(self._read()["dan_bench"]["step"]) if self.path.is_file() else 0

    def save(self, trainer: pl.Trainer) -> None:
        """Write the file: what is there after a crash or a power cut is the old one or the new."""
        draft = self.path.with_suffix(".tmp")
        trainer.save_checkpoint(draft)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(self.path)

    def _read(self) -> dict[str, Any]:
        saved: dict[str, Any] = torch.load(self.path, weights_only=True, map_location="cpu")
        return saved
