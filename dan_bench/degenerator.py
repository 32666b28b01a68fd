"""What a degenerator is to whoever measures it: bytes in, bytes out."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


class Degenerator(Protocol):
    """A trained network or a control, frozen.

    Its fresh randomness is a function of the row number, so the answer for a row depends neither
    on the batch it comes in nor on what was asked before; an attacker may call it, but does not
    know the fresh randomness of the rows under attack.
    """

    noise_bits: float
    """Fresh random bits that go into one sample: Shannon's bound on what can be destroyed."""

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Degenerate data (n x d bytes) as rows number `rows` (n); return n x d bytes."""
        ...


@runtime_checkable
class EnumerableNoise(Degenerator, Protocol):
    """A degenerator that can be run under an assumed fresh randomness.

    Who can run it under every one of its 2^noise_bits values needs no luck, only time.
    """

    def under(self, data: Bytes, randomness: int) -> Bytes:
        """Degenerate data (n x d) as if the fresh randomness of each row had been `randomness`.

        It is a whole number from 0 to 2^noise_bits - 1, each as likely as the others.
        """
        ...


@runtime_checkable
class Conditional(Degenerator, Protocol):
    """A degenerator with a dial: noise as true as it is told to make."""

    def at(self, trueness: float) -> Degenerator:
        """Return it with the dial at `trueness`, from 0 (a constant) to 1 (true noise)."""
        ...
