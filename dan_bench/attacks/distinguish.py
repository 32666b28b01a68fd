"""Can a fresh classifier tell the sample from fresh noise?"""

from collections.abc import Mapping
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
from dan_bench.statistics import CONFIDENCE, binomial_interval


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

    def __call__(
        self, sample: Bytes, noise: Bytes, shape: tuple[int, ...], seed: int, device: str = "cpu"
    ) -> Estimate:
        """Accuracy of the better classifier; `noise` has as many rows as `sample`."""
        n, d = sample.shape
        half = n // 2
        training = np.concatenate([sample[:half], noise[:half]])
        features = FeatureMap(training, device=device)
        examples = (features(training), torch.cat([torch.ones(half), torch.zeros(half)]))
        held_out = features(np.concatenate([sample[half:], noise[half:]]))
        is_sample = np.arange(len(held_out)) < len(held_out) // 2
        hits = {}
        for name, make in {
            "mlp": lambda: perceptron(VIEWS * d, self.hidden, 1),
            "convnet": lambda: convnet(shape, self.channels, 1),
        }.items():
            network = fit(make, examples, loss, self.budget, seed, f"c2st/{name}", device)
            answers = predict(network, held_out)[:, 0] > 0
            hits[name] = (int((answers == is_sample).sum()), len(held_out))
        return c2st_accuracy(hits)


def loss(network: nn.Module, x: Tensor, is_sample: Tensor) -> Tensor:
    """Cross-entropy of a classifier with one logit."""
    return binary_cross_entropy_with_logits(network(x)[:, 0], is_sample)


def c2st_accuracy(hits: Mapping[str, tuple[int, int]]) -> Estimate:
    """Held-out accuracy of the better classifier between sample and noise (Lopez-Paz & Oquab 2017).

    Args:
        hits: for each classifier, how many of how many held-out rows it named rightly.

    Returns:
        The largest accuracy, in [0, 1]; 1/2 is indistinguishable. Choosing the largest after
        looking would make the interval miss 1/2 too often, so each of the k classifiers gets an
        exact interval at 1 - 0.05 / k (Bonferroni). Details hold each accuracy,
        and its interval as `NAME_low` and `NAME_high`.
    """
    if not hits:
        raise ValueError("c2st_accuracy needs at least one classifier")
    each = 1 - (1 - CONFIDENCE) / len(hits)
    found = {name: binomial_interval(right, n, each) for name, (right, n) in hits.items()}
    best = max(found.values(), key=lambda estimate: estimate.value)
    details: dict[str, float] = {}
    for name, one in found.items():
        assert one.low is not None
        assert one.high is not None
        details |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    return Estimate(best.value, best.low, best.high, best.n, details)
