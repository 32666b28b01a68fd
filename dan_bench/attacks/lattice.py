"""White-box inversion of networks with few fresh numbers, each of which is one of 65,536.

The first layer is u = A x + B z + c. Where A x lies in the range of B, it is c + B w, and w = z + p
is the noise, moved by the candidate: p = B^+ A x. Noise of real numbers hides a move that is small
beside 1. But z is on a grid, and who knows w finely enough sees for which candidates w - p is on it
(Mironov 2012, "On significance of the least significant bits for differential privacy").

w is found with the network's own layers, whatever they are: from the likest of the attacker's own
outputs, by Gauss-Newton steps on residuals modulo 1. The points of the grid that then agree with
all bytes, to within rounding, are enumerated for every candidate, and the network is run on each.
Which bytes that gives depends on how the network rounds, and so tells more than real numbers would.
Where so many agree that their number hardly depends on the candidate, the noise is taken for real
numbers.
"""

import copy
import math
from collections import Counter

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import linalg, special
from torch import Tensor, nn

from dan_bench.attacks.cells import (
    SAMPLED,
    Law,
    density,
    near,
    place,
    points_bits,
    radius,
    reduced,
    steps,
    within_cells,
)
from dan_bench.attacks.layers import CELL, QUANTISATION
from dan_bench.attacks.unwrap import DOUBTFUL, fractions
from dan_bench.data.noise import VALUES, quantiles
from dan_bench.interfaces import Bytes, Floats, Numbers, OpenNetwork
from dan_bench.metrics.certificate import gaussian_leak

Flags = NDArray[np.bool_]
MOST_NUMBERS, MOST_SLOPES = 64, 1 << 16
"""Numbers, and derivatives of an output by them, up to which a search is worth its time."""
REACHED = 1e-9
"""Share of the largest weight of the data that may lie outside the range of the noise."""
STARTS, STEPS = 3, 8
"""Of a search: own outputs that are likest, and Gauss-Newton steps from each."""
AT_A_TIME = 32
"""Rows; where none of the first is found, no more are looked for."""
HARDLY = 0.1
"""Bits that the first layer is given of the candidates, or lets through noise of real numbers,
below which nothing is searched for."""
LOOKED_AT, TWICE = 16, 256
"""Own outputs for which points of the grid are counted before any is searched for; those that are
made in double precision too, to see what rounding does."""
ROUNDED, UNLIKELY = 5.0, -8.0
"""Deviations of rounding by which a byte may be missed, and logarithm of the likelihood of all,
below which a point is not tried."""
ENUMERATED = 8
"""Points near enough to be looked at, for each that the network may be run on."""
BATCH = 1000
"""Points that the network is run on together, as many as by its owner: it may round otherwise."""
MISSED = 0.02
"""Probability of what the model leaves out: kinks, and what is rounded otherwise."""
LEAST = 1e-12
"""Deviation of rounding in turns, and density of the noise where it has none."""
INSENSITIVE = 1e-3
"""Share of the largest slope of a row below which a byte of a sigmoid is left out."""


