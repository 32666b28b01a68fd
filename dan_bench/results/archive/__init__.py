"""Records in columns: results folders small enough to publish, and read fast.

Whoever reads results opens them here, and need not know whether they are a folder of runs or an
archive that was published from one.
"""

from pathlib import Path

from dan_bench.cli import InputError
from dan_bench.interfaces import Results
from dan_bench.results.archive.cache import CachedStore
from dan_bench.results.archive.folder import Archive
from dan_bench.results.archive.joined import JoinedResults
from dan_bench.results.archive.write import ArchiveSummary, publish

__all__ = [
    "AmbiguousResults",
    "Archive",
    "ArchiveSummary",
    "JoinedResults",
    "Results",
    "open_results",
    "publish",
]


class AmbiguousResults(InputError):
    """A folder with both runs and an archive of runs; the message says what to do."""


def open_results(results: Path, part: str = "runs") -> Results:
    """Return the results in a folder, to be read.

    Args:
        results: a folder with `runs/`, as it grows, or with `records.parquet`, as it is published.
        part: `runs`; or `table1`, whose records are kept apart, in `table1/` or `table1.parquet`.

    Raises:
        AmbiguousResults: it has both.
    """
    archive, store = Archive(results, part), CachedStore(results, part)
    if not archive.records.exists():
        return store
    if store.runs.exists():
        raise AmbiguousResults(
            f"{results} holds both {archive.records.name} and {store.runs.name}/; "
            "move one of them to a folder of its own"
        )
    return archive
