"""What no attacker can recover, whatever his means: bounds on the information in an output.

A network whose first layer adds Gaussian noise to a linear image of its input, u = A x + B z + c
with z standard normal, is a Gaussian channel, and its output is a function of u: no attacker
knows more of x than u does (data processing, Cover & Thomas 2006, theorem 2.8.1).
Whitened by the noise, w = L^-1 A x with B B^T = L L^T, inputs are points in a space where the noise
is standard normal, and all bounds here are functions of these points.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import optimize, special

from dan_bench.interfaces import Bytes, Floats

NATS = 1 / math.log(2)
"""Bits in a nat."""
NEGLIGIBLE = 1e-12
"""Share of its largest below which a singular value, or what is left of a projection, counts as 0:
what the rounding of a thousand double precision sums may leave of nothing."""
SMALL = 1e-6
"""Total variance below which the determinant's logarithm is taken from the trace, which is above it
by less than this share; what is added to 1 would be lost in rounding."""
PAIRS = 1 << 22
"""Pairs of points that are compared at a time."""


@dataclass(frozen=True)
class LinearChannel:
    """A first layer u = A x + B z + c, of data x in (0, 1)^d and standard normal noise z.

    Args:
        data: A, k x d.
        noise: B, k x m.
        offset: c, k.
    """

    data: Floats
    noise: Floats
    offset: Floats

    def images(self, inputs: Bytes) -> Floats:
        """Return A x + c for n inputs: n x k."""
        return (inputs + 0.5) / 256 @ self.data.T + self.offset

    def whitened(self, inputs: Bytes) -> Floats | None:
        """Return the inputs in units of the noise, n x k, centred on their mean.

        None where they differ in a direction that the noise does not reach: there u tells them
        apart with certainty.
        """
        # the offset is left out: beside a large one, small differences would be rounded
        points: Floats = (inputs - inputs.mean(axis=0)) / 256 @ (self.data / self._sizes).T
        size = np.abs(points).max(initial=0.0)
        if size == 0:
            return points
        directions, lengths = self._reach
        within = points @ directions
        missed = np.abs(points - within @ directions.T).max()
        if missed > NEGLIGIBLE * size:
            return None
        return within / lengths

    @cached_property
    def _sizes(self) -> Floats:
        """What each unit is divided by, k x 1: how large it may become.

        A unit is only as exact as its own size; beside a larger one it may be small and say all.
        """
        sizes: Floats = sum(np.abs(part).sum(axis=1) for part in (self.data, self.noise))
        return np.where(sizes > 0, sizes, 1)[:, None]

    @cached_property
    def _reach(self) -> tuple[Floats, Floats]:
        """Orthonormal directions that the noise reaches, k x r, and its deviation along each."""
        directions, lengths, _ = np.linalg.svd(self.noise / self._sizes, full_matrices=False)
        reached = lengths > NEGLIGIBLE * lengths.max(initial=0.0)
        return directions[:, reached], lengths[reached]


def squared_distances(a: Floats, b: Floats) -> Floats:
    """Return |a_i - b_j|^2 of n points with m others: n x m. Precise where both are centred.

    Rounded up, by as much as the products may have been rounded: nowhere less than the truth.
    """
    sizes: Floats = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)
    rounding = (a.shape[1] + 4) * np.finfo(np.float64).eps
    squares: Floats = (1 + rounding) * sizes - 2 * a @ b.T
    return np.maximum(squares, 0, out=squares)


def gaussian_leak(points: Floats) -> float:
    """Return an upper bound, in bits, on I(X; U): X uniform on n points, U = X plus normal noise.

    The least of three bounds: log2 n; 1/2 log2 det(I + S), S the covariance of the points, since a
    Gaussian has the largest entropy for its covariance (Cover & Thomas 2006, theorem 8.6.5); and
    the mixture bound - mean over i of log2 mean over j of exp(-|w_i - w_j|^2 / 2), at most the
    mean divergence of two of the laws (Kolchinsky & Tracey 2017, "Estimating mixture entropy with
    pairwise distances", equation 10). The last is left out beyond some 4,000 points, where it
    takes long and the determinant is the less of the two unless almost nothing is hidden.

    Args:
        points: in units of the noise's standard deviation, n x k.
    """
    n = len(points)
    bounds = [math.log2(n), _determinant(points)]
    if n * n <= 4 * PAIRS:
        centred = points - points.mean(axis=0)
        short = np.expm1(-squared_distances(centred, centred) / 2).mean(axis=1)  # of overlap 1
        with np.errstate(divide="ignore"):  # where all are so far apart that rounding leaves none
            bounds.append(-float(np.log1p(short).mean()) * NATS)
    return max(0.0, min(bounds))


def _determinant(points: Floats) -> float:
    """1/2 log2 det(I + S) of the points' covariance S, by whichever Gram matrix is smaller.

    Rounded up, by as much as S and the determinant may have been rounded: of points that are far
    apart on a line, I would be lost beside S, and the determinant of what is left is 0.
    """
    n, k = points.shape
    centred = points - points.mean(axis=0)
    gram = (centred.T @ centred if k <= n else centred @ centred.T) / n
    variance = float(np.trace(gram))
    if variance < SMALL:
        return 0.5 * variance * NATS
    rounding = (n + k) * np.finfo(np.float64).eps * variance
    gram[np.diag_indices_from(gram)] += 1 + rounding
    return 0.5 * float(np.linalg.slogdet(gram)[1]) * NATS


def largest_distance(points: Floats) -> float:
    """Return the distance of the two points farthest apart; 0 of a single one.

    Points are taken by their distance from the centre, the farthest first: a pair whose two
    distances add up to less than the best found so far need not be looked at.
    """
    centred = points - points.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1)
    order = np.argsort(-norms)
    centred, norms = centred[order], norms[order]
    best, start = 0.0, 0
    while start < len(norms) and 2 * norms[start] > best:
        others = int(np.searchsorted(-norms, norms[start] - best, side="left"))
        block = max(1, PAIRS // max(1, others))
        part = centred[start : start + block]
        if others:
            best = max(best, math.sqrt(squared_distances(part, centred[:others]).max()))
        start += block
    return best


def total_variation(distance: float) -> float:
    """Return the total variation of two standard normal laws at that distance, in [0, 1]."""
    return math.erf(distance / (2 * math.sqrt(2)))


def naming_limit(bits: float, candidates: int) -> float:
    """Return the largest probability with which anybody names one of K equally likely inputs.

    Whoever names it with probability p turns I(X; Y) into d(p || 1/K) bits at least, d being the
    divergence of two binary laws (data processing for divergences, sharper than Fano's inequality).

    Args:
        bits: upper bound on I(X; Y).
        candidates: K, at least 2.

    Returns:
        p in [1/K, 1].
    """
    chance, nats = 1 / candidates, bits / NATS

    def excess(p: float) -> float:
        return float(special.rel_entr(p, chance) + special.rel_entr(1 - p, 1 - chance)) - nats

    if excess(1.0) <= 0:
        return 1.0
    return float(optimize.brentq(excess, chance, 1.0)) if nats > 0 else chance


def reconstruction_limit(bits: float, inputs: Bytes) -> float:
    """Return the largest R^2 that a reconstruction of the inputs can have, in [0, 1].

    By Pinsker's inequality the mean of a pixel given Y is within its range times sqrt(I / 2) of
    its mean, in the quadratic mean: R^2 <= (sum of squared ranges) I / (2 total variance), I in
    nats. Loose, unless I is far below one bit.

    Args:
        bits: upper bound on I(X; Y), X uniform on `inputs`.
        inputs: n x d.
    """
    variance = float(inputs.var(axis=0, dtype=np.float64).sum())
    if bits <= 0 or variance == 0:
        return 0.0
    ranges = np.square(np.ptp(inputs, axis=0).astype(np.float64)).sum()
    return min(1.0, float(ranges) * bits / NATS / (2 * variance))
