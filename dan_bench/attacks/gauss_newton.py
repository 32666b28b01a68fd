"""White-box inversion of layers that cannot be undone one by one, such as convolutions.

The output depends on the candidate x through the first layer's u = A x + B z + c alone, so one
search serves all candidates: for the likeliest u given the output, by damped Gauss-Newton steps
from several starts, with the quantisation of the bytes as error. Given the output, u is taken as
normal about that point (Laplace's approximation, its covariance a mean over the points at which
the network is linearised), and candidates are scored by the law of the noise at u.

A search takes some 10 ms a row for 784 numbers, so `Inversion` attacks half as many rows with it.
"""

import copy
import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import linalg, special
from torch import Tensor, nn
from torch.autograd import forward_ad

from dan_bench.attacks.layers import (
    JITTER,
    QUANTISATION,
    Normal,
    Observed,
    before_sigmoid,
    law_of,
    log_likelihoods,
    without_prior,
)
from dan_bench.attacks.unwrap import fractions
from dan_bench.interfaces import Bytes, Floats, OpenNetwork
from dan_bench.metrics.certificate import LinearChannel, gaussian_leak

Flags = NDArray[np.bool_]
MOST_NUMBERS = 1024
"""Numbers of the first layer, and of the output, up to which a Jacobian is written down."""
WORTH = 0.05
"""Bits: where the certificate allows less, calibration could not tell them from nothing."""
SIMULATED = 512
"""Rows for the law of the pre-activations."""
POINTS = 2
"""Points at which the network is linearised; each gives a start."""
STARTS, STEPS = 2, 10
"""Most starts that are followed, the best first, and most Gauss-Newton steps from each."""
PRODUCTS = 4
"""Conjugate gradient iterations in the first step, each with one product by the Jacobian and one by
its transpose; each later step has one more."""
SOLVED = 0.03
"""Squared share of the residual at which conjugate gradients end."""
SPREAD = 0.1
"""Variance in turns from which a torus is left alone: one number in nine wraps."""
SETTLED = 0.03
"""A row is done when a step lowers -2 log p by less than this for each number of its output,"""
SHARP = 0.01
"""or when the variance of the error of u is below this share of the noise's."""
UNEXPLAINED = 0.03
"""Largest share of an output's squared deviation from the mean that u may leave unexplained."""
AT_A_TIME = 32
"""Rows; if none of the first is undone, no others are tried."""
DAMPED, SHORTER, LONGER = 1e-3, 10.0, 0.3
"""Initial damping, and its factors after a step that failed and after one that did not."""
LEAST = 1e-30
EDGE, BEYOND = 3**0.5, 6.0
"""Bound of uniform noise, and the number of deviations of u within which it matters."""
MISSED = 1e-3
"""Probability that a number of u is far from where it was found."""


class Linear(NamedTuple):
    """The network, linearised at a point."""

    output: Tensor
    """What it returns for the mean of u, d."""
    gain: Tensor
    """Maps a deviation from that output to the likeliest deviation of u, k x d."""
    covariance: Floats
    """Of u given the output, k x k."""


