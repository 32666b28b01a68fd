"""Archives: the results of many runs in four files, small enough for git, read as a folder is.

`open_results` reads either: a folder of runs, or an archive that was published from one.
"""

import io
import re
import zipfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from dan_bench.cli import InputError
from dan_bench.files import whole
from dan_bench.interfaces import DataFrame, Results, RunRecord
from dan_bench.results.cache import CheckedStore, from_table, to_table
from dan_bench.results.reading import (
    DAMAGES,
    MOST_UNPACKED,
    check_columns,
    numbers,
    read_table,
    reason,
    undamaged,
)
from dan_bench.results.record import described, sound
from dan_bench.results.select import group_methods

RECORDS = {"runs": "records.parquet", "table1": "table1.parquet"}
CURVES, ARRAYS = "curves.parquet", "arrays.npz"
KEY = re.compile(r"[0-9a-f]{16}")
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
            records = [described(sound(record)) for record in from_table(read_table(self.records))]
            if odd := [record.key for record in records if not KEY.fullmatch(record.key)]:
                raise ValueError(f"a record of the key {odd[0][:100]!r}")
        except DAMAGES as error:
            return [], {self.records: f"not an archive: {reason(error)}"}
        return records, {}

    def curves(self, key: str) -> "DataFrame | None":
        """Return a run's curves to five digits, one row a logging step; None where it has none."""
        import pyarrow.compute as pc  # as long as reading ten thousand records' texts

        rows = self._curves.filter(pc.field("key") == key).drop_columns("key")
        its_own = [name for name in rows.column_names if rows[name].null_count < len(rows)]
        points = {name: decimal(rows[name].to_numpy().astype(np.float64)) for name in its_own}
        return pa.table(points).to_pandas() if points else None

    def array(self, key: str, name: str) -> NDArray[Any] | None:
        """Return an array of a run; None where none was published.

        An entry that is a text names the entry that holds the same array.

        Raises:
            InputError: the archive is damaged.
        """
        path = f"{key}/{name}"
        if path not in self._arrays:
            return None
        with undamaged(f"{self.folder / ARRAYS}: {path}"):
            found = self._arrays[path]
            return numbers(self._arrays[str(found)] if found.dtype.kind == "U" else found)

    @cached_property
    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        path = self.folder / ARRAYS
        with undamaged(path):
            if not path.is_file():
                return {}
            content = io.BytesIO(path.read_bytes())
            with zipfile.ZipFile(content) as file:
                unpacked = sum(entry.file_size for entry in file.infolist())
            if unpacked > MOST_UNPACKED:
                raise ValueError(f"its arrays are {unpacked:,} bytes")
            return NpzFile(content)

    @cached_property
    def _curves(self) -> pa.Table:
        path = self.folder / CURVES
        if not path.exists():
            return pa.table({"key": pa.array([], "string")})
        with undamaged(path):
            found = read_table(path)
            check_columns(found, but=("key",))
            found.column("key")
            return found


class JoinedResults:
    """Several results as one; a run that is in two of them is that of the first where it is done.

    Args:
        places: where the results are, the ones that count most first.
    """

    def __init__(self, places: Sequence[Results]) -> None:
        self._damaged: dict[Path, str] = {}
        self._found: dict[str, tuple[RunRecord, Results]] = {}
        for place in places:
            records, faults = place.all()
            self._damaged |= faults
            for record in records:
                if record.key not in self._found or self._found[record.key][0].status != "done":
                    self._found[record.key] = record, place

    def all(self) -> tuple[list[RunRecord], dict[Path, str]]:
        """Return every good record, by key, and what is wrong with each of the others."""
        return [self._found[key][0] for key in sorted(self._found)], self._damaged

    def curves(self, key: str) -> "DataFrame | None":
        """Return a run's curves, one row a logging step; None where it left none."""
        return self._found[key][1].curves(key) if key in self._found else None

    def array(self, key: str, name: str) -> NDArray[Any] | None:
        """Return an array that a run left; None where it left none."""
        return self._found[key][1].array(key, name) if key in self._found else None


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
    archive, store = Archive(results, part), CheckedStore(results, part)
    if not archive.records.exists():
        return store
    if store.runs.exists():
        raise AmbiguousResults(
            f"{results} holds both {archive.records.name} and {store.runs.name}/; "
            "move one of them to a folder of its own"
        )
    return archive


