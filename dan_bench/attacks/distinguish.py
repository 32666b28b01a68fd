"""Can a fresh classifier tell the sample from fresh noise?"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from dan_bench.attacks.training import (
    VIEWS,
    Budget,
    FeatureMap,
    convnet,
    fit,
    perceptron,
    predict,
)
from dan_bench.interfaces import Bytes, Estimate
from dan_bench.metrics.distinguish import c2st_accuracy


@dataclass(frozen=True)
class C2st:
    """The classifier two-sample test with a perceptron and a small convolutional network.

    Both are trained on half of the sample against as much fresh noise, and tested on the other
    halves; the better one counts.
    """

    hidden: PositiveInt
    channels: PositiveInt
    budget: Budget
    least: Annotated[int, Ge(20)] = 100

    def needs_rows(self) -> int:
        """Return how many rows the sample must have."""
        return self.least

    def __call__(self, sample: Bytes, noise: Bytes, shape: tuple[int, ...], seed: int) -> Estimate:
        """Accuracy of the better classifier; `noise` has as many rows as `sample`."""
        n, d = sample.shape
        half = n // 2
        training = np.concatenate([sample[:half], noise[:half]])
        features = FeatureMap(training)
        examples = (features(training), torch.cat([torch.ones(half), torch.zeros(half)]))
        held_out = features(np.concatenate([sample[half:], noise[half:]]))
        is_sample = np.arange(len(held_out)) < len(held_out) // 2
        hits = {}
        for name, make in {
            "mlp": lambda: perceptron(VIEWS * d, self.hidden, 1),
            "convnet": lambda: convnet(shape, self.channels, 1),
        }.items():
            network = fit(make, examples, loss, self.budget, seed, f"c2st/{name}")
            answers = predict(network, held_out)[:, 0] > 0
            hits[name] = (int((answers == is_sample).sum()), len(held_out))
        return c2st_accuracy(hits)


def loss(network: nn.Module, x: Tensor, is_sample: Tensor) -> Tensor:
    """Cross-entropy of a classifier with one logit."""
    return binary_cross_entropy_with_logits(network(x)[:, 0], is_sample)
