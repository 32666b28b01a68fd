"""Streams for the IID track: ideal ones, correlated ones, and lists of symbols to draw from."""

import numpy as np
from hypothesis import strategies as st
from scipy import stats

from dan_bench.randomness.iid.permutation import LAGS

Z = float(stats.norm.isf(0.5e-5))
"""Standard errors of a normal law with a false alarm of 1e-5 a comparison."""
NAMES = [
    "chi_square_independence",
    "chi_square_goodness_of_fit",
    "longest_repeated_substring",
    "excursion",
    "directional_runs",
    "longest_directional_run",
    "increases_or_decreases",
    "median_runs",
    "longest_median_run",
    "average_collision",
    "maximum_collision",
    *(f"periodicity_{lag}" for lag in LAGS),
    *(f"covariance_{lag}" for lag in LAGS),
    "compression",
]

symbol_lists = st.integers(1, 8).flatmap(
    lambda bits: st.lists(st.integers(0, 2**bits - 1), min_size=2, max_size=120)
)
bit_lists = st.lists(st.integers(0, 1), min_size=2, max_size=200)


def array(symbols):
    return np.array(symbols, dtype=np.uint8)


def ideal(seed, n, levels=256):
    return np.random.default_rng(seed).integers(0, levels, n, dtype=np.uint8)


def correlated(seed, n, stay):
    """Symbols that repeat the one before with probability `stay`, on top of chance."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 16, n, dtype=np.uint8)
    kept = rng.random(n) < stay
    kept[0] = False
    return x[np.maximum.accumulate(np.where(kept, 0, np.arange(n)))]
