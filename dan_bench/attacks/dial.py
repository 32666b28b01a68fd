"""Does the output of a conditional degenerator have the entropy that was asked for?"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from dan_bench.interfaces import Case, Conditional, Data, Estimate
from dan_bench.metrics.entropy import joint_bits, shannon_bits

MEASURED = {"shannon_bits": shannon_bits, "joint_bits": joint_bits}


@dataclass(frozen=True)
class Dial:
    """Measured entropy against the conditioning level, on the challenge set.

    Args:
        settings: levels, spread evenly over [0, 1].
    """

    settings: Annotated[int, Field(ge=2)]

    def check(self, shape: tuple[int, ...]) -> None:
        """Any shape will do."""

    def __call__(self, case: Case, clean: Data) -> Estimate | None:
        """R^2 of 8t bits at level t, for the worse of both entropies; None if not conditional.

        Details hold `METRIC@t`, the entropies in bits a byte, and `rising`: 1 where neither of
        them ever falls from one level to the next.
        """
        if not isinstance(case.degenerator, Conditional):
            return None
        asked = np.linspace(0, 1, self.settings)
        found = {name: np.empty(self.settings) for name in MEASURED}
        for i, level in enumerate(asked):
            sample = case.degenerator.condition(float(level))(
                case.challenge.inputs, case.challenge.rows
            )
            for name, metric in MEASURED.items():
                found[name][i] = metric(sample).value
        details = {
            f"{name}@{level:.4g}": float(bits[i])
            for name, bits in found.items()
            for i, level in enumerate(asked)
        }
        rising = all((np.diff(bits) >= 0).all() for bits in found.values())
        worse = min(r_squared(bits, 8 * asked) for bits in found.values())
        return Estimate(
            worse, n=len(case.challenge.rows), details={**details, "rising": float(rising)}
        )


def r_squared(measured: NDArray[np.float64], line: NDArray[np.float64]) -> float:
    """Share of the variance of `measured` that `line` explains; below 0 if a mean does better."""
    spread = np.square(measured - measured.mean()).sum()
    return float(1 - np.square(measured - line).sum() / spread) if spread > 1e-12 else 0.0
