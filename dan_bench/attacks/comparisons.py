"""Outputs beside the inputs that they were made from: who is fooled, and is the level kept?

A network is fooled where its accuracy is low. Whether a person would be fooled too is asked of two
proxies: structural similarity, and a classifier that was trained on outputs. The
network under attack has one recipe, so that all who try to fool it face the same one.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from dan_bench.attacks.training import Budget, classification, convnet, fit, predict
from dan_bench.interfaces import Bytes, Case, Comparison, Conditional, Data, Estimate
from dan_bench.metrics.entropy import joint_bits, shannon_bits
from dan_bench.metrics.pictures import WINDOW, structural_similarity
from dan_bench.statistics import CONFIDENCE, binomial_interval, t_interval

ROWS = 20_000
CHANNELS = 16
BUDGET = Budget(epochs=5, patience=2, batch_size=64, lr=2e-3, weight_decay=0.01)
MEASURED = {"shannon_bits": shannon_bits, "joint_bits": joint_bits}


def pixels(rows: Bytes) -> Tensor:
    """Bytes as brightness in [0, 1], the scale on which the literature states its epsilons."""
    return torch.from_numpy(rows).to(torch.float32).div_(255)


def train(
    rows: Bytes,
    labels: NDArray[np.int64],
    shape: tuple[int, ...],
    seed: int,
    name: str,
    device: str = "cpu",
) -> nn.Module:
    """Train a fresh classifier; its weights are a function of the rows and of (seed, name)."""
    return fit(
        lambda: convnet(shape, CHANNELS, int(labels.max()) + 1, views=1, kernel=5),
        (pixels(rows), torch.from_numpy(labels)),
        classification,
        BUDGET,
        seed,
        name,
        device,
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
    """Share of the rows that are classified correctly, with its exact interval."""
    answers = predict(network, pixels(rows)).argmax(axis=1)
    return binomial_interval(int((answers == labels).sum()), len(rows), confidence)


@dataclass(frozen=True)
class StructuralSimilarity:
    """Mean SSIM of outputs with their inputs: 1 where nothing changed, about 0 for noise."""

    def check(self, shape: tuple[int, ...]) -> None:
        """A picture holds at least one window."""
        if len(shape) < 2 or min(shape[:2]) < WINDOW:
            raise ValueError(
                f"structural similarity looks through windows of {WINDOW} x {WINDOW}: "
                f"data.shape={list(shape)} is too small, leave it out of evaluation.comparisons"
            )

    def __call__(self, case: Case, clean: Data) -> Estimate:
        """Mean over the challenge set, and its interval."""
        pairs = (case.challenge.inputs.reshape(-1, *case.shape), case.challenge.outputs)
        values = structural_similarity(pairs[0], pairs[1].reshape(-1, *case.shape))
        return t_interval(values, case.confidence)


class PictureReader:
    """What asks a classifier: its convolutions need pictures."""

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse rows that are no pictures."""
        if len(shape) < 2:
            raise ValueError(f"the classifier reads pictures: data.shape={list(shape)} is none")


@dataclass(frozen=True)
class ClassifierAccuracy(PictureReader):
    """Accuracy, on the outputs, of the network under attack: trained on clean data, then fixed."""

    def __call__(self, case: Case, clean: Data) -> Estimate | None:
        """Share of outputs that keep their label; details hold the accuracy on the inputs."""
        if clean.labels is None or case.challenge.labels is None:
            return None
        network = under_attack(clean, case.shape, case.seed)
        found = accuracy(network, case.challenge.outputs, case.challenge.labels, case.confidence)
        on_inputs = accuracy(network, case.challenge.inputs, case.challenge.labels, case.confidence)
        return replace(found, details={"clean": on_inputs.value})


@dataclass(frozen=True)
class FreshClassifierAccuracy(PictureReader):
    """Accuracy of a classifier that was trained on outputs: can anybody still read them?"""

    def __call__(self, case: Case, clean: Data) -> Estimate | None:
        """Share of outputs classified correctly by a classifier trained on the attacker's own."""
        own, challenge = case.auxiliary, case.challenge
        if own.labels is None or challenge.labels is None:
            return None
        name = "fresh classifier"
        network = train(own.outputs, own.labels, case.shape, case.seed, name, case.device)
        return accuracy(network, challenge.outputs, challenge.labels, case.confidence)


@dataclass(frozen=True)
class Dial(Comparison):
    """Measured entropy against the conditioning level, on the challenge set.

    Args:
        settings: levels, spread evenly over [0, 1].
    """

    settings: Annotated[int, Field(ge=2)]

    def __call__(self, case: Case, clean: Data) -> Estimate | None:
        """R^2 of 8t bits at level t, for the worse of both entropies; None if not conditional.

        Details hold `METRIC@t`, the entropies in bits a byte, and `rising`: 1 where neither of
        them ever falls from one level to the next.
        """
        if not isinstance(case.degenerator, Conditional):
            return None
        asked = np.linspace(0, 1, self.settings)
        found = {name: np.empty(self.settings) for name in MEASURED}
        for i, level in enumerate(asked):
            sample = case.degenerator.condition(float(level))(
                case.challenge.inputs, case.challenge.rows
            )
            for name, metric in MEASURED.items():
                found[name][i] = metric(sample).value
        details = {
            f"{name}@{level:.4g}": float(bits[i])
            for name, bits in found.items()
            for i, level in enumerate(asked)
        }
        rising = all((np.diff(bits) >= 0).all() for bits in found.values())
        worse = min(r_squared(bits, 8 * asked) for bits in found.values())
        return Estimate(
            worse, n=len(case.challenge.rows), details={**details, "rising": float(rising)}
        )


def r_squared(measured: NDArray[np.float64], line: NDArray[np.float64]) -> float:
    """Share of the variance of `measured` that `line` explains; below 0 if a mean does better."""
    spread = np.square(measured - measured.mean()).sum()
    return float(1 - np.square(measured - line).sum() / spread) if spread > 1e-12 else 0.0
