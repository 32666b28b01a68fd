"""Attacks on few candidates that all rows are made of, and the truth where it is known.

The best attack there is knows the channel's law; another one sees nothing but pairs. Both name one
of K candidates, K rows of the challenge set after the other.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from dan_bench.interfaces import Bytes, Case, Comparison, Data, Estimate, Floats, KnownLaw, Numbers
from dan_bench.metrics.recovery import dictionary_information

STRENGTHS = 2.0 ** np.arange(-4, 13)
"""Weights of the law without information that `Counts` chooses from, in pairs."""


@dataclass(frozen=True)
class NamingAttack:
    """An attack that names one of K candidates.

    Args:
        candidates: K.
    """

    candidates: Annotated[int, Ge(2)]

    def needs_rows(self) -> int:
        """At least one set of candidates."""
        return self.candidates


@dataclass(frozen=True)
class Likelihood(NamingAttack):
    """Which of K candidates was it? By Bayes' rule with the exact law: no attack recovers more."""

    def __call__(self, case: Case) -> Estimate | None:
        """Recovered bits over log2 K; None where the law is not known."""
        if not isinstance(case.degenerator, KnownLaw):
            return None
        inputs, outputs = case.challenge.inputs, case.challenge.outputs
        first = inputs[: self.candidates]
        scores = case.degenerator.log_likelihood(first, outputs)
        return named(inputs, scores, first, self.candidates, case.confidence)


@dataclass(frozen=True)
class Counts(NamingAttack):
    """Which of K candidates was it? From a table of how often each became what: a plug-in attack.

    It is told nothing but pairs, as F-BLEAU's frequentist estimate is (Cherubin, Chatzikokolakis &
    Palamidessi 2019, section III). A candidate's law is its counts, mixed with the law of all
    outputs at the weight under which the pairs predict one another best (leave one out).
    """

    def __call__(self, case: Case) -> Estimate:
        """Recovered bits over log2 K."""
        own, challenge = case.auxiliary, case.challenge
        first = challenge.inputs[: self.candidates]
        x, y = (
            places(np.concatenate([first, own.inputs])),
            places(np.concatenate([own.outputs, challenge.outputs])),
        )
        of_first, of_own = np.split(x, [len(first)])
        seen, asked = np.split(y, [len(own.outputs)])
        counts = np.zeros((x.max() + 1, y.max() + 1))
        np.add.at(counts, (of_own, seen), 1)
        whole = counts.sum(axis=1, keepdims=True)
        marginal = (counts.sum(axis=0) + 1) / (counts.sum() + counts.shape[1])

        def left_out(weight: float) -> float:
            others = (counts - 1 + weight * marginal) / (whole - 1 + weight)
            return float(counts[counts > 0] @ np.log(others[counts > 0]))

        weight = max(STRENGTHS, key=left_out)
        law = (counts + weight * marginal) / (whole + weight)
        scores = np.log(law[of_first][:, asked]).T
        return named(challenge.inputs, scores, first, self.candidates, case.confidence)


def places(rows: Bytes) -> Numbers:
    """Number of each row among the different ones."""
    width = rows.shape[1]
    if width <= 8:  # as words, which are sorted ten times as fast as rows
        words = np.pad(rows, ((0, 0), (0, 8 - width))).view(np.uint64)[:, 0]
        return np.unique(words, return_inverse=True)[1]
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def named(
    inputs: Bytes, scores: Floats, first: Bytes, candidates: int, confidence: float
) -> Estimate:
    """Recovered bits over log2 K, where every set of K rows holds the same candidates.

    Args:
        inputs: n x d, the rows under attack.
        scores: log-likelihoods of the first set's candidates, n x K.
        first: the first set, K x d.
        candidates: K.
        confidence: of the interval.

    Raises:
        ValueError: the sets are not made of the same rows, or a row comes twice in one.
    """
    order = places(np.concatenate([first, inputs]))
    of_first, true = order[:candidates], order[candidates:]
    place = np.full(order.max() + 1, -1)
    place[of_first] = np.arange(candidates)
    whole = len(inputs) // candidates * candidates
    found = place[true[:whole]]
    if (np.sort(found.reshape(-1, candidates)) != np.arange(candidates)).any():
        raise ValueError(
            f"each set of {candidates} rows must hold the same different rows: try data=symbols "
            f"with data.size={candidates}"
        )
    return dictionary_information(scores[:whole], found, confidence)


@dataclass(frozen=True)
class Truth(Comparison):
    """The percentage of data that is destroyed, where it is known: 100 (1 - I(X; Y) / log2 K).

    Args:
        candidates: K, of whom an attacker has to name one.
    """

    candidates: Annotated[int, Ge(2)]

    def __call__(self, case: Case, clean: Data) -> Estimate | None:
        """Return percent, as its own interval; details hold I as `bits`. None if not known."""
        if not isinstance(case.degenerator, KnownLaw):
            return None
        bits = case.degenerator.information(case.challenge.inputs[: self.candidates])
        value = 100 * (1 - bits / math.log2(self.candidates))
        return Estimate(value, value, value, len(case.challenge.rows), {"bits": bits})
