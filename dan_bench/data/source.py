"""The shape of every data set: rows of bytes, in three splits, fetched once."""

from dataclasses import dataclass
from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

Bytes = NDArray[np.uint8]
Split = Literal["train", "test", "attack"]
Shape = Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=3)]
"""Of one row, where a config may set it: a length, or rows, columns[, colours] of a picture."""


class Rows(Protocol):
    """N rows of d bytes, indexed by row numbers, wherever they lie (an array is one)."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: NDArray[np.int64], /) -> Bytes: ...


@dataclass(frozen=True)
class Data:
    """One split: its rows, and their labels where the data set has any."""

    rows: Rows
    labels: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.rows)


class Source(Protocol):
    """A data set. `train` trains the model, `test` is held out, `attack` is the attackers' own."""

    shape: tuple[int, ...]

    def prepare(self) -> str:
        """Fetch and verify what is not there yet; return one line saying what served."""
        ...

    def load(self, split: Split) -> Data:
        """Return one split, reading only from disk."""
        ...


def dimension(shape: tuple[int, ...]) -> int:
    """Bytes in one row of that shape."""
    return int(np.prod(shape))
