"""Guide: a discriminator that always says why.

The open question of the note on adversarial training: a discriminator that is right gives the
degenerator nothing to go by. This one is not asked which is which, but which way: its gradient at
each fake is trained to be the unit vector towards the real sample that an optimal assignment gives
it, as the optimal Wasserstein critic's is (Gulrajani et al. 2017, proposition 1).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from dan_bench.objectives import Critic
from dan_bench.objectives.gradients import input_gradient, squared_norm


def assign(critic: Critic, fake: Tensor, real: Tensor) -> Tensor:
    """Displacements from each fake to its real sample, with the least total squared distance."""
    ways = critic.displacement(fake.unsqueeze(1), real.unsqueeze(0))
    cost = ways.flatten(2).square().sum(dim=2)
    rows, columns = linear_sum_assignment(cost.detach().cpu().numpy())
    return ways[torch.as_tensor(rows), torch.as_tensor(columns)]


@dataclass(frozen=True)
class Guide:
    """The critic's gradient at a fake points to its assigned real sample, with norm 1."""

    boundary: ClassVar[float | None] = None

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """E |grad D(fake) - u|^2, u the unit vector; 0 where every fake knows its way."""
        way = assign(critic, fake, real)
        length = squared_norm(way).sqrt().clamp_min(1e-12).view(-1, *[1] * (fake.ndim - 1))
        return squared_norm(input_gradient(critic, fake) - way / length).mean()

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """-E D(fake): its gradient is the way."""
        return -critic(fake).mean()
