"""What files are overwritten with."""

import os
import random
from collections.abc import Callable
from typing import Protocol

import numpy as np

Buffer = bytes | bytearray | memoryview


class NoiseSource(Protocol):
    """A stream of noise: a generator, or a trained degenerator that sees what it replaces."""

    name: str
    """As the certificate names it."""
    needs_original: bool
    """Whether `fill` is to be given the bytes that its answer replaces."""

    def fill(self, original: Buffer | None, offset: int, n: int) -> Buffer:
        """Return exactly n bytes to be written at `offset` of the current file.

        Called from a thread of its own, once for each piece (4 MiB at the most), files in turn and
        offsets rising. The answer may be a buffer that the call after the next one fills anew.
        """
        ...


class FastNoise:
    """SFC64 (Doty-Humphrey's PractRand; 256 bits of state), keyed by the operating system.

    It passes the statistical batteries and is several times faster than any disk. It is not a
    cryptographic generator: who holds enough of it can compute the rest. That gives back none of
    the original, which no part of it depends on.
    """

    name = "SFC64, seeded with 256 bits of the operating system's randomness"
    needs_original = False

    def __init__(self) -> None:
        self._words = np.random.SFC64(np.random.SeedSequence(int.from_bytes(os.urandom(32))))

    def fill(self, original: Buffer | None, offset: int, n: int) -> Buffer:
        """Return the next n bytes."""
        return self._words.random_raw(-(-n // 8)).view(np.uint8)[:n].data


class PythonRandomNoise:
    """Python's `random`, the paper's idea of noise, seeded by the operating system."""

    name = "Python's random (MT19937), seeded by the operating system"
    needs_original = False

    def __init__(self) -> None:
        self._random = random.Random(os.urandom(2500))

    def fill(self, original: Buffer | None, offset: int, n: int) -> Buffer:
        """Return the next n bytes."""
        return self._random.randbytes(n)


class UrandomNoise:
    """The operating system's own generator."""

    name = "the operating system's generator (urandom)"
    needs_original = False

    def fill(self, original: Buffer | None, offset: int, n: int) -> Buffer:
        """Return n fresh bytes."""
        return os.urandom(n)


GENERATORS: dict[str, Callable[[], NoiseSource]] = {
    "fast": FastNoise,
    "python_random": PythonRandomNoise,
    "urandom": UrandomNoise,
}
