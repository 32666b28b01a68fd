"""Which class was it? A classifier from output to label."""

from dataclasses import dataclass

import torch
from pydantic import PositiveInt
from scipy import special
from torch.nn.functional import cross_entropy

from dan_bench.attacks.learners import Budget, FeatureMap, answers, fit, perceptron, seeded
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
        """(H(label) - cross-entropy) / H(label) on the rows under attack."""
        if case.known.labels is None or case.held.labels is None:
            return None
        look = FeatureMap(case.known.outputs)
        seen, truth = look(case.known.outputs), torch.from_numpy(case.known.labels)
        classes = int(max(case.known.labels.max(), case.held.labels.max())) + 1
        network = seeded(
            case.seed, "label", lambda: perceptron(seen.shape[1], self.hidden, classes)
        )

        def loss(rows: torch.Tensor) -> torch.Tensor:
            return cross_entropy(network(seen[rows]), truth[rows])

        fit(network, loss, len(seen), self.budget, case.seed, "label")
        logits = answers(network, look(case.held.outputs))
        return label_information(
            special.log_softmax(logits, axis=1), case.held.labels, case.confidence
        )
