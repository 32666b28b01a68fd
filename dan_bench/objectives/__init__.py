"""Adversarial objectives: pure functions of a critic, real samples and fakes.

An objective is a frozen dataclass with two methods. Both take the critic, the real samples and
the fakes, and return a scalar to be minimised. Here is what several of them are made of.
"""

import torch
from torch import Tensor

from dan_bench.interfaces import Critic, Objective


def on_both(critic: Critic, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the critic's logits of the real and of the fake samples, read in one pass.

    The weights are read once instead of twice, and their gradient is one product, not a sum of two.
    """
    on_real, on_fake = critic(torch.cat([real, fake])).tensor_split([len(real)])
    return on_real, on_fake


def input_gradient(critic: Critic, at: Tensor) -> Tensor:
    """Return the gradient of the critic at each of the samples `at` (B x ...), of that shape."""
    # not torch.autograd.grad, which cannot be called for many runs at once
    gradient: Tensor = torch.func.grad(lambda y: critic(y).sum())(at)
    return gradient


def squared_norm(vectors: Tensor) -> Tensor:
    """Squared Euclidean norm of each sample, over all dimensions but the first: B."""
    return vectors.flatten(1).square().sum(dim=1)


def accuracy(objective: Objective, on_real: Tensor, on_fake: Tensor) -> float:
    """Share of logits on the right side of the objective's boundary, or of the midpoint."""
    boundary = objective.boundary
    if boundary is None:
        boundary = float(on_real.mean() + on_fake.mean()) / 2
    hits = (on_real > boundary).sum() + (on_fake <= boundary).sum()
    return hits.item() / (len(on_real) + len(on_fake))
