"""The metrics and costs of many records as numbers in one column, read five times as fast as JSON.

A record's numbers stand in one row, under a form that is the same text for records of the same
names and kinds of numbers.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa

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
    names: list[tuple[str, list[str] | None]] = []
    for name, e in record.metrics.items():
        names.append((name, None if e is None else list(e.details)))
        if e is not None:
            values += (e.value, e.low, e.high, e.n, *e.details.values())
    kinds = "".join([KINDS.get(type(value), "?") for value in values])
    if "?" in kinds or ("i" in kinds and any(type(v) is int and abs(v) > EXACT for v in values)):
        return None
    form = json.dumps([kinds, list(record.costs), names], separators=(",", ":"))
    return form, [0.0 if value is None else value for value in values]


def to_numbers(rows: Sequence[tuple[str, list[float]] | None]) -> dict[str, pa.Array]:
    """Return the columns of what `row_of` returned; null is what has none."""
    return {
        "form": pa.array([row and row[0] for row in rows], pa.string()),
        "numbers": pa.array([row and row[1] for row in rows], pa.list_(pa.float64())),
    }


def from_numbers(table: pa.Table) -> Mapping[int, Measured]:
    """Return metrics and costs of each row that has them as numbers; none of another table.

    Raises:
        ValueError or another of `DAMAGES`: `to_numbers` did not make it.
    """
    if "form" not in table.column_names:
        return {}
    forms = table.column("form").combine_chunks().dictionary_encode()
    column = table.column("numbers").combine_chunks()
    numbers, starts = column.values.to_numpy(), column.offsets.to_numpy().astype(np.int64)
    of_form: dict[int, list[int]] = defaultdict(list)
    for i, code in enumerate(forms.indices.to_pylist()):
        if code is not None:
            of_form[code].append(i)
    found: dict[int, Measured] = {}
    for code, members in of_form.items():
        kinds, costs, names = json.loads(forms.dictionary[code].as_py())
        if np.any(starts[np.add(members, 1)] - starts[members] != len(kinds)):
            raise ValueError("numbers that are not of their form")
        rows = numbers[starts[members] + np.arange(len(kinds))[:, None]]
        columns = [
            [None] * len(members) if kind == "-" else of.astype(TYPES[kind]).tolist()
            for kind, of in zip(kinds, rows, strict=True)
        ]
        places, at = [], len(costs)
        for name, details in names:
            end = at + (0 if details is None else 4 + len(details))
            places.append((name, details, at, at + 4, end))
            at = end
        if at != len(kinds):
            raise ValueError("a form that does not name its numbers")
        of_run: Iterable[tuple[Any, ...]] = zip(*columns, strict=True) if columns else repeat(())
        for i, row in zip(members, of_run, strict=False):
            metrics = {
                name: None
                if details is None
                else Estimate(
                    row[a],
                    row[a + 1],
                    row[a + 2],
                    row[a + 3],
                    dict(zip(details, row[b:end], strict=True)),
                )
                for name, details, a, b, end in places
            }
            found[i] = metrics, dict(zip(costs, row[: len(costs)], strict=True))
    return found
