"""What did it look like? A decoder from output to input."""

from dataclasses import dataclass

import torch
from pydantic import PositiveInt
from torch.nn.functional import mse_loss

from dan_bench.attacks.learners import Budget, FeatureMap, answers, fit, perceptron, seeded
from dan_bench.interfaces import Case, Estimate
from dan_bench.metrics.recovery import variance_explained


@dataclass(frozen=True)
class Reconstruction:
    """Recovers the input as a picture, beyond the mean picture that anybody could guess."""

    hidden: PositiveInt
    budget: Budget

    def needs_rows(self) -> int:
        """Enough for an interval."""
        return 100

    def __call__(self, case: Case) -> Estimate:
        """max(0, R^2) on the rows under attack, against the mean of the attacker's own inputs."""
        look = FeatureMap(case.known.outputs)
        seen = look(case.known.outputs)
        wanted = torch.from_numpy(case.known.inputs).to(torch.float32).div_(255)
        mean = wanted.mean(dim=0)
        away = wanted - mean
        spread = away.square().mean().sqrt().clamp_min(1e-6)
        away = away / spread  # so that the loss is a share of the variance, however faint the data
        network = seeded(
            case.seed,
            "reconstruction",
            lambda: perceptron(seen.shape[1], self.hidden, away.shape[1]),
        )

        def loss(rows: torch.Tensor) -> torch.Tensor:
            return mse_loss(network(seen[rows]), away[rows])

        fit(network, loss, len(seen), self.budget, case.seed, "reconstruction")
        guess = answers(network, look(case.held.outputs)) * float(spread)
        truth = case.held.inputs / 255 - mean.double().numpy()
        return variance_explained(truth, guess, 0 * truth[0], case.confidence)
