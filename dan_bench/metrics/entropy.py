"""Entropy of a sample: of its bytes, of its bits, and of its rows as a whole."""

import math

import numpy as np
from scipy import special

from dan_bench.interfaces import Bytes, Estimate
from dan_bench.rng import generator
from dan_bench.statistics import entropy_bits, needs_rows


@needs_rows(lambda _: 1)
def shannon_bits(sample: Bytes) -> Estimate:
    """Entropy of all bytes pooled, in bits a byte; 8 is noise, and says nothing of repetition."""
    counts = np.bincount(sample.ravel(), minlength=256)
    return Estimate(entropy_bits(counts), n=sample.size)


@needs_rows(lambda _: 1)
def bit_bias(sample: Bytes) -> Estimate:
    """Return the largest |P(bit = 1) - 1/2| over the eight bit planes, in [0, 1/2].

    Noise shows about 0.89 / sqrt(n) for n bytes: the expected largest of eight half-normals of
    standard deviation 1/2 / sqrt(n).
    """
    counts = np.bincount(sample.ravel(), minlength=256)
    planes = (np.arange(256)[:, None] >> np.arange(8)) & 1
    ones = counts @ planes / sample.size
    return Estimate(float(np.abs(ones - 0.5).max()), n=sample.size)


@needs_rows(lambda d: max(d + 2, 1000))
def joint_bits(sample: Bytes) -> Estimate:
    """Upper bound on the joint entropy of a row, in bits a byte.

    The entropies of the d marginals, less the total correlation of a Gaussian copula with the
    normal scores' correlation R, TC = -1/2 log2 det R; for given correlation of Gaussian marginals
    no law has more entropy than the Gaussian. Scores are taken of the distributional transform
    (Rueschendorf 2009, section 2): a byte is spread evenly over its cell, so that the marginals
    are exactly Gaussian and repeated columns do not make det R zero. The spreading is drawn from
    a fixed stream, so the value is a function of the sample.

    log det R of N independent rows is below its true value by a known amount (Wishart; Muirhead
    1982, section 3.2.3), which is taken off: sum over i < d of psi((n - i) / 2), less
    d psi(n / 2), with n = N - 1.

    R needs more rows than columns, and each marginal about four rows for each of its 256 cells.

    Returns bits a byte in [0, 8] up to noise; details hold `marginal_bits` and
    `total_correlation_bits` (a byte).
    """
    n, d = sample.shape
    jitter = generator(0, "joint_bits/jitter")
    scores = np.empty((n, d))
    marginal = 0.0
    for j in range(d):
        column = sample[:, j]
        counts = np.bincount(column, minlength=256)
        marginal += entropy_bits(counts)
        below = np.cumsum(counts) - counts
        u = (below[column] + counts[column] * jitter.uniform(1e-12, 1, n)) / n
        scores[:, j] = special.ndtri(np.minimum(u, 1 - 1e-12))
    _, log_det = np.linalg.slogdet(np.corrcoef(scores, rowvar=False).reshape(d, d))
    freedom = n - 1
    bias = special.digamma((freedom - np.arange(d)) / 2).sum() - d * special.digamma(freedom / 2)
    total_correlation = -0.5 * (log_det - bias) / math.log(2)
    return Estimate(
        max(0.0, float(marginal - total_correlation) / d),
        n=n,
        details={
            "marginal_bits": marginal / d,
            "total_correlation_bits": float(total_correlation) / d,
        },
    )


@needs_rows(lambda _: 3)
def effective_dimensions(sample: Bytes) -> Estimate:
    """Participation ratio of the covariance, over what independent noise shows at the same N.

    The ratio is (tr C)^2 / tr C^2 for the sample covariance C. For N rows of d independent
    uniform bytes its expected value is d / (1 + (d - 1) / (N - 1)) up to terms of order 1/N: each
    squared off-diagonal correlation is 1 / (N - 1) in the mean.

    Returns a share in [0, 1] up to noise (0 for a constant sample); details hold `dimensions`
    (the ratio itself) and `expected`.
    """
    n, d = sample.shape
    # integers up to 255^2 n are exact in float64, whatever the order of summation
    x = sample.astype(np.float64)
    total = x.sum(axis=0)
    covariance = (x.T @ x - np.outer(total, total) / n) / (n - 1)
    trace = float(np.trace(covariance))
    dimensions = trace**2 / float(np.square(covariance).sum()) if trace > 0 else 0.0
    expected = expected_dimensions(n, d)
    return Estimate(
        dimensions / expected, n=n, details={"dimensions": dimensions, "expected": expected}
    )


def expected_dimensions(n: int, d: int) -> float:
    """Participation ratio that n rows of d independent uniform bytes show, up to order 1/n."""
    return d / (1 + (d - 1) / (n - 1))
