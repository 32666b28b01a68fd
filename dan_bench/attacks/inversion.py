"""White-box inversion: which candidate was it, by undoing the network down to its first layer.

There u = A x + B z + c, and the law of the fresh noise z says how likely each candidate x is: who
knows u has no use for anything else. How well u is known is carried along.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt
from scipy import linalg, special
from torch import nn

from dan_bench.attacks.gauss_newton import GaussNewton, searchable
from dan_bench.attacks.lattice import Lattice, few
from dan_bench.attacks.layers import (
    QUANTISATION,
    Observed,
    before_sigmoid,
    law_of,
    log_likelihoods,
    undo_leaky,
    undo_linear,
)
from dan_bench.attacks.likelihood import NamingAttack
from dan_bench.attacks.unwrap import fractions, unwrap
from dan_bench.interfaces import (
    Bytes,
    Case,
    Degenerator,
    Estimate,
    Levelled,
    OpenNetwork,
    Pairs,
    WhiteBox,
)
from dan_bench.metrics.certificate import LinearChannel
from dan_bench.metrics.recovery import dictionary_information
from dan_bench.rng import generator

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Likelihoods = Callable[[Bytes, Bytes], tuple[Floats, Flags]]
"""From n outputs and K candidate inputs to log-likelihoods, n x K, and which rows were undone."""
ROWS_A_NUMBER = 4
"""Simulated rows for each number of a layer, at least, so that their covariance has an inverse."""
COMPONENTS = 100
"""Principal components of the inputs that a fitted law depends on."""
DOUBT = 2.0
TEMPERATURES = np.concatenate([np.geomspace(1, 1e-3, 31), [0]])


@dataclass(frozen=True)
class Inversion(NamingAttack):
    """Which of K candidates was it? Asked of the first layer, which is worked back to.

    A perceptron with leaky ReLUs is undone: a sigmoid with its quantisation error, a torus where
    its numbers spread over less than half a turn (`unwrap`), linear layers by weighted least
    squares. Other layers, such as convolutions, are not undone one by one: what the first layer
    handed on is searched for (`gauss_newton`) in half as many rows, and where that finds nothing, a
    normal law of the output given the input is fitted to the attacker's own pairs. Where the input
    sets the size of the noise and no more, it is the law of the output's size. Scores are
    calibrated on such pairs, by a temperature from 1 down to 0, at which nothing is said.

    Args:
        candidates: K.
        queries: challenge rows that are attacked.
        calibration: pairs of the attacker's own that the temperature is fitted to.
        simulated: rows that he runs the network on, for the laws of its layers.
        rounds: of unwrapping, at most.
        runs: of the network for each output, at most, where its noise is few numbers on a grid.
    """

    queries: PositiveInt
    calibration: PositiveInt
    simulated: PositiveInt
    rounds: PositiveInt
    runs: PositiveInt = 2048

    def __call__(self, case: Case) -> Estimate | None:
        """Recovered bits over log2 K; None where there is no network, or it is given no data.

        Details also hold `undone`, the share of the outputs that were traced back to what made
        them, `temperature`, and what a lattice's `limits` are.
        """
        own, held = (
            generator(case.seed, f"inversion/{stream}").permutation(len(pairs.rows))
            for stream, pairs in (("known", case.auxiliary), ("held", case.challenge))
        )

        def calibrated(law: Likelihoods) -> Calibration:
            return calibration(self._scores(law, case.auxiliary, own, self.calibration)[0])

        searched, lattice = self._search(case, own), self._lattice(case)
        given = [] if searched is None else [(calibrated(searched), searched)]
        if not given or given[0][0].gain == 0:
            others = self._law(case, own[self.calibration :]), lattice
            given = [(calibrated(law), law) for law in others if law is not None] + given
        if not given:
            return None
        best, law = max(given, key=lambda pair: pair[0].gain)
        queries = self.queries // 2 if law is searched else self.queries
        scores, undone = self._scores(law, case.challenge, held, queries)
        factor = best.temperature
        found = dictionary_information(factor * scores, np.arange(len(scores)), case.confidence)
        more = {"undone": float(undone.mean()), "temperature": factor}
        if lattice is not None:
            more |= lattice.limits(case.challenge.inputs[held[: self.candidates]])
        return replace(found, details=found.details | more)

    def _law(self, case: Case, rows: NDArray[np.int64]) -> Likelihoods | None:
        """What makes likelihoods; `rows` are those of the attacker's pairs that it may fit."""
        degenerator, own = case.degenerator, case.auxiliary
        network = opened(degenerator)
        if network is None:
            return level_law(degenerator, own, rows) if isinstance(degenerator, Levelled) else None
        layers = layers_of(network.layers)
        if layers is None:
            return fitted_law(network, own, rows)
        stream = generator(case.seed, "inversion/simulated")
        return law_of_noise(network, layers, own.inputs, stream, self)

    def _lattice(self, case: Case) -> Lattice | None:
        """Likelihoods under noise of few numbers that are on a grid; None where it is not so."""
        network, own = opened(case.degenerator), case.auxiliary.inputs
        if network is None or not few(network, own.shape[1]):
            return None
        stream = generator(case.seed, "inversion/lattice")
        rows = max(self.simulated, ROWS_A_NUMBER * network.noise.shape[1])
        return Lattice(network, own, stream, rows, self.runs)

    def _search(self, case: Case, order: NDArray[np.int64]) -> Likelihoods | None:
        """Likelihoods by a search for what the first layer hands on, where layers are not undone;
        None if that would find nothing.
        """
        network, own = opened(case.degenerator), case.auxiliary.inputs
        if network is None or few(network, own.shape[1]) or layers_of(network.layers) is not None:
            return None
        if not searchable(network, own[order[: self.candidates]]):
            return None
        stream = generator(case.seed, "inversion/search")
        search = GaussNewton(network, own, stream, self.simulated)
        return search if search.tells else None

    def _scores(
        self, law: Likelihoods, pairs: Pairs, order: NDArray[np.int64], queries: int
    ) -> tuple[Floats, Flags]:
        """Scores of the first `queries` rows in that order among the first K, each on its place."""
        offered = order[: self.candidates]
        scores, undone = law(pairs.outputs[offered[:queries]], pairs.inputs[offered])
        return scores * undone[:, None], undone


