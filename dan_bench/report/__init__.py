"""Tables from records, and from nothing else."""

from collections.abc import Sequence
from pathlib import Path

from dan_bench.archive import open_results
from dan_bench.records import RunRecord
from dan_bench.report.leaderboard import known_first, leaderboard
from dan_bench.report.render import FORMATS


def table(
    records: Sequence[RunRecord],
    form: str = "table",
    metrics: Sequence[str] | None = None,
    group_by: Sequence[str] | None = None,
) -> str:
    """Render the records as a table.

    Args:
        records: of any runs.
        form: one of `FORMATS`.
        metrics: which columns; default all.
        group_by: what names a row; default everything but the seed.
    """
    wanted = list(metrics) if metrics else known_first(records)
    return FORMATS[form](leaderboard(records, wanted, group_by), wanted)


def write(results: Path) -> Path:
    """Write report.md and report.csv beside the runs; return the former's path."""
    records, _ = open_results(results).all()
    for name, form in (("report.csv", "csv"), ("report.md", "markdown")):
        path = Path(results) / name
        path.write_text(table(records, form))
    return path
