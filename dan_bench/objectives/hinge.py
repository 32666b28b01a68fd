"""Hinge: Lim & Ye 2017 (Geometric GAN), equations 18 and 19."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import relu

from dan_bench.interfaces import Critic
from dan_bench.objectives import on_both


@dataclass(frozen=True)
class Hinge:
    """A margin for the critic, its plain mean for the degenerator."""

    boundary: ClassVar[float | None] = 0.0

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """E max(0, 1 - D(real)) + E max(0, 1 + D(fake)); 2 at p = q."""
        on_real, on_fake = on_both(critic, real, fake)
        return relu(1 - on_real).mean() + relu(1 + on_fake).mean()

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """-E D(fake); 0 at p = q."""
        return -critic(fake).mean()
