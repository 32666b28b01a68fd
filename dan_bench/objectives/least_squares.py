"""Least squares: Mao et al. 2017 (LSGAN), equation 9 (a = 0, b = c = 1)."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from dan_bench.interfaces import Critic
from dan_bench.objectives import on_both


@dataclass(frozen=True)
class LeastSquares:
    """The critic regresses 1 on real and 0 on fake; at p = q it answers 1/2 everywhere."""

    boundary: ClassVar[float | None] = 0.5

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """1/2 E (D(real) - 1)^2 + 1/2 E D(fake)^2; 1/4 at p = q."""
        on_real, on_fake = on_both(critic, real, fake)
        return 0.5 * (on_real - 1).square().mean() + 0.5 * on_fake.square().mean()

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """1/2 E (D(fake) - 1)^2; 1/8 at p = q."""
        return 0.5 * (critic(fake) - 1).square().mean()
