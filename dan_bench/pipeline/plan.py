"""A config made into objects. Making them is the whole check of the config; no work is done yet."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from dan_bench.cli import InputError, explained
from dan_bench.config.schema import ConfigError, RunConfig, bind
from dan_bench.data.batches import as_unit
from dan_bench.interfaces import Dataset, Degenerator, Sink, dimension
from dan_bench.models.module import AdversarialModule, Hyperparameters
from dan_bench.pipeline.evaluate import Measures
from dan_bench.rng import derive

MEAN_ROWS = 1024
"""Rows that the mean of the data is taken over."""


@dataclass(frozen=True)
class Plan:
    """One run, ready to begin."""

    config: RunConfig
    source: Dataset
    make: Callable[..., AdversarialModule] | Callable[[], Degenerator]
    measures: Measures
    make_sink: Callable[..., Sink] | None


def plan(config: RunConfig) -> Plan:
    """Check a config against everything that it names, doing no work yet.

    Raises:
        ConfigError: some part cannot be had, or parts do not fit together.
    """
    source: Dataset = call(bind(config.data, "data"), "data")
    if config.runtime.accelerator == "gpu" and not torch.accelerator.is_available():
        raise ConfigError("runtime.accelerator=gpu: torch sees none here; type cpu or auto")
    width = dimension(source.shape)
    evaluation = config.evaluation
    metrics = {
        name: bind(part, f"evaluation.metrics.{name}", frozenset({"sample"}))
        for name, part in evaluation.metrics.items()
    }
    attacks = {
        name: call(bind(part, f"evaluation.attacks.{name}"), f"evaluation.attacks.{name}")
        for name, part in evaluation.attacks.items()
    }
    comparisons = {}
    for name, part in evaluation.comparisons.items():
        where = f"evaluation.comparisons.{name}"
        comparisons[name] = call(bind(part, where), where)
        call(partial(comparisons[name].check, source.shape), where)
    c2st = None
    if evaluation.c2st is not None:
        c2st = call(bind(evaluation.c2st, "evaluation.c2st"), "evaluation.c2st")
    needs: dict[str, int] = {name: rows_needed(metric)(width) for name, metric in metrics.items()}
    needs |= {name: attack.needs_rows() for name, attack in attacks.items()}
    needs |= {"c2st": c2st.needs_rows()} if c2st else {}
    for name, least in needs.items():
        if evaluation.samples < least:
            raise ConfigError(
                f"evaluation.samples={evaluation.samples}: {name} needs at least {least}"
            )
    make_sink = None
    if config.logger is not None:
        provided = frozenset({"title", "group", "config", "results"})
        make_sink = bind(config.logger, "logger", provided)
    return Plan(
        config,
        source,
        make_control(config, source)
        if config.model.kind == "control"
        else make_module(config, source),
        Measures(evaluation.samples, evaluation.known, metrics, c2st, attacks, comparisons),
        make_sink,
    )


def rows_needed(metric: partial[Any]) -> Callable[[int], int]:
    """Return how many rows a metric needs, as a function of their width."""
    needed: Callable[[int], int] = getattr(metric.func, "needs_rows", lambda _: 1)
    return needed


def call(bound: Callable[..., Any], where: str, **provided: Any) -> Any:
    """Call what was bound; a refusal becomes a ConfigError that says where."""
    try:
        return bound(**provided)
    except InputError:
        raise
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{where}: {explained(error)}") from error


def make_control(config: RunConfig, source: Dataset) -> Callable[[], Degenerator]:
    """Return what makes the control; one whose signature names `source` is given the data."""
    provided = {"width": dimension(source.shape), "seed": config.seed, "source": source}
    bound = bind(config.model, "model", frozenset(provided))
    asked = inspect.signature(bound.func).parameters
    return partial(bound, **{name: provided[name] for name in provided if name in asked})


def make_module(config: RunConfig, source: Dataset) -> Callable[..., AdversarialModule]:
    """Return what makes the module, with initial weights that are a function of the seed.

    It takes the mean of the data, and looks it up where it is not given.
    """
    training = config.trainer
    optimizers = {
        name: bind(part, f"optimizer.{name}", frozenset({"params"}))
        for name, part in {
            "degenerator": config.optimizer.degenerator,
            "discriminator": config.optimizer.discriminator,
        }.items()
    }
    for name, optimizer in optimizers.items():
        call(optimizer, f"optimizer.{name}", params=[torch.nn.Parameter(torch.zeros(1))])
    setting = Hyperparameters(
        width=dimension(source.shape),
        data_mean=0.0,
        noise_dim=config.noise_dim,
        output=config.output,
        objective=call(bind(config.objective, "objective"), "objective"),
        optimizers=optimizers,
        discriminator_steps=training.discriminator_steps,
        freeze_degenerator=training.freeze_degenerator,
        gradient_clip=training.gradient_clip,
        ema_decay=training.ema_decay,
        log_every=config.runtime.log_every,
        log_gradients=config.runtime.log_gradients,
        shape=source.shape,
    )
    bound = bind(config.model, "model", frozenset({"setting"}))
    variant: Any = bound.func
    reason = variant.refusal(type(setting.objective), setting.output)
    if reason is not None:
        raise ConfigError(
            f"model={config.model.name} objective={config.objective.name} "
            f"output={config.output}: {reason}"
        )
    call(partial(variant.check, setting, **bound.keywords), "model")
    learned = config.model.kind == "learned"
    if config.end_to_end and learned and config.runtime.checkpoint_every:
        raise ConfigError(
            f"runtime.checkpoint_every={config.runtime.checkpoint_every}: a run that overwrites "
            "its data cannot go on from a checkpoint, whose data are gone; with end_to_end=true "
            "it must be 0"
        )
    if config.algorithm1 is not None and learned and config.runtime.checkpoint_every:
        raise ConfigError(
            f"runtime.checkpoint_every={config.runtime.checkpoint_every}: checkpoints hold the "
            "discriminator, of which Algorithm 1 leaves nothing; with algorithm1 it must be 0"
        )

    def make(mean: float | None = None) -> AdversarialModule:
        if mean is None:
            rows = source.load("train").rows
            mean = float(as_unit(rows[np.arange(min(MEAN_ROWS, len(rows)))]).mean())
        torch.manual_seed(derive(config.seed, "init"))
        module: AdversarialModule = bound(setting=replace(setting, data_mean=mean))
        return module

    return make


def identify(config: RunConfig) -> RunConfig:
    """Fill in what only the data itself can say: the fingerprint of a folder."""
    if "fingerprint" not in config.data.arguments:
        return config
    found = call(call(bind(config.data, "data"), "data").identify, "data")
    return config.model_copy(update={"data": config.data.model_copy(update={"fingerprint": found})})


def make_ready(planned: Plan) -> str:
    """Fetch the data set, and see that it is what this run needs.

    Returns:
        One line saying where the data came from.

    Raises:
        ConfigError: it cannot be read, has too few held-out rows, or is not for this model.
        DataUnavailable: no source has it.
    """
    said = fetch(planned)
    suits(planned)
    return said


def fetch(planned: Plan) -> str:
    """Fetch the data set, and see that it holds as many rows as are to be measured."""
    said: str = call(partial(planned.source.prepare), "data")
    there = len(call(partial(planned.source.load, "test"), "data"))
    if there < planned.measures.samples:
        raise ConfigError(
            f"evaluation.samples={planned.measures.samples}: {planned.config.data.name} has "
            f"{there} held-out rows; evaluation.samples can be {there} at most"
        )
    return said


def suits(planned: Plan) -> None:
    """Refuse data that the model can do nothing with, by what its class says of data."""
    given = frozenset({"setting", "width", "seed", "source"})
    model = bind(planned.config.model, "model", given)
    if hasattr(model.func, "check_data"):
        call(partial(model.func.check_data, planned.source, **model.keywords), "model")
