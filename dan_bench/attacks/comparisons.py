"""Who is fooled? Outputs beside the inputs that they were made from.

A network is fooled where its accuracy is low. Whether a person would be fooled too is asked of two
proxies: structural similarity, and a classifier that learned from outputs what they are.
"""

from dataclasses import dataclass, replace

from dan_bench.attacks.classifier import accuracy, train, under_attack
from dan_bench.interfaces import Case, Data, Estimate
from dan_bench.metrics.similarity import WINDOW, structural_similarity
from dan_bench.statistics import t_interval


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
        """Mean over the held-out rows, and its interval."""
        pairs = (case.challenge.inputs.reshape(-1, *case.shape), case.challenge.outputs)
        values = structural_similarity(pairs[0], pairs[1].reshape(-1, *case.shape))
        return t_interval(values, case.confidence)


@dataclass(frozen=True)
class ClassifierAccuracy:
    """Accuracy, on the outputs, of the network under attack: trained on clean data, then fixed."""

    def check(self, shape: tuple[int, ...]) -> None:
        """A convolution needs a picture."""
        needs_picture(shape)

    def __call__(self, case: Case, clean: Data) -> Estimate | None:
        """Share of outputs that keep their label; details hold the accuracy on the inputs."""
        if clean.labels is None or case.challenge.labels is None:
            return None
        network = under_attack(clean, case.shape, case.seed)
        found = accuracy(network, case.challenge.outputs, case.challenge.labels, case.confidence)
        on_inputs = accuracy(network, case.challenge.inputs, case.challenge.labels, case.confidence)
        return replace(found, details={"clean": on_inputs.value})


@dataclass(frozen=True)
class FreshClassifierAccuracy:
    """Accuracy of a classifier that learned from outputs: can anybody still read them?"""

    def check(self, shape: tuple[int, ...]) -> None:
        """A convolution needs a picture."""
        needs_picture(shape)

    def __call__(self, case: Case, clean: Data) -> Estimate | None:
        """Share of held-out outputs named rightly by a classifier trained on known ones."""
        own, challenge = case.auxiliary, case.challenge
        if own.labels is None or challenge.labels is None:
            return None
        network = train(own.outputs, own.labels, case.shape, case.seed, "fresh classifier")
        return accuracy(network, challenge.outputs, challenge.labels, case.confidence)


def needs_picture(shape: tuple[int, ...]) -> None:
    """Refuse rows that are no pictures."""
    if len(shape) < 2:
        raise ValueError(f"the classifier reads pictures: data.shape={list(shape)} is none")
