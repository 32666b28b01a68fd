"""Wasserstein with gradient penalty: Gulrajani et al. 2017, equation 3."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import PositiveFloat
from torch import Tensor

from dan_bench.interfaces import Critic
from dan_bench.objectives import input_gradient, on_both, squared_norm


@dataclass(frozen=True)
class WganGp:
    """E D(fake) - E D(real) + weight E (|grad D(x)| - 1)^2, x between a fake and a real sample.

    The places between are spread evenly over the batch, x_i = fake_i + (i + 1/2)/B (real_i -
    fake_i), rather than drawn: fake and real are paired at random already, so this is the midpoint
    rule for the mean over the uniform share that the paper draws, with less variance, and the loss
    is a function of its arguments. On a torus the way between is the shorter arc.

    Args:
        weight: of the penalty, lambda in the paper.
    """

    weight: PositiveFloat = 10.0

    boundary: ClassVar[float | None] = None

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """-W1 estimate and penalty; 0 at p = q for a critic of slope 1, `weight` for a constant."""
        share = (torch.arange(len(fake), device=fake.device) + 0.5) / len(fake)
        share = share.to(fake.dtype).view(-1, *[1] * (fake.ndim - 1))
        between = fake + share * critic.displacement(fake, real)
        norm = squared_norm(input_gradient(critic, between)).add(1e-12).sqrt()
        on_real, on_fake = on_both(critic, real, fake)
        return on_fake.mean() - on_real.mean() + self.weight * (norm - 1).square().mean()

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """-E D(fake)."""
        return -critic(fake).mean()
