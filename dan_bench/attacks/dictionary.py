"""Which of these was it? One of K candidate inputs is the true one; name it."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dan_bench.attacks.training import Budget, FeatureMap, fit, perceptron, predict
from dan_bench.interfaces import Bytes, Case, EnumerableNoise, Estimate
from dan_bench.metrics.recovery import dictionary_information
from dan_bench.rng import generator


@dataclass(frozen=True)
class Dictionary:
    """Recovers which candidate it was, with the degenerator in hand.

    A deterministic degenerator is simply run on every candidate, and the outputs are compared:
    a byte agrees with probability 1 - `slip` under the true candidate (arithmetic may differ in
    the last digit) and by chance under a false one. Where there is fresh randomness of at most
    `enumerable_bits` that can be assumed, every value of it is tried: the scores are then the exact
    log-likelihoods, and no attack names more. Otherwise a critic is trained that scores pairs of
    input and output, on the InfoNCE objective.
    """

    candidates: Annotated[int, Ge(2)]
    queries: PositiveInt
    hidden: PositiveInt
    features: PositiveInt
    budget: Budget
    slip: Annotated[float, Field(gt=0, lt=1)] = 0.01
    enumerable_bits: Annotated[NonNegativeInt, Field(le=24)] = 16

    def needs_rows(self) -> int:
        """At least one set of candidates."""
        return self.candidates

    def __call__(self, case: Case) -> Estimate:
        """Recovered bits over log2 K."""
        degenerator = case.degenerator
        if degenerator.noise_bits == 0:
            scores, true = self._compare(case)
        elif degenerator.noise_bits <= self.enumerable_bits and isinstance(
            degenerator, EnumerableNoise
        ):
            scores, true = self._enumerate(case, degenerator)
        else:
            scores, true = self._learn(case)
        return dictionary_information(scores, true, case.confidence)

    def _compare(self, case: Case) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Scores of `queries` rows by running the degenerator on every candidate as that row."""
        challenge = case.challenge
        choose = generator(case.seed, "dictionary/candidates")
        queries = choose.permutation(len(challenge.rows))[: self.queries]
        gain = math.log((1 - self.slip) / (self.slip / 255))
        scores = np.empty((len(queries), self.candidates))
        for i, query in enumerate(queries):
            others = choose.permutation(np.delete(np.arange(len(challenge.rows)), query))
            offered = np.concatenate([[query], others[: self.candidates - 1]])
            as_row = np.full(self.candidates, challenge.rows[query])
            made = case.degenerator(challenge.inputs[offered], as_row)
            scores[i] = gain * (made == challenge.outputs[query]).sum(axis=1)
        return scores, np.zeros(len(queries), dtype=np.int64)

    def _enumerate(
        self, case: Case, degenerator: EnumerableNoise
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Log of how many values of the fresh randomness turn a candidate into the output.

        All queries share one set of candidates, which is run under each value once; the outputs
        are looked up by their digests, so that no row is compared with all others.
        """
        choose = generator(case.seed, "dictionary/candidates")
        offered = choose.permutation(len(case.challenge.rows))[: self.candidates]
        inputs, wanted = (
            case.challenge.inputs[offered],
            case.challenge.outputs[offered[: self.queries]],
        )
        digest = Digest(inputs.shape[1], choose)
        known = np.sort(digest(wanted))
        found = np.zeros((len(wanted), len(offered)))
        for randomness in range(2 ** math.ceil(degenerator.noise_bits)):
            made = degenerator.under(inputs, randomness)
            digests = digest(made)
            nearest = known[np.minimum(known.searchsorted(digests), len(known) - 1)]
            for candidate in np.flatnonzero(nearest == digests):
                found[:, candidate] += (wanted == made[candidate]).all(axis=1)
        return np.log(np.maximum(found, np.finfo(float).tiny)), np.arange(len(wanted))

    def _learn(self, case: Case) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Scores by a critic <phi(input), psi(output)>, every challenge row among K of them."""
        own, challenge = case.auxiliary, case.challenge
        input_features, output_features = FeatureMap(own.inputs), FeatureMap(own.outputs)
        x, y = input_features(own.inputs), output_features(own.outputs)
        critic = fit(
            lambda: PairCritic(x.shape[1], self),
            (x, y),
            infonce,
            self.budget,
            case.seed,
            "dictionary",
        )
        assert isinstance(critic, PairCritic)
        of_inputs = predict(critic.of_input, input_features(challenge.inputs))
        of_outputs = predict(critic.of_output, output_features(challenge.outputs)) * critic.scale
        whole = len(of_inputs) // self.candidates * self.candidates
        sets = np.arange(whole).reshape(-1, self.candidates)
        scores = np.concatenate([of_outputs[rows] @ of_inputs[rows].T for rows in sets])
        return scores, np.tile(np.arange(self.candidates), len(sets))


class Digest:
    """A hash of rows, to look them up by: the sum of their 64-bit words, each times a factor."""

    def __init__(self, width: int, choose: np.random.Generator) -> None:
        self._missing = -width % 8
        words = (width + self._missing) // 8
        self._factors = choose.integers(0, 1 << 64, words, dtype=np.uint64)

    def __call__(self, rows: Bytes) -> NDArray[np.uint64]:
        """Equal rows have equal digests."""
        if self._missing:
            rows = np.pad(rows, ((0, 0), (0, self._missing)))
        digests: NDArray[np.uint64] = np.ascontiguousarray(rows).view(np.uint64) @ self._factors
        return digests


class PairCritic(nn.Module):
    """Scores every output of a batch against every input of it."""

    def __init__(self, width: int, attack: Dictionary) -> None:
        super().__init__()
        self.of_input = perceptron(width, attack.hidden, attack.features)
        self.of_output = perceptron(width, attack.hidden, attack.features)
        self.scale = attack.features**-0.5

    def forward(self, inputs: Tensor, outputs: Tensor) -> Tensor:
        """Scores B x B: row i are the candidates for output i."""
        scores: Tensor = self.of_output(outputs) @ self.of_input(inputs).T * self.scale
        return scores


def infonce(critic: nn.Module, inputs: Tensor, outputs: Tensor) -> Tensor:
    """Cross-entropy of each output's own input among those of the batch."""
    return cross_entropy(critic(inputs, outputs), torch.arange(len(inputs)))
