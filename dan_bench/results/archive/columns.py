"""Records as a table and back, without loss.

What has one form in every record is a column of its own. So is each part of the config and of the
provenance, `config.model` and `provenance.commit`: records have most of them in common, and what
is the same is kept and read once. All but the first three columns are JSON texts, which tell 1
from 1.0 and keep the order of names.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from dan_bench.interfaces import Estimate, RunRecord

SCALARS = {"key": pa.string(), "status": pa.string(), "schema_version": pa.int64()}
TEXTS = ("metrics", "costs", "traceback")
IN_PARTS = ("config", "provenance")
FIELDS = ("value", "low", "high", "n", "details")


def to_table(records: Sequence[RunRecord]) -> pa.Table:
    """Return a row a record.

    `config` and `provenance` hold the names of their parts; null is a part that a record has not.

    Args:
        records: as `Store` reads them: of what JSON knows, with names that are texts.
    """
    columns = {
        name: pa.array([getattr(record, name) for record in records], kind)
        for name, kind in SCALARS.items()
    }
    texts: dict[str, list[str | None]] = {
        "metrics": [
            text({name: plain(estimate) for name, estimate in record.metrics.items()})
            for record in records
        ],
        "costs": [text(record.costs) for record in records],
        "traceback": [text(record.traceback) for record in records],
    }
    for whole in IN_PARTS:
        values = [getattr(record, whole) for record in records]
        texts[whole] = [text(list(v) if isinstance(v, dict) else {"": v}) for v in values]
        for part in {part: None for v in values if isinstance(v, dict) for part in v}:
            texts[f"{whole}.{part}"] = [
                text(v[part]) if isinstance(v, dict) and part in v else None for v in values
            ]
    columns |= {name: pa.array(column, pa.string()) for name, column in texts.items()}
    return pa.table(columns)


def from_table(table: pa.Table) -> list[RunRecord]:
    """Return the records of a table that `to_table` made; further columns are passed over.

    Parts that are equal are one object: who wants to change one must copy it.

    Raises:
        KeyError, TypeError or ValueError: it did not make it.
    """
    scalars = [table.column(name).to_pylist() for name in SCALARS]
    loaded = [json.loads(f"[{','.join(table.column(name).to_pylist())}]") for name in TEXTS]
    wholes = [in_parts(table, whole) for whole in IN_PARTS]
    return [
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
    encoded = table.column(name).combine_chunks().dictionary_encode()
    values = [*map(json.loads, encoded.dictionary.to_pylist()), None]
    return [values[-1 if code is None else code] for code in encoded.indices.to_pylist()]


text: Callable[[object], str] = json.JSONEncoder(separators=(",", ":")).encode


def plain(estimate: Estimate | None) -> list[object] | None:
    """Return an estimate as a list of its `FIELDS`."""
    return None if estimate is None else [getattr(estimate, name) for name in FIELDS]
