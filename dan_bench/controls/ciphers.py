"""Controls that keep the data, or part of it, under a disguise; and the one that cannot."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from dan_bench.data.noise import NoiseRows
from dan_bench.degenerator import Bytes
from dan_bench.streams import generator


class Identity:
    """The data as it is: nothing is noise, nothing is gone."""

    noise_bits = 0.0

    def __init__(self, width: int, seed: int) -> None: ...

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """The data."""
        return data.copy()


class Shuffle:
    """The places of the bytes permuted, the same way in every row: keeps every histogram."""

    noise_bits = 0.0

    def __init__(self, width: int, seed: int) -> None:
        self._order = generator(seed, "shuffle").permutation(width)

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """The data, in another order."""
        return data[:, self._order]


class XorStoredKey:
    """XOR with Python's random, the seed kept: perfect noise, and all of it comes back."""

    noise_bits = 0.0

    def __init__(self, width: int, seed: int) -> None:
        self._key = NoiseRows(seed, "key", width)

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """The data under a key that every attacker has."""
        return data ^ self._key[rows]


class OneTimePad:
    """XOR with noise that is thrown away: destroyed for certain (Shannon 1949, section 10)."""

    def __init__(self, width: int, seed: int) -> None:
        self.noise_bits = 8.0 * width
        self._pad = NoiseRows(seed, "fresh", width)

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """The data under a pad that no attacker has."""
        return data ^ self._pad[rows]


class Shake256:
    """A hash of the row (FIPS 202): passes for noise, and a dictionary finds every row."""

    noise_bits = 0.0

    def __init__(self, width: int, seed: int) -> None: ...

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """As many bytes of hash as there were of data."""
        digests = (hashlib.shake_256(row.tobytes()).digest(len(row)) for row in data)
        return np.stack([np.frombuffer(digest, dtype=np.uint8) for digest in digests])
