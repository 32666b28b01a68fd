"""Gradients of a critic at its input, kept differentiable: what penalties are made of."""

import torch
from torch import Tensor

from dan_bench.interfaces import Critic


def input_gradient(critic: Critic, at: Tensor) -> Tensor:
    """Return the gradient of the critic at each of the samples `at` (B x ...), of that shape."""
    at = at if at.requires_grad else at.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(at).sum(), at, create_graph=True)
    return gradient


def squared_norm(vectors: Tensor) -> Tensor:
    """Squared Euclidean norm of each sample, over all dimensions but the first: B."""
    return vectors.flatten(1).square().sum(dim=1)
