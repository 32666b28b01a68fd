"""Which runs a claim is judged by: those that differ in nothing but the seed, side by side."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics import catalogue
from dan_bench.report.findings.finding import Observation, Says
from dan_bench.report.leaderboard import look_up, over_seeds
from dan_bench.results.select import group_methods

DEFAULT_OBJECTIVE = "nonsaturating"
ONE_DIMENSION = "bell"
"""The data set of Figure 6; of one byte a row there is little to claim."""

Judgement = Callable[[Estimate | None], Says]


class Curves(Protocol):
    """Whatever knows the curves of a run."""

    def curves(self, key: str) -> pd.DataFrame | None:
        """Return them; None where it left none."""


@dataclass(frozen=True)
class Material:
    """All that is judged by."""

    records: Sequence[RunRecord]
    """Finished runs."""
    curves: Curves
    table_one: Sequence[RunRecord] = ()
    """Those of Table 1."""


@dataclass(frozen=True)
class Group:
    """Runs that differ in nothing but the seed."""

    runs: tuple[RunRecord, ...]

    @property
    def first(self) -> RunRecord:
        """One of them."""
        return self.runs[0]

    @property
    def data(self) -> str:
        """The data set."""
        return str(self.first.config["data"]["name"])

    @property
    def samples(self) -> int:
        """N, the held-out samples of each."""
        return int(self.first.config["evaluation"]["samples"])

    @property
    def label(self) -> str:
        """What they are: the axes that the claims speak of."""
        config = self.first.config
        model = config["model"]
        words = [model["name"], config.get("output"), config.get("objective", {}).get("name")]
        said = f"{' '.join(word for word in words if word)} on {self.data}"
        settings = [f"epsilon {model['epsilon']:g}"] if "epsilon" in model else []
        settings += [f"scale {model['scale']:g}"] if model.get("scale", 1) != 1 else []
        if "noise_dim" in config and not has_full_noise(self.first):
            settings.append(f"noise_dim {config['noise_dim']}")
        steps = config.get("trainer", {}).get("max_steps")
        settings += [f"{steps} steps"] if steps else []
        return ", ".join([said, *settings])

    def of(self, metric: str) -> Estimate | None:
        """Mean and t interval of a metric or of a detail of one, on the scale of the tables."""
        return over_seeds(self.runs, metric)

    def measured(self, metric: str, says: Judgement | None = None, rule: str = "") -> Observation:
        """Return a metric as evidence; `says` judges it, and without one it stands beside."""
        name, _, detail = metric.partition(".")
        heading = catalogue.metric(name).heading + (f", {detail}" if detail else "")
        keys = tuple(run.key for run in self.runs if look_up(run, metric) is not None)
        return self.evidence(heading, self.of(metric), says, rule, keys)

    def evidence(
        self,
        heading: str,
        estimate: Estimate | None,
        says: Judgement | None = None,
        rule: str = "",
        keys: tuple[str, ...] | None = None,
        of_sample: bool = True,
    ) -> Observation:
        """Return a figure of these runs as evidence; N is not that of one not `of_sample`."""
        return Observation(
            self.label,
            heading,
            estimate,
            "beside" if says is None else says(estimate),
            rule,
            self.samples if of_sample else None,
            len({run.config["seed"] for run in self.runs}),
            tuple(run.key for run in self.runs) if keys is None else keys,
        )


def groups(records: Iterable[RunRecord]) -> list[Group]:
    """Return the records in groups: most seeds first, then most steps, then most metrics."""
    made = [Group(method.by_seed) for method in group_methods(records)]
    return sorted(made, key=lambda group: (-len(group.runs), -steps(group), -breadth(group)))


def seed_of(run: RunRecord) -> int:
    """Return its seed."""
    return int(run.config["seed"])


def steps(group: Group) -> int:
    """Return how long they were trained."""
    return int(group.first.config.get("trainer", {}).get("max_steps", 0))


def breadth(group: Group) -> int:
    """Return how many metrics they have."""
    return sum(estimate is not None for estimate in group.first.metrics.values())


def by_data(found: Sequence[Group]) -> list[Group]:
    """Return the first group of each data set, by its name."""
    first: dict[str, Group] = {}
    for group in found:
        first.setdefault(group.data, group)
    return [first[data] for data in sorted(first)]


def named(records: Iterable[RunRecord], *names: str) -> list[RunRecord]:
    """Return the runs of these models or controls."""
    return [run for run in records if run.config["model"]["name"] in names]


def having(records: Iterable[RunRecord], *metrics: str) -> list[RunRecord]:
    """Return the runs that have all of these metrics."""
    return [run for run in records if all(run.metrics.get(metric) for metric in metrics)]


def trained(
    records: Iterable[RunRecord],
    model: str,
    output: str | None = None,
    objective: str | None = DEFAULT_OBJECTIVE,
) -> list[RunRecord]:
    """Return a model's trained runs, as the claims mean it; None takes any output or objective.

    Without those whose degenerator stood still, that overwrote what they learned from, or of one
    dimension.
    """

    def fits(config: dict[str, Any]) -> bool:
        return (
            config["model"]["name"] == model
            and config["model"]["kind"] == "learned"
            and config["data"]["name"] != ONE_DIMENSION
            and output in (None, config.get("output"))
            and objective in (None, config.get("objective", {}).get("name"))
            and not config.get("trainer", {}).get("freeze_degenerator")
            and not config.get("end_to_end")
        )

    return [run for run in records if fits(run.config)]


def has_full_noise(run: RunRecord) -> bool:
    """Return whether each sample was given as many fresh numbers as it has bytes."""
    shannon = run.metrics.get("shannon_bits")
    if shannon is None or shannon.n is None:
        return True
    return int(run.config["noise_dim"]) * int(run.config["evaluation"]["samples"]) >= shannon.n


def full_noise(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Return the runs whose samples were given as many fresh numbers as they have bytes."""
    return [run for run in records if has_full_noise(run)]


def beside(records: Iterable[RunRecord], name: str, group: Group) -> Group | None:
    """Return a control's runs on the same data at the same N, where there are any."""
    same = [
        run
        for run in named(records, name)
        if run.config["data"]["name"] == group.data
        and run.config["evaluation"]["samples"] == group.samples
    ]
    # of several evaluations the one that measured most: what it made is the same
    found = sorted(groups(same), key=breadth, reverse=True)
    return found[0] if found else None
