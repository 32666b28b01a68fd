"""What did it look like? A decoder from output to input."""

from dataclasses import dataclass

import torch
from pydantic import PositiveInt
from torch.nn.functional import mse_loss

from dan_bench.attacks.training import Budget, FeatureMap, fit, perceptron, predict
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
        """max(0, R^2) on the challenge set, against the mean of the attacker's own inputs."""
        features = FeatureMap(case.auxiliary.outputs)
        x = features(case.auxiliary.outputs)
        pictures = torch.from_numpy(case.auxiliary.inputs).to(torch.float32).div_(255)
        mean = pictures.mean(dim=0)
        centred = pictures - mean
        # scaled so that the loss is a share of the variance, however faint the data
        deviation = centred.square().mean().sqrt().clamp_min(1e-6)
        network = fit(
            lambda: perceptron(x.shape[1], self.hidden, centred.shape[1]),
            (x, centred / deviation),
            lambda decoder, x, y: mse_loss(decoder(x), y),
            self.budget,
            case.seed,
            "reconstruction",
        )
        guess = predict(network, features(case.challenge.outputs)) * float(deviation)
        truth = case.challenge.inputs / 255 - mean.double().numpy()
        return variance_explained(truth, guess, 0 * truth[0], case.confidence)
