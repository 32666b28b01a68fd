"""Can a fresh classifier tell the sample from fresh noise?"""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from pydantic import PositiveInt
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from dan_bench.attacks.learners import (
    VIEWS,
    Budget,
    FeatureMap,
    answers,
    convnet,
    fit,
    perceptron,
    seeded,
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
        learned_from = np.concatenate([sample[:half], noise[:half]])
        look = FeatureMap(learned_from)
        seen = look(learned_from)
        truth = torch.cat([torch.ones(half), torch.zeros(half)])
        held = look(np.concatenate([sample[half:], noise[half:]]))
        is_sample = np.arange(len(held)) < len(held) // 2
        hits = {}
        for name, make in {
            "mlp": lambda: perceptron(VIEWS * d, self.hidden, 1),
            "convnet": lambda: convnet(shape, self.channels, 1),
        }.items():
            network = seeded(seed, f"c2st/{name}", make)
            self._train(network, seen, truth, seed, f"c2st/{name}")
            said = answers(network, held)[:, 0] > 0
            hits[name] = (int((said == is_sample).sum()), len(held))
        return c2st_accuracy(hits)

    def _train(
        self, network: nn.Module, seen: torch.Tensor, truth: torch.Tensor, seed: int, name: str
    ) -> None:
        def loss(rows: torch.Tensor) -> torch.Tensor:
            return binary_cross_entropy_with_logits(network(seen[rows])[:, 0], truth[rows])

        fit(network, loss, len(seen), self.budget, seed, name)
