"""The leaderboard and Table 1 as wandb Tables, in a wandb run of their own, from the records."""

import hashlib
import json
from pathlib import Path
from typing import Any

from dan_bench.loggers.offline import finish, folder, prepare
from dan_bench.report import table1
from dan_bench.report.leaderboard import boards, table_of, tidy
from dan_bench.results.cache import CheckedStore
from dan_bench.results.select import OLD, is_old

Grid = tuple[list[str], list[list[Any]]]
"""Headings and rows."""
KIND = "tables"
"""wandb's job type of such a run."""


def collect(results: Path) -> dict[str, Grid]:
    """Return the tables of a results folder by name; none of records that are not there.

    Returns:
        `leaderboard` and `table1` as they are printed, and of each the unrounded numbers, one
        row a cell, as `leaderboard_numbers` and `table1_numbers`.
    """
    found: dict[str, Grid] = {}
    records, _ = CheckedStore(results).all()
    made = boards(records)
    if any(board.rows for board in made):
        several = len(made) > 1
        found["leaderboard"] = as_grid(
            [
                ({"evaluation": board.evaluation} if several else {})
                | ({"attacks": attacks} if attacks else {})
                | {"data": section, **dict(zip(table.headings, row, strict=True))}
                for board in made
                for section, rows in board.sections.items()
                for attacks in [OLD if any(map(is_old, rows[-1].runs)) else ""]
                for table in [table_of(board, section, board.metrics)]
                for row in table.texts()
            ]
        )
        found["leaderboard_numbers"] = as_grid(tidy(made))
    records, _ = table1.store_of(results).all()
    if records:
        printed = table1.rows_of(records)
        found["table1"] = (
            ["preset", *table1.HEADINGS],
            [[row.preset, *map(str, table1.cells(row))] for row in printed],
        )
        found["table1_numbers"] = as_grid(table1.tidy(printed))
    return found


def as_grid(cells: list[dict[str, Any]]) -> Grid:
    """Return dictionaries as headings and rows; what one lacks is None."""
    names = list(dict.fromkeys(name for cell in cells for name in cell))
    return names, [[cell.get(name) for name in names] for cell in cells]


def log_tables(results: Path, project: str) -> Path | None:
    """Log the tables as an offline wandb run, unless the same tables were logged before.

    The run's id is a hash of what the tables hold.

    Returns:
        The run's folder; None where there are no records.
    """
    tables = collect(results)
    if not tables:
        return None
    digest = hashlib.sha256(json.dumps(tables).encode()).hexdigest()[:16]
    name = f"tables-{digest}"
    for before in folder(results).glob(f"offline-run-*-{name}"):
        return before
    prepare(results)
    import wandb

    run = wandb.init(
        project=project,
        mode="offline",
        id=name,
        name="tables: " + " and ".join(table for table in tables if "_" not in table),
        notes="No training: the tables of all records, as they were when this was logged.",
        group=KIND,
        job_type=KIND,
        tags=list(tables),
        dir=str(results),
    )
    for table, (headings, rows) in tables.items():
        run.summary[table] = wandb.Table(columns=headings, data=rows)
    home = Path(run.dir).parent
    finish(run, exit_code=0)
    return home
