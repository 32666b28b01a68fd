"""The minimax game of Goodfellow et al. 2014, equation 1."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import softplus

from dan_bench.interfaces import Critic
from dan_bench.objectives import on_both


@dataclass(frozen=True)
class Minimax:
    """min over G, max over D of V(D, G); its value is -log 4 where the two laws are equal."""

    boundary: ClassVar[float | None] = 0.0

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """-V(D, G) = -E log D(real) - E log(1 - D(fake)), D = sigmoid(critic); log 4 at p = q."""
        on_real, on_fake = on_both(critic, real, fake)
        return softplus(-on_real).mean() + softplus(on_fake).mean()

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """E log(1 - D(fake)): vanishes where the discriminator is sure."""
        return -softplus(critic(fake)).mean()
