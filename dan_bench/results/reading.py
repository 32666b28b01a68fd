"""Files that anybody may have written, read so that a damaged or a forged one is refused.

Nothing in them is run, none is read that is no regular file, and none may claim to be larger than
there is room for.
"""

import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from dan_bench.cli import InputError
from dan_bench.interfaces import DataFrame

MOST_CELLS = 1 << 27
"""Rows times columns of a table: a thousand times those of 10,000 runs."""
MOST_UNPACKED = 1 << 31
"""Bytes of a table, or of all arrays of an archive, as they are without compression."""

DAMAGES = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError),
    *(OSError, EOFError, MemoryError, RuntimeError, SyntaxError, TokenError),
    *(pa.ArrowException, struct.error, zipfile.BadZipFile, zlib.error),
)
"""What json, numpy, zipfile and pyarrow raise over files that are damaged or forged."""


def reason(error: BaseException) -> str:
    """Return what is wrong with a file in one line that any terminal can print."""
    return shown(f"{type(error).__name__}: {error}".split("\n")[0][:300])


@contextmanager
def undamaged(what: object) -> Iterator[None]:
    """Raise an InputError that names what is read, where reading it shows that it is damaged."""
    try:
        yield
    except DAMAGES as error:
        raise InputError(f"{what} is damaged: {reason(error)}") from error


def shown(text: str) -> str:
    """Return a text with `?` for all that no terminal should be shown, as its control sequences."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def read_table(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Return the table in a Parquet file, or some of its columns in that order.

    Raises:
        ValueError or another of `DAMAGES`: there is none, or it is too large.
    """
    if not path.is_file():
        raise ValueError("it is no file")
    with pq.ParquetFile(path, memory_map=False, page_checksum_verification=True) as file:
        about = file.metadata
        unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        if about.num_rows * about.num_columns > MOST_CELLS or unpacked > MOST_UNPACKED:
            raise ValueError(f"{about.num_rows:,} rows of {about.num_columns:,} columns")
        return file.read(columns)


def check_columns(table: pa.Table, but: Collection[str] = ()) -> None:
    """Raise a TypeError where a column, but for some that are texts, holds no numbers."""
    for field in table.schema:
        is_text = field.name in but and pa.types.is_string(field.type)
        number = any(
            of(field.type) for of in (pa.types.is_floating, pa.types.is_integer, pa.types.is_null)
        )
        if not (is_text or number):
            raise TypeError(f"a column {field.name} of {field.type}")


def read_curves(path: Path) -> DataFrame:
    """Return the curves in a Parquet file, whose columns are numbers.

    Raises:
        InputError: they are damaged.
    """
    with undamaged(path):
        found = read_table(path)
        check_columns(found)
        frame: DataFrame = found.to_pandas(ignore_metadata=True)
        return frame


def read_array(path: Path) -> NDArray[Any]:
    """Return the array in an .npy file, mapped and not read.

    Raises:
        InputError: it is damaged, or holds anything but numbers.
    """
    with undamaged(path):
        found: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
        return numbers(found)


def numbers(found: NDArray[Any]) -> NDArray[Any]:
    """Return an array of numbers; raise a TypeError for one of anything else."""
    if found.dtype.kind not in "biuf":
        raise TypeError(f"an array of {found.dtype}")
    return found
