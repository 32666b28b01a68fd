"""The checkpoint from which an interrupted training resumes: one file, replaced atomically."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim import Optimizer

from dan_bench.callbacks.samples import Snapshots
from dan_bench.files import drafted
from dan_bench.models.module import AdversarialModule

RUN = "dan_bench_run"
"""Key of the run in the file."""
SNAPSHOTS = "dan_bench_snapshots"
"""Key of what was kept on the way."""


class Suspended(BaseException):
    """Training has stopped because `request` asked for it; the run goes on from its checkpoint.

    It is no `Exception`, since it is no failure: the run leaves no record.
    """


@dataclass
class Stop:
    """What `request` and a training in the same process tell each other."""

    possible: bool = False
    """Whether a training is under way that can save a checkpoint."""
    wanted: bool = False


STOP = Stop()


def request() -> bool:
    """Ask the training in this process to save a checkpoint after its step, and to stop.

    It takes no lock, so a signal handler may call it. The training raises `Suspended` once the
    checkpoint is on the device.

    Returns:
        False where there is none to ask: nothing is trained just now, or the run can save no
        checkpoint. The caller may end the process at once.
    """
    STOP.wanted = STOP.possible
    return STOP.possible


@dataclass
class Checkpoint:
    """The latest state of one training.

    Args:
        path: of the file.
        run: key of the run; a checkpoint of another run is not resumed from.
        every: steps between two saves, or `60s`, seconds of training; 0 saves none.
        snapshots: what the run keeps on its way, which goes into the file.
    """

    path: Path
    run: str
    every: int | str = 0
    snapshots: Snapshots | None = None
    _since: float = field(default_factory=time.monotonic, init=False)

    @property
    def saves(self) -> bool:
        """Whether any is to be saved."""
        return self.every != 0

    def due(self, step: int) -> bool:
        """Return whether one is to be saved now, after that step."""
        if STOP.wanted:
            return self.saves
        if isinstance(self.every, str):
            return time.monotonic() - self._since >= float(self.every.removesuffix("s"))
        return self.every > 0 and step % self.every == 0

    def refusal(self, module: AdversarialModule, steps: int) -> str:
        """Say why `module` cannot resume from the file; empty where it can, or there is none.

        Args:
            module: not trained yet.
            steps: of the whole training.
        """
        if not self.path.exists():
            return ""
        if not self.path.is_file():
            return f"{self.path} is no file"
        try:
            saved = self.read()
            run, step = saved[RUN], saved["dan_bench"]["step"]
            shapes = {name: weight.shape for name, weight in saved["state_dict"].items()}
            if run != self.run:
                return f"{self.path} is a checkpoint of run {run}, not of {self.run}"
            if shapes != {name: weight.shape for name, weight in module.state_dict().items()}:
                return f"{self.path} holds the weights of other networks"
            if type(step) is not int or not 0 < step <= steps:
                return f"{self.path} is a checkpoint of step {step}, of a run of {steps}"
            if not fits(module.configure_optimizers(), saved["optimizer_states"]):
                return f"{self.path} holds the state of other optimisers"
        except Exception as error:  # a damaged file can make the reader raise anything
            reason = f"{type(error).__name__}: {error}".split("\n")[0]
            return f"{self.path} is no checkpoint that can be read: {reason}"
        return ""

    def set_aside(self) -> Path:
        """Rename the file, so that the run begins again, and return its new name."""
        free = (self.path.with_name(f"{self.path.name}.unusable{n or ''}") for n in count())
        return self.path.replace(next(path for path in free if not path.exists()))

    def step(self) -> int:
        """Return the step to resume from; 0 where there is no file."""
        return int(self.read()["dan_bench"]["step"]) if self.path.exists() else 0

    def save(self, trainer: pl.Trainer) -> None:
        """Write the file: what is there after a crash or a power cut is the old one or the new."""
        with drafted(self.path) as draft:  # a failed one would take the room of the record
            trainer.save_checkpoint(draft)
        self._since = time.monotonic()
        if STOP.wanted:
            raise Suspended

    def read(self) -> dict[str, Any]:
        """Return what the file holds."""
        saved: dict[str, Any] = torch.load(self.path, weights_only=True, map_location="cpu")
        return saved


def fits(optimizers: Sequence[Optimizer], states: Sequence[dict[str, Any]]) -> bool:
    """Load the states and return whether they are of these optimisers' parameters.

    torch looks at neither the shapes nor the numbers, and its fused updates would write past the
    end of what is too short.
    """
    for optimizer, state in zip(optimizers, states, strict=True):
        optimizer.load_state_dict(state)
        for parameter, moments in optimizer.state.items():
            for moment in moments.values():
                if isinstance(moment, Tensor) and moment.ndim and moment.shape != parameter.shape:
                    return False
    return True
