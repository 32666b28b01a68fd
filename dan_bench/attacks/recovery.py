"""What of the input can be recovered from the output: its label, its picture, which one it was."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt
from scipy import optimize, special
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from dan_bench.attacks.fresh import Goal, Growth, Sight, learn
from dan_bench.attacks.likelihood import NamingAttack
from dan_bench.attacks.training import circle, classification, perceptron, predict
from dan_bench.data.device import sent
from dan_bench.interfaces import Bytes, Case, Degenerator, EnumerableNoise, Estimate, Pairs
from dan_bench.metrics.recovery import (
    dictionary_information,
    label_information,
    variance_explained,
)
from dan_bench.rng import generator

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
INTERVAL_ROWS = 100
"""Rows that the interval of a share needs."""
CHUNK = 4096
"""Rows degenerated at a time."""
RIDGE = 1e-3
"""Keeps the weights of a conditional logit finite where they separate every row."""


@dataclass(frozen=True)
class Label:
    """Which class was it? A classifier from output to label, for data that has labels."""

    hidden: PositiveInt
    budget: Growth

    def needs_rows(self) -> int:
        """Enough for an interval."""
        return INTERVAL_ROWS

    def __call__(self, case: Case) -> Estimate | None:
        """(H(label) - cross-entropy) / H(label) on the challenge set."""
        own, challenge = case.auxiliary.labels, case.challenge.labels
        if own is None or challenge is None:
            return None
        counts = np.bincount(own, minlength=int(challenge.max()) + 1)
        shares = counts / counts.sum()
        goal = Goal(
            make=lambda width: perceptron(width, self.hidden, len(counts)),
            batch=lambda sight, pairs: (
                sight.outputs(pairs.outputs),
                numbered(pairs.labels, case.device),
            ),
            loss=classification,
            worth=max(float(special.entr(shares).sum()), np.finfo(float).tiny),
        )
        found = learn(goal, case, self.budget, "label")
        validation = found.validation
        assert validation.labels is not None
        known, logits = (
            predict(found.network, found.sight.outputs(pairs.outputs))
            for pairs in (validation, case.challenge)
        )
        logits *= logit(known[:, :, None], validation.labels)
        estimate = label_information(
            special.log_softmax(logits, axis=1), challenge, case.confidence
        )
        return replace(estimate, details=estimate.details | found.details)


def numbered(labels: Numbers | None, device: str) -> Tensor:
    """Labels, which there are, as a tensor on the device."""
    assert labels is not None
    return sent(labels, device)


@dataclass(frozen=True)
class Reconstruction:
    """What did it look like? A decoder from output to input.

    Counted is what it recovers beyond the mean picture that anybody could guess.
    """

    hidden: PositiveInt
    budget: Growth

    def needs_rows(self) -> int:
        """Enough for an interval."""
        return INTERVAL_ROWS

    def __call__(self, case: Case) -> Estimate:
        """max(0, R^2) on the challenge set, against its own mean.

        A decoder that was told nothing still learns the mean of all that it is shown, which may be
        nearer to that of the rows under attack than the mean of a few of the attacker's inputs.
        """
        pictures = torch.from_numpy(case.auxiliary.inputs).to(torch.float32)
        mean = pictures.mean(dim=0)
        # scaled so that the loss is a share of the variance, however faint the data
        deviation = pictures.sub_(mean).square().mean().sqrt().clamp_min(1e-3)
        validated, mean = pictures[: case.fresh.held_out] / deviation, mean.to(case.device)

        def wanted(inputs: Bytes) -> Tensor:
            return sent(inputs, case.device).to(torch.float32).sub_(mean).div_(deviation)

        goal = Goal(
            make=lambda width: perceptron(width, self.hidden, len(mean)),
            batch=lambda sight, pairs: (sight.outputs(pairs.outputs), wanted(pairs.inputs)),
            loss=lambda decoder, x, y: mse_loss(decoder(x), y),
            worth=float(validated.var(dim=0, correction=0).mean()) or 1.0,
        )
        found = learn(goal, case, self.budget, "reconstruction")
        guess = predict(found.network, found.sight.outputs(case.challenge.outputs))
        truth = wanted(case.challenge.inputs).cpu().double().numpy()
        estimate = variance_explained(truth, guess, truth.mean(axis=0), case.confidence)
        return replace(estimate, details=estimate.details | found.details)


@dataclass(frozen=True)
class Dictionary(NamingAttack):
    """Which of K candidates was it? Recovered with the degenerator in hand.

    A deterministic degenerator is simply run on every candidate, and the outputs are compared:
    a byte agrees with probability 1 - `slip` under the true candidate (arithmetic may differ in
    the last digit) and by chance under a false one. Where there is fresh randomness of at most
    `enumerable_bits` that can be assumed, every value of it is tried: the scores are then the exact
    log-likelihoods, and no attack names more. Otherwise a critic is trained that scores pairs of
    input and output, on the InfoNCE objective.
    """

    queries: PositiveInt
    hidden: PositiveInt
    features: PositiveInt
    budget: Growth
    slip: Annotated[float, Field(gt=0, lt=1)] = 0.01
    enumerable_bits: Annotated[NonNegativeInt, Field(le=24)] = 16

    def __call__(self, case: Case) -> Estimate:
        """Recovered bits over log2 K."""
        degenerator = case.degenerator
        details: dict[str, float] = {}
        if degenerator.noise_bits == 0:
            scores, true = self._compare(case)
        elif degenerator.noise_bits <= self.enumerable_bits and isinstance(
            degenerator, EnumerableNoise
        ):
            scores, true = self._enumerate(case, degenerator)
        else:
            scores, true, details = self._learn(case)
        estimate = dictionary_information(scores, true, case.confidence)
        return replace(estimate, details=estimate.details | details)

    def _compare(self, case: Case) -> tuple[Floats, Numbers]:
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

    def _enumerate(self, case: Case, degenerator: EnumerableNoise) -> tuple[Floats, Numbers]:
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

    def _learn(self, case: Case) -> tuple[Floats, Numbers, dict[str, float]]:
        """Scores by a critic <phi(input), psi(output)>, every challenge row among K of them."""
        own = min(self.candidates, case.fresh.held_out)
        goal = Goal(
            make=lambda width: PairCritic(width, self),
            batch=lambda sight, pairs: (sight.inputs(pairs.inputs), sight.outputs(pairs.outputs)),
            loss=infonce,
            worth=math.log(own) if own > 1 else 1.0,
            group=self.candidates,
        )
        found = learn(goal, case, self.budget, "dictionary")
        critic = found.network
        assert isinstance(critic, PairCritic)
        known = critic.scores(found.sight, found.validation.part(slice(own)))
        size = self.candidates
        sets = range(0, len(case.challenge.rows) - size + 1, size)
        scores = np.concatenate(
            [critic.scores(found.sight, case.challenge.part(slice(i, i + size))) for i in sets]
        )
        scores *= logit(known[:, :, None], np.arange(own))
        return scores, np.tile(np.arange(size), len(sets)), found.details


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
        return np.ascontiguousarray(rows).view(np.uint64) @ self._factors


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

    @torch.no_grad()
    def scores(self, sight: Sight, pairs: Pairs) -> Floats:
        """Return the scores of some pairs, n x n."""
        found: Tensor = self(sight.inputs(pairs.inputs), sight.outputs(pairs.outputs))
        return found.cpu().double().numpy()


def infonce(critic: nn.Module, inputs: Tensor, outputs: Tensor) -> Tensor:
    """Cross-entropy of each output's own input among those of the batch."""
    return cross_entropy(critic(inputs, outputs), torch.arange(len(inputs), device=inputs.device))


