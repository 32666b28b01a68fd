"""The non-saturating game of Goodfellow et al. 2014, section 3."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import softplus

from dan_bench.interfaces import Critic
from dan_bench.objectives import minimax


@dataclass(frozen=True)
class Nonsaturating:
    """Minimax's discriminator; the degenerator maximises log D(fake) instead."""

    boundary: ClassVar[float | None] = 0.0

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """-V(D, G), as in minimax."""
        return minimax.discriminator_loss(critic, real, fake)

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """-E log D(fake); log 2 at p = q."""
        return softplus(-critic(fake)).mean()
