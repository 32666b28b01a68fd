"""Which class was it? A classifier from output to label."""

from dataclasses import dataclass

import torch
from pydantic import PositiveInt
from scipy import special

from dan_bench.attacks.training import (
    Budget,
    FeatureMap,
    classification,
    fit,
    perceptron,
    predict,
)
from dan_bench.interfaces import Case, Estimate
from dan_bench.metrics.recovery import label_information


@dataclass(frozen=True)
class Label:
    """Recovers the label; data without labels has nothing for it."""

    hidden: PositiveInt
    budget: Budget

    def needs_rows(self) -> int:
        """Enough for an interval."""
        return 100

    def __call__(self, case: Case) -> Estimate | None:
        """(H(label) - cross-entropy) / H(label) on the challenge set."""
        own, challenge = case.auxiliary, case.challenge
        if own.labels is None or challenge.labels is None:
            return None
        features = FeatureMap(own.outputs)
        x = features(own.outputs)
        classes = int(max(own.labels.max(), challenge.labels.max())) + 1
        network = fit(
            lambda: perceptron(x.shape[1], self.hidden, classes),
            (x, torch.from_numpy(own.labels)),
            classification,
            self.budget,
            case.seed,
            "label",
        )
        logits = predict(network, features(challenge.outputs))
        return label_information(
            special.log_softmax(logits, axis=1), challenge.labels, case.confidence
        )
