"""Undoing a perceptron, from its output bytes down to its first layer.

What is known of a layer's numbers h is kept as observations o = V h + e with independent errors e.
Through a linear layer that is weighted least squares, and the covariance is carried along. The
prior is the law of h over inputs and noise of the attacker's own: it fills in what the layers above
do not show, and is taken out again before the next layer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import linalg, special

from dan_bench.interfaces import Bytes, Floats

CELL = 1 / 256
QUANTISATION = CELL**2 / 12
"""Variance of a number within its byte's cell."""
JITTER = 1e-6
"""Of a law's mean variance, added to each: a network may leave directions empty."""
LEAST = 1e-12
"""Mean variance that a law is given, where nothing varies at all."""
HIDDEN = 1e-4
"""Share of a prior's variance that an observation has to take away in order to count."""
STEPS, TOLERANCE = 200, 1e-7
"""Of conjugate gradients."""


class Normal(NamedTuple):
    """A normal law by its mean, k, and its covariance, k x k."""

    mean: Floats
    covariance: Floats


@dataclass(frozen=True)
class Observed:
    """Observations o = V h + e of n rows of numbers h.

    Args:
        map: V, m x k; None is the identity.
        values: o, n x m.
        typical: 1 / variance of each error, m: its mean over many rows, which share one carried
            covariance.
        precision: that of each row by itself, n x m; None where all have the typical one.
    """

    map: Floats | None
    values: Floats
    typical: Floats
    precision: Floats | None = None


def law_of(numbers: Floats) -> Normal:
    """Return the normal law with the mean and covariance of n rows of numbers."""
    mean = numbers.mean(axis=0)
    centred = numbers - mean
    covariance = centred.T @ centred / len(numbers)
    typical = max(covariance.trace() / len(mean), LEAST)
    covariance[np.diag_indices_from(covariance)] += JITTER * typical
    return Normal(mean, covariance)


def before_sigmoid(outputs: Bytes, simulated: Floats) -> Observed:
    """Return what bytes say of the pre-activations a, floor(256 sigmoid(a)): n x d observations.

    A byte stands for the middle of its cell, whose ends are logits. The first and the last cell
    are open: they have what a normal law has beyond the logit of their end.

    Args:
        outputs: n x d.
        simulated: pre-activations for inputs and noise of the attacker's own, N x d.
    """
    mean, deviation = simulated.mean(axis=0), simulated.std(axis=0) + JITTER
    ends = special.logit(np.arange(1, 256) * CELL)
    middle = np.concatenate([[0], (ends[1:] + ends[:-1]) / 2, [0]])
    variance = np.concatenate([[1], np.diff(ends) ** 2 / 12, [1]])

    def seen(rows: Bytes) -> tuple[Floats, Floats]:
        values, spread = middle[rows], variance[rows]
        for byte, side, end in ((0, -1, ends[0]), (255, 1, ends[-1])):
            beyond, tail = upper_tail((side * end - side * mean) / deviation)
            at = rows == byte
            values = np.where(at, mean + side * deviation * beyond, values)
            spread = np.where(at, deviation**2 * tail, spread)
        return values, 1 / spread

    values, precision = seen(outputs)
    cells = np.searchsorted(ends, simulated, side="right").astype(np.uint8)
    return Observed(None, values, seen(cells)[1].mean(axis=0), precision)


def upper_tail(least: Floats) -> tuple[Floats, Floats]:
    """Return mean and variance of a standard normal number that is at least `least`."""
    mean = np.exp(-(least**2) / 2 - special.log_ndtr(-least)) / np.sqrt(2 * np.pi)
    # far out the difference loses its digits, and the variance is about 1 / least^2
    return mean, np.maximum(1 + least * mean - mean**2, 1 / (4 + 4 * least**2))


