"""A store with a cache, and the form of the cache and of archives: records in columns.

Ten thousand records are as many files. What was read is kept in one, `.cache.parquet`, and a record
is read again only where its file has changed. The cache is never needed: one that is damaged, of
another version or not writable is ignored.

As a table, what has one form in every record is a column of its own. So is each part of the config
and of the provenance, `config.model` and `provenance.commit`: records have most of them in common,
and what is the same is kept and read once. All but the first three columns are JSON texts, which
tell 1 from 1.0 and keep the order of names. A cache has metrics and costs as numbers beside them.
"""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dan_bench.cli import uncollected
from dan_bench.files import whole
from dan_bench.interfaces import SCHEMA_VERSION, Estimate, RunRecord
from dan_bench.results.numbers import array_of, coded, from_numbers, row_of, to_numbers
from dan_bench.results.reading import DAMAGES, read_table
from dan_bench.results.record import DamagedRecord, SharedParts, Store, described, read

NAME = ".cache.parquet"
VERSION = f"2/{SCHEMA_VERSION}"
LEAST = 100
"""Records read from files for which the cache is rewritten; fewer are read again in less time."""
SETTLED = 2.0
"""Seconds after which a further change of a file changes its stamp: a tick of the coarsest clock of
a file system (FAT's)."""

Stamp = tuple[int, int, int, int]
"""Inode, size, and when contents and inode last changed, in nanoseconds. Records are replaced and
never rewritten, so that the inode is another each time."""
STAMP = ("inode", "size", "changed", "touched")


class CachedStore(Store):
    """A store whose `all()` is fast; it always returns what `Store.all()` does."""

    @uncollected()
    def all(self) -> tuple[list[RunRecord], dict[Path, str]]:
        """Return every good record, by key, and what is wrong with each of the others."""
        now, known = time.time_ns(), self._known()
        good: list[RunRecord] = []
        damaged: dict[Path, str] = {}
        shared = SharedParts()
        kept: dict[tuple[str, Stamp], RunRecord] = {}
        for name, stamp in sorted(self._stamps()):
            record = known.get((name, stamp))
            if record is None:
                path = self.runs / name / "record.json"
                try:
                    record = read(path, shared)
                except FileNotFoundError:
                    continue
                except DamagedRecord as error:
                    damaged[path] = str(error)
                    continue
            good.append(record)
            if max(stamp[2:]) < now - SETTLED * 1e9:
                kept[name, stamp] = record
        if len(kept.keys() - known.keys()) >= LEAST:
            with contextlib.suppress(OSError, OverflowError, pa.ArrowException):
                self._keep(kept)
        return good, damaged

    @uncollected()
    def statuses(self, keys: Collection[str]) -> dict[str, str]:
        """Return the status of each of these runs that has an intact record, by key.

        A record that the cache knows is not read again, and of the cache no more than is needed.
        """
        stamps, known = dict(self._stamps()), self._seen()
        if len(stamps.keys() - known.keys()) >= LEAST:
            self.all()  # which has the cache written
            known = self._seen()
        found = {}
        for key in keys:
            if key in stamps and known.get(key, ((), ""))[0] == stamps[key]:
                found[key] = known[key][1]
            elif key in stamps:
                with contextlib.suppress(FileNotFoundError, DamagedRecord):
                    found[key] = read(self.runs / key / "record.json").status
        return found

    def fingerprint(self) -> str:
        """Return a text that is another as soon as any record of the store is; none is read."""
        whole = json.dumps([VERSION, sorted(self._stamps())])
        return hashlib.sha256(whole.encode()).hexdigest()

    def _seen(self) -> dict[str, tuple[Stamp, str]]:
        """Return stamp and status of each record that the cache holds, by key."""
        try:
            table = self._table(["key", "status", *STAMP])
            key, status, *stamps = (table.column(i).to_pylist() for i in range(len(STAMP) + 2))
        except DAMAGES:
            return {}
        return dict(zip(key, zip(zip(*stamps, strict=True), status, strict=True), strict=True))

    def _table(self, columns: list[str] | None = None) -> pa.Table:
        """Return the cache; raise one of `DAMAGES` where there is none of this version."""
        table = read_table(self.runs / NAME, columns)
        if (table.schema.metadata or {}).get(b"dan_bench") != VERSION.encode():
            raise ValueError("it is of another version")
        return table

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

    def _known(self) -> dict[tuple[str, Stamp], RunRecord]:
        """Return what the cache holds, by the folder's name and the stamp of its record."""
        try:
            table = self._table()
            stamps = zip(*(table.column(name).to_pylist() for name in STAMP), strict=True)
            # a good record's key is the name of its folder
            return {(r.key, s): r for r, s in zip(from_table(table), stamps, strict=True)}
        except DAMAGES:
            return {}

    def _keep(self, kept: Mapping[tuple[str, Stamp], RunRecord]) -> None:
        """Write the cache, in one piece."""
        table = with_numbers(list(kept.values()))
        for i, name in enumerate(STAMP):
            numbers = np.array([stamp[i] for _, stamp in kept], dtype=np.int64)
            table = table.append_column(name, array_of(numbers))
        table = table.replace_schema_metadata({"dan_bench": VERSION})
        with whole(self.runs / NAME) as file:
            pq.write_table(
                table,
                file,
                compression="lz4",
                use_dictionary=[name for name in table.column_names if name not in PLAIN],
                write_page_checksum=True,
            )


