"""Which of many methods a figure shows: those that differ in nothing but what it compares.

A results folder holds sweeps for different purposes. A figure that compares models shows those of
one evaluation, one training schedule and one objective, and says how many others there are.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from dan_bench.interfaces import RunRecord
from dan_bench.results.select import (
    KINDS,
    Method,
    by_evaluation,
    group_methods,
    method_numbers,
    stated,
)

TRAINING = ("trainer", "optimizer", "noise_dim", "noise", "end_to_end", "algorithm1")
"""Parts of a config that say how a network was trained."""
OBJECTIVE = "nonsaturating"
"""The default, which is shown where there are several."""


class PlottedMethod(Method):
    """A method of a figure: of one data set no two have the same name."""

    @property
    def name(self) -> str:
        """Model and output: nothing else differs. A control has no output."""
        return f"{self.model} {self.output}".strip()

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.axes["model"]

    @property
    def output(self) -> str:
        """Its output layer; empty for a control."""
        return self.axes["output"]


class SameRecords(tuple[RunRecord, ...]):
    """Records that equal others where each is the same object."""

    def __hash__(self) -> int:
        return hash(tuple(map(id, self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple) and [*map(id, self)] == [*map(id, other)]


def grid(records: Sequence[RunRecord]) -> tuple[list[PlottedMethod], str]:
    """Choose the methods that can be compared with each other.

    Args:
        records: of any runs; those that failed are left out.

    Returns:
        The methods: by data set, controls first, then untrained networks, then models. And one
        sentence on how many were left out; empty where none was.
    """
    shown, others = chosen_of(SameRecords(r for r in records if r.status == "done"))
    return [*shown], others


@lru_cache(maxsize=4)  # a page has six figures of the same methods
def chosen_of(done: SameRecords) -> tuple[list[PlottedMethod], str]:
    """Do the work of `grid`, of records that are done."""
    kept = next(iter(by_evaluation(done).values()), [])
    trained = [record for record in kept if record.config["model"]["kind"] == "learned"]
    objectives = Counter(objective_of(record) for record in trained)
    of = OBJECTIVE if OBJECTIVE in objectives else next(iter(objectives), "")
    known: dict[tuple[int, ...], str] = {}
    alike = [record for record in trained if objective_of(record) == of]
    chosen = most_common(alike, lambda record: training_of(record, known))
    keys = {record.key for record in chosen}
    kept = [r for r in kept if r.config["model"]["kind"] != "learned" or r.key in keys]
    groups: dict[tuple[Any, ...], list[RunRecord]] = defaultdict(list)
    for record in kept:
        config = record.config
        kind, name = config["model"]["kind"], config["model"]["name"]
        output = "" if kind == "control" else config.get("output", "")
        groups[config["data"]["name"], KINDS.index(kind), name, output].append(record)
    shown = []
    for (section, _, name, output), runs in sorted(groups.items()):
        most = max(group_methods(runs), key=lambda method: len(method.runs))
        axes = {"data": section, "model": name, "output": output}
        shown.append(PlottedMethod(axes, most.by_seed))
    return shown, left_out(done, [run for subject in shown for run in subject.runs], of)


def most_common(
    records: Sequence[RunRecord], setting: Callable[[RunRecord], str]
) -> list[RunRecord]:
    """Return the records of the setting that most of them have; of equals the first."""
    counts = Counter(setting(record) for record in records)
    if not counts:
        return []
    (best, _), *_ = counts.most_common(1)
    return [record for record in records if setting(record) == best]


def objective_of(record: RunRecord) -> str:
    """Return the name of the objective."""
    return str(record.config.get("objective", {}).get("name", ""))


def training_of(record: RunRecord, known: dict[tuple[int, ...], str]) -> str:
    """Return how a network was trained, and on how much noise of which law.

    Args:
        record: of a run.
        known: what was said of records before that are still there, by their parts' ids: many
            records share them.
    """
    config = stated(record)
    parts = [config.get(part) for part in TRAINING]
    ids = tuple(map(id, parts))
    return known.get(ids) or known.setdefault(ids, repr(parts))


def left_out(records: Sequence[RunRecord], shown: Sequence[RunRecord], objective: str) -> str:
    """Return one sentence on the methods that are not shown."""
    there = {run.key for run in shown}
    of = list(zip(method_numbers(map(stated, records)), records, strict=True))
    count = len({i for i, _ in of} - {i for i, run in of if run.key in there})
    if count == 0:
        return ""
    others = "other evaluations or settings"
    if objective:
        others = f"objectives other than {objective}, other schedules or evaluations"
    return f"Left out: {count} {'method' if count == 1 else 'methods'} of {others}."


def short_names(labels: Sequence[str]) -> dict[str, str]:
    """Return a short name for each label; the label itself where two would be called the same."""
    names = {label: short(label) for label in labels}
    count = Counter(names.values())
    return {label: name if count[name] == 1 else label for label, name in names.items()}


def short(label: str) -> str:
    """Return a label without settings that are none, nor repeated; dotted names by their ends."""
    words = [re.sub(r"^[\w.]+\.(\w+=)", r"\1", word) for word in label.split()]
    return " ".join(dict.fromkeys(word for word in words if not word.endswith("=none")))