def opened(degenerator: Degenerator) -> OpenNetwork | None:
    """Return the network of a degenerator that can be read; None also if it is given no data."""
    network = degenerator.opened() if isinstance(degenerator, WhiteBox) else None
    return network if network is not None and network.data.any() else None


class Layer(NamedTuple):
    """A leaky ReLU and the linear layer after it."""

    slope: float
    weight: Floats
    bias: Floats

    def activated(self, given: Floats) -> Floats:
        """The leaky ReLU of n x k numbers."""
        return np.where(given > 0, given, self.slope * given)


def layers_of(network: nn.Sequential) -> list[Layer] | None:
    """Return the layers of a perceptron after its first linear one; None if it is something else.

    A linear layer without a leaky ReLU before it has one of slope 1.
    """
    layers: list[Layer] = []
    slope = 1.0
    for module in network:
        if isinstance(module, nn.LeakyReLU) and module.negative_slope > 0 and slope == 1:
            slope = module.negative_slope
        elif isinstance(module, nn.Linear):
            weight = module.weight.detach().numpy()
            bias = np.zeros(len(weight)) if module.bias is None else module.bias.detach().numpy()
            layers.append(Layer(slope, weight, bias))
            slope = 1.0
        else:
            return None
    return layers if slope == 1 else None


def law_of_noise(
    network: OpenNetwork,
    layers: list[Layer],
    inputs: Bytes,
    stream: np.random.Generator,
    attack: Inversion,
) -> Likelihoods:
    """Return the likelihoods of candidates under the noise at a perceptron's first layer.

    Args:
        network: as a whole.
        layers: of it, from the first leaky ReLU on.
        inputs: of the attacker's own; he runs the network on them for the law of each layer.
        stream: of his noise.
        attack: its budgets.
    """
    channel = LinearChannel(network.data, network.noise, network.offset)
    widest = max([len(channel.data), *(layer.weight.shape[1] for layer in layers)])
    n = max(attack.simulated, ROWS_A_NUMBER * widest)
    noise = stream.standard_normal((n, channel.noise.shape[1]))
    if network.law == "uniform":
        noise = 3**0.5 * (2 * special.ndtr(noise) - 1)
    given = [channel.images(inputs[stream.integers(0, len(inputs), n)]) + noise @ channel.noise.T]
    activated: list[Floats] = []
    for layer in layers:
        activated.append(layer.activated(given[-1]))
        given.append(activated[-1] @ layer.weight.T + layer.bias)

    laws = [(law_of(u), law_of(h)) for u, h in zip(given[:-1], activated, strict=True)]

    def before_output(outputs: Bytes) -> tuple[Observed, Flags]:
        if network.output == "sigmoid":
            return before_sigmoid(outputs, given[-1]), np.ones(len(outputs), dtype=bool)
        if layers:
            return unwrap(outputs, layers[-1].weight, layers[-1].bias, laws[-1][1], attack.rounds)
        d = outputs.shape[1]
        return unwrap(outputs, np.eye(d), np.zeros(d), law_of(given[-1]), attack.rounds)

    def likelihoods(outputs: Bytes, candidates: Bytes) -> tuple[Floats, Flags]:
        seen, undone = before_output(outputs)
        if not undone.any():
            return np.zeros((len(outputs), len(candidates))), undone
        for layer, h, (before, after) in reversed(list(zip(layers, activated, laws, strict=True))):
            means, covariance = undo_linear(seen, layer.weight, layer.bias, after)
            seen = undo_leaky(means, covariance, layer.slope, h, before)
        return log_likelihoods(seen, channel.images(candidates), channel.noise), undone

    return likelihoods


