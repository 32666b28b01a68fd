"""Reports that are kept beside the runs, and made again only where a record has changed."""

import hashlib
import json
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from dan_bench.files import whole
from dan_bench.report import table, write
from dan_bench.results.archive import open_results
from dan_bench.results.cache import NAME as CACHE
from dan_bench.results.cache import CachedStore
from dan_bench.results.reading import DAMAGES
from dan_bench.tables import terminal_width

NAME = ".report.json"
BOARD = ".board.json"
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
    kept = read(path)
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


def board(results: Path, asked: str, make: Callable[[], tuple[str, int, bool]]) -> tuple[str, int]:
    """Return a table and how many runs failed, as they were when all was as it is now.

    That is known of what was last asked for, in a folder with so many records that there is a
    cache of them; all else is made.

    Args:
        results: the folder.
        asked: all that the table depends on beside records, program and terminal.
        make: makes both, and says whether to keep them.
    """
    path = results / "runs" / BOARD
    state = hashed([state_of(results), terminal_width(), asked])
    kept = read(path)
    text, failed = kept.get("text"), kept.get("failed")
    if kept.get("state") == state and isinstance(text, str) and isinstance(failed, int):
        return text, failed
    text, failed, keep = make()
    if keep and path.with_name(CACHE).is_file():
        note = {"state": state, "text": text, "failed": failed}
        with suppress(OSError), whole(path, synced=False) as file:
            file.write(json.dumps(note).encode())
    return text, failed


def read(path: Path) -> dict[str, Any]:
    """Return what was kept; nothing where that is no file, or none of ours."""
    with suppress(*DAMAGES):
        kept = json.loads(path.read_text()) if path.is_file() else {}  # a pipe is not waited for
        return kept if isinstance(kept, dict) else {}
    return {}


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
