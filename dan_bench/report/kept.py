"""Reports that are kept beside the runs, and made again only where a record has changed."""

import hashlib
import json
import math
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from dan_bench.files import whole
from dan_bench.interfaces import RunRecord
from dan_bench.report import table, write
from dan_bench.report.leaderboard import Leaderboard, boards
from dan_bench.results.archive import open_results
from dan_bench.results.cache import NAME as CACHE
from dan_bench.results.cache import CachedStore
from dan_bench.results.left_out import NEEDS_ROWS
from dan_bench.results.reading import DAMAGES
from dan_bench.tables import terminal_width

NAME = ".report.json"
BOARDS = (".boards.json", ".boards-asked.json")
"""Of all runs as they are grouped by default; of what was last asked for otherwise."""
TOLD = (NEEDS_ROWS, "trained_as_one")
"""Provenance of a run that tables say something of."""
FILES = ("report.md", "report.csv")
PACKAGE = Path(__file__).resolve().parents[1]


def report(results: Path, keys: Collection[str]) -> tuple[str, Path]:
    """Return the table of these runs, and the path of the report on all, which is there then.

    What was made before is taken if no record, nor the program, has changed since; and, of the
    table, if it is of the same runs and the terminal is as wide.

    Raises:
        OSError: the report cannot be written.
    """
    state = state_of(results)
    of_table = hashed([state, sorted(keys), terminal_width()])
    path = results / "runs" / NAME
    kept: dict[str, Any] = {}
    with suppress(*DAMAGES):  # a pipe is not waited for
        kept = dict(json.loads(path.read_text())) if path.is_file() else {}
    fresh = kept.get("state") == [state, stamps(results)]
    if fresh and kept.get("of_table") == of_table and isinstance(kept.get("table"), str):
        return kept["table"], results / FILES[0]
    records = open_results(results).all()[0]
    ours = set(keys)
    text = table([record for record in records if record.key in ours], "table")
    if not fresh:
        write(results, records)
    kept = {"state": [state, stamps(results)], "of_table": of_table, "table": text}
    with whole(path, synced=False) as file:
        file.write(json.dumps(kept).encode())
    return text, results / FILES[0]


@dataclass(frozen=True)
class Kept:
    """Boards of all metrics, from which any table of these methods is made."""

    boards: list[Leaderboard]
    details: set[str]
    """Names that are metrics too; the boards have none of them."""
    failed: int
    """Runs that are left out."""


def boards_of(results: Path, asked: list[Any], make: Callable[[], tuple[Kept, bool]]) -> Kept:
    """Return boards as they were when all was as it is now.

    Those of all runs are known, and those of the part that was last asked for, in a folder with so
    many records that there is a cache of them; all else is made. Of the runs of those that are
    known there is only what tables look up: no metric.

    Args:
        results: the folder.
        asked: all that the boards depend on beside records and program: nothing of all runs.
        make: makes them, and says whether to keep them.
    """
    path, form = results / "runs" / BOARDS[any(asked)], TypeAdapter(Kept)
    state = hashed([state_of(results), asked]).encode()
    with suppress(*DAMAGES):
        known, _, kept = (path.read_bytes() if path.is_file() else b"").partition(b"\n")
        if known == state:
            found = form.validate_json(kept, strict=True)
            if found.boards:
                return found
    made, keep = make()
    if keep and path.with_name(CACHE).is_file() and all(map(is_finite, made.boards)):
        note = replace(made, boards=[with_runs(of, slim) for of in made.boards])
        with suppress(*DAMAGES):  # a record may hold what JSON does not
            content = form.dump_json(note, exclude_defaults=True)
            with whole(path, synced=False) as file:
                file.write(state + b"\n" + content)
    return made


def is_finite(board: Leaderboard) -> bool:
    """Return whether JSON holds all numbers of a board: it has no infinity."""
    found = [cell.estimate for row in board.rows for cell in row.cells.values()]
    return all(math.isfinite(sum(filter(None, (e.value, e.low, e.high)))) for e in found)


def boards_with(results: Path, records: Sequence[RunRecord]) -> list[Leaderboard]:
    """Return the boards of all records of a folder, with these as their runs."""
    runs = {record.key: record for record in records}
    made = boards_of(results, [None, None], lambda: (Kept(boards(records), set(), 0), False))
    try:
        return [with_runs(board, lambda run: runs[run.key]) for board in made.boards]
    except KeyError:  # a record came or went since they were read
        return boards(records)


def with_runs(board: Leaderboard, of: Callable[[RunRecord], RunRecord]) -> Leaderboard:
    """Return a board with others in place of its runs."""
    return replace(board, rows=[replace(row, runs=tuple(map(of, row.runs))) for row in board.rows])


def slim(run: RunRecord) -> RunRecord:
    """Return a run with no more than tables look up."""
    told = {name: run.provenance[name] for name in TOLD if name in run.provenance}
    config = {"model": {"kind": run.config["model"]["kind"]}, "seed": run.config["seed"]}
    version = run.schema_version
    return RunRecord(run.key, run.status, config, provenance=told, schema_version=version)


def state_of(results: Path) -> str:
    """Return a text that is another as soon as a record is, or the program."""
    return hashed([CachedStore(results).fingerprint(), program()])


def hashed(value: Any) -> str:
    """Return a text that tells a value of JSON from others."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def program() -> list[list[Any]]:
    """Return what is another as soon as a file of this program is, be it code or a table."""
    files = sorted(path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".csv"))
    about = [(path.relative_to(PACKAGE), path.stat()) for path in files]
    return [[str(name), of.st_ino, of.st_size, of.st_mtime_ns] for name, of in about]


def stamps(results: Path) -> list[list[int]]:
    """Return what tells the report's files from others of their names; nothing of what is gone."""
    found = []
    for name in FILES:
        with suppress(OSError):
            of = (results / name).lstat()
            found.append([of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns])
    return found
