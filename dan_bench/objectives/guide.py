"""Guide: a transport critic.

The open question of the note on adversarial training: a discriminator that is right gives the
degenerator no gradient. This one is not asked which samples are real, but which way to move: its
gradient at each fake is trained to be the unit vector towards the real sample that the optimal
assignment gives it. That is the gradient of the optimal Wasserstein critic where mass is moved
(Gulrajani et al. 2017, proposition 1), so the assignment is the one of least total distance, not
squared distance: only for that one does a function with these gradients and slope at most 1 exist.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

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
        chosen = Assignment.apply(ways.flatten(2).norm(dim=2))
    return critic.displacement(fake, real[chosen])


class Assignment(torch.autograd.Function):
    """Distances n x m, m at least n, to the column that each row is assigned: n.

    Where a distance is not finite each row has its own: the loss will not be finite, and says so.
    """

    @staticmethod
    def forward(distances: Tensor) -> Tensor:
        """Of one matrix, or of a stack of them."""
        if distances.ndim == 3:
            return torch.stack([Assignment.forward(of_one) for of_one in distances])
        if not distances.isfinite().all():
            return torch.arange(len(distances), device=distances.device)
        _, chosen = linear_sum_assignment(distances.double().cpu().numpy())
        return torch.as_tensor(chosen, device=distances.device)

    @staticmethod
    def setup_context(ctx: Any, _: tuple[Tensor, ...], chosen: Tensor) -> None:
        """Nothing has a gradient here."""
        ctx.mark_non_differentiable(chosen)

    @staticmethod
    def vmap(_: Any, in_dims: tuple[int], distances: Tensor) -> tuple[Tensor, int]:
        """Of many runs at once: one after the other."""
        return Assignment.apply(distances.movedim(in_dims[0], 0)), 0


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
