"""Which of these was it? One of K candidate inputs is the true one; name it."""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from numpy.typing import NDArray
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from dan_bench.attacks import Case
from dan_bench.attacks.learners import Budget, Look, answers, fit, perceptron, seeded
from dan_bench.metrics.recovery import dictionary_information
from dan_bench.metrics.statistics import Estimate
from dan_bench.streams import generator


@dataclass(frozen=True)
class Dictionary:
    """Recovers which candidate it was, with the degenerator in hand.

    A deterministic degenerator is simply run on every candidate, and the outputs are compared:
    a byte agrees with probability 1 - `slip` under the true candidate (arithmetic may differ in
    the last digit) and by chance under a false one. Where there is fresh randomness, a critic is
    trained that scores pairs of input and output, on the InfoNCE objective.
    """

    candidates: Annotated[int, Ge(2)]
    queries: PositiveInt
    hidden: PositiveInt
    features: PositiveInt
    budget: Budget
    slip: Annotated[float, Field(gt=0, lt=1)] = 0.01

    def needs_rows(self) -> int:
        """At least one set of candidates."""
        return self.candidates

    def __call__(self, case: Case) -> Estimate:
        """Recovered bits over log2 K."""
        scores, true = (
            self._compare(case) if case.degenerator.noise_bits == 0 else self._learn(case)
        )
        return dictionary_information(scores, true, case.confidence)

    def _compare(self, case: Case) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Scores of `queries` rows by running the degenerator on every candidate as that row."""
        held = case.held
        choose = generator(case.seed, "dictionary/candidates")
        queries = choose.permutation(len(held.rows))[: self.queries]
        gain = math.log((1 - self.slip) / (self.slip / 255))
        scores = np.empty((len(queries), self.candidates))
        for i, query in enumerate(queries):
            others = choose.permutation(np.delete(np.arange(len(held.rows)), query))
            offered = np.concatenate([[query], others[: self.candidates - 1]])
            as_row = np.full(self.candidates, held.rows[query])
            made = case.degenerator(held.inputs[offered], as_row)
            scores[i] = gain * (made == held.outputs[query]).sum(axis=1)
        return scores, np.zeros(len(queries), dtype=np.int64)

    def _learn(self, case: Case) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Scores by a critic <phi(input), psi(output)>, every held-out row among K of them."""
        look_in, look_out = Look(case.known.inputs), Look(case.known.outputs)
        inputs, outputs = look_in(case.known.inputs), look_out(case.known.outputs)
        critic = seeded(case.seed, "dictionary", lambda: Critic(inputs.shape[1], self))

        def loss(rows: Tensor) -> Tensor:
            return cross_entropy(critic(inputs[rows], outputs[rows]), torch.arange(len(rows)))

        fit(critic, loss, len(inputs), self.budget, case.seed, "dictionary")
        assert isinstance(critic, Critic)
        of_inputs = answers(critic.of_input, look_in(case.held.inputs))
        of_outputs = answers(critic.of_output, look_out(case.held.outputs)) * critic.scale
        whole = len(of_inputs) // self.candidates * self.candidates
        sets = np.arange(whole).reshape(-1, self.candidates)
        scores = np.concatenate([of_outputs[rows] @ of_inputs[rows].T for rows in sets])
        return scores, np.tile(np.arange(self.candidates), len(sets))


class Critic(nn.Module):
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
