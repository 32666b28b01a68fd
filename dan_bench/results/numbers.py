"""The metrics and costs of many records as numbers in one column, read five times as fast as JSON.

A record's numbers stand in one row, under a form that is the same text for records of the same
names and kinds of numbers.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, islice, repeat
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dan_bench.interfaces import Estimate, RunRecord

KINDS = {float: "f", int: "i", type(None): "-"}
TYPES = {"f": np.float64, "i": np.int64}
EXACT = 1 << 53
"""Integers below it are the same as a float64."""

Measured = tuple[dict[str, Estimate | None], dict[str, float]]
"""Metrics and costs of a record."""


def row_of(record: RunRecord) -> tuple[str, list[float]] | None:
    """Return the form of a record's numbers and the numbers; None where they are no float64."""
    values: list[Any] = [*record.costs.values()]
    names: list[tuple[str, tuple[str, ...] | None]] = []
    for name, e in record.metrics.items():
        names.append((name, None if e is None else (*e.details,)))
        if e is not None:
            values += (e.value, e.low, e.high, e.n, *e.details.values())
    kinds = "".join([KINDS.get(type(value), "?") for value in values])
    if "?" in kinds or ("i" in kinds and any(type(v) is int and abs(v) > EXACT for v in values)):
        return None
    return form(kinds, (*record.costs,), (*names,)), [0.0 if v is None else v for v in values]


@cache
def form(kinds: str, costs: tuple[str, ...], names: tuple[Any, ...]) -> str:
    """Return the text of a form, of which there are few."""
    return json.dumps([kinds, costs, names], separators=(",", ":"))


def to_numbers(rows: Sequence[tuple[str, list[float]] | None]) -> dict[str, pa.Array]:
    """Return the columns of what `row_of` returned; what has none has no form, and no numbers."""
    values = [row[1] if row else () for row in rows]
    starts = np.cumsum([0, *map(len, values)], dtype=np.int32)
    numbers = np.fromiter(chain.from_iterable(values), np.float64, int(starts[-1]))
    return {
        "form": array_of([row and row[0] for row in rows]),
        "numbers": pa.ListArray.from_arrays(array_of(starts), array_of(numbers)),
    }


def array_of(values: NDArray[Any] | Sequence[str | None]) -> pa.Array:
    """Return what `pa.array` makes of numbers or texts; that imports pandas, for 0.24 s."""
    if isinstance(values, np.ndarray):
        kind, parts = pa.from_numpy_dtype(values.dtype), [None, pa.py_buffer(values)]
        return pa.Array.from_buffers(kind, len(values), parts)
    encoded = [b"" if value is None else value.encode() for value in values]
    starts = np.cumsum([0, *map(len, encoded)])
    if starts[-1] >> 31:  # more than one array of Arrow's holds
        return pa.array(values, pa.string())
    there = np.packbits(np.array([v is not None for v in values], dtype=bool), bitorder="little")
    contents = (there, starts.astype(np.int32), b"".join(encoded))
    return pa.Array.from_buffers(pa.string(), len(values), list(map(pa.py_buffer, contents)))


def from_numbers(table: pa.Table) -> Mapping[int, Measured]:
    """Return metrics and costs of each row that has them as numbers; none of another table.

    Raises:
        ValueError or another of `DAMAGES`: `to_numbers` did not make it.
    """
    if "form" not in table.column_names:
        return {}
    codes, texts = coded(table.column("form"))
    column = table.column("numbers").combine_chunks()
    numbers, starts = np.from_dlpack(column.values), np.from_dlpack(column.offsets).astype(np.int64)
    of_form: dict[int, list[int]] = defaultdict(list)
    for i, code in enumerate(codes):
        if code is not None:
            of_form[code].append(i)
    found: dict[int, Measured] = {}
    for code, members in of_form.items():
        kinds, costs, names = json.loads(texts[code] or "")
        counts = [4 + len(details) for _, details in names if details is not None]
        if len(costs) + sum(counts) != len(kinds):
            raise ValueError("a form that does not name its numbers")
        if np.any(starts[np.add(members, 1)] - starts[members] != len(kinds)):
            raise ValueError("numbers that are not of their form")
        rows = numbers[starts[members] + np.arange(len(kinds))[:, None]]
        columns = iter(
            [None] * len(members) if kind == "-" else of.astype(TYPES[kind]).tolist()
            for kind, of in zip(kinds, rows, strict=True)
        )
        of_costs = by_name(costs, columns, len(members))
        metrics = {
            name: repeat(None, len(members))
            if details is None
            else map(Estimate, *islice(columns, 4), by_name(details, columns, len(members)))
            for name, details in names
        }
        measured = by_name([*metrics], iter(metrics.values()), len(members))
        found |= zip(members, zip(measured, of_costs, strict=True), strict=True)
    return found


def by_name(names: Sequence[str], columns: Iterator[Any], count: int) -> list[dict[str, Any]]:
    """Return `count` dictionaries of as many further columns as there are names, row by row."""
    rows = zip(*islice(columns, len(names)), strict=True) if names else repeat((), count)
    return [dict(zip(names, row, strict=True)) for row in rows]


def coded(column: pa.ChunkedArray) -> tuple[list[int | None], list[str | None]]:
    """Return the code of each text of a column, and the texts by code."""
    whole = column.combine_chunks()
    if not pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_encode()
    return whole.indices.to_pylist(), whole.dictionary.to_pylist()
