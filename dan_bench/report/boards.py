"""Leaderboards: one for each way of measuring, since only what was measured alike is ranked."""

from collections.abc import Sequence
from dataclasses import dataclass

from dan_bench.interfaces import RunRecord
from dan_bench.report.evaluations import by_evaluation
from dan_bench.report.leaderboard import Row, known_first, leaderboard, missing_axes
from dan_bench.results.pooling import refuse


@dataclass(frozen=True)
class Leaderboard:
    """The rows of runs that were measured alike."""

    evaluation: str
    """In what they were measured otherwise than the commonest; empty where in nothing."""
    metrics: list[str]
    rows: list[Row]

    def title(self, section: str) -> str:
        """Return what the rows of a data set are called, of which another board may have some."""
        name = self.evaluation.partition(":")[0].removeprefix("evaluation ")
        return f"{section} ({name})" if name else section


def boards(
    records: Sequence[RunRecord],
    metrics: Sequence[str] | None = None,
    group_by: Sequence[str] | None = None,
) -> list[Leaderboard]:
    """Return a board for each evaluation, the commonest first.

    Args:
        records: of any runs; those that failed are left out.
        metrics: which columns; default all that the runs of a board have.
        group_by: axes that name a row; default everything but the seed. Where one is a setting of
            the evaluation, all rows stand in one board.

    Raises:
        InputError: the axes would make a row of runs that differ in more than the seed.
    """
    done = [record for record in records if record.status == "done"]
    axes = list(group_by or ())
    together = any(axis.partition(".")[0] == "evaluation" for axis in axes)
    groups = {"": done} if together or not done else by_evaluation(done)
    if axes:
        missing = [axis for group in groups.values() for axis in missing_axes(group, axes)]
        refuse(axes, list(dict.fromkeys(missing)))
    return [
        Leaderboard(
            name,
            list(metrics or known_first(group)),
            leaderboard(group, metrics, group_by),
        )
        for name, group in groups.items()
    ]
