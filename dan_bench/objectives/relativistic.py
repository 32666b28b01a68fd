"""Relativistic pairs with two gradient penalties: Huang et al. 2024 (R3GAN), section 2."""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import NonNegativeFloat
from torch import Tensor
from torch.nn.functional import softplus

from dan_bench.interfaces import Critic
from dan_bench.objectives import input_gradient, on_both, squared_norm


@dataclass(frozen=True)
class Relativistic:
    """RpGAN (Jolicoeur-Martineau 2019) with R1 (Mescheder et al. 2018) on real and R2 on fake.

    Args:
        gamma: weight of the penalties, gamma / 2 E |grad D|^2 each, the squares summed over all
            dimensions of a sample.
    """

    gamma: NonNegativeFloat = 1.0

    boundary: ClassVar[float | None] = None

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """E log(1 + exp(D(fake) - D(real))) + R1 + R2; log 2 at p = q with a constant critic."""
        on_real, on_fake = on_both(critic, real, fake)
        loss = softplus(on_fake - on_real).mean()
        if self.gamma:
            at_real = squared_norm(input_gradient(critic, real)).mean()
            at_fake = squared_norm(input_gradient(critic, fake)).mean()
            loss = loss + self.gamma / 2 * (at_real + at_fake)
        return loss

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """E log(1 + exp(D(real) - D(fake))); log 2 at p = q."""
        on_real, on_fake = on_both(critic, real, fake)
        return softplus(on_real - on_fake).mean()
