"""Attackers: fresh networks that try to tell the output from noise, or to undo it.

An attack is a callable from a `Case` to the share that it recovered. It is given everything but
the fresh randomness of the rows under attack.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dan_bench.data.source import Data
from dan_bench.degenerator import Bytes, Degenerator
from dan_bench.metrics.statistics import Estimate


@dataclass(frozen=True)
class Pairs:
    """Inputs and the outputs that they were degenerated to, row by row."""

    inputs: Bytes
    outputs: Bytes
    rows: NDArray[np.int64]
    labels: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Case:
    """All that an attacker is given."""

    degenerator: Degenerator
    known: Pairs
    """Made by the attacker, to learn from."""
    held: Pairs
    """The rows under attack; an attack is scored on them."""
    shape: tuple[int, ...]
    seed: int
    confidence: float
    """Of each attack's interval."""


class Attack(Protocol):
    """One way of getting something back."""

    def needs_rows(self) -> int:
        """Return how many held-out rows it takes at the least."""
        ...

    def __call__(self, case: Case) -> Estimate | None:
        """Share recovered, in [0, 1]; None where there is nothing of the kind to recover."""
        ...


class Comparison(Protocol):
    """One way in which outputs are like the inputs that they were made from, or not."""

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse, with a ValueError, rows of a shape that it makes no sense for."""
        ...

    def __call__(self, case: Case, clean: Data) -> Estimate | None:
        """Compare; `clean` is what the model was trained on, before any degeneration."""
        ...
