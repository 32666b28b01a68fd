"""A data set of single numbers under a bell curve: the one dimension of the paper's Figure 6."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt
from scipy.special import ndtri

from dan_bench.data.noise import NoiseRows
from dan_bench.interfaces import Bytes, Data, Split


@dataclass(frozen=True)
class BellRows:
    """Bytes of a normal law on (0, 1), cut at its ends; row j is a function of j alone."""

    uniform: NoiseRows
    mean: float
    deviation: float

    def __len__(self) -> int:
        return len(self.uniform)

    def __getitem__(self, rows: NDArray[np.int64], /) -> Bytes:
        drawn = self.mean + self.deviation * ndtri(self.uniform.uniform(rows).astype(np.float64))
        return np.clip(256 * drawn, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Bell:
    """Single numbers, normal with a mean and deviation in units of the range of a byte."""

    seed: int
    train_size: PositiveInt
    test_size: PositiveInt
    mean: float = 0.5
    deviation: float = 0.1
    shape: tuple[int, ...] = field(default=(1, 1), init=False)
    public: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.deviation > 0:
            raise ValueError(f"deviation={self.deviation}: must be greater than 0")

    def prepare(self) -> str:
        """Nothing to fetch."""
        return "bell: made on the fly"

    def load(self, split: Split) -> Data:
        """One split, as rows made when they are asked for."""
        size = self.test_size if split == "test" else self.train_size
        uniform = NoiseRows(self.seed, f"bell/{split}", 2, size)
        return Data(BellRows(uniform, self.mean, self.deviation))
