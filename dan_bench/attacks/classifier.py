"""The classifier that others try to fool: one recipe, so that all of them face the same network."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dan_bench.attacks.training import Budget, classification, convnet, fit, predict
from dan_bench.interfaces import Bytes, Data, Estimate
from dan_bench.statistics import CONFIDENCE, binomial_interval

ROWS = 20_000
CHANNELS = 16
BUDGET = Budget(epochs=5, patience=2, batch_size=64, lr=2e-3, weight_decay=0.01)


def pixels(rows: Bytes) -> Tensor:
    """Bytes as brightness in [0, 1], the scale on which the literature states its epsilons."""
    return torch.from_numpy(rows).to(torch.float32).div_(255)


def train(
    rows: Bytes, labels: NDArray[np.int64], shape: tuple[int, ...], seed: int, name: str
) -> nn.Module:
    """Train a fresh classifier; its weights are a function of the rows and of (seed, name)."""
    return fit(
        lambda: convnet(shape, CHANNELS, int(labels.max()) + 1, views=1, kernel=5),
        (pixels(rows), torch.from_numpy(labels)),
        classification,
        BUDGET,
        seed,
        name,
    )


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
    answers = predict(network, pixels(rows)).argmax(axis=1)
    return binomial_interval(int((answers == labels).sum()), len(rows), confidence)