class Lattice:
    """Likelihoods of candidates under noise that is on a grid.

    Args:
        network: with fewer bits of noise than of output; see `few`.
        inputs: of the attacker's own.
        stream: of his noise.
        simulated: rows that he runs the network on, to start from.
        runs: of the network, for each output, at most.
    """

    def __init__(
        self,
        network: OpenNetwork,
        inputs: Bytes,
        stream: np.random.Generator,
        simulated: int,
        runs: int,
    ) -> None:
        self.of_noise, self.output = network.law, network.output
        self._run, self._runs = network.run, runs
        self._grid = quantiles(network.law)
        self._moves, self._read = moves(network), network.data.any(axis=0)
        self._layers = copy.deepcopy(network.layers).requires_grad_(False)
        self._single = copy.deepcopy(self._layers).float()
        self._noise, self._offset = map(torch.from_numpy, (network.noise.T, network.offset))
        chosen = inputs[stream.integers(0, len(inputs), simulated)]
        noise = self._grid[stream.integers(0, VALUES, (simulated, network.noise.shape[1]))]
        self._own = torch.from_numpy(noise + self.moved(chosen))
        both = np.hstack([(chosen + 0.5) / 256, noise]).astype(np.float32)
        first = np.hstack([network.data, network.noise]).astype(np.float32)
        u = both @ first.T + network.offset.astype(np.float32)
        single = self._activated(self._single(torch.from_numpy(u)))
        self._phases = phases(single)
        double = self._fractions(self._layers, self._own[:TWICE])
        rounding = wrapped(double - single[:TWICE])
        self._slack = max(LEAST, float(rounding.square().mean().sqrt()))
        self._mean, self._precision = self._own.mean(0), precision(self._own)
        some = slice(LOOKED_AT)
        seen = torch.from_numpy(fractions(network.run(chosen[some], noise[some])))
        law = self._law(seen, self._own[some])
        self._bits = points_bits(law, self.moved(chosen[some]), network.law)

    def moved(self, inputs: Bytes) -> Floats:
        """Return p of n inputs: n x m."""
        p: Floats = (inputs + 0.5) / 256 @ self._moves.T
        return p

    def limits(self, candidates: Bytes) -> dict[str, float]:
        """Return `given_bits`, `real_bits` and `points_bits`: how much there can be to find.

        The entropy of what the first layer is given of the candidates: no attacker recovers more;
        at most what of that Gaussian noise of real numbers lets through; and the binary logarithm
        of how many points of the grid agree with an output, a candidate, in the median over own
        outputs: where it is many, about as many do for each candidate.
        """
        return {
            "given_bits": entropy(candidates[:, self._read]),
            "real_bits": gaussian_leak(self.moved(candidates)),
            "points_bits": float(np.median(self._bits)),
        }

    def _fractions(self, layers: nn.Module, w: Tensor) -> Tensor:
        """Outputs for n points w, as numbers of which the torus takes the fractional part."""
        return self._activated(layers(w @ self._noise.to(w) + self._offset.to(w)))

    def _activated(self, a: Tensor) -> Tensor:
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
        on_grid = self._bits.min() <= math.log2(ENUMERATED * self._runs / len(p))
        told = gaussian_leak(p) if not on_grid else math.inf  # of noise of real numbers
        if min(told, entropy(candidates[:, self._read])) < HARDLY:
            return scores, found
        for start in range(0, len(outputs), AT_A_TIME):
            rows = slice(start, start + AT_A_TIME)
            y = torch.from_numpy(fractions(outputs[rows]))
            w, found[rows] = self._search(y.float())
            if not found.any():
                break  # a search that fails takes longest
            at = start + np.flatnonzero(found[rows])
            if len(at):
                law = self._law(y[at - start], w[at - start].double())
                scores[at] = self._scores(outputs[at], law, candidates, p)
        return scores, found

    def _scores(self, outputs: Bytes, law: Law, candidates: Bytes, p: Floats) -> Floats:
        """Return log-likelihoods, n x K, by how many points of the grid give the same bytes.

        Where there are too many to try, by the law of real numbers.
        """
        tried = [self._points(Law(*row), p) for row in zip(*law, strict=True)]
        row = np.repeat(np.arange(len(tried)), [len(which) for which, _ in tried])
        which, places = (np.concatenate(parts) for parts in zip(*tried, strict=True))
        same = np.zeros(len(row), dtype=bool)
        for start in range(0, len(row), BATCH):
            i = np.resize(np.arange(start, min(start + BATCH, len(row))), BATCH)
            made = self._run(candidates[which[i]], self._grid[places[i]])
            same[i] = (made == outputs[row[i]]).all(axis=1)
        number = np.zeros((len(outputs), len(p)))
        np.add.at(number, (row[same], which[same]), 1)
        scores: Floats = np.log(density(law.means[:, None] - p, self.of_noise) + LEAST).sum(axis=2)
        scores -= special.logsumexp(scores, axis=1, keepdims=True)
        whole = number.sum(axis=1, keepdims=True)
        share = (1 - MISSED) * number / np.maximum(whole, 1) + MISSED * np.exp(scores)
        np.log(share, out=scores, where=whole > 0)
        return scores

    def _points(self, law: Law, p: Floats) -> tuple[Numbers, Numbers]:
        """Return points of the grid that may have made an output: none if they are too many.

        Args:
            law: of one row.
            p: of the candidates, K x m.

        Returns:
            For each point its candidate, and which value of the grid each number is, n x m.
        """
        m = len(law.means)
        none = np.zeros(0, dtype=np.int64), np.zeros((0, m), dtype=np.int64)
        basis = linalg.solve_triangular(
            law.roots, np.diag(steps(law.means - p.mean(0), self.of_noise)), lower=True
        )
        change = reduced(basis)
        targets = place(law.means - p, self.of_noise) @ linalg.inv(change).T
        root = linalg.qr(basis @ change, mode="r")[0].astype(np.float64)
        found = near(root, targets, radius(m), ENUMERATED * self._runs)
        if found is None:
            return none
        which, places = found[0], np.round(found[1] @ change.T).astype(np.int64)
        inside = ((places >= 0) & (places < VALUES)).all(axis=1)
        which, places = which[inside], places[inside]
        w = self._grid[places].astype(np.float64) + p[which] - law.means
        reach = radius(m) * np.linalg.norm(law.slopes @ law.roots, axis=1)
        half = CELL / 2
        told = np.abs(law.missed) + reach > half - ROUNDED * self._slack
        left = half - np.abs(law.missed[told] - w @ law.slopes[told].T)
        kept = (left > -ROUNDED * self._slack).all(axis=1)
        likely = special.log_ndtr(left[kept] / self._slack).sum(axis=1) > UNLIKELY
        which, places = which[kept][likely], places[kept][likely]
        return (which, places) if len(which) <= self._runs else none

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
        missed = missed - (slopes @ step)[:, :, 0]
        if self.output == "sigmoid":  # whose first and last byte have no other end
            size = np.linalg.norm(slopes, axis=2)
            flat = size < INSENSITIVE * size.max(axis=1, keepdims=True)
            out = flat | ((y - 0.5).abs() > 0.5 - CELL).numpy()
            missed, slopes = np.where(out, 0, missed), np.where(out[:, :, None], 0, slopes)
        law = Law(means, roots, missed, slopes)
        return law if means.shape[1] > SAMPLED else within_cells(law, ROUNDED * self._slack)


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


def entropy(rows: Bytes) -> float:
    """Return the entropy in bits of a row that is drawn at random: at most that can be told."""
    each = np.array(list(Counter(row.tobytes() for row in rows).values())) / len(rows)
    return max(0.0, float(-each @ np.log2(each)))
