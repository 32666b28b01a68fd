"""The non-saturating game of Goodfellow et al. 2014, section 3."""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import softplus

from dan_bench.interfaces import Critic
from dan_bench.objectives.minimax import Minimax


@dataclass(frozen=True)
class Nonsaturating(Minimax):
    """Minimax's discriminator; the degenerator maximises log D(fake) instead."""

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """-E log D(fake); log 2 at p = q."""
        return softplus(-critic(fake)).mean()
