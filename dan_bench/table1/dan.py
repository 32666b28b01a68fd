"""DAN on DANOISE, with Algorithm 1's last step; and its relatives, by config."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import PositiveInt

from dan_bench.callbacks.convergence import ROWS
from dan_bench.config.schema import RunConfig, as_stated
from dan_bench.data.folder import Folder
from dan_bench.data.noise import BLOCK_ROWS, NoiseRows, system_bytes
from dan_bench.erase import plan_erasure
from dan_bench.interfaces import Progress
from dan_bench.models.module import AdversarialModule
from dan_bench.pipeline.algorithm1 import NetworkNoise, overwrite
from dan_bench.pipeline.evaluate import measure
from dan_bench.pipeline.methods import TrainedNetwork
from dan_bench.pipeline.plan import measures_of
from dan_bench.pipeline.train import train
from dan_bench.statistics import binomial_interval
from dan_bench.table1.config import EntryConfig
from dan_bench.table1.entry import Entry, RunContext, TrainingResult, TrainingSet
from dan_bench.table1.workspace import Workspace

SHAPE = (28, 28)
WIDTH = 784
HELD_OUT = 0.2
"""Share of the rows that is not trained on: attackers are asked for these."""


@dataclass(frozen=True)
class DanoiseFiles(TrainingSet):
    """Files of 1,024 rows of 784 bytes of Python's random; it stands for nothing but itself.

    Args:
        files: how many.
    """

    files: PositiveInt

    def write(self, place: Workspace, seed: int) -> None:
        """Write the files."""
        rows = NoiseRows(seed, "danoise/train", WIDTH)
        for number in range(self.files):
            block = rows[np.arange(number * BLOCK_ROWS, (number + 1) * BLOCK_ROWS)]
            (place.training / f"danoise-{number:04}.bin").write_bytes(block.tobytes())


@dataclass(frozen=True)
class Dan(Entry):
    """A model of this suite, trained on the files; its outputs then overwrite them and the album.

    One row in five is held out of the training: attackers are asked for these, as in every run of
    the suite. They are overwritten with the others.

    Args:
        config: says which model, and how it is trained and measured.
    """

    config: EntryConfig

    note = (
        "DAN and its relatives: after the training, the files of the training set and of the "
        "album are overwritten in place by what the degenerator makes of them (Algorithm 1's "
        "last step), with the operating system's randomness; their accuracy is the "
        "discriminator's, and 50 % is the end point; %_dd in the output is at most what the "
        "best attack leaves of held-out training data"
    )

    def identify(self) -> dict[str, Any]:
        """Return the run's whole config but for its data."""
        parts = RunConfig.scientific_parts(self.config)  # those of a run, not those of the entry
        run = {name: part for name, part in parts.items() if name not in ("data", "seed")}
        stated = {name: as_stated(name, part) for name, part in run.items()}
        return stated | {"overwrites": "training set and album"}

    def configured(self) -> RunConfig:
        """Return the run's config, with a logging step at the end at the latest.

        The accuracy is that of the last logging step.
        """
        log_every = min(self.config.runtime.log_every, self.config.trainer.max_steps)
        runtime = self.config.runtime.model_copy(update={"log_every": log_every})
        return self.config.model_copy(update={"runtime": runtime})

    def run(self, place: Workspace, context: RunContext) -> TrainingResult:
        """Train, measure, and overwrite."""
        started = time.perf_counter()
        config = self.configured()
        source = Folder(place.training, SHAPE, "bytes", HELD_OUT)
        measures = measures_of(config.evaluation, source.shape)
        module = TrainedNetwork(config, source).make()

        def progress(now: Progress) -> None:
            losses = ", ".join(f"{name} {loss:.3f}" for name, loss in module.losses.items())
            context.progress(now._replace(doing=f"{now.doing}, {losses}".rstrip(", ")))

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")  # of its own use of torch
            train(module, config, source, place.work, None, progress)
        seconds = time.perf_counter() - started
        degenerator = module.cpu().inference(context.seed)
        seed, device = context.seed, context.device
        measured = measure(degenerator, source, measures, seed, context.progress, device)
        scores = {name: score for name, score in measured.metrics.items() if score is not None}
        asked = 2 * min(ROWS, len(source.load("test")))
        accuracy = module.curves[-1]["held_out_accuracy"]
        scores["accuracy"] = binomial_interval(round(accuracy * asked), asked)
        overwrite_all(place.originals, module, context)
        costs = {
            "training_seconds": seconds,
            "steps": float(module.step),
            "parameters": float(sum(p.numel() for p in module.parameters())),
        }
        return TrainingResult(scores, module.curves, costs)


def overwrite_all(
    originals: Sequence[Path], module: AdversarialModule, context: RunContext
) -> None:
    """Algorithm 1's last step: the original data, overwritten by what became of them.

    Raises:
        OSError: a file could not be overwritten.
    """
    intended = plan_erasure(originals)
    done = 0

    def progress(n: int) -> None:
        nonlocal done
        done += n
        context.progress(Progress("overwriting, KiB", done >> 10, intended.size >> 10))

    # fresh randomness of the operating system's: who has the weights and the seed cannot repeat it
    degenerator = module.inference(0, system_bytes)
    name = f"outputs of a trained {type(module).__name__}, the data as its input"
    overwrite(intended, NetworkNoise(degenerator, WIDTH, name), progress)
