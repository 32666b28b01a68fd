"""Networks, as plain functions of their sizes."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn


def mlp(sizes: Sequence[int], slope: float = 0.2) -> nn.Sequential:
    """Multilayer perceptron over those layer sizes, leaky ReLU between them, a linear end."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(slope)]
    return nn.Sequential(*layers[:-1])
