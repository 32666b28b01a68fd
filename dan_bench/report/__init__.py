"""Tables from records, and from nothing else."""

from collections.abc import Sequence
from pathlib import Path

from dan_bench.archive import open_results
from dan_bench.records import RunRecord
from dan_bench.report.evaluations import by_evaluation
from dan_bench.report.leaderboard import known_first, leaderboard
from dan_bench.report.render import FORMATS

HEADINGS = {"table": "{}\n", "markdown": "## {}\n", "latex": "% {}"}
"""Of the tables of one evaluation, where there are several; the other formats have a field."""


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
        group_by: what names a row; default everything but the seed, and a table an evaluation.
    """
    groups = {"": list(records)} if group_by else by_evaluation(records)
    columns = {name: list(metrics or known_first(group)) for name, group in groups.items()}
    rows = {name: leaderboard(group, columns[name], group_by) for name, group in groups.items()}
    if form not in HEADINGS:
        together = [row.measured(name) if name else row for name in groups for row in rows[name]]
        return FORMATS[form](together, [])
    texts = [
        (HEADINGS[form].format(name) + "\n" if name else "")
        + FORMATS[form](rows[name], columns[name])
        for name in groups
    ]
    return "\n".join(texts)


def write(results: Path) -> Path:
    """Write report.md and report.csv beside the runs; return the former's path."""
    records, _ = open_results(results).all()
    for name, form in (("report.csv", "csv"), ("report.md", "markdown")):
        path = Path(results) / name
        path.write_text(table(records, form))
    return path
