"""White-box inversion of networks with few fresh numbers, each of which is one of 65,536.

The first layer is u = A x + B z + c. Where A x lies in the range of B, it is c + B w, and w = z + p
is the noise, moved by the candidate: p = B^+ A x. Noise of real numbers hides a move that is small
beside 1. But z is on a grid, and who knows w finely enough sees for which candidates w - p is on it
(Mironov 2012, "On significance of the least significant bits for differential privacy").

w is found with the network's own layers, whatever they are: from the likest of the attacker's own
outputs, by Gauss-Newton steps on residuals modulo 1.
"""

import copy
import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import linalg, special
from torch import Tensor, nn

from dan_bench.attacks.layers import CELL, QUANTISATION
from dan_bench.attacks.unwrap import DOUBTFUL, fractions
from dan_bench.data.noise import quantiles
from dan_bench.interfaces import Bytes, Floats, NoiseLaw, OpenNetwork

Flags = NDArray[np.bool_]
VALUES = 1 << 16
"""Of a noise number."""
MOST_NUMBERS, MOST_SLOPES = 64, 1 << 16
"""Numbers, and derivatives of an output by them, up to which a search is worth its time."""
REACHED = 1e-9
"""Share of the largest weight of the data that may lie outside the range of the noise."""
STARTS, STEPS = 3, 8
"""Of a search: own outputs that are likest, and Gauss-Newton steps from each."""
AT_A_TIME = 32
"""Rows; where none of the first is found, no more are looked for."""
SAMPLED = 4
"""Numbers up to which the intersection of the bytes' cells is sampled; of more, the law of w is
that of least squares, which is wider."""
RELAXATIONS, ROUNDS, BURNT = 200, 50, 10
"""Projections onto the cell that is missed most; steps of hit-and-run a number, and those of them
that are thrown away."""
FARTHEST = 6.0
"""Deviations of the law that a step of hit-and-run goes at most, where no byte says stop."""
BEYOND = 1e3
"""Where no noise is: ends of an interval that has none."""
MISSED = 0.02
"""Probability of what the model leaves out: kinks, and the network's own precision."""
INTEGRAL = 0.7
"""Deviation in steps of the grid from which a sum over it is an integral, to within 1e-4."""
NEAR, WIDE = np.arange(-2, 3), np.arange(-5, 6)
"""Neighbours on the grid that a sum goes over below that; and those for an interval."""
SWAPS = 100
"""Of two vectors of a basis that is reduced."""
INSENSITIVE = 1e-3
"""Share of the largest slope of a row below which a byte of a sigmoid is left out."""
FLAT = 1e-4
"""Density that is taken for less, where the grid is so coarse that its steps differ."""
LEAST = 1e-300


class Law(NamedTuple):
    """What outputs say of w."""

    means: Floats
    """n x m."""
    roots: Floats
    """Lower Cholesky factors of the covariances, n x m x m."""
    ends: Floats | None
    """Of the intervals, n x 2, where m = 1."""
    blur: Floats | None = None
    """How far off either may be: a standard deviation, n x 2."""