# --- publishing -----------------------------------------------------------------------------------

LIMIT = 2_000_000
"""Bytes, of all files together."""
ROWS = ((8, 8), (8, 4), (4, 4), (4, 2), (2, 2), (2, 1), (1, 1))
"""Rows of a sample, and of each snapshot, that are kept: the first that fit are taken."""
SAMPLES = ("samples", "inputs")
SNAPSHOTS = ("snapshots", "snapshot_steps", "snapshot_critic")
DROPPED_BITS = 6
"""Of a float32's 24; with the 18 that are left `Archive` finds `DIGITS` decimal digits again."""
WHOLE_COLUMN = 1 << 28
"""Bytes of a page: so much is compressed in one piece, since records repeat each other."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every entry, so that the same arrays are the same bytes."""

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ArchiveSummary:
    """What was written."""

    runs: int
    left_out: int
    """Runs that failed or were not asked for, and records that are damaged."""
    rows: tuple[int, int]
    """Rows of each sample, and of each snapshot, that were kept."""
    sizes: dict[str, int]
    """Bytes of each file."""

    def __str__(self) -> str:
        files = ", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in self.sizes.items())
        return (
            f"{self.runs:,} runs ({self.left_out:,} are left out) in "
            f"{sum(self.sizes.values()) / 1e6:.2f} MB: {files}; {self.rows[0]} rows of a sample, "
            f"{self.rows[1]} of a snapshot"
        )


