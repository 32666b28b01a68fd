"""The report that a sweep leaves beside its runs, made again only where a record has changed."""

import hashlib
import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from dan_bench.files import whole
from dan_bench.report import table, write
from dan_bench.results.archive import open_results
from dan_bench.results.cache import CachedStore
from dan_bench.results.reading import DAMAGES
from dan_bench.tables import terminal_width

NAME = ".report.json"
FILES = ("report.md", "report.csv")
PACKAGE = Path(__file__).resolve().parents[1]


def report(results: Path, keys: Collection[str]) -> tuple[str, Path]:
    """Return the table of these runs, and the path of the report on all, which is there then.

    What was made before is taken if no record, nor the program, has changed since; and, of the
    table, if it is of the same runs and the terminal is as wide.

    Raises:
        OSError: the report cannot be written.
    """
    state = hashed([CachedStore(results).statuses(())[1], program()])
    of_table = hashed([state, sorted(keys), terminal_width()])
    path = results / "runs" / NAME
    kept: dict[str, Any] = {}
    with suppress(*DAMAGES):
        kept = json.loads(path.read_text()) if path.is_file() else {}  # a pipe is not waited for
    fresh = isinstance(kept, dict) and kept.get("state") == [state, stamps(results)]
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