@dataclass(frozen=True)
class Rehearsal(NamingAttack):
    """The Monte-Carlo likelihood attack: a dictionary attack without any training.

    The degenerator is run `draws` times on every candidate, under fresh randomness of the
    attacker's own, and the outputs are compared with the one in hand by the mean cosine of the
    angles between their bytes on the circle. Two numbers speak for a candidate: its best match,
    which finds it where one draw comes near the true randomness, and its mean match, which finds
    it where the randomness moves the output little. What each is worth is a logit fitted to the
    same attack on pairs of the attacker's own.

    Args:
        candidates: K, of whom one is to be named.
        queries: rows attacked.
        draws: of fresh randomness, for each candidate.
        below_bits: fresh randomness of so many bits, or more, is not rehearsed: no draw comes near
            it. None rehearses any.
    """

    queries: PositiveInt
    draws: PositiveInt
    below_bits: PositiveInt | None = None

    def __call__(self, case: Case) -> Estimate | None:
        """Recovered bits over log2 K; None where there is too much randomness to rehearse."""
        if self.below_bits is not None and case.degenerator.noise_bits >= self.below_bits:
            return None
        own = 1 + max(int(case.challenge.rows.max()), int(case.auxiliary.rows.max()))
        draws = self.draws if case.degenerator.noise_bits else 1
        known, real = (
            self._matches(case, pairs, stream, first, draws)
            for pairs, stream, first in (
                (case.auxiliary, "known", own),
                (case.challenge, "held", own + draws * len(case.auxiliary.rows)),
            )
        )
        mean, deviation = known.mean(axis=(0, 1)), known.std(axis=(0, 1)) + 1e-12
        weights = logit((known - mean) / deviation, np.arange(len(known)))
        scores = ((real - mean) / deviation) @ weights
        return dictionary_information(scores, np.arange(len(scores)), case.confidence)

    def _matches(self, case: Case, pairs: Pairs, stream: str, first: int, draws: int) -> Floats:
        """Best and mean match of every query with every candidate, the true one on the diagonal."""
        chosen = generator(case.seed, f"rehearsal/{stream}").permutation(len(pairs.rows))
        chosen = chosen[: self.candidates]
        wanted = circle(sent(pairs.outputs[chosen[: self.queries]], case.device))
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
        made = sent(degenerator(part, rows), wanted.device)
        match = circle(made) @ wanted.T / inputs.shape[1]
        yield match.reshape(-1, draws, len(wanted)).cpu().double().numpy()


def logit(evidence: Floats, true: Numbers) -> Floats:
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

    return optimize.minimize(loss, np.zeros(evidence.shape[2]), jac=True).x
