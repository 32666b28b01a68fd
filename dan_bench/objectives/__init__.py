"""Adversarial objectives: pure functions of a critic, true samples and made ones.

An objective is a frozen dataclass with two methods. Both take the critic (any function from
samples B x d to logits B), the real samples and the fakes, and return a scalar to be minimised.
"""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

Critic = Callable[[Tensor], Tensor]


class Objective(Protocol):
    """What the discriminator minimises, and what the degenerator does."""

    def discriminator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Scalar loss of the discriminator; `fake` carries no gradient to its maker."""
        ...

    def degenerator_loss(self, critic: Critic, real: Tensor, fake: Tensor) -> Tensor:
        """Scalar loss of the degenerator, whose gradient flows through `fake`."""
        ...
