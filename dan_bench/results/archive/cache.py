"""A store that remembers what it has read: the records in columns, beside the runs.

Reading ten thousand records takes as many files. What was read is kept in one, `.cache.parquet`,
and a record is read again only where its file is not the one that was read. The cache is never
needed: one that is damaged, of another version or cannot be written is done without.
"""

import contextlib
import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dan_bench.files import whole
from dan_bench.interfaces import SCHEMA_VERSION, RunRecord
from dan_bench.results.archive.columns import TEXTS, from_table, to_table
from dan_bench.results.record import DamagedRecord, Store, read

NAME = ".cache.parquet"
VERSION = f"1/{SCHEMA_VERSION}"
LEAST = 100
"""Records read from files from which on the cache is written anew; fewer are read again sooner
than it is written."""
SETTLED = 2.0
"""Seconds since its last change from which on a file's stamp tells it from the next: the coarsest
clock of a file system (FAT's) ticks so often."""

Stamp = tuple[int, int, int, int]
"""Inode, size, and when contents and inode last changed, in nanoseconds. Records are replaced and
never rewritten, so that the inode is another each time."""
STAMP = pa.schema([(name, pa.int64()) for name in ("inode", "size", "changed", "touched")])


class CachedStore(Store):
    """A store whose `all()` is fast; what it returns is what `Store.all()` does, always."""

    def all(self) -> tuple[list[RunRecord], dict[Path, str]]:
        """Return every good record, by key, and what is wrong with each of the others."""
        with uncollected():
            return self._all(time.time_ns())

    def _all(self, now: int) -> tuple[list[RunRecord], dict[Path, str]]:
        known = self._known()
        good: list[RunRecord] = []
        damaged: dict[Path, str] = {}
        stamps: list[Stamp] = []
        fresh = 0
        for name, stamp in sorted(self._stamps()):
            before = known.get(name)
            if before is not None and before[0] == stamp:
                record = before[1]
            else:
                path = self.runs / name / "record.json"
                try:
                    record = read(path)
                except FileNotFoundError:
                    continue
                except DamagedRecord as error:
                    damaged[path] = str(error)
                    continue
                if settled(stamp, now):
                    fresh += 1
            good.append(record)
            stamps.append(stamp)
        if fresh >= LEAST:
            kept = [i for i, stamp in enumerate(stamps) if settled(stamp, now)]
            with contextlib.suppress(OSError, pa.ArrowException):
                self._keep([good[i] for i in kept], [stamps[i] for i in kept])
        return good, damaged

    def _stamps(self) -> Iterator[tuple[str, Stamp]]:
        """Yield the name of each folder with a record, and the record's stamp."""
        try:
            folders = os.listdir(self.runs)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return
        for name in folders:
            try:
                of = os.stat(f"{self.runs}/{name}/record.json")
            except OSError:
                continue
            yield name, (of.st_ino, of.st_size, of.st_mtime_ns, of.st_ctime_ns)

    def _known(self) -> dict[str, tuple[Stamp, RunRecord]]:
        """Return what the cache holds by name of the folder, which is the key of a good record."""
        path = self.runs / NAME
        try:
            table = pq.read_table(path, memory_map=False, page_checksum_verification=True)
            if (table.schema.metadata or {}).get(b"dan_bench") != VERSION.encode():
                return {}
            stamps = zip(*(table.column(name).to_pylist() for name in STAMP.names), strict=True)
            records = from_table(table)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException):
            return {}
        return {r.key: (stamp, r) for r, stamp in zip(records, stamps, strict=True)}

    def _keep(self, records: list[RunRecord], stamps: list[Stamp]) -> None:
        """Write the cache, in one piece."""
        table = to_table(records)
        for name, values in zip(STAMP.names, zip(*stamps, strict=True), strict=True):
            table = table.append_column(STAMP.field(name), pa.array(values, pa.int64()))
        table = table.replace_schema_metadata({"dan_bench": VERSION})
        with whole(self.runs / NAME) as file:
            pq.write_table(
                table,
                file,
                compression="lz4",
                use_dictionary=[name for name in table.column_names if name not in TEXTS],
                write_page_checksum=True,
            )


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Make many objects that all stay; to look for garbage among them takes half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def settled(stamp: Stamp, now: int) -> bool:
    """Whether a file last changed long enough ago for its stamp to be told from the next one's."""
    return max(stamp[2:]) < now - SETTLED * 1e9