class CheckedStore(CachedStore):
    """A store whose records have all that tables and figures look up; others count as damaged."""

    def all(self) -> tuple[list[RunRecord], dict[Path, str]]:
        """Return every good record, by key, and what is wrong with each of the others."""
        found, damaged = super().all()
        good, known = [], set[object]()
        for record in found:
            try:
                good.append(described(record, known))
            except DamagedRecord as error:
                damaged[self.folder(record.key) / "record.json"] = str(error)
        return good, damaged


# --- records in columns -------------------------------------------------------------------------

SCALARS = ("key", "status", "schema_version")
TEXTS = ("metrics", "costs", "traceback")
PLAIN = (*TEXTS, "numbers")
"""Columns of which hardly two rows are the same."""
IN_PARTS = ("config", "provenance")


def to_table(records: Sequence[RunRecord]) -> pa.Table:
    """Return a row a record.

    `config` and `provenance` hold the names of their parts; null is a part that a record has not.

    Args:
        records: as `Store` reads them: of what JSON knows, with names that are texts.
    """
    versions = np.array([record.schema_version for record in records], dtype=np.int64)
    texts: dict[str, list[str | None]] = {
        "key": [record.key for record in records],
        "status": [record.status for record in records],
        "metrics": [
            text({name: e and [*vars(e).values()] for name, e in record.metrics.items()})
            for record in records
        ],
        "costs": [text(record.costs) for record in records],
        "traceback": [text(record.traceback) for record in records],
    }
    for name in IN_PARTS:
        values = [getattr(record, name) for record in records]
        texts[name] = [text(list(v) if isinstance(v, dict) else {"": v}) for v in values]
        for part in {part: None for v in values if isinstance(v, dict) for part in v}:
            written: dict[int, str] = {}  # many records share one object
            texts[f"{name}.{part}"] = [
                written.get(id(v[part])) or written.setdefault(id(v[part]), text(v[part]))
                if isinstance(v, dict) and part in v
                else None
                for v in values
            ]
    columns = {name: array_of(column) for name, column in texts.items()}
    return pa.table(columns).add_column(2, SCALARS[2], array_of(versions))


def with_numbers(records: Sequence[RunRecord]) -> pa.Table:
    """Return what `to_table` does, with metrics and costs as numbers where they can be."""
    rows = list(map(row_of, records))
    rest = [
        record if row is None else replace(record, metrics={}, costs={})
        for record, row in zip(records, rows, strict=True)
    ]
    table = to_table(rest)
    for name, column in to_numbers(rows).items():
        table = table.append_column(name, column)
    for i, name in enumerate(table.column_names):
        if name not in (*PLAIN, *SCALARS):  # which are then read as codes, and each text once
            table = table.set_column(i, name, table.column(name).dictionary_encode())
    return table


def from_table(table: pa.Table) -> list[RunRecord]:
    """Return the records of a table of `to_table` or `with_numbers`; more columns are no fault.

    Parts that are equal are one object: who wants to change one must copy it.

    Raises:
        ValueError or another of `DAMAGES`: it did not make it.
    """
    scalars = [table.column(name).to_pylist() for name in SCALARS]
    loaded = [json.loads(f"[{','.join(table.column(name).to_pylist())}]") for name in TEXTS]
    wholes = [in_parts(table, whole) for whole in IN_PARTS]
    records = [
        RunRecord(
            key,
            status,
            config,
            {name: None if e is None else Estimate(*e) for name, e in metrics.items()},
            costs,
            provenance,
            traceback,
            version,
        )
        for key, status, version, metrics, costs, traceback, config, provenance in zip(
            *scalars, *loaded, *wholes, strict=True
        )
    ]
    for i, (metrics, costs) in from_numbers(table).items():
        records[i].metrics.update(metrics)
        records[i].costs.update(costs)
    return records


def in_parts(table: pa.Table, whole: str) -> list[Any]:
    """Return the values of a column that is kept in parts, row by row."""
    names = parsed(table, whole)
    there = dict.fromkeys(part for of in names if isinstance(of, list) for part in of)
    parts = {part: parsed(table, f"{whole}.{part}") for part in there}
    return [
        {part: parts[part][i] for part in of} if isinstance(of, list) else of[""]
        for i, of in enumerate(names)
    ]


def parsed(table: pa.Table, name: str) -> list[Any]:
    """Return the values of a column of JSON, each distinct text parsed once."""
    codes, texts = coded(table.column(name))
    values = [None if text is None else json.loads(text) for text in texts]
    return [None if code is None else values[code] for code in codes]


text: Callable[[object], str] = json.JSONEncoder(separators=(",", ":")).encode
