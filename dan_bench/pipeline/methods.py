"""The three ways to a degenerator: a control, an untrained network, and a trained one."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from dan_bench.config.build import asked_for, bind, build, refusals
from dan_bench.config.schema import ConfigError, RunConfig
from dan_bench.data.batches import as_unit
from dan_bench.data.device import device_for
from dan_bench.files import whole
from dan_bench.interfaces import (
    Dataset,
    Degenerator,
    Estimate,
    ProgressCallback,
    Sink,
    dimension,
)
from dan_bench.models.module import AdversarialModule
from dan_bench.models.networks import parameters_of
from dan_bench.models.setting import Hyperparameters
from dan_bench.pipeline.algorithm1 import Algorithm1
from dan_bench.pipeline.train import train
from dan_bench.rng import derive

EQUAL = "each step is that of the seed alone but for rounding, which training makes larger"
"""What provenance says of a seed that was trained together with others."""
MEAN_ROWS = 1024
"""Rows that the mean of the data is taken over."""


@dataclass(frozen=True)
class RunOutcome:
    """What a run, or a part of it, adds to its record."""

    metrics: dict[str, Estimate | None] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    traceback: str | None = None
    """Of what made it fail."""
    waited: float = 0.0
    """Seconds in which nothing was done for this run."""


Obtained = tuple[Degenerator, RunOutcome]
"""A degenerator, and what obtaining it adds to the record."""


class Control:
    """A function of bytes without a network; it is given the data set where it asks for it."""

    def __init__(self, config: RunConfig, source: Dataset) -> None:
        self.config, self.source = config, source
        self.provided = self._provided()
        self.model = bind(config.model, "model", self.provided)

    def _provided(self) -> dict[str, Any]:
        """Return what the program gives the model, by the names of arguments."""
        width = dimension(self.source.shape)
        return {"width": width, "seed": self.config.seed, "source": self.source}

    def check_data(self) -> None:
        """Refuse data that the model can do nothing with, by what its class says of data."""
        check: Callable[..., None] | None = getattr(self.model.target, "check_data", None)
        if check is not None:
            with refusals("model"):
                check(self.source, **self.model.arguments)

    def make(self) -> Any:
        """Return the object that the config describes."""
        return self.model(**asked_for(self.model.target, self.provided))

    def obtain(self, folder: Path, sink: Sink | None, progress: ProgressCallback) -> Obtained:
        """Return the degenerator; files of the run that it leaves are in `folder`."""
        return self.make(), RunOutcome()


class UntrainedNetwork(Control):
    """A network with its initial weights, which are a function of the seed."""

    def __init__(self, config: RunConfig, source: Dataset) -> None:
        super().__init__(config, source)
        setting: Hyperparameters = self.provided["setting"]
        variant = self.model.target
        reason = variant.refusal(type(setting.objective), setting.output)
        if reason is not None:
            raise ConfigError(
                f"model={config.model.name} objective={config.objective.name} "
                f"output={config.output}: {reason}"
            )
        with refusals("model"):
            variant.check(setting, **self.model.arguments)

    def _provided(self) -> dict[str, Any]:
        config, training = self.config, self.config.trainer
        optimizers = {}
        for name in ("degenerator", "discriminator"):
            part = getattr(config.optimizer, name)
            optimizers[name] = bind(part, f"optimizer.{name}", {"params"})
            optimizers[name].build(params=[torch.nn.Parameter(torch.zeros(1))])
        setting = Hyperparameters(
            width=dimension(self.source.shape),
            data_mean=0.0,
            noise_dim=config.noise_dim,
            noise=config.noise,
            output=config.output,
            objective=build(config.objective, "objective"),
            optimizers=optimizers,
            discriminator_steps=training.discriminator_steps,
            freeze_degenerator=training.freeze_degenerator,
            gradient_clip=training.gradient_clip,
            ema_decay=training.ema_decay,
            log_every=config.runtime.log_every,
            log_gradients=config.runtime.log_gradients,
            shape=self.source.shape,
        )
        return {"setting": setting}

    def make(self, mean: float | None = None) -> AdversarialModule:
        """Return the module; the mean of the data is looked up where it is not given."""
        if mean is None:
            rows = self.source.load("train").rows
            mean = float(as_unit(rows[np.arange(min(MEAN_ROWS, len(rows)))]).mean())
        torch.manual_seed(derive(self.config.seed, "init"))
        module: AdversarialModule = self.model(
            setting=replace(self.provided["setting"], data_mean=mean)
        )
        return module

    def obtain(self, folder: Path, sink: Sink | None, progress: ProgressCallback) -> Obtained:
        """Return the degenerator, having written its weights."""
        module = self.make()
        degenerator = self.frozen(module, folder)
        self.keep_weights(module, folder)
        return degenerator, RunOutcome(costs=size_of(module))

    def keep_weights(
        self, module: AdversarialModule, folder: Path, without: str | None = None
    ) -> None:
        """Write weights.pt, unless nothing that was made of the data is to be kept."""
        if self.config.runtime.keep_inputs is False:
            return
        weights = {name: weight.cpu() for name, weight in module.state_dict().items()}
        if without is not None:
            weights = {name: w for name, w in weights.items() if without not in name}
        with whole(folder / "weights.pt", synced=False) as file:
            torch.save({"weights": weights, "data_mean": module.setting.data_mean}, file)

    def frozen(self, module: AdversarialModule, folder: Path) -> Degenerator:
        """Return the module as a degenerator, having written its curves.

        Raises:
            FloatingPointError: a weight is not finite: whatever it made would look destroyed.
        """
        module.check_weights()
        with whole(folder / "curves.parquet", synced=False) as file:
            pd.DataFrame(module.curves).to_parquet(file)
        degenerator: Degenerator = module.cpu().inference(self.config.seed)
        module.to(device_for(self.config.runtime.accelerator))  # where it runs from here
        return degenerator


class TrainedNetwork(UntrainedNetwork):
    """A network trained against its discriminator."""

    def __init__(self, config: RunConfig, source: Dataset) -> None:
        super().__init__(config, source)
        every = config.runtime.checkpoint_every
        refused = f"runtime.checkpoint_every={every}: "
        if isinstance(every, str):  # of the runs that can go on from one
            return
        if config.end_to_end and every:
            raise ConfigError(
                f"{refused}a run that overwrites its data cannot go on from a checkpoint, whose "
                "data are gone; with end_to_end=true it must be 0"
            )
        if config.algorithm1 is not None and every:
            raise ConfigError(
                f"{refused}checkpoints hold the discriminator, of which Algorithm 1 leaves "
                "nothing; with algorithm1 it must be 0"
            )

    def obtain(self, folder: Path, sink: Sink | None, progress: ProgressCallback) -> Obtained:
        """Train, with Algorithm 1 around it where the config has it."""
        config, module = self.config, self.make()
        algorithm = None
        if config.algorithm1 is not None:
            algorithm = Algorithm1(folder, progress)
            algorithm.before(self.source.load("train"), config.algorithm1.rows, config.seed)
        effort = train(module, config, self.source, folder, sink, progress)
        degenerator = self.frozen(module, folder)
        obtained = RunOutcome(costs=size_of(module), waited=effort.waited)
        obtained.costs["training_seconds"] = effort.seconds
        obtained.costs["steps_per_second"] = config.trainer.max_steps / effort.seconds
        if {*module.devices} - {"cpu"}:
            obtained.provenance["device"] = ", ".join(module.devices)
        if effort.together > 1:
            obtained.provenance["trained_as_one"] = {"seeds": effort.together, "equal": EQUAL}
        if algorithm is not None and config.algorithm1 is not None:
            cool_down = config.algorithm1.cool_down
            obtained.metrics.update(algorithm.after(degenerator, module.discriminator, cool_down))
            obtained.costs.update(algorithm.seconds)
        # Algorithm 1 leaves nothing of the discriminator
        without = "discriminator." if algorithm is not None else None
        self.keep_weights(module, folder, without)
        return degenerator, obtained


def size_of(module: AdversarialModule) -> dict[str, float]:
    """Return the number of parameters as a cost; an average of weights has none of its own."""
    return {"parameters": float(parameters_of(module))}


METHODS = {"control": Control, "untrained": UntrainedNetwork, "learned": TrainedNetwork}
"""By the `kind` of a model's config."""
