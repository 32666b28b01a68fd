"""Guide: a transport critic.

The open question of the note on adversarial training: a discriminator that is right gives the
degenerator no gradient. This one is not asked which samples are real, but which way to move: its
gradient at each fake is trained to be the unit vector towards the real sample that the optimal
assignment gives it. That is the gradient of the optimal Wasserstein critic where mass is moved
(Gulrajani et al. 2017, proposition 1), so the assignment is the one of least total distance, not
squared distance: only for that one does a function with these gradients and slope at most 1 exist.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import normalize

from dan_bench.interfaces import Critic
from dan_bench.objectives import input_gradient, squared_norm


def assign(critic: Critic, fake: Tensor, real: Tensor) -> Tensor:
    """Displacements from each fake to its real sample, of the least total length.

    Fakes and reals are equally many, or there are more reals.
    """
    with torch.no_grad():
        ways = critic.displacement(fake.unsqueeze(1), real.unsqueeze(0))
        _, chosen = linear_sum_assignment(ways.flatten(2).norm(dim=2).double().cpu().numpy())
    return critic.displacement(fake, real[torch.as_tensor(chosen, device=real.device)])


@dataclass(frozen=True)
class Guide:
    """The critic's gradient at a fake points to its assigned real sample, with norm 1."""

    boundary: ClassVar[float | None] = None

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """E |grad D(fake) - u|^2, u the unit vector (0 for no displacement); 0 at best."""
        way = assign(critic, fake, real)
        unit = normalize(way.flatten(1), dim=1).view_as(way)
        return squared_norm(input_gradient(critic, fake) - unit).mean()

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """-E D(fake): its gradient is the way."""
        return -critic(fake).mean()