class Lattice:
    """Likelihoods of candidates under noise that is on a grid.

    Args:
        network: with fewer bits of noise than of output; see `few`.
        inputs: of the attacker's own.
        stream: of his noise.
        simulated: rows that he runs the network on, to start from.
    """

    def __init__(
        self, network: OpenNetwork, inputs: Bytes, stream: np.random.Generator, simulated: int
    ) -> None:
        self.of_noise, self.output = network.law, network.output
        self._moves = moves(network)
        self._layers = copy.deepcopy(network.layers).requires_grad_(False)
        self._single = copy.deepcopy(self._layers).float()
        self._noise, self._offset = map(torch.from_numpy, (network.noise.T, network.offset))
        chosen = inputs[stream.integers(0, len(inputs), simulated)]
        fresh = stream.integers(0, VALUES, (simulated, network.noise.shape[1]))
        own = quantiles(network.law)[fresh] + self.moved(chosen)
        self._own = torch.from_numpy(own)
        double = self._fractions(self._layers, self._own)
        single = self._fractions(self._single, self._own.float())
        self._phases = phases(single)
        self._slack = float(wrapped(double - single).square().mean().sqrt())
        self._mean, self._precision = self._own.mean(0), precision(self._own)

    def moved(self, inputs: Bytes) -> Floats:
        """Return p of n inputs: n x m."""
        p: Floats = (inputs + 0.5) / 256 @ self._moves.T
        return p

    def _fractions(self, layers: nn.Module, w: Tensor) -> Tensor:
        """Outputs for n points w, as numbers of which the torus takes the fractional part."""
        a: Tensor = layers(w @ self._noise.to(w) + self._offset.to(w))
        return a.sigmoid() if self.output == "sigmoid" else a

    def _missed(self, y: Tensor, at: Tensor) -> Tensor:
        """Return what outputs differ by from those observed: n x d."""
        return y - at if self.output == "sigmoid" else wrapped(y - at)

    def _linearised(self, layers: nn.Module, w: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs for n points w, n x d, and their derivatives, n x d x m."""

        def one(point: Tensor) -> tuple[Tensor, Tensor]:
            y = self._fractions(layers, point[None])[0]
            return y, y

        slopes, y = torch.func.vmap(torch.func.jacfwd(one, has_aux=True))(w)
        return y, slopes

    def __call__(self, outputs: Bytes, candidates: Bytes) -> tuple[Floats, Flags]:
        """Return log-likelihoods, n x K, and for which rows w was found."""
        scores = np.zeros((len(outputs), len(candidates)))
        found = np.zeros(len(outputs), dtype=bool)
        p = self.moved(candidates)
        for start in range(0, len(outputs), AT_A_TIME):
            rows = slice(start, start + AT_A_TIME)
            y = torch.from_numpy(fractions(outputs[rows]))
            w, found[rows] = self._search(y.float())
            if not found.any():
                break  # a search that fails takes longest
            at = start + np.flatnonzero(found[rows])
            if len(at):
                law = self._law(y[at - start], w[at - start].double())
                scores[at] = log_sums(law, p, self.of_noise)
        return scores, found

    def _search(self, y: Tensor) -> tuple[Tensor, Flags]:
        """Return w of n outputs, and whether they agree with it to within their cells."""
        likest = (phases(y) @ self._phases.T).topk(min(STARTS, len(self._own)), dim=1).indices
        w = self._own[likest[:, 0]].float()
        found = torch.zeros(len(y), dtype=torch.bool)
        mean, prior = self._mean.float(), self._precision.float()
        for starts in likest.T:
            todo = torch.nonzero(~found)[:, 0]
            w[todo] = self._own[starts[todo]].float()
            for _ in range(STEPS):
                if not len(todo):
                    break
                at, slopes = self._linearised(self._single, w[todo])
                missed = self._missed(y[todo], at)
                squares = missed.square().mean(1).clamp_min(QUANTISATION)
                found[todo] = squares < DOUBTFUL * QUANTISATION
                left = slopes.mT / squares[:, None, None]
                right = (left @ missed[:, :, None])[:, :, 0] - (w[todo] - mean) @ prior
                step = torch.linalg.solve(left @ slopes + prior, right)
                w[todo] += torch.where(found[todo][:, None], 0, step)
                todo = todo[~found[todo]]
        return w, found.numpy()

    def _law(self, y: Tensor, w: Tensor) -> Law:
        """Return the law of w given outputs, linearised at a point close by."""
        at, tensor = self._linearised(self._layers, w)
        missed, slopes = self._missed(y, at).numpy(), tensor.numpy()
        inverse = np.linalg.inv(slopes.mT @ slopes / QUANTISATION + self._precision.numpy())
        roots = np.linalg.cholesky(inverse)
        step = inverse @ (slopes.mT @ missed[:, :, None]) / QUANTISATION
        means = w.numpy() + step[:, :, 0]
        if means.shape[1] > SAMPLED:
            return Law(means, roots, None)
        missed = missed - (slopes @ step)[:, :, 0]
        if self.output == "sigmoid":  # whose first and last byte have no other end
            size = np.linalg.norm(slopes, axis=2)
            flat = size < INSENSITIVE * size.max(axis=1, keepdims=True)
            out = flat | ((y - 0.5).abs() > 0.5 - CELL).numpy()
            missed, slopes = np.where(out, 0, missed), np.where(out[:, :, None], 0, slopes)
        return within_cells(missed, slopes @ roots, self._slack, Law(means, roots, None))


def few(network: OpenNetwork, width: int) -> bool:
    """Return whether noise has fewer bits than outputs of `width` bytes, and hides all data.

    Then all that layers after the first one are given is noise that the data have moved. False of
    noise of more numbers than are searched for.
    """
    numbers = network.noise.shape[1]
    if numbers > MOST_NUMBERS or numbers * width > MOST_SLOPES:
        return False
    if not 0 < 16 * numbers < 8 * width or np.linalg.matrix_rank(network.noise) < numbers:
        return False
    missed = np.abs(network.data - network.noise @ moves(network)).max()
    return bool(missed <= REACHED * np.abs(network.data).max())


def moves(network: OpenNetwork) -> Floats:
    """Return B^+ A, m x d: by how much of the noise the data move it."""
    return np.linalg.lstsq(network.noise, network.data, rcond=None)[0].astype(np.float64)


def wrapped(turns: Tensor) -> Tensor:
    """Return the difference to the nearest integer, in [-1/2, 1/2]; the output may be a torus."""
    return turns - turns.round()


def phases(turns: Tensor) -> Tensor:
    """Return n x d numbers on the circle, n x 2 d in single precision."""
    angle = (2 * math.pi * wrapped(turns)).float()
    return torch.cat([angle.sin(), angle.cos()], dim=1)


def precision(points: Tensor) -> Tensor:
    """Return the inverse of the covariance of n x m numbers."""
    centred = points - points.mean(0)
    inverse: Tensor = torch.linalg.inv(centred.T @ centred / len(points))
    return inverse


def within_cells(missed: Floats, slopes: Floats, slack: float, law: Law) -> Law:
    """Return the law of w, uniform where all bytes are as they were seen.

    A point inside is found by projections (Agmon 1954, Motzkin & Schoenberg 1954), mean and
    covariance by hit-and-run (Smith 1984). A row without such a point keeps its law.

    Args:
        missed: what the bytes' middles differ by from the outputs at the law's means, n x d.
        slopes: of the outputs, n x d x m, in units of the law.
        slack: deviation of the outputs from the model.
        law: by least squares.
    """
    n, _, m = slopes.shape
    half = CELL / 2 + slack
    stream, rows = np.random.default_rng(0), np.arange(n)
    if m == 1:
        return interval(missed, slopes[:, :, 0], slack, law)
    v, left = np.zeros((n, m)), missed.copy()
    for _ in range(RELAXATIONS):
        worst = np.abs(left).argmax(axis=1)
        far, slope = left[rows, worst], slopes[rows, worst]
        step = 1.5 * np.sign(far) * np.maximum(np.abs(far) - half, 0)
        if not step.any():
            break
        v += (step / np.maximum(np.square(slope).sum(axis=1), LEAST))[:, None] * slope
        left = missed - (slopes @ v[:, :, None])[:, :, 0]
    inside = np.abs(left).max(axis=1) <= half
    means, roots = law.means.copy(), law.roots.copy()
    if not inside.any():
        return law
    v, left, slopes = v[inside], left[inside], slopes[inside]
    samples = []
    for _ in range(ROUNDS * m):
        way = stream.standard_normal(v.shape)
        change = (slopes @ way[:, :, None])[:, :, 0]
        steep = np.where(change == 0, LEAST, change)
        middle, reach = left / steep, half / np.abs(steep)
        low = np.maximum((middle - reach).max(axis=1), -FARTHEST)
        high = np.minimum((middle + reach).min(axis=1), FARTHEST)
        step = (low + (high - low) * stream.random(len(v)))[:, None]
        v, left = v + step * way, left - step * change
        samples.append(v)
    kept = np.stack(samples[BURNT * m :])
    centre = kept.mean(axis=0)
    covariance = np.einsum("snk,snl->nkl", kept - centre, kept - centre) / len(kept)
    old = roots[inside]
    means[inside] += (old @ centre[:, :, None])[:, :, 0]
    roots[inside] = np.linalg.cholesky(old @ covariance @ old.mT)
    return Law(means, roots, None)


def interval(missed: Floats, slopes: Floats, slack: float, law: Law) -> Law:
    """Return the interval of w, of one number, in which all bytes are as they were seen.

    Args:
        missed: what the bytes' middles differ by from the outputs at the law's means, n x d.
        slopes: of the outputs, n x d, in units of the law.
        slack: deviation of the outputs from the model.
        law: by least squares.
    """
    steep = np.where(slopes == 0, LEAST, slopes)
    middle, reach = missed / steep, CELL / 2 / np.abs(steep)
    first, last = (middle - reach).argmax(axis=1), (middle + reach).argmin(axis=1)
    rows, unit = np.arange(len(missed)), law.roots[:, :, 0]
    ends = np.stack([(middle - reach)[rows, first], (middle + reach)[rows, last]], axis=1)
    blur = slack / np.abs(np.stack([steep[rows, first], steep[rows, last]], axis=1))
    ends = np.clip(law.means + unit * ends, -BEYOND, BEYOND)
    return Law(law.means, law.roots, ends, np.minimum(unit * blur, BEYOND))


def log_sums(law: Law, p: Floats, noise: NoiseLaw) -> Floats:
    """Return log P(w given z + p), summed over the grid of z, up to a constant a row: n x K.

    Of one number the grid's values in the interval are counted. Of more, the grid is taken as
    regular about w, and its sum is that of a theta function, number by number in a reduced basis.
    """
    grid = quantiles(noise).astype(np.float64)
    if law.ends is not None and law.blur is not None:
        low, high = (law.ends[:, [i]] - p.T for i in (0, 1))
        middle = (low + high) / 2
        expected = (
            VALUES * density(middle, noise) * np.maximum(high - low, law.blur.sum(axis=1)[:, None])
        )
        values = grid[nearest_to(middle, noise)[:, :, None] + WIDE]
        inside = special.ndtr((values - low[:, :, None]) / law.blur[:, 0, None, None])
        inside *= special.ndtr((high[:, :, None] - values) / law.blur[:, 1, None, None])
        count = np.where(expected < len(WIDE) / 2, inside.sum(axis=2), expected)
        scores: Floats = np.log((1 - MISSED) * count + MISSED * expected + LEAST)
        return scores
    scores = np.empty((len(law.means), len(p)))
    for row, (mean, root) in enumerate(zip(law.means, law.roots, strict=True)):
        smooth = np.log(density(mean - p, noise) + LEAST).sum(axis=1)
        step = 1 / (VALUES * np.maximum(density(mean - p.mean(axis=0), noise), FLAT))
        basis: Floats = linalg.solve_triangular(root, np.diag(step), lower=True)
        if np.linalg.slogdet(basis)[1] < 0:  # more than one of the grid's points is likely
            scores[row] = smooth
            continue
        change = reduced(basis) if len(mean) <= SAMPLED else np.eye(len(mean))
        upper = linalg.qr(basis @ change, mode="r")[0].astype(np.float64)
        found = sums(upper, place(mean - p, noise) @ linalg.inv(change).T)
        scores[row] = np.logaddexp(
            math.log(1 - MISSED) + found,
            math.log(MISSED) + smooth - smooth.mean() + special.logsumexp(found) - math.log(len(p)),
        )
    return scores


def sums(root: Floats, points: Floats) -> Floats:
    """Return log of the sum over integers k of exp(-|R (k - t)|^2 / 2), for each point t: K.

    Coordinate by coordinate from the last, of which the nearest integer is taken (Babai 1986). From
    where they are finer than the deviation, the sum is an integral, the same for all points.

    Args:
        root: R, m x m, upper triangular.
        points: K x m.
    """
    total, off = np.zeros(len(points)), np.zeros_like(points)
    for j in range(len(root) - 1, -1, -1):
        if abs(root[j, j]) * INTEGRAL < 1:
            break
        at = points[:, j] - off[:, j + 1 :] @ root[j, j + 1 :] / root[j, j]
        near = np.round(at)
        apart = root[j, j] * (near[:, None] + NEAR - at[:, None])
        total += special.logsumexp(-(apart**2) / 2, axis=1)
        off[:, j] = near - points[:, j]
    return total


def reduced(basis: Floats) -> Floats:
    """Return integers U, m x m, of determinant 1 or -1, such that the columns of B U are short.

    Lenstra, Lenstra & Lovasz 1982, "Factoring polynomials with rational coefficients".
    """
    m = len(basis)
    change, k, swaps = np.eye(m), 1, 0
    root = linalg.qr(basis, mode="r")[0]
    while k < m and swaps < SWAPS:
        for j in range(k - 1, -1, -1):
            times = np.round(root[j, k] / root[j, j])
            root[:, k] -= times * root[:, j]
            change[:, k] -= times * change[:, j]
        if root[k, k] ** 2 + root[k - 1, k] ** 2 >= 0.75 * root[k - 1, k - 1] ** 2:
            k += 1
            continue
        change[:, [k - 1, k]] = change[:, [k, k - 1]]
        root = linalg.qr(basis @ change, mode="r")[0]
        k, swaps = max(k - 1, 1), swaps + 1
    return change


def place(z: Floats, noise: NoiseLaw) -> Floats:
    """Return which value of the grid a number is, as a real number from -1/2."""
    below: Floats = special.ndtr(z) if noise == "gaussian" else z / 12**0.5 + 0.5
    return VALUES * below - 0.5


def nearest_to(z: Floats, noise: NoiseLaw) -> NDArray[np.int64]:
    """Return the number of the grid's value that is nearest, as far as it has neighbours."""
    margin = -WIDE[0]
    return np.clip(np.round(place(z, noise)), margin, VALUES - 1 - margin).astype(np.int64)


def density(z: Floats, noise: NoiseLaw) -> Floats:
    """Return the density of a noise number before it is put on its grid."""
    if noise == "gaussian":
        bell: Floats = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        return bell
    return np.where(np.abs(z) <= 3**0.5, 1 / 12**0.5, 0.0)
