"""Which runs a claim is judged by: selected by their settings, grouped by all but the seed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import not_
from typing import Any, Literal

import pandas as pd

from dan_bench.interfaces import Results, RunRecord
from dan_bench.metrics.destruction import shannon_bound
from dan_bench.report.leaderboard import look_up
from dan_bench.report.table1 import title
from dan_bench.results.select import group_methods, is_old, stated

ONE_DIMENSION = "bell"
"""The data set of Figure 6; of one byte a row there is little to claim."""


@dataclass(frozen=True)
class Material:
    """The finished runs, those of Table 1 among them, and where their curves are."""

    records: Sequence[RunRecord]
    results: Results


@dataclass(frozen=True)
class Runs:
    """Which runs: by their settings, and by what was measured of them."""

    where: Mapping[str, Any] = field(default_factory=dict)
    """Settings by dotted name: the value, a list of the values that will do, or what it is above.

    `schema_version` is one too.
    """
    trained: bool = False
    """A trained model as the claims mean it: see `TRAINED`."""
    noise: Literal["any", "full", "some", "none", "bounded"] = "any"
    """How much fresh noise each sample was given: see `FRESH`."""
    measured: Sequence[str] = ()
    """Metrics, or details of one, that every run has."""
    curves: Sequence[str] = ()
    """Curves that every run of a group has, of two points or more."""
    every: bool = False
    """All groups; otherwise, of each data set, the first by `Group.rank`."""


@dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but the seed."""

    runs: tuple[RunRecord, ...]
    results: Results = field(repr=False)

    @property
    def config(self) -> dict[str, Any]:
        """The config of one of them, and its schema version."""
        return stated(self.runs[0])

    @property
    def data(self) -> str:
        """The data set."""
        return str(self.config["data"]["name"])

    @property
    def rank(self) -> tuple[int, ...]:
        """What groups are sorted by: the newest schema, then most seeds, steps and metrics."""
        steps = int(setting(self.config, "trainer.max_steps") or 0)
        return -self.runs[0].schema_version, -len(self.runs), -steps, -self.breadth

    @property
    def breadth(self) -> int:
        """How many metrics they have."""
        return sum(estimate is not None for estimate in self.runs[0].metrics.values())

    @property
    def label(self) -> str:
        """What they are: the settings that the claims speak of."""
        config = self.config
        if "subject" in config:
            return f"{title(self.runs[0])}, preset {config['preset']}"
        model = config["model"]
        words = [model["name"], config.get("output"), setting(config, "objective")]
        said = [f"{' '.join(word for word in words if word)} on {self.data}"]
        said += [f"epsilon {model['epsilon']:g}"] if "epsilon" in model else []
        said += [f"scale {model['scale']:g}"] if model.get("scale", 1) != 1 else []
        if "noise_dim" in config and not has_full_noise(self.runs[0]):
            said.append(f"noise_dim {config['noise_dim']}")
        steps, weight = setting(config, "trainer.max_steps"), model.get("certificate_weight")
        said += [] if weight is None else [f"certificate_weight {weight:g}"]
        said += [f"{config['noise']} noise"] if weight is not None else []
        said += [f"{steps} steps"] if steps else []
        said += [f"schema {config['schema_version']}"] if is_old(self.runs[0]) else []
        return ", ".join(said)

    @cached_property
    def points(self) -> list[pd.DataFrame | None]:
        """The curves of each run."""
        return [self.results.curves(run.key) for run in self.runs]

    def curve(self, name: str) -> list[pd.Series]:
        """Return one curve of each run; nothing where a run has fewer than two points of it."""
        found = [p[name].dropna() for p in self.points if p is not None and name in p]
        return found if len(found) == len(self.runs) and all(len(c) > 1 for c in found) else []


def select(material: Material, wanted: Runs) -> list[Group]:
    """Return the groups of the runs that are wanted."""
    where = {**(TRAINED if wanted.trained else {}), **wanted.where}
    records = [
        run
        for run in material.records
        for config in [stated(run)]
        if all(fits(setting(config, name), value) for name, value in where.items())
        and all(look_up(run, metric) for metric in wanted.measured)
        and FRESH[wanted.noise](run)
    ]
    found = [g for g in groups(records, material.results) if all(map(g.curve, wanted.curves))]
    if wanted.every:
        return found
    first = {group.data: group for group in reversed(found)}
    return [first[data] for data in sorted(first)]


def groups(records: Iterable[RunRecord], results: Results) -> list[Group]:
    """Return the records in groups that differ in nothing but the seed, by their rank."""
    found = [Group(method.by_seed, results) for method in group_methods(records)]
    return sorted(found, key=lambda group: group.rank)


def setting(config: Mapping[str, Any], name: str) -> Any:
    """Return a setting by its dotted name, a part by its own name; None where there is none."""
    found: Any = config
    for word in name.split("."):
        found = found.get(word) if isinstance(found, Mapping) else None
    return found.get("name") if isinstance(found, Mapping) else found


def fits(value: Any, wanted: Any) -> bool:
    """Return whether a setting has the value, one of the values, or meets the condition."""
    if isinstance(wanted, Mapping):
        return value is not None and bool(value > wanted["above"])
    if callable(wanted):
        return bool(wanted(value))
    return value in wanted if isinstance(wanted, list) else wanted in (value, "any")


TRAINED: Mapping[str, Any] = {
    "model.kind": "learned",
    "objective": "nonsaturating",
    "data": lambda name: name != ONE_DIMENSION,
    "trainer.freeze_degenerator": not_,
    "end_to_end": not_,
}
"""Not those whose degenerator stood still, that overwrote what they learned from, or of one
dimension."""


def has_full_noise(run: RunRecord) -> bool:
    """Return whether each sample was given as many fresh numbers as it has bytes."""
    shannon = look_up(run, "shannon_bits")
    if shannon is None or shannon.n is None:
        return True
    return int(run.config["noise_dim"]) * int(run.config["evaluation"]["samples"]) >= shannon.n


def bound_of(run: RunRecord) -> float:
    """Return Shannon's bound in percent; 100 where the record does not say how many bits."""
    bits, fresh = look_up(run, "dictionary_recovered.of_bits"), run.costs.get("noise_bits")
    if fresh is None or bits is None or bits.value <= 0:
        return 100.0
    return shannon_bound(fresh, bits.value)


FRESH: Mapping[str, Callable[[RunRecord], bool]] = {
    "any": lambda _: True,
    "full": has_full_noise,
    "some": lambda run: bool(run.config["noise_dim"] > 0),
    "none": lambda run: bool(run.config["noise_dim"] == 0),
    "bounded": lambda run: bound_of(run) < 100,
}