def undo_linear(
    seen: Observed, weight: Floats, bias: Floats, prior: Normal
) -> tuple[Floats, Floats]:
    """Return what a linear layer was given, by weighted least squares with a prior.

    Args:
        seen: of W h + b.
        weight: W.
        bias: b.
        prior: of h.

    Returns:
        The posterior means of h, n x k, and the posterior covariance under the typical precision,
        k x k.
    """
    if seen.map is not None:
        weight, bias = seen.map @ weight, seen.map @ bias
    inverse = linalg.inv(prior.covariance)
    covariance = linalg.inv((weight.T * seen.typical) @ weight + inverse)
    precision = seen.typical if seen.precision is None else seen.precision
    right = (precision * (seen.values - bias - weight @ prior.mean)) @ weight
    if seen.precision is None:
        return prior.mean + right @ covariance, covariance

    def normal_equations(h: Floats) -> Floats:
        return (precision * (h @ weight.T)) @ weight + h @ inverse

    return prior.mean + conjugate_gradients(normal_equations, right, covariance), covariance


def conjugate_gradients(
    matrix: Callable[[Floats], Floats], right: Floats, preconditioner: Floats
) -> Floats:
    """Solve n positive definite systems at once, one for each row of `right`.

    Args:
        matrix: from rows to each row's own matrix times that row.
        right: the right sides, n x k.
        preconditioner: about the inverse of all matrices, k x k.
    """
    x, residual = np.zeros_like(right), right
    direction = residual @ preconditioner
    size = (residual * direction).sum(axis=1)
    enough = TOLERANCE**2 * size
    for _ in range(STEPS):
        product = matrix(direction)
        step = size / np.maximum((direction * product).sum(axis=1), 1e-300)
        x = x + step[:, None] * direction
        residual = residual - step[:, None] * product
        z = residual @ preconditioner
        new = (residual * z).sum(axis=1)
        if (new <= enough).all():
            break
        direction = z + (new / np.maximum(size, 1e-300))[:, None] * direction
        size = new
    return x


def undo_leaky(
    means: Floats, covariance: Floats, slope: float, activations: Floats, prior: Normal
) -> Observed:
    """Return observations of what a leaky ReLU was given.

    Args:
        means: posterior of what it returned, n x k.
        covariance: of the posterior, k x k.
        slope: below 0.
        activations: what it returned for inputs of the attacker's own, N x k.
        prior: of what it was given.
    """
    given = np.where(means > 0, means, means / slope)
    stretch = np.where(activations > 0, 1.0, 1 / slope)
    return without_prior(given, covariance * (stretch.T @ stretch / len(stretch)), prior)


def without_prior(means: Floats, covariance: Floats, prior: Normal) -> Observed:
    """Return the observations that turned a prior into posteriors of one covariance.

    Where the posterior's variance is a share s of the prior's, the observation's error has
    s / (1 - s) of it. Directions in which next to nothing was seen are left out.
    """
    shares, vectors = linalg.eigh(covariance, prior.covariance)
    seen = shares < 1 - HIDDEN
    share = np.maximum(shares[seen], np.finfo(float).eps)
    map = vectors[:, seen].T  # the prior has unit variance along each row
    centre = map @ prior.mean
    values = (means @ map.T - centre) / (1 - share) + centre
    return Observed(map, values, (1 - share) / share)


def log_likelihoods(seen: Observed, means: Floats, noise: Floats) -> Floats:
    """Return log p(o | candidate) up to a constant a row, n x K, where h ~ N(mean, B B^T).

    Args:
        seen: of h.
        means: one a candidate, K x k.
        noise: B, k x m.
    """
    if seen.map is not None:
        means, noise = means @ seen.map.T, seen.map @ noise
    covariance = noise @ noise.T
    covariance[np.diag_indices_from(covariance)] += 1 / seen.typical
    root = linalg.cholesky(covariance, lower=True)
    centre = means.mean(axis=0)
    points = linalg.solve_triangular(root, (means - centre).T, lower=True)
    found = linalg.solve_triangular(root, (seen.values - centre).T, lower=True)
    scores: Floats = found.T @ points - (points**2).sum(axis=0) / 2
    return scores
