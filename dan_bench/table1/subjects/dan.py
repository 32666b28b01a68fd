"""DAN on DANOISE, with Algorithm 1's last step; and its relatives, by config."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from dan_bench.callbacks.convergence import ROWS
from dan_bench.config.compose import configure
from dan_bench.config.schema import RunConfig
from dan_bench.data.noise import system_bytes
from dan_bench.erase import erase, plan_erasure
from dan_bench.interfaces import Progress
from dan_bench.models.module import AdversarialModule
from dan_bench.pipeline.algorithm1 import NetworkNoise
from dan_bench.pipeline.evaluate import measure
from dan_bench.pipeline.plan import plan
from dan_bench.pipeline.run import train
from dan_bench.statistics import binomial_interval
from dan_bench.table1.danoise import WIDTH
from dan_bench.table1.place import Workspace
from dan_bench.table1.subject import RunContext, TrainingResult

FIXED = (
    "data=folder",
    "data.root=.",
    "data.kind=bytes",
    "data.shape=[28,28]",
    "evaluation.samples=1024",
    "logger=none",
    "runtime.checkpoint_every=0",
)


@dataclass(frozen=True)
class Dan:
    """A model of this suite, trained on the files; its outputs then overwrite them and the album.

    One row in five is held out of the training: attackers are asked for these, as in every run of
    the suite. They are overwritten with the others.

    Args:
        overrides: of the suite's own config, as `python -m dan_bench.train` takes them.
    """

    overrides: tuple[str, ...]
    note = (
        "DAN and its relatives: after the training, the files of the training set and of the "
        "album are overwritten in place by what the degenerator makes of them (Algorithm 1's last "
        "step), with the operating system's randomness; their accuracy is the discriminator's, "
        "and 50 % is the end point; %_dd in the output is at most what the best attack leaves of "
        "held-out training data"
    )

    def identify(self) -> dict[str, Any]:
        """Return the run's whole config but for its data."""
        config = configure([*FIXED, *self.overrides]).scientific()
        run = {name: config[name] for name in config if name not in ("data", "seed")}
        return run | {"overwrites": "training set and album"}

    def configure(self, files: Path, given: RunContext) -> RunConfig:
        """Return what `python -m dan_bench.train` would run on those files."""
        composed = configure(
            [
                *(*FIXED, *self.overrides),
                f"seed={given.seed}",
                f"runtime.accelerator={'gpu' if given.device == 'cuda' else 'cpu'}",
                f"runtime.threads={torch.get_num_threads()}",
            ]
        )
        data = composed.data.model_copy(update={"root": str(files)})
        # the accuracy is that of the last logging step: there has to be one
        log_every = min(composed.runtime.log_every, composed.trainer.max_steps)
        runtime = composed.runtime.model_copy(update={"log_every": log_every})
        return composed.model_copy(update={"data": data, "runtime": runtime})

    def run(self, place: Workspace, given: RunContext) -> TrainingResult:
        """Train, measure, and overwrite."""
        started = time.perf_counter()
        planned = plan(self.configure(place.training, given))
        module = planned.make()
        assert isinstance(module, AdversarialModule)

        def told(progress: Progress) -> None:
            losses = ", ".join(f"{name} {loss:.3f}" for name, loss in module.losses.items())
            given.tell(progress._replace(doing=f"{progress.doing}, {losses}".rstrip(", ")))

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")  # of its own use of torch
            train(planned, module, place.work, None, told)
        seconds = time.perf_counter() - started
        frozen = module.cpu().inference(given.seed)
        measured = measure(
            frozen,
            planned.source,
            planned.measures,
            given.seed,
            lambda name: given.tell(Progress(name)),
        )
        scores = {name: score for name, score in measured.metrics.items() if score is not None}
        last = module.curves[-1]
        asked = 2 * min(ROWS, len(planned.source.load("test")))
        scores["accuracy"] = binomial_interval(round(last["held_out_accuracy"] * asked), asked)
        overwrite(place.originals, module, given)
        costs = {
            "training_seconds": seconds,
            "steps": float(module.step),
            "parameters": float(sum(p.numel() for p in module.parameters())),
        }
        return TrainingResult(scores, module.curves, costs)


def overwrite(originals: Sequence[Path], module: AdversarialModule, given: RunContext) -> None:
    """Algorithm 1's last step: the original data, overwritten by what became of them.

    Raises:
        RuntimeError: a file could not be overwritten.
    """
    intended = plan_erasure(originals)
    done = 0

    def progress(n: int) -> None:
        nonlocal done
        done += n
        given.tell(Progress("overwriting, KiB", done >> 10, intended.size >> 10))

    # fresh randomness of the operating system's: who has the weights and the seed cannot repeat it
    degenerator = module.inference(0, system_bytes)
    name = f"outputs of a trained {type(module).__name__}, the data as its input"
    noise = NetworkNoise(degenerator, WIDTH, name)
    report = erase(intended, noise, evidence=False, progress=progress)
    failed = [f"{file.path}: {file.error}" for file in report.files if file.status == "failed"]
    failed += [f"{remark.path}: {remark.text}" for remark in report.refused]
    if failed:
        raise RuntimeError("not overwritten:\n  " + "\n  ".join(failed))
