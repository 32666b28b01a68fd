"""Tables from records, and from nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from dan_bench.files import whole
from dan_bench.interfaces import RunRecord
from dan_bench.report.leaderboard import Leaderboard, boards, tables_of, tidy
from dan_bench.report.listing import ordered
from dan_bench.results.archive import open_results
from dan_bench.tables import render


def table(
    records: Sequence[RunRecord],
    form: str = "table",
    metrics: Sequence[str] | Literal["all"] | None = None,
    group_by: Sequence[str] | None = None,
    wide: bool = False,
    sort: str | None = None,
) -> str:
    """Render the records as a table; of several, where they were not measured alike.

    Args:
        records: of any runs.
        form: one of `dan_bench.tables.FORMATS`.
        metrics: which columns, or `all` that the runs of a table have. Default: on a terminal the
            few that decide the verdicts, elsewhere all.
        group_by: what names a row; default everything but the seed.
        wide: on a terminal, print all columns, and each row on one line as long as it is.
        sort: the metric by which the rows of a data set are sorted, the best first.

    Raises:
        InputError: rows by `group_by` would pool runs that differ in more than the seed.
    """
    chosen = boards(records, None if metrics == "all" else metrics, group_by)
    return rendered(chosen, form, metrics, wide, sort)


def rendered(
    chosen: Sequence[Leaderboard],
    form: str,
    metrics: Sequence[str] | Literal["all"] | None = None,
    wide: bool = False,
    sort: str | None = None,
) -> str:
    """Render boards that have these metrics, and others perhaps, as a table; see `table`."""
    if sort is not None:
        chosen = [ordered(board, sort) for board in chosen]
    brief = form == "table" and metrics is None and not wide
    if metrics not in (None, "all"):
        chosen = [board.only(metrics) for board in chosen]
    if form in ("csv", "json"):
        return render(form, (), tidy(chosen))
    return render(form, tables_of(chosen, brief, sort), (), wide)


def write(results: Path, records: Sequence[RunRecord] | None = None) -> Path:
    """Write report.md and report.csv beside the runs; return the former's path.

    Args:
        results: the folder.
        records: all of its records, where they were read already.
    """
    if records is None:
        records = open_results(results).all()[0]
    chosen = boards(records)
    for name, form in (("report.csv", "csv"), ("report.md", "markdown")):
        path = Path(results) / name
        with whole(path) as file:  # a link there is replaced, not followed
            file.write(rendered(chosen, form).encode())
    return path
