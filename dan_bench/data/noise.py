"""DANOISE: noise from Python's `random` as a data set of any size, never held in memory.

`random` is MT19937. numpy carries the same generator, fills arrays from it more than
twice as fast as `random.Random.randbytes` (benchmarks/noise.py), and can be given the same state:
the bytes are equal.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt
from scipy.special import ndtri

from dan_bench.interfaces import Bytes, Data, NoiseLaw, Split, dimension
from dan_bench.rng import derive

BLOCK_ROWS = 1024
VALUES = 1 << 16
"""Of a fresh number."""
Shape = Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=3)]
"""Shape of one row, where a config may set it: a length, or rows, columns[, colours]."""


def randbytes(seed: int, n: int) -> Bytes:
    """Return `random.Random(seed).randbytes(n)` as an array of n bytes.

    The state is transplanted: CPython seeds MT19937 by `init_by_array` over the 32-bit words of
    |seed| (Modules/_randommodule.c, random_seed), which is what numpy's legacy seeding does.
    """
    if n < 0:
        raise ValueError(f"n must not be negative, got {n}")
    magnitude = abs(seed)
    words = [magnitude >> shift & 0xFFFFFFFF for shift in range(0, magnitude.bit_length(), 32)]
    legacy = np.random.MT19937()
    legacy._legacy_seeding(words or [0])
    whole, rest = divmod(n, 4)
    drawn = np.random.Generator(legacy).integers(0, 1 << 32, whole + (rest > 0), dtype=np.uint32)
    if rest:  # getrandbits keeps the high bits of a last, partial word
        drawn[-1] >>= 8 * (4 - rest)
    return drawn.astype("<u4", copy=False).view(np.uint8)[:n]


def fast_bytes(seed: int, n: int) -> Bytes:
    """Return n bytes of PCG64 (O'Neill 2014), three times as fast again as MT19937.

    For the fresh randomness that networks are given; what they are to become is Python's.
    """
    return np.random.PCG64(seed).random_raw(-(-n // 8)).view(np.uint8)[:n]


def system_bytes(_: int, n: int) -> Bytes:
    """Return n bytes of the operating system's generator, whatever the seed: nobody repeats them.

    For data that are to be gone; never for a run that is to be repeated.
    """
    return np.frombuffer(os.urandom(n), dtype=np.uint8)


@dataclass
class NoiseRows:
    """`size` rows of `width` bytes of Python's random, addressed by row number.

    Row j is row j mod 1024 of block j div 1024, and block b is
    `random.Random(derive(seed, f"{stream}/{b}")).randbytes(1024 * width)`: any row can be had
    without those before it, and one block at a time is in memory. `draw` puts another generator
    in the place of Python's.
    """

    seed: int
    stream: str
    width: int
    size: int = 1 << 62
    draw: Callable[[int, int], Bytes] = randbytes
    _held: tuple[int, Bytes] | None = field(default=None, init=False, repr=False)

    def __len__(self) -> int:
        return self.size

    def block(self, number: int) -> Bytes:
        """Block `number`, of shape (1024, width); the last one asked for is kept."""
        if self._held is None or self._held[0] != number:
            seed = derive(self.seed, f"{self.stream}/{number}")
            drawn = self.draw(seed, BLOCK_ROWS * self.width)
            self._held = (number, drawn.reshape(BLOCK_ROWS, self.width))
        return self._held[1]

    def __getitem__(self, rows: NDArray[np.int64]) -> Bytes:
        if not len(rows):
            return np.empty((0, self.width), dtype=np.uint8)
        first, last = int(rows.min()), int(rows.max())
        if not 0 <= first <= last < self.size:
            raise IndexError(f"rows {first} to {last} of {self.size}")
        blocks, places = np.divmod(rows, BLOCK_ROWS)
        if first // BLOCK_ROWS == last // BLOCK_ROWS:
            return self.block(int(blocks[0]))[places]
        out = np.empty((len(rows), self.width), dtype=np.uint8)
        for number in np.unique(blocks):
            wanted = blocks == number
            out[wanted] = self.block(int(number))[places[wanted]]
        return out

    def uniform(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return those rows as float32 numbers uniform on (0, 1), two bytes a number.

        Sixteen bits are far finer than the 256 levels that a sample is quantised to, so a network
        that is shown them cannot tell them from the continuous law by their grid.
        """
        numbers: NDArray[np.float32] = self[rows].view("<u2").astype(np.float32)
        numbers += np.float32(0.5)
        numbers *= np.float32(1 / (1 << 16))
        return numbers


@cache
def quantiles(law: NoiseLaw) -> NDArray[np.float32]:
    """Return the 65,536 numbers that 16 random bits stand for, of mean 0 and variance 1.

    They are the law's quantiles at the middles of equal cells. The Gaussian's outermost are at
    4.33; beyond them true noise has 1.5e-5 of its probability.
    """
    middles = (np.arange(VALUES) + 0.5) / VALUES
    numbers = ndtri(middles) if law == "gaussian" else 3**0.5 * (2 * middles - 1)
    return numbers.astype(np.float32)


class FreshNoise:
    """The random numbers that a network is fed, `noise_dim` a row, addressed by row number.

    Args:
        seed: of the run.
        stream: name of the random stream.
        noise_dim: numbers a row.
        law: `gaussian` or `uniform`, either with mean 0 and variance 1.
        draw: makes the bytes that the numbers are made of, two for each.
    """

    def __init__(
        self,
        seed: int,
        stream: str,
        noise_dim: int,
        law: NoiseLaw,
        draw: Callable[[int, int], Bytes] = fast_bytes,
    ) -> None:
        self._rows = NoiseRows(seed, stream, 2 * noise_dim, draw=draw)
        self._quantiles = quantiles(law)

    def __call__(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the numbers of those rows: n x noise_dim."""
        # take, which is twice as fast as the same in brackets
        return self._quantiles.take(self._rows[rows].view("<u2"))


@dataclass(frozen=True)
class Danoise:
    """DANOISE as a data set to degenerate: noise to be made into noise.

    The three splits are streams of their own; training noise, held-out noise, the attackers'
    noise and the target never share a byte.
    """

    seed: int
    train_size: PositiveInt
    test_size: PositiveInt
    shape: Shape = (28, 28)
    public: ClassVar[bool] = True

    def prepare(self) -> str:
        """Nothing to fetch."""
        return "danoise: made on the fly from Python's random"

    def load(self, split: Split) -> Data:
        """One split, as rows made when they are asked for."""
        size = self.test_size if split == "test" else self.train_size
        return Data(NoiseRows(self.seed, f"danoise/{split}", dimension(self.shape), size))
