"""How a network's last layer becomes numbers in (0, 1), and what a discriminator sees of them."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn


class Output(ABC):
    """A map from pre-activations to (0, 1), and features of a point of (0, 1)^d."""

    views: int
    """Features for each number."""

    @abstractmethod
    def activation(self, raw: Tensor) -> Tensor:
        """Pre-activations B x d to numbers in (0, 1)."""

    @abstractmethod
    def features(self, y: Tensor) -> Tensor:
        """Numbers B x d to what the discriminator is shown: B x (views d)."""

    def displacement(self, start: Tensor, end: Tensor) -> Tensor:
        """Shortest way from `start` to `end`, number by number."""
        return end - start


@dataclass(frozen=True)
class DiscriminatorCritic:
    """A discriminator as a function of points of (0, 1)^d."""

    output: Output
    discriminator: nn.Module

    def __call__(self, y: Tensor) -> Tensor:
        """Logits, one a sample."""
        logits: Tensor = self.discriminator(self.output.features(y)).squeeze(1)
        return logits

    def displacement(self, start: Tensor, end: Tensor) -> Tensor:
        """Shortest way in the output's space."""
        return self.output.displacement(start, end)


@dataclass(frozen=True)
class Sigmoid(Output):
    """The paper's output. Its ends are hard to reach, and hard to leave."""

    views = 1

    def activation(self, raw: Tensor) -> Tensor:
        """1 / (1 + exp(-raw))."""
        return raw.sigmoid()

    def features(self, y: Tensor) -> Tensor:
        """The numbers themselves, centred on 0."""
        return 2 * y - 1


@dataclass(frozen=True)
class Torus(Output):
    """The output wrapped modulo 1, and a discriminator whose functions live on the torus.

    A discriminator of y itself would have its steepest slope at the wrap, where y jumps from 1 to
    0 and the gradient means nothing. On (sin 2 pi y, cos 2 pi y) there is no wrap to see.
    """

    views = 2

    def activation(self, raw: Tensor) -> Tensor:
        """Raw modulo 1; the gradient passes as through the identity.

        Half precision is left first: its grid above 4 is coarser than the bytes wanted.
        """
        raw = raw.to(torch.promote_types(raw.dtype, torch.float32))
        return raw - raw.detach().floor()

    def features(self, y: Tensor) -> Tensor:
        """(sin 2 pi y, cos 2 pi y), all sines first."""
        turn = 2 * math.pi * y
        return torch.cat([turn.sin(), turn.cos()], dim=1)

    def displacement(self, start: Tensor, end: Tensor) -> Tensor:
        """Along the shorter arc: in [-1/2, 1/2)."""
        return torch.remainder(end - start + 0.5, 1) - 0.5


OUTPUTS: dict[str, Output] = {"sigmoid": Sigmoid(), "torus": Torus()}
