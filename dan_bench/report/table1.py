"""The paper's Table 1, from its records alone: `python -m dan_bench.report table1`."""

import json
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from dan_bench.cli import InputError
from dan_bench.config.schema import CONF
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.inputs import read, results_parser
from dan_bench.results.record import Store
from dan_bench.results.select import OLD, differing, group_methods, is_old, settings_of, stated
from dan_bench.statistics import t_interval
from dan_bench.tables import (
    FORMATS,
    MISSING,
    Bold,
    Column,
    Table,
    number,
)
from dan_bench.tables import render as render_tables

TRAINING, ALBUM, ACCURACY = "training_data_destroyed", "album_destroyed", "accuracy"
OUTPUT = "percent_destroyed"
METRICS = (ACCURACY, TRAINING, ALBUM, OUTPUT)
"""Columns of measurements, as records name them."""
REPORTED = CONF / "table1" / "reported.toml"
SUBJECTS = CONF / "table1" / "quick"
HEADINGS = (
    "subject",
    "held-out accuracy, %",
    "%_dd training set, on disk",
    "paper",
    "%_dd album, on disk",
    "paper",
    "%_dd in the output",
)
MEANING = (
    "%_dd on disk: percentage of the files' bytes destroyed, looked for through handles that were "
    "opened before the subject ran; with a 95 % interval, and an upper bound. Unverified: seen to "
    "be changed, but the old bytes may lie elsewhere. A file that is gone or replaced by another "
    "has left its bytes where they were. %_dd in the output is another question: how much of the "
    "data fresh attackers cannot recover from the noise that took its place, where that noise was "
    "made from the data; attacks only get better."
)


class UnusableNumbers(InputError):
    """The file with the paper's own numbers cannot be used; the message says why."""


@dataclass(frozen=True)
class EntryRow:
    """One subject of one preset, over its seeds."""

    preset: str
    subject: str
    title: str
    seeds: int
    cells: dict[str, Estimate | None]
    """One for each of `METRICS`, in percent; details of those on disk count files."""
    notes: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    reported: dict[str, float] = field(default_factory=dict)
    """What the paper reports: `training` and `album`, where it was filled in."""


def store_of(results: Path) -> Store:
    """Return the store of Table 1's records, `<results>/table1/<key>/`."""
    return Store(results, "table1")


def reported_by_paper(path: Path = REPORTED) -> dict[str, dict[str, float]]:
    """Return what the paper's own Table 1 reports of each subject: `training`, `album`, in percent.

    Raises:
        UnusableNumbers: it is no TOML, or says something else than that.
    """
    try:
        found = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise UnusableNumbers(f"{path}: {error}") from error
    known = sorted(path.stem for path in SUBJECTS.glob("*.yaml"))
    for subject, of in found.items():
        if subject not in known:
            raise UnusableNumbers(f"{path}: no subject {subject!r}; there are {', '.join(known)}")
        for column, percent in of.items() if isinstance(of, dict) else [(subject, of)]:
            if column not in ("training", "album"):
                raise UnusableNumbers(f"{path}: {subject} has {column!r}, not training or album")
            if type(percent) not in (int, float) or not 0 <= percent <= 100:
                raise UnusableNumbers(
                    f"{path}: {subject}.{column} is {percent!r}, not a percentage from 0 to 100"
                )
    return found


def rows_of(records: Sequence[RunRecord], reported: Path = REPORTED) -> list[EntryRow]:
    """Make a row of the records that differ in nothing but the seed.

    Args:
        records: of Table 1. Where all of a row have failed, so says the row.
        reported: the file with the paper's own numbers.

    Raises:
        UnusableNumbers: of that file.
    """
    paper = reported_by_paper(reported)
    groups = sorted((entry.runs for entry in group_methods(records)), key=lambda of: place(of[0]))
    return [
        EntryRow(
            str(first.config["preset"]),
            str(first.config["subject"]),
            named,
            len(done),
            {name: over_seeds(done or group, name) for name in METRICS},
            tuple(dict.fromkeys(note for record in group for note in notes_of(record))),
            tuple(failure(record) for record in group if record.status == "failed"),
            paper.get(str(first.config["subject"]), {}),
        )
        for group, named in zip(groups, titles([group[0] for group in groups]), strict=True)
        for first in [group[0]]
        for done in [[record for record in group if record.status == "done"]]
    ]


def place(record: RunRecord) -> tuple[str, int]:
    """Return the preset of a row, and its place in it."""
    return str(record.config["preset"]), int(record.provenance.get("position", 0))


def title(record: RunRecord) -> str:
    """Return a subject's name, which says so where the training set is a stand-in."""
    named = str(record.provenance.get("title", record.config["subject"]))
    return named + (" (stand-in)" if record.provenance.get("stand_in") else "")


def titles(firsts: Sequence[RunRecord]) -> list[str]:
    """Return a title for each row, with the settings that tell it from others of the same name."""
    settings = settings_of({**stated(record), "seed": None} for record in firsts)
    alike: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, record in enumerate(firsts):
        alike[str(record.config["preset"]), title(record)].append(i)
    made = [title(record) for record in firsts]
    for rows in alike.values():
        for setting in differing([settings[i] for i in rows]):
            for i in rows:
                made[i] += f" {setting}={settings[i].get(setting, 'none')}"
    return made


