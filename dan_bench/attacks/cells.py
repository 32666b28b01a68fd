"""Points of a grid in a convex body: numbers that are quantiles of a law, between a byte's ends."""

import math
from typing import NamedTuple

import numpy as np
from scipy import linalg, special

from dan_bench.attacks.layers import CELL
from dan_bench.data.noise import VALUES
from dan_bench.interfaces import Floats, NoiseLaw, Numbers

SAMPLED = 4
"""Numbers up to which the intersection of the bytes' cells is sampled; of more, the law of w is
that of least squares, which is wider."""
RELAXATIONS, ROUNDS, BURNT = 200, 50, 10
"""Projections onto the cell that is missed most; steps of hit-and-run a number, and those of them
that are thrown away."""
FARTHEST = 6.0
"""Deviations of the law that a step of hit-and-run goes at most, where no byte says stop."""
SWAPS = 100
"""Of two vectors of a basis that is reduced."""
FLAT = 1e-4
"""Density that is taken for less, where the grid is so coarse that its steps differ."""
LEAST = 1e-300


class Law(NamedTuple):
    """What outputs say of w: means and covariances, and the cells of the bytes around the means."""

    means: Floats
    """n x m."""
    roots: Floats
    """Lower Cholesky factors of the covariances, n x m x m."""
    missed: Floats
    """What the bytes' middles differ by from the outputs at the means, n x d."""
    slopes: Floats
    """Of the outputs, n x d x m; 0 where a byte says nothing."""


def within_cells(law: Law, slack: float) -> Law:
    """Return the law of w, uniform where all bytes are as they were seen, or missed by `slack`.

    A point inside is found by projections (Agmon 1954, Motzkin & Schoenberg 1954), mean and
    covariance by hit-and-run (Smith 1984). A row keeps its law if there is no such point, and if
    that law is narrower somewhere: there the noise's range bounds w, and not the bytes.
    """
    units = law.slopes @ law.roots
    n, _, m = units.shape
    half = CELL / 2 + slack
    stream, rows = np.random.default_rng(0), np.arange(n)
    v, left = np.zeros((n, m)), law.missed.copy()
    for _ in range(RELAXATIONS):
        worst = np.abs(left).argmax(axis=1)
        far, slope = left[rows, worst], units[rows, worst]
        step = 1.5 * np.sign(far) * np.maximum(np.abs(far) - half, 0)
        if not step.any():
            break
        v += (step / np.maximum(np.square(slope).sum(axis=1), LEAST))[:, None] * slope
        left = law.missed - (units @ v[:, :, None])[:, :, 0]
    inside = np.abs(left).max(axis=1) <= half
    if not inside.any():
        return law
    v, left, units = v[inside], left[inside], units[inside]
    samples = []
    for _ in range(ROUNDS * m):
        way = stream.standard_normal(m)  # the same for all rows: none depends on the others
        change = units @ way
        steep = np.where(change == 0, LEAST, change)
        middle, reach = left / steep, half / np.abs(steep)
        low = np.maximum((middle - reach).max(axis=1), -FARTHEST)
        high = np.minimum((middle + reach).min(axis=1), FARTHEST)
        step = (low + (high - low) * stream.random())[:, None]
        v, left = v + step * way, left - step * change
        samples.append(v)
    kept = np.stack(samples[BURNT * m :])
    centre = kept.mean(axis=0)
    covariance = np.einsum("snk,snl->nkl", kept - centre, kept - centre) / len(kept)
    bounded = np.linalg.eigvalsh(covariance)[:, -1] <= 1
    inside[inside], centre, covariance = bounded, centre[bounded], covariance[bounded]
    means, roots, missed = law.means.copy(), law.roots.copy(), law.missed.copy()
    old = roots[inside]
    means[inside] += (old @ centre[:, :, None])[:, :, 0]
    missed[inside] -= (units[bounded] @ centre[:, :, None])[:, :, 0]
    roots[inside] = np.linalg.cholesky(old @ covariance @ old.mT)
    return Law(means, roots, missed, law.slopes)


def points_bits(law: Law, p: Floats, noise: NoiseLaw) -> Floats:
    """Return the binary logarithm of how many points of the grid agree with outputs of known p: n.

    Of as many as the normal law's entropy says, the largest for its covariance.
    """
    deviations = np.diagonal(law.roots, axis1=1, axis2=2) / steps(law.means - p, noise)
    bits: Floats = np.log2(math.sqrt(2 * math.pi * math.e) * deviations).sum(axis=1)
    return bits


def radius(m: int) -> float:
    """Return how many deviations from its mean w may lie, of m numbers.

    A convex body reaches sqrt(m (m + 2)) of its own deviations (Kannan, Lovasz & Simonovits 1995,
    theorem 4.1), which are themselves estimated.
    """
    return 1.2 * math.sqrt(m * (m + 2)) if m <= SAMPLED else math.sqrt(m + 4 * math.sqrt(2 * m))


def near(root: Floats, points: Floats, radius: float, most: int) -> tuple[Numbers, Floats] | None:
    """Return all integers k, n x m, with |R (k - t)| <= radius, and which of K points t each is by.

    Number by number from the last (Fincke & Pohst 1985). None where `most` are exceeded.

    Args:
        root: R, m x m, upper triangular.
        points: t, K x m.
        radius: see above.
        most: partial vectors that are held.
    """
    which, off, left = (
        np.arange(len(points)),
        np.zeros_like(points),
        np.full(len(points), radius**2),
    )
    for j in range(len(root) - 1, -1, -1):
        at = points[which, j] - off[:, j + 1 :] @ root[j, j + 1 :] / root[j, j]
        reach = np.sqrt(left) / abs(root[j, j])
        first = np.ceil(at - reach)
        there_are = np.maximum(np.floor(at + reach) - first + 1, 0)
        if there_are.sum() > most:
            return None
        each = there_are.astype(np.int64)
        i = np.repeat(np.arange(len(at)), each)
        k = first[i] + np.arange(len(i)) - (np.cumsum(each) - each)[i]
        left = np.maximum(left[i] - (root[j, j] * (k - at[i])) ** 2, 0)
        which, off = which[i], off[i]
        off[:, j] = k - points[which, j]
    return which, points[which] + off


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


def steps(z: Floats, noise: NoiseLaw) -> Floats:
    """Return how far the grid's values are apart around those numbers."""
    apart: Floats = 1 / (VALUES * np.maximum(density(z, noise), FLAT))
    return apart


def density(z: Floats, noise: NoiseLaw) -> Floats:
    """Return the density of a noise number before it is put on its grid."""
    if noise == "gaussian":
        bell: Floats = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        return bell
    return np.where(np.abs(z) <= 3**0.5, 1 / 12**0.5, 0.0)
