"""A data set of so few different rows that all of them can be asked about: an alphabet."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from dan_bench.interfaces import Bytes, Data, Split
from dan_bench.rng import generator


def side_of(size: int, width: int) -> int:
    """Return the side of the grid of an alphabet.

    Raises:
        ValueError: it is no power of two up to 128.
    """
    side: int = round(size ** (1 / width))
    if side**width != size or side.bit_count() != 1 or not 2 <= side <= 128:
        allowed = "2, 4, 8, ... 128"
        raise ValueError(f"size={size}: must be one of {allowed}, to the power of width={width}")
    return side


def alphabet(size: int, width: int) -> Bytes:
    """Return the symbols, size x width: a grid over all rows of that width, evenly spread.

    Raises:
        ValueError: a side of the grid is no power of two up to 128.
    """
    side = side_of(size, width)
    step = 256 // side
    places = np.arange(side) * step + step // 2
    grid = np.stack(np.meshgrid(*[places] * width, indexing="ij"), axis=-1)
    return grid.reshape(size, width).astype(np.uint8)


@dataclass(frozen=True)
class Symbols:
    """Symbols of an alphabet: each set of `size` rows holds every one of them, in random order.

    So the candidates of any such set are the whole alphabet, and what naming one of them is worth
    is the same number for each set.
    """

    seed: int
    train_size: PositiveInt
    test_size: PositiveInt
    size: PositiveInt
    width: PositiveInt = 1
    public: ClassVar[bool] = True

    def __post_init__(self) -> None:
        side_of(self.size, self.width)

    @property
    def shape(self) -> tuple[int, ...]:
        """One line of bytes."""
        return (1, self.width)

    def prepare(self) -> str:
        """Nothing to fetch."""
        return "symbols: made on the fly"

    def load(self, split: Split) -> Data:
        """One split."""
        rows = self.test_size if split == "test" else self.train_size
        order = generator(self.seed, f"symbols/{split}").random((-(-rows // self.size), self.size))
        chosen: NDArray[np.int64] = order.argsort(axis=1).reshape(-1)[:rows]
        return Data(alphabet(self.size, self.width)[chosen])
