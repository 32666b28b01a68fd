"""Which of these was it? Degenerate every candidate again and again, and see what comes close."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from numpy.typing import NDArray
from pydantic import PositiveInt
from scipy import optimize, special
from torch import Tensor

from dan_bench.interfaces import Bytes, Case, Degenerator, Estimate, Pairs
from dan_bench.metrics.recovery import dictionary_information
from dan_bench.rng import generator

Floats = NDArray[np.float64]
CHUNK = 4096
"""Rows degenerated at a time."""
RIDGE = 1e-3
"""Keeps the weights finite where they tell every row."""


@dataclass(frozen=True)
class Rehearsal:
    """A dictionary attack on a degenerator with little fresh randomness, and no training.

    The degenerator is run `draws` times on every candidate, under fresh randomness of the
    attacker's own, and the outputs are compared with the one in hand by the mean cosine of the
    angles between their bytes on the circle. Two numbers speak for a candidate: its best match,
    which finds it where one draw comes near the true randomness, and its mean match, which finds
    it where the randomness moves the output little. What each is worth is a logit fitted to the
    same attack on pairs of the attacker's own.
    """

    candidates: Annotated[int, Ge(2)]
    queries: PositiveInt
    draws: PositiveInt

    def needs_rows(self) -> int:
        """At least one set of candidates."""
        return self.candidates

    def __call__(self, case: Case) -> Estimate:
        """Recovered bits over log2 K."""
        own = 1 + max(int(case.challenge.rows.max()), int(case.auxiliary.rows.max()))
        draws = self.draws if case.degenerator.noise_bits else 1
        rehearsed, real = (
            self._matches(case, pairs, name, first, draws)
            for pairs, name, first in (
                (case.auxiliary, "known", own),
                (case.challenge, "held", own + draws * len(case.auxiliary.rows)),
            )
        )
        middle, spread = rehearsed.mean(axis=(0, 1)), rehearsed.std(axis=(0, 1)) + 1e-12
        weights = logit((rehearsed - middle) / spread, np.arange(len(rehearsed)))
        scores = ((real - middle) / spread) @ weights
        return dictionary_information(scores, np.arange(len(scores)), case.confidence)

    def _matches(self, case: Case, pairs: Pairs, name: str, first: int, draws: int) -> Floats:
        """Best and mean match of every query with every candidate, the true one on the diagonal."""
        chosen = generator(case.seed, f"rehearsal/{name}").permutation(len(pairs.rows))
        chosen = chosen[: self.candidates]
        wanted = circle(pairs.outputs[chosen[: self.queries]])
        return np.concatenate(
            [
                np.stack([match.max(axis=1).T, match.mean(axis=1).T], axis=2)
                for match in matches(case.degenerator, pairs.inputs[chosen], wanted, draws, first)
            ],
            axis=1,
        )


def matches(
    degenerator: Degenerator, inputs: Bytes, wanted: Tensor, draws: int, first_row: int
) -> Iterator[Floats]:
    """Match of candidate x draw x query, some candidates at a time."""
    at_once = max(1, CHUNK // draws)
    for start in range(0, len(inputs), at_once):
        part = np.repeat(inputs[start : start + at_once], draws, axis=0)
        rows = first_row + start * draws + np.arange(len(part))
        match = circle(degenerator(part, rows)) @ wanted.T / inputs.shape[1]
        yield match.reshape(-1, draws, len(wanted)).double().numpy()


def circle(rows: Bytes) -> Tensor:
    """Bytes as points of the circle, n x 2d: all cosines first."""
    turn = torch.from_numpy(rows).to(torch.float32).mul_(2 * math.pi / 256)
    return torch.cat([turn.cos(), turn.sin()], dim=1)


def logit(evidence: Floats, true: NDArray[np.int64]) -> Floats:
    """Weights w of a conditional logit, P(candidate) ~ exp(w . evidence) (McFadden 1974).

    Args:
        evidence: query x candidate x number.
        true: which candidate it was, for each query.
    """
    rows = np.arange(len(evidence))

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = evidence @ weights
        log_total = special.logsumexp(scores, axis=1)
        chances = np.exp(scores - log_total[:, None])
        slope = np.einsum("ik,ikj->j", chances, evidence) - evidence[rows, true].sum(axis=0)
        value = (log_total - scores[rows, true]).sum() / len(rows)
        return value + RIDGE * weights @ weights, slope / len(rows) + 2 * RIDGE * weights

    found: Floats = optimize.minimize(loss, np.zeros(evidence.shape[2]), jac=True).x
    return found
