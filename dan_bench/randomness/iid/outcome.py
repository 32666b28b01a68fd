"""What one test of the IID track found."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Symbols = NDArray[np.uint8]

ALPHA = 0.001
"""Level of the chi-square and the repeated substring tests (SP 800-90B, section 5.2)."""


@dataclass(frozen=True)
class IidTest:
    """One test: its statistic, and what came of it.

    `passed` is None where the test did not run; `needs` then says what it is short of. `counts`
    are the permutations whose statistic was above, equal to and below that of the data, up to the
    moment when the outcome was certain; tests with a known law have `p_value` instead, and those
    by chi-square their `freedom`.
    """

    name: str
    passed: bool | None
    statistic: float | None = None
    p_value: float | None = None
    freedom: int | None = None
    counts: tuple[int, int, int] | None = None
    needs: str | None = None

    @classmethod
    def judged(
        cls, name: str, statistic: float, p_value: float, freedom: int | None = None
    ) -> Self:
        """Outcome of a test that passes where its p-value is at least 0.001."""
        return cls(name, p_value >= ALPHA, statistic, p_value, freedom)

    @classmethod
    def not_run(cls, name: str, needs: str) -> Self:
        """Outcome of a test that could not run."""
        return cls(name, None, needs=needs)