def fitted_law(network: OpenNetwork, own: Pairs, rows: NDArray[np.int64]) -> Likelihoods:
    """Return the likelihoods of candidates under a normal law whose mean is linear in the input.

    Args:
        network: that made the pairs.
        own: pairs of the attacker's.
        rows: those that the law is fitted to: by least squares, on principal components.
    """
    part = fractions(own.outputs[rows])
    middle = np.angle(np.exp(2j * np.pi * part).mean(axis=0)) / (2 * np.pi)

    def numbers(outputs: Bytes) -> Floats:
        part = fractions(outputs)
        turned = np.remainder(part - middle + 0.5, 1) - 0.5  # from the middle of all
        return special.logit(part) if network.output == "sigmoid" else turned

    inputs = own.inputs[rows] / 256
    mean = inputs.mean(axis=0)
    _, lengths, directions = linalg.svd(inputs - mean, full_matrices=False)
    kept = min(COMPONENTS, len(rows) // ROWS_A_NUMBER, int((lengths > 1e-6 * lengths[0]).sum()))
    axes = directions[:kept].T / lengths[:kept]
    values = numbers(own.outputs[rows])
    slope = ((inputs - mean) @ axes).T @ values
    expected = values.mean(axis=0)
    left = law_of(values - expected - (inputs - mean) @ axes @ slope).covariance
    root = linalg.cholesky(left * len(rows) / max(1, len(rows) - kept), lower=True)
    precision = np.full(len(expected), 1 / QUANTISATION)

    def likelihoods(outputs: Bytes, candidates: Bytes) -> tuple[Floats, Flags]:
        means = expected + (candidates / 256 - mean) @ axes @ slope
        seen = Observed(None, numbers(outputs), precision)
        return log_likelihoods(seen, means, root), np.ones(len(outputs), dtype=bool)

    return likelihoods


def level_law(degenerator: Levelled, own: Pairs, rows: NDArray[np.int64]) -> Likelihoods:
    """Return the likelihoods of candidates whose size alone shows: in an output's mean and maximum.

    Args:
        degenerator: that made the pairs.
        own: pairs of the attacker's.
        rows: those that the law of both, given the size, is fitted to.
    """

    def numbers(outputs: Bytes) -> Floats:
        part = fractions(outputs)
        octaves: Floats = np.log2(np.stack([part.mean(axis=1), part.max(axis=1)], axis=1))
        return octaves

    left = numbers(own.outputs[rows]) - degenerator.octaves(own.inputs[rows])[:, None]
    mean, covariance = law_of(left)
    root = linalg.cholesky(covariance, lower=True)

    def likelihoods(outputs: Bytes, candidates: Bytes) -> tuple[Floats, Flags]:
        means = degenerator.octaves(candidates)[:, None] + mean
        seen = Observed(None, numbers(outputs), np.full(2, 1 / QUANTISATION))
        return log_likelihoods(seen, means, root), np.ones(len(outputs), dtype=bool)

    return likelihoods


class Calibration(NamedTuple):
    """How scores are made log-probabilities."""

    gain: float
    """What that is worth on average, in nats, less `DOUBT` standard errors; at least 0."""
    temperature: float
    """Their factor, from 0 to 1."""


def calibration(scores: Floats) -> Calibration:
    """Return the factor that makes log-probabilities of scores, n x K, and what it gains over 0.

    The true candidate of row i is candidate i. Of what a factor gains, on average over the rows,
    `DOUBT` standard errors are taken off before the best is chosen.
    """
    true = np.arange(len(scores))

    def gain(factor: float) -> float:
        scaled = factor * scores
        gains = scaled[true, true] - special.logsumexp(scaled, axis=1)
        gains += math.log(scores.shape[1])
        return float(gains.mean() - DOUBT * gains.std() / math.sqrt(len(gains)))

    return max((Calibration(gain(t), float(t)) for t in TEMPERATURES), key=lambda found: found.gain)


def temperature(scores: Floats) -> float:
    """Return the factor of a calibration, from 0 to 1."""
    return calibration(scores).temperature