class GaussNewton:
    """Likelihoods of candidates under a network whose layers are differentiable almost everywhere.

    Args:
        network: see `searchable`.
        inputs: of the attacker's own.
        stream: of his noise.
        simulated: rows that he runs the network on.
    """

    def __init__(
        self, network: OpenNetwork, inputs: Bytes, stream: np.random.Generator, simulated: int
    ) -> None:
        self._channel = LinearChannel(network.data, network.noise, network.offset)
        self._uniform, self._output = network.law == "uniform", network.output
        self._layers = copy.deepcopy(network.layers).float().requires_grad_(False)
        images = self._channel.images(inputs[stream.integers(0, len(inputs), simulated)])
        noise = stream.standard_normal((simulated, network.noise.shape[1]))
        if self._uniform:
            noise = EDGE * (2 * special.ndtr(noise) - 1)
        self._u = single(images + noise @ network.noise.T)[:SIMULATED]
        self._own = self._layers(self._u).double().numpy()
        covariance = law_of(images).covariance + network.noise @ network.noise.T
        covariance += JITTER * covariance.trace() / len(covariance) * np.eye(len(covariance))
        self._prior = Normal(images.mean(axis=0), covariance)
        self._mean = single(self._prior.mean)
        self._precision = single(linalg.inv(covariance))
        self.tells = self._output == "sigmoid" or bool(self._own.var(axis=0).mean() < SPREAD)
        """Whether pre-activations can be told from outputs: not if too many of them wrap."""
        if self.tells:
            self._points = [self._linearised(point) for point in self._u[:POINTS].split(1)]
            self._posterior: Floats = np.mean([p.covariance for p in self._points], axis=0)
            self._preconditioner = single(self._posterior)
            self._damping = 1 / self._preconditioner.diagonal()
            share = self._posterior.trace() / max(np.square(network.noise).sum(), LEAST)
            self._share = math.inf if self._uniform else share  # uniform noise has sharp edges

    def _linearised(self, point: Tensor) -> Linear:
        """The network near a point, 1 x k."""
        output = self._layers(point)[0]
        unit = torch.eye(point.shape[1])
        j = pushed(self._layers, point.repeat(len(unit), 1), unit).T.double().numpy()
        precision = self._observed(np.zeros((1, len(output)), dtype=np.uint8)).typical
        inverse = linalg.inv(self._prior.covariance)
        covariance = linalg.inv((j.T * precision) @ j + inverse)
        gain = covariance @ (j.T * precision)
        moved = j @ (self._prior.mean - point[0].double().numpy())
        return Linear(output + single(moved), single(gain), covariance)

    def _observed(self, outputs: Bytes) -> Observed:
        """What bytes say of pre-activations; of a torus, of their fractional parts."""
        if self._output == "sigmoid":
            return before_sigmoid(outputs, self._own)
        return Observed(None, fractions(outputs), np.full(outputs.shape[1], 1 / QUANTISATION))

    def _missed(self, y: Tensor, at: Tensor) -> Tensor:
        """Return observed pre-activations less those at hand, on a torus modulo 1: n x d."""
        return y - at if self._output == "sigmoid" else y - at - (y - at).round()

    def __call__(self, outputs: Bytes, candidates: Bytes) -> tuple[Floats, Flags]:
        """Return log-likelihoods, n x K, and for which rows u was found."""
        u = np.tile(self._prior.mean, (len(outputs), 1))
        undone = np.zeros(len(outputs), dtype=bool)
        for start in range(0, len(outputs), AT_A_TIME):
            rows = slice(start, start + AT_A_TIME)
            u[rows], undone[rows] = self._search(outputs[rows])
            if not undone.any():
                break  # a search that fails takes longest
        means, noise = self._channel.images(candidates), self._channel.noise
        if self._uniform and boxed(noise):
            return in_box(u, self._posterior, means, noise), undone
        seen = without_prior(u, self._posterior, self._prior)
        return log_likelihoods(seen, means, noise), undone

    def _energy(self, y: Tensor, weight: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return -2 log p(u, y) up to a constant, and the part of it that is due to y: n each."""
        error = (weight * self._missed(y, self._layers(u)).square()).sum(1)
        off = u - self._mean
        return error + ((off @ self._precision) * off).sum(1), error

    def _search(self, outputs: Bytes) -> tuple[Floats, Flags]:
        """Return u of n outputs, and whether it explains them."""
        seen = self._observed(outputs)
        y = single(seen.values)
        precision = seen.typical if seen.precision is None else seen.precision
        weight = single(np.broadcast_to(precision, y.shape).copy())
        starts = torch.stack(
            [self._mean + self._missed(y, p.output) @ p.gain.T for p in self._points]
        )
        order = torch.stack([self._energy(y, weight, u)[0] for u in starts]).argsort(dim=0)
        most = (weight * self._missed(y, self._points[0].output).square()).sum(1) * UNEXPLAINED
        best = torch.zeros_like(starts[0])
        energy, error = (torch.full_like(most, torch.inf) for _ in range(2))
        for nearest in order[:STARTS]:
            todo = torch.nonzero(error > most)[:, 0]
            if not len(todo):
                break
            u = self._followed(y[todo], weight[todo], starts[nearest[todo], todo])
            new, left = self._energy(y[todo], weight[todo], u)
            better = new < energy[todo]
            at = todo[better]
            best[at], energy[at], error[at] = u[better], new[better], left[better]
        return best.double().numpy(), (error <= most).numpy()

    def _followed(self, y: Tensor, weight: Tensor, start: Tensor) -> Tensor:
        """Return u after Gauss-Newton steps from a start: n x k."""
        u = start.clone()
        energy, error = self._energy(y, weight, u)
        damping = torch.full((len(u), 1), DAMPED)
        todo = torch.arange(len(u))
        for turn in range(STEPS):
            # far from the optimum, errors as large as the residuals make better conditioned steps
            loose = (error[todo] / y.shape[1]).clamp_min(1)[:, None]
            step = self._step(
                y[todo], weight[todo] / loose, u[todo], damping[todo], PRODUCTS + turn
            )
            new, left = self._energy(y[todo], weight[todo], u[todo] + step)
            gained = energy[todo] - new
            good = gained > 0
            at = todo[good]
            u[at], energy[at], error[at] = u[at] + step[good], new[good], left[good]
            damping[todo] *= torch.where(good, LONGER, SHORTER)[:, None]
            left_open = error[todo] * self._share > SHARP * y.shape[1]
            todo = todo[~good | (gained > SETTLED * y.shape[1]) & left_open]
            if not len(todo):
                break
        return u

    def _step(self, y: Tensor, weight: Tensor, u: Tensor, damping: Tensor, products: int) -> Tensor:
        """Return a damped Gauss-Newton step, by conjugate gradients: n x k."""
        damping, u = damping * self._damping, u.clone().requires_grad_()
        at = self._layers(u)

        def pulled(v: Tensor) -> Tensor:
            return torch.autograd.grad(at, u, v, retain_graph=True)[0]

        def product(h: Tensor) -> Tensor:
            curved = pulled(weight * pushed(self._layers, u.detach(), h))
            return curved + h @ self._precision + damping * h

        missed = self._missed(y, at.detach())
        left = pulled(weight * missed) - (u.detach() - self._mean) @ self._precision
        step, z = torch.zeros_like(left), left @ self._preconditioner
        way, size = z, (left * z).sum(1, keepdim=True)
        enough = SOLVED * size
        for _ in range(products):
            turned = product(way)
            length = size / (way * turned).sum(1, keepdim=True).clamp_min(LEAST)
            length = torch.where(size > enough, length, 0)  # a row does not depend on the others
            step, left = step + length * way, left - length * turned
            z = left @ self._preconditioner
            new = (left * z).sum(1, keepdim=True)
            way, size = z + new / size.clamp_min(LEAST) * way, new
            if (size <= enough).all():
                break
        return step


def pushed(layers: nn.Module, u: Tensor, h: Tensor) -> Tensor:
    """Return J h for each row: J of the layers at u, n x d."""
    with torch.no_grad(), forward_ad.dual_level():
        tangent: Tensor = forward_ad.unpack_dual(layers(forward_ad.make_dual(u, h))).tangent
    return tangent


def single(numbers: Floats) -> Tensor:
    """Return numbers in single precision."""
    return torch.from_numpy(numbers).float()


def searchable(network: OpenNetwork, candidates: Bytes) -> bool:
    """Return whether a search is worth its time.

    It is not if a Jacobian would be too large, or if the certificate of the first layer's Gaussian
    noise allows at most `WORTH` bits on the candidates.
    """
    if max(network.data.shape) > MOST_NUMBERS:
        return False
    channel = LinearChannel(network.data, network.noise, network.offset)
    points = channel.whitened(candidates) if network.law == "gaussian" else None
    return points is None or gaussian_leak(points) > WORTH


def boxed(noise: Floats) -> bool:
    """Return whether u and the candidate determine each number of the noise."""
    return noise.shape[0] == noise.shape[1] and bool(np.linalg.cond(noise) < 1 / JITTER)


def in_box(u: Floats, covariance: Floats, means: Floats, noise: Floats) -> Floats:
    """Return log p(u | candidate), n x K, of uniform z = B^-1 (u - A x - c) with its bounds.

    Args:
        u: n x k.
        covariance: of the errors of u; those of z are taken as independent.
        means: one a candidate, K x k.
        noise: B, k x k.
    """
    back = linalg.inv(noise)
    deviation = np.sqrt(((back @ covariance) * back).sum(axis=1))
    centre = means.mean(axis=0)
    z, moved = (u - centre) @ back.T, (means - centre) @ back.T
    reach = EDGE - np.abs(moved).max(axis=0) - BEYOND * deviation
    scores = np.empty((len(u), len(means)))
    for row, numbers in enumerate(z):
        near = np.abs(numbers) > reach
        inside = (EDGE - np.abs(numbers[near] - moved[:, near])) / deviation[near]
        scores[row] = np.log((1 - MISSED) * special.ndtr(inside) + MISSED).sum(axis=1)
    return scores
