"""Adversarial objectives: pure functions of a critic, true samples and made ones.

An objective is a frozen dataclass with two methods. Both take the critic, the real samples and
the fakes, and return a scalar to be minimised.
"""

from typing import ClassVar, Protocol

import torch
from torch import Tensor


class Critic(Protocol):
    """A function of samples, and the space that they lie in."""

    def __call__(self, y: Tensor, /) -> Tensor:
        """Logits B of samples B x d."""
        ...

    def displacement(self, start: Tensor, end: Tensor) -> Tensor:
        """Return the shortest way from `start` to `end`, number by number; they broadcast."""
        ...


class Objective(Protocol):
    """What the discriminator minimises, and what the degenerator does."""

    boundary: ClassVar[float | None]
    """Logit at which the critic is undecided; None where only differences mean anything."""

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Scalar loss of the discriminator; `fake` carries no gradient to its maker."""
        ...

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Scalar loss of the degenerator, whose gradient flows through `fake`."""
        ...


def on_both(critic: Critic, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the critic's logits of the real and of the fake samples, read in one pass.

    The weights are read once instead of twice, and their gradient is one product, not a sum of two.
    """
    on_real, on_fake = critic(torch.cat([real, fake])).tensor_split([len(real)])
    return on_real, on_fake
