"""An archive: the results of many runs in four files, read as a folder of runs is."""

import zipfile
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dan_bench.interfaces import RunRecord
from dan_bench.results.archive.columns import from_table

RECORDS = {"runs": "records.parquet", "table1": "table1.parquet"}
CURVES, ARRAYS = "curves.parquet", "arrays.npz"
DIGITS = 5
"""Of curves. A level that was reached exactly is so in an archive."""


def decimal(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers with `DIGITS` significant digits, exactly; integers stay as they are."""
    rounded = values.copy()
    broken = np.isfinite(values) & (values != np.rint(values))
    x = values[broken]
    places = DIGITS - 1 - np.floor(np.log10(np.abs(x)))
    up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
    rounded[broken] = np.rint(x * up / down) / up * down
    return rounded


class Archive:
    """What `publish` wrote, to be read.

    Args:
        folder: with `records.parquet`; `curves.parquet`, the curves of all runs one below the
            other; `arrays.npz`, whose entries are called `<key>/<name>`; and, where Table 1 was
            measured, `table1.parquet`.
        part: `runs`, or `table1`.
    """

    def __init__(self, folder: Path, part: str = "runs") -> None:
        self.folder = Path(folder)
        self.records = self.folder / RECORDS[part]

    def all(self) -> tuple[list[RunRecord], dict[Path, str]]:
        """Return every record, by key; one file is good or damaged as a whole."""
        try:
            return from_table(pq.read_table(self.records)), {}
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
            return [], {self.records: f"not an archive: {type(error).__name__}: {error}"}

    def curves(self, key: str) -> pd.DataFrame | None:
        """Return a run's curves to five digits, one row a logging step; None where it has none."""
        if key not in self._places:
            return None
        start, end = self._places[key]
        rows = self._curves.slice(start, end - start)
        its_own = [name for name in rows.column_names if rows[name].null_count < end - start]
        frame = rows.select([name for name in its_own if name != "key"]).to_pandas()
        return pd.DataFrame(
            {name: decimal(frame[name].to_numpy(np.float64)) for name in frame.columns}
        )

    def array(self, key: str, name: str) -> NDArray[Any] | None:
        """Return an array of a run; None where none was published.

        An entry that is a text names the entry that holds the same array.
        """
        path = f"{key}/{name}"
        if path not in self._entries:
            return None
        with np.load(self.folder / ARRAYS) as file:
            found: NDArray[Any] = file[path]
            return file[str(found)] if found.dtype.kind == "U" else found

    @cached_property
    def _entries(self) -> frozenset[str]:
        path = self.folder / ARRAYS
        if not path.is_file():
            return frozenset()
        with zipfile.ZipFile(path) as file:
            return frozenset(name.removesuffix(".npy") for name in file.namelist())

    @cached_property
    def _curves(self) -> pa.Table:
        path = self.folder / CURVES
        return pq.read_table(path) if path.is_file() else pa.table({"key": pa.array([], "string")})

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """For each key the first of its rows, and the first after them."""
        keys = np.asarray(self._curves["key"].to_pylist(), dtype=str)
        named, starts, counts = np.unique(keys, return_index=True, return_counts=True)
        return {
            str(key): (int(start), int(start + count))
            for key, start, count in zip(named, starts, counts, strict=True)
        }
