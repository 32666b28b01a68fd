"""Controls that fool one network and nobody else: adversarial examples within an L-infinity ball.

They know the network under attack (`dan_bench.attacks.comparisons`) and attack its own prediction
for a picture, since a degenerator is given no labels (Kurakin et al. 2017, section 2). Epsilon is
stated on the scale on which white is 1 and is counted in whole bytes, floor(255 epsilon), so that
no rounding leaves the ball.
"""

import math
from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dan_bench.attacks.comparisons import ROWS, pixels, under_attack
from dan_bench.attacks.training import Budget, fit, perceptron
from dan_bench.data.batches import quantise
from dan_bench.data.noise import NoiseRows
from dan_bench.interfaces import Bytes, Dataset

CHUNK = 1000
Epsilon = Annotated[float, Field(ge=1 / 255, le=1)]


def whole_bytes(epsilon: float) -> float:
    """Largest epsilon of whole bytes that is not larger: floor(255 epsilon) / 255."""
    return math.floor(255 * epsilon + 1e-9) / 255


def loss_gradient(network: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """Gradient at each picture of its own cross-entropy."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(network(x), labels, reduction="sum"), x)
    return gradient


def fgsm(network: nn.Module, x: Tensor, labels: Tensor, epsilon: float) -> Tensor:
    """x + epsilon sign(gradient), within [0, 1] (Goodfellow, Shlens & Szegedy 2015, section 4)."""
    return (x + epsilon * loss_gradient(network, x, labels).sign()).clamp(0, 1)


def pgd(
    network: nn.Module, x: Tensor, labels: Tensor, epsilon: float, start: Tensor, steps: int
) -> Tensor:
    """Projected gradient ascent in the ball (Madry et al. 2018, section 2.1).

    Args:
        network: from pixels to logits.
        x: the pictures, in [0, 1].
        labels: the classes that the network is to be moved away from.
        epsilon: radius of the ball.
        start: where in the ball to start, in [-1, 1] a pixel.
        steps: of length 2.5 epsilon / steps: enough to cross the ball from any start.
    """
    lowest, highest = (x - epsilon).clamp_min(0), (x + epsilon).clamp_max(1)
    y = torch.clamp(x + epsilon * start, lowest, highest)
    for _ in range(steps):
        y = y + 2.5 * epsilon / steps * loss_gradient(network, y, labels).sign()
        y = torch.clamp(y, lowest, highest)
    return y


class Adversary:
    """A degenerator that moves each picture within the ball, as `perturb` says."""

    noise_bits = 0.0

    def __init__(self, width: int, seed: int, source: Dataset, epsilon: Epsilon) -> None:
        self.epsilon = whole_bytes(epsilon)
        self.network = under_attack(source.load("train"), source.shape, seed)

    @classmethod
    def check_data(cls, source: Dataset, **arguments: Any) -> None:
        """Refuse data without labels."""
        if source.load("train").labels is None:
            raise ValueError("a classifier needs labels, and these data have none: try data=mnist")

    def perturb(self, x: Tensor, labels: Tensor, rows: NDArray[np.int64]) -> Tensor:
        """Return pictures within epsilon of `x`, to be classified as anything but `labels`."""
        raise NotImplementedError

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Perturb the data, in chunks of bounded size."""
        out = np.empty_like(data)
        for first in range(0, len(data), CHUNK):
            part = slice(first, first + CHUNK)
            x = pixels(data[part])
            y = self.perturb(x, self.network(x).argmax(dim=1), rows[part])
            out[part] = quantise(y.mul(255).round_())
        return out


class Fgsm(Adversary):
    """The fast gradient sign method."""

    def perturb(self, x: Tensor, labels: Tensor, rows: NDArray[np.int64]) -> Tensor:
        """Return x after one step along the sign of the gradient."""
        return fgsm(self.network, x, labels, self.epsilon)


class Pgd(Adversary):
    """Projected gradient ascent from a random start, which is all the randomness that it has."""

    def __init__(
        self, width: int, seed: int, source: Dataset, epsilon: Epsilon, steps: PositiveInt
    ) -> None:
        super().__init__(width, seed, source, epsilon)
        self.steps = steps
        self.noise_bits = 16.0 * width
        self._start = NoiseRows(seed, "fresh", 2 * width)

    def perturb(self, x: Tensor, labels: Tensor, rows: NDArray[np.int64]) -> Tensor:
        """Return x after all steps, each projected back into the ball."""
        start = torch.from_numpy(2 * self._start.uniform(rows) - 1)
        return pgd(self.network, x, labels, self.epsilon, start, self.steps)


class PerturbationGenerator(Adversary):
    """A network that was trained to fool the other one, in a single forward pass.

    An adversarial transformation network of the perturbing kind (Baluja & Fischer 2018, section
    3), y = x + epsilon tanh(g(x)) within [0, 1]. The ball stands in for their loss of similarity.
    """

    def __init__(
        self,
        width: int,
        seed: int,
        source: Dataset,
        epsilon: Epsilon,
        hidden: PositiveInt,
        budget: Budget,
    ) -> None:
        super().__init__(width, seed, source, epsilon)
        data = source.load("train")
        x = pixels(data.rows[np.arange(min(ROWS, len(data)))])
        labels = torch.cat([self.network(part).argmax(dim=1) for part in x.split(CHUNK)])
        self.generator = fit(
            lambda: perceptron(width, hidden, width),
            (x, labels),
            lambda generator, x, labels: still_named(
                self.network(self._move(generator, x)), labels
            ),
            budget,
            seed,
            "perturbation",
        )

    def _move(self, generator: nn.Module, x: Tensor) -> Tensor:
        moved: Tensor = x + self.epsilon * generator(x - 0.5).tanh()
        return moved.clamp(0, 1)

    def perturb(self, x: Tensor, labels: Tensor, rows: NDArray[np.int64]) -> Tensor:
        """Return x with the generator's perturbation added."""
        return self._move(self.generator, x)


def still_named(logits: Tensor, labels: Tensor) -> Tensor:
    """-E log(1 - p(label)): 0 where the label has no probability, steep where it is certain."""
    others = logits.scatter(1, labels.unsqueeze(1), -torch.inf)
    return (logits.logsumexp(dim=1) - others.logsumexp(dim=1)).mean()
