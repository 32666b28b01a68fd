"""Pearson's chi-square test of class counts against given probabilities."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import special

from dan_bench.randomness.sp800_22.result import Statistic, SubtestResult


def chi_squared_test(
    counts: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    statistics: Mapping[str, Statistic],
) -> SubtestResult:
    """One p-value with (classes - 1) degrees of freedom; adds blocks, counts and chi_squared."""
    total = int(counts.sum())
    expected = total * probabilities
    chi_squared = float((np.square(counts - expected) / expected).sum())
    p = float(special.gammaincc((len(counts) - 1) / 2, chi_squared / 2))
    found: dict[str, Statistic] = {"blocks": total, "counts": counts.tolist()}
    return SubtestResult((p,), {**statistics, **found, "chi_squared": chi_squared})
