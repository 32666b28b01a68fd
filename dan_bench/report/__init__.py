"""Tables from records, and from nothing else."""

from collections.abc import Sequence
from pathlib import Path

from dan_bench.interfaces import RunRecord
from dan_bench.report.boards import boards
from dan_bench.report.render import FORMATS
from dan_bench.results.archive import open_results


def table(
    records: Sequence[RunRecord],
    form: str = "table",
    metrics: Sequence[str] | None = None,
    group_by: Sequence[str] | None = None,
) -> str:
    """Render the records as a table; of several, where they were not measured alike.

    Args:
        records: of any runs.
        form: one of `FORMATS`.
        metrics: which columns; default all that the runs of a table have.
        group_by: what names a row; default everything but the seed.

    Raises:
        InputError: rows by `group_by` would pool runs that differ in more than the seed.
    """
    return FORMATS[form](boards(records, metrics, group_by))


def write(results: Path) -> Path:
    """Write report.md and report.csv beside the runs; return the former's path."""
    records, _ = open_results(results).all()
    for name, form in (("report.csv", "csv"), ("report.md", "markdown")):
        path = Path(results) / name
        path.write_text(table(records, form))
    return path
