"""The classifier that others try to fool: one recipe, so that all of them face the same network."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dan_bench.attacks.learners import Budget, ChannelsFirst, answers, fit, seeded
from dan_bench.interfaces import Bytes, Data, Estimate
from dan_bench.statistics import CONFIDENCE, binomial_interval

ROWS = 20_000
CHANNELS = 16
BUDGET = Budget(epochs=5, patience=2, batch_size=64, lr=2e-3, weight_decay=0.01)


def pixels(rows: Bytes) -> Tensor:
    """Bytes as brightness in [0, 1], the scale on which the literature states its epsilons."""
    return torch.from_numpy(rows).to(torch.float32).div_(255)


def cnn(shape: tuple[int, ...], classes: int) -> nn.Module:
    """Two strided convolutions and a linear end, from pixels n x d to logits."""
    height, width, *rest = shape
    depth = math.prod(rest)
    small = math.ceil(height / 4) * math.ceil(width / 4)
    return nn.Sequential(
        nn.Unflatten(1, (1, height, width, depth)),
        ChannelsFirst(),
        nn.Flatten(1, 2),
        nn.Conv2d(depth, CHANNELS, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(CHANNELS, 2 * CHANNELS, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(2 * CHANNELS * small, classes),
    )


def train(
    rows: Bytes, labels: NDArray[np.int64], shape: tuple[int, ...], seed: int, name: str
) -> nn.Module:
    """Train a fresh classifier; its weights are a function of the rows and of (seed, name)."""
    seen, truth = pixels(rows), torch.from_numpy(labels)
    network = seeded(seed, name, lambda: cnn(shape, int(labels.max()) + 1))

    def loss(chosen: Tensor) -> Tensor:
        return cross_entropy(network(seen[chosen]), truth[chosen])

    fit(network, loss, len(seen), BUDGET, seed, name)
    return network.requires_grad_(False)


def under_attack(clean: Data, shape: tuple[int, ...], seed: int) -> nn.Module:
    """Return the network under attack: trained on the first rows of the clean training data.

    Raises:
        ValueError: the data have no labels.
    """
    if clean.labels is None:
        raise ValueError("a classifier needs labels, and these data have none: try data=mnist")
    chosen = np.arange(min(ROWS, len(clean)))
    return train(clean.rows[chosen], clean.labels[chosen], shape, seed, "classifier")


def accuracy(
    network: nn.Module, rows: Bytes, labels: NDArray[np.int64], confidence: float = CONFIDENCE
) -> Estimate:
    """Share of the rows that are named rightly, with its exact interval."""
    said = answers(network, pixels(rows)).argmax(axis=1)
    return binomial_interval(int((said == labels).sum()), len(rows), confidence)
