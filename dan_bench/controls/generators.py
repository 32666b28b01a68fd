"""Controls that discard the data and return noise: the baselines of every metric."""

import os

import numpy as np
from numpy.typing import NDArray

from dan_bench.data.noise import NoiseRows
from dan_bench.interfaces import Bytes
from dan_bench.rng import generator


class Independent:
    """What has an output that is independent of its input, a fresh byte for each: nothing leaks."""

    def __init__(self, width: int, seed: int) -> None:
        self.noise_bits = 8.0 * width
        self._width, self._seed = width, seed

    def leak_bound(self, inputs: Bytes) -> float:
        """Return 0 bits."""
        return 0.0

    def pair_bound(self, inputs: Bytes) -> float:
        """Return 0: no two inputs can be told apart."""
        return 0.0


class PythonRandom(Independent):
    """Bytes of Python's `random`, the paper's idea of noise."""

    def __init__(self, width: int, seed: int) -> None:
        super().__init__(width, seed)
        self._rows = NoiseRows(seed, "fresh", width)

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Noise of those rows."""
        return self._rows[rows]


class Urandom(Independent):
    """Bytes of the operating system's generator; the one control that no seed reproduces."""

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Fresh bytes, whatever the rows."""
        return np.frombuffer(os.urandom(data.size), dtype=np.uint8).reshape(data.shape)


class Pcg64(Independent):
    """Bytes of PCG64 (O'Neill 2014), one stream a row."""

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Noise of those rows."""
        streams = (generator(self._seed, f"pcg64/{row}") for row in rows)
        return np.stack(
            [stream.integers(0, 256, self._width, dtype=np.uint8) for stream in streams]
        )
