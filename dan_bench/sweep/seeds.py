"""Which runs of a sweep are trained as one: `runtime.seeds_per_process`."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from dan_bench.config.schema import RunConfig

ELEMENTWISE = ("Adadelta", "Adagrad", "Adam", "Adamax", "AdamW", "NAdam", "RAdam", "RMSprop", "SGD")
"""Optimisers of `torch.optim` whose step on a number is made of that number's gradients alone."""


def alike(configs: Mapping[str, RunConfig]) -> Iterator[dict[str, RunConfig]]:
    """Return the runs in lists of those that can be trained as one, at most `seeds_per_process`.

    They differ in the seed alone, their own and that of data which are made of it. What cannot be
    trained together with others is a list of its own.
    """
    lists: dict[str, list[str]] = defaultdict(list)
    most = next(iter(configs.values())).runtime.seeds_per_process
    for key, config in configs.items():
        lists[kind_of(config) if most > 1 and apart(config) is None else key].append(key)
    for keys in lists.values():
        for start in range(0, len(keys), most):
            yield {key: configs[key] for key in keys[start : start + most]}


def kind_of(config: RunConfig) -> str:
    """Return what configs have in common that differ in the seed alone."""
    values: dict[str, Any] = config.model_dump(mode="json", by_alias=True)
    if values["data"].get("seed") == values["seed"]:
        del values["data"]["seed"]
    return json.dumps(values | {"seed": None}, sort_keys=True)


def notes(configs: Mapping[str, RunConfig]) -> list[str]:
    """Return a line for each reason why runs are not trained together that were to be."""
    runtime = next(iter(configs.values())).runtime
    if runtime.seeds_per_process == 1:
        return []
    asked = f"runtime.seeds_per_process={runtime.seeds_per_process}"
    reasons = dict.fromkeys(map(apart, configs.values()))
    lines = [f"{asked}: a run is carried out alone where {why}" for why in reasons if why]
    if runtime.accelerator == "cpu" and None in reasons:
        lines.append(f"{asked} saves no time on a CPU (docs/scale.md)")
    return lines


def apart(config: RunConfig) -> str | None:
    """Return why a run cannot be trained together with others of its kind; None where it can."""
    if not config.steps:
        return f"model={config.model.name} trains nothing"
    if config.end_to_end:
        return "end_to_end=true replaces each seed's own copy of the data"
    if config.algorithm1 is not None:
        return "Algorithm 1 is timed around the training of one network"
    for name in ("degenerator", "discriminator"):
        package, _, optimizer = getattr(config.optimizer, name).target.rpartition(".")
        if not package.startswith("torch.optim") or optimizer not in ELEMENTWISE:
            return f"optimizer.{name} is not one that treats each weight by itself"
    return None
