"""Adversarial objectives: pure functions of a critic, real samples and fakes.

An objective is a frozen dataclass with two methods. Both take the critic, the real samples and
the fakes, and return a scalar to be minimised. Here is what several of them are made of.
"""

import torch
from torch import Tensor

from dan_bench.interfaces import Critic


def on_both(critic: Critic, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    """Return the critic's logits of the real and of the fake samples, read in one pass.

    The weights are read once instead of twice, and their gradient is one product, not a sum of two.
    """
    on_real, on_fake = critic(torch.cat([real, fake])).tensor_split([len(real)])
    return on_real, on_fake


def input_gradient(critic: Critic, at: Tensor) -> Tensor:
    """Return the gradient of the critic at each of the samples `at` (B x ...), of that shape."""
    at = at if at.requires_grad else at.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(at).sum(), at, create_graph=True)
    return gradient


def squared_norm(vectors: Tensor) -> Tensor:
    """Squared Euclidean norm of each sample, over all dimensions but the first: B."""
    return vectors.flatten(1).square().sum(dim=1)
