"""Are all patterns of m bits equally frequent? (SP 800-22 Rev. 1a, 2.11 and 2.12)."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dan_bench.randomness.sp800_22.result import Statistic, SubtestResult
from dan_bench.randomness.sp800_22.windows import shorten


def serial(counts: NDArray[np.int64], m: int) -> SubtestResult:
    """Serial test, section 2.11, from cyclic `counts` of windows of at least m bits; m >= 2.

    Two p-values, of the first and the second difference of psi^2 over the pattern length.
    """
    counts = shorten(counts, m)
    psi = [psi_squared(shorten(counts, k)) for k in (m, m - 1, m - 2)]
    first, second = psi[0] - psi[1], psi[0] - 2 * psi[1] + psi[2]
    p_values = (
        float(special.gammaincc(2.0 ** (m - 2), first / 2)),
        float(special.gammaincc(2.0 ** (m - 3), second / 2)),
    )
    statistics: dict[str, Statistic] = {
        "length": m,
        "psi_squared": psi,
        "del_psi": first,
        "del2_psi": second,
    }
    return SubtestResult(p_values, statistics, ("del_psi", "del2_psi"))


def psi_squared(counts: NDArray[np.int64]) -> float:
    """2^m / n times the sum of squared counts, less n; 0 for m = 0."""
    n = int(counts.sum())
    # integers up to the last division: the difference is much smaller than its terms
    return (len(counts) * int(counts @ counts) - n * n) / n


def approximate_entropy(counts: NDArray[np.int64], m: int) -> SubtestResult:
    """Approximate entropy test, section 2.12, from cyclic `counts` of at least m + 1 bits."""
    n = int(counts.sum())
    phi = []
    for length in (m, m + 1):
        share = shorten(counts, length) / n
        phi.append(float(special.xlogy(share, share).sum()))
    entropy = phi[0] - phi[1]
    chi_squared = max(0.0, 2 * n * (math.log(2) - entropy))
    p = float(special.gammaincc(2.0 ** (m - 1), chi_squared / 2))
    statistics = {"length": m, "approximate_entropy": entropy, "chi_squared": chi_squared}
    return SubtestResult((p,), statistics)
