"""Rows of the leaderboards together with the runs that they were made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from dan_bench.interfaces import RunRecord
from dan_bench.report.figures.grid import short_names
from dan_bench.report.leaderboard import Row, boards


@dataclass(frozen=True)
class MethodSummary:
    """One row; ideal noise has no runs."""

    row: Row
    runs: tuple[RunRecord, ...]
    name: str
    """Short; within a data set no other has the same."""
    evaluation: str
    """In what its measurements differ from the commonest; empty where in nothing."""


def summaries(records: Sequence[RunRecord]) -> list[MethodSummary]:
    """Return the rows of all leaderboards, in their order, each with its runs by seed.

    A name that a board before has taken says which board it is of.
    """
    found: list[MethodSummary] = []
    for board in boards(records):
        taken = {(one.row.section, one.name) for one in found}
        for section, rows in board.sections.items():
            for label, name in short_names([row.label for row in rows]).items():
                (row,) = [row for row in rows if row.label == label]
                more = f" · {board.evaluation.split(':')[0]}" * ((section, name) in taken)
                found.append(MethodSummary(row, row.by_seed, name + more, board.evaluation))
    return found
