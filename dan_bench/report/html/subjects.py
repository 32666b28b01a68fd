"""Rows of the leaderboards together with the runs that they were made of."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from dan_bench.interfaces import RunRecord
from dan_bench.report.leaderboard import Row, leaderboard
from dan_bench.results.select import by_evaluation


@dataclass(frozen=True)
class MethodSummary:
    """One row; ideal noise has no runs."""

    row: Row
    runs: tuple[RunRecord, ...]
    name: str
    """As figures name it; within a data set no other has the same."""
    evaluation: str
    """In what its measurements differ from the commonest; empty where in nothing."""


def subjects(records: Sequence[RunRecord]) -> list[MethodSummary]:
    """Return the rows of all leaderboards, in their order, each with its runs by seed."""
    done = [record for record in records if record.status == "done"]
    found: list[MethodSummary] = []
    for evaluation, alike in by_evaluation(done).items():
        found += measured(alike, evaluation, {(s.row.section, s.name) for s in found})
    return found


def measured(
    done: Sequence[RunRecord], evaluation: str, taken: Collection[tuple[str, str]]
) -> list[MethodSummary]:
    """Return the rows of one leaderboard; a name that another has taken says which one it is."""
    rows = leaderboard(done)
    labels: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        labels[row.section].append(row.label)
    names = {section: short_names(members) for section, members in labels.items()}
    return [
        MethodSummary(
            row,
            row.by_seed,
            name if (row.section, name) not in taken else f"{name} · {evaluation.split(':')[0]}",
            evaluation,
        )
        for row in rows
        for name in [names[row.section][row.label]]
    ]


def short_names(labels: Sequence[str]) -> dict[str, str]:
    """Return a short name for each label; the label itself where two would be called the same."""
    names = {label: short(label) for label in labels}
    count = Counter(names.values())
    return {label: name if count[name] == 1 else label for label, name in names.items()}


def short(label: str) -> str:
    """Return a label without settings that are none, nor repeated; dotted names by their ends."""
    words = [re.sub(r"^[\w.]+\.(\w+=)", r"\1", word) for word in label.split()]
    return " ".join(dict.fromkeys(word for word in words if not word.endswith("=none")))
