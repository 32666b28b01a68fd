"""Controls that encode the data, reversibly or not, and the one-time pad, which destroys it."""

import hashlib
import random
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dan_bench.controls.generators import PythonRandom
from dan_bench.data.noise import NoiseRows
from dan_bench.interfaces import Bytes
from dan_bench.rng import generator


class Identity:
    """The data as it is: nothing is noise, nothing is gone."""

    noise_bits = 0.0

    def __init__(self, width: int, seed: int) -> None: ...

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Return the data unchanged."""
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


class OneTimePad(PythonRandom):
    """XOR with noise that is thrown away: destroyed for certain (Shannon 1949, section 10)."""

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """The data under a pad that no attacker has."""
        return data ^ super().__call__(data, rows)


class SeededRandom:
    """XOR with Python's random, seeded afresh for each row with `seed_bits` bits.

    Perfect noise, and the key is thrown away; but a pad is no more secret than its seed, and an
    attacker who tries every seed finds the row (Shannon 1949, section 14: far beyond the unicity
    distance). Rows with the same seed share their pad (at 16 bits some 760 pairs in 10,000 rows): a
    joint measure at that N may just see it.
    """

    def __init__(
        self, width: int, seed: int, seed_bits: Annotated[int, Field(ge=1, le=32)]
    ) -> None:
        self.noise_bits = float(seed_bits)
        self._width = width
        self._fresh = NoiseRows(seed, "fresh", 4)

    def seeds(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the fresh seeds of those rows, which no attacker has."""
        words = self._fresh[rows].view("<u4")[:, 0].astype(np.int64)
        return words >> (32 - int(self.noise_bits))

    def pad(self, seed: int) -> Bytes:
        """Return the pad of a seed."""
        return np.frombuffer(random.Random(seed).randbytes(self._width), dtype=np.uint8)

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """The data, each row under the pad that its seed gives."""
        if not len(rows):
            return data.copy()
        return data ^ np.stack([self.pad(int(seed)) for seed in self.seeds(rows)])

    def under(self, data: Bytes, randomness: int) -> Bytes:
        """The data, every row under the pad of that seed."""
        return data ^ self.pad(randomness)


class Shake256:
    """A hash of the row (FIPS 202): passes for noise, and a dictionary finds every row."""

    noise_bits = 0.0

    def __init__(self, width: int, seed: int) -> None: ...

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """As many bytes of hash as there were of data."""
        digests = (hashlib.shake_256(row.tobytes()).digest(len(row)) for row in data)
        return np.stack([np.frombuffer(digest, dtype=np.uint8) for digest in digests])