def publish(
    results: Path,
    folder: Path,
    keys: Collection[str] | None = None,
    limit: int = LIMIT,
    snapshots_of: Collection[str] | None = None,
    base: Path | None = None,
    shown: Collection[str] = (),
) -> ArchiveSummary:
    """Write an archive of a results folder; from the same results the same bytes.

    All records that are done are in it, and those of Table 1; all curves, rounded to five digits;
    and of the first seed of each subject the first rows of its sample, of the inputs and of its
    snapshots, as many as there is room for. Where a row is a single number all are kept.

    Args:
        results: with `runs/`.
        folder: where to; made where it is not there, and its archive is replaced.
        keys: of the runs that are published; default all.
        limit: bytes of all files together. Where one row of each is too much, it is exceeded.
        snapshots_of: keys of the runs whose snapshots are kept; default all.
        base: an archive that is added to: its runs count where `results` has none of their key,
            and its Table 1 where `results` has none.
        shown: keys of runs whose samples keep the most rows, whatever the limit.

    Raises:
        ValueError: no run is done, or `folder` holds runs.
    """
    if (folder / "runs").exists():
        raise ValueError(f"{folder} holds runs; publish into a folder of its own")
    own = CheckedStore(results)
    store = own if base is None else JoinedResults([own, Archive(base)])
    records, damaged = store.all()
    done = [r for r in records if r.status == "done" and (keys is None or r.key in keys)]
    if not done:
        raise ValueError(f"no finished runs under {own.runs}; `make sweep` makes some")
    files = {RECORDS["runs"]: parquet(to_table(done)), CURVES: curves(done, store)}
    of_table1, _ = CheckedStore(results, "table1").all()
    if base is not None and all(record.status != "done" for record in of_table1):
        of_table1, _ = Archive(base, "table1").all()
    if of_table1:
        files[RECORDS["table1"]] = parquet(to_table(of_table1))
    left = limit - sum(map(len, files.values()))
    for rows in ROWS:
        files[ARRAYS] = npz(chosen(done, store, *rows, snapshots_of, shown))
        if len(files[ARRAYS]) <= left:
            break
    folder.mkdir(parents=True, exist_ok=True)
    for name in RECORDS.values():
        if name not in files:
            (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        with whole(folder / name) as file:
            file.write(content)
    sizes = {name: len(content) for name, content in files.items()}
    return ArchiveSummary(len(done), len(records) - len(done) + len(damaged), rows, sizes)


def parquet(table: pa.Table, **options: Any) -> bytes:
    """Return a table as a Parquet file."""
    out = io.BytesIO()
    whole = {"data_page_size": WHOLE_COLUMN, "dictionary_pagesize_limit": WHOLE_COLUMN}
    pq.write_table(table, out, compression="zstd", compression_level=19, **whole, **options)
    return out.getvalue()


def curves(records: Sequence[RunRecord], store: Results) -> bytes:
    """Return the curves of all runs as one Parquet file: null is what a run has not."""
    tables = []
    for record in records:
        points = store.curves(record.key)
        if points is None or points.empty:
            continue
        columns = {name: pa.array(rounded(points[name].to_numpy())) for name in points.columns}
        tables.append(pa.table({"key": pa.repeat(record.key, len(points)), **columns}))
    table = pa.concat_tables(tables, promote_options="default") if tables else pa.table({"key": []})
    numbers = {name: "BYTE_STREAM_SPLIT" for name in table.column_names if name != "key"}
    return parquet(table, use_dictionary=["key"], column_encoding=numbers or None)


def rounded(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return float32 without their last bits, which do not compress; integers stay as they are.

    2^-18 of a power of two below the number is less than half of its fifth decimal digit.
    """
    single = values.astype(np.float32)
    kept = np.isfinite(single) & (single != np.rint(single))
    bits = single.view(np.uint32)
    half = np.uint32(1 << (DROPPED_BITS - 1))
    bits[kept] = (bits[kept] + half) & ~np.uint32((1 << DROPPED_BITS) - 1)
    return single


def chosen(
    records: Sequence[RunRecord],
    store: Results,
    samples: int,
    snapshots: int,
    snapshots_of: Collection[str] | None,
    shown: Collection[str] = (),
) -> Arrays:
    """Return the arrays that are kept, by `<key>/<name>`.

    Args:
        records: all that are done.
        store: where their arrays are.
        samples: rows of each sample that are kept.
        snapshots: rows of each snapshot.
        snapshots_of: keys of the runs that have them; None is all.
        shown: keys of the runs whose samples have `ROWS[0]` rows all the same.
    """
    kept: Arrays = {}
    for record in first_seeds(records):
        pictured = snapshots_of is None or record.key in snapshots_of
        for name in (*SAMPLES, *(SNAPSHOTS if pictured else ())):
            array = store.array(record.key, name)
            if array is None:
                continue
            if name in SAMPLES and array.shape[-1] > 1:
                array = array[: ROWS[0][0] if record.key in shown else samples]
            if name == "snapshots" and array.shape[-1] > 1:
                array = array[:, :snapshots]
            kept[f"{record.key}/{name}"] = np.ascontiguousarray(array)
    return kept


def first_seeds(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Return the first seed of each method, by key."""
    return sorted((of.by_seed[0] for of in group_methods(records)), key=lambda record: record.key)


def npz(arrays: Arrays) -> bytes:
    """Return arrays as a file that numpy reads; of equal ones all but the first name the first."""
    out, seen = io.BytesIO(), dict[tuple[Any, ...], str]()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for name, array in arrays.items():
            same = seen.setdefault((array.dtype.str, array.shape, array.tobytes()), name)
            entry = io.BytesIO()
            np.save(entry, array if same == name else np.array(same), allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy", EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(info, entry.getvalue(), compresslevel=9)
    return out.getvalue()