def notes_of(record: RunRecord) -> list[str]:
    """Return the notes of a record, which stand under the table."""
    doubts = [f"unverified because: {why}" for why in record.provenance.get("unverified", [])]
    old = is_old(record) and record.metrics.get(OUTPUT) is not None
    notes = [*record.provenance.get("notes", []), *doubts]
    return [*notes, *([f"%_dd in the output: {OLD}"] if old else [])]


def failure(record: RunRecord) -> str:
    """Return which run failed, and why."""
    last = (record.traceback or "no traceback").strip().splitlines()[-1]
    return f"{title(record)}, seed {record.config['seed']}, failed: {last}"


def over_seeds(records: Sequence[RunRecord], metric: str) -> Estimate | None:
    """Mean over seeds with its t interval; a single seed keeps its own interval.

    Where something is unverified, the interval is the mean of the intervals: what is not known
    of each seed is not known any better of all.
    """
    scale = 100.0 if metric == ACCURACY else 1.0
    found = [estimate for record in records if (estimate := record.metrics.get(metric)) is not None]
    if not found:
        return None
    counts = {
        name: sum(estimate.details.get(name, 0) for estimate in found)
        for name in sorted({name for estimate in found for name in estimate.details})
    }
    mean = t_interval([scale * estimate.value for estimate in found])
    low, high = mean.low, mean.high
    if len(found) == 1 or counts.get("unverified"):
        ends = zip(*(estimate.ends for estimate in found), strict=True)
        low, high = (scale * sum(of) / len(found) for of in ends)
    return Estimate(mean.value, low, high, len(found), counts)


def text(estimate: Estimate | None) -> str:
    """Return a cell: a number with its interval, or the interval where it is unverified."""
    if estimate is None:
        return MISSING
    counts, said = estimate.details, number(estimate)
    if counts.get("unverified"):
        said = f"unverified, {estimate.low:.4g} to {estimate.high:.4g}"
    for fate in ("gone", "replaced"):
        if counts.get(fate):
            said += f"; {counts[fate]:.0f} of {counts['files']:.0f} files {fate}"
    return said


def cells(row: EntryRow) -> list[str]:
    """Return what a row prints, column by column."""
    # the paper prints its hundreds in bold
    paper = {
        name: Bold("100") if percent == 100 else f"{percent:g}"
        for name, percent in row.reported.items()
    }
    return [
        row.title + (" (failed)" if row.failures and not row.seeds else ""),
        text(row.cells[ACCURACY]),
        text(row.cells[TRAINING]),
        paper.get("training", MISSING),
        text(row.cells[ALBUM]),
        paper.get("album", MISSING),
        text(row.cells[OUTPUT]),
    ]


def lines_under(rows: Sequence[EntryRow]) -> list[str]:
    """Return the notes under a table: what the numbers are, and what stands in for what."""
    seeds = sorted({row.seeds for row in rows})
    said = [MEANING, f"Seeds a row: {', '.join(map(str, seeds))}."]
    said.append(f"paper: what its own Table 1 reports; {MISSING} = it has no such row.")
    said += dict.fromkeys(note for row in rows for note in row.notes)
    return said + [one for row in rows for one in row.failures]


def tables_of(rows: Sequence[EntryRow]) -> list[Table]:
    """Return a table for each preset."""
    # what holds words stands on the right too: most of it are numbers
    columns = [Column(name, "left" if i == 0 else "right") for i, name in enumerate(HEADINGS)]
    return [
        Table(
            columns,
            [cells(row) for row in members],
            f"Table 1, preset {preset}",
            notes=lines_under(members),
        )
        for preset, group in groupby(rows, key=lambda row: row.preset)
        for members in [list(group)]
    ]


def tidy(rows: Sequence[EntryRow]) -> list[dict[str, Any]]:
    """Return one dictionary a cell, unrounded."""
    column = {TRAINING: "training", ALBUM: "album"}
    return [
        {
            "preset": row.preset,
            "subject": row.subject,
            "title": row.title,
            "seeds": row.seeds,
            "metric": name,
            "mean": None if cell is None else cell.value,
            "low": None if cell is None else cell.low,
            "high": None if cell is None else cell.high,
            **{
                count: None if cell is None else cell.details.get(count)
                for count in ("files", "gone", "replaced", "unverified")
            },
            "paper": row.reported.get(column.get(name, "")),
        }
        for row in rows
        for name, cell in row.cells.items()
    ]


def render(rows: Sequence[EntryRow], form: str = "table") -> str:
    """Return the table in one of `FORMATS`; JSON has what stands under each table too."""
    tables = tables_of(rows)
    if form == "json":
        notes = {table.title: table.notes for table in tables}
        whole = {"cells": tidy(rows), "notes": notes}
        return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
    return render_tables(form, tables, tidy(rows))


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 0 where there was one, 2 where there are no records."""
    made = results_parser("table1", "Print Table 1 again from its records.")
    made.add_argument("--format", choices=FORMATS, default="table")
    asked = made.parse_args(arguments)
    _, records = read(asked.results, "table1")
    if not records:
        makes = "`python -m dan_bench.table1` makes some"
        raise InputError(f"no records under {asked.results.absolute()}/table1; {makes}")
    print(render(rows_of(records), asked.format), end="")
    return 0
