"""Rank of 32 x 32 matrices over GF(2) (SP 800-22 Rev. 1a, section 2.5)."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.sp800_22.bits import Bits
from dan_bench.randomness.sp800_22.chi import chi_squared_test
from dan_bench.randomness.sp800_22.parameters import RANK_BITS
from dan_bench.randomness.sp800_22.result import SubtestResult

SIDE = 32


def rank_probability(r: int, rows: int, columns: int) -> float:
    """Probability that a random rows x columns matrix over GF(2) has rank r, section 3.5."""
    exponent = r * (rows + columns - r) - rows * columns
    product = math.prod(
        (1 - 2.0 ** (i - rows)) * (1 - 2.0 ** (i - columns)) / (1 - 2.0 ** (i - r))
        for i in range(r)
    )
    return 2.0**exponent * product


@numba.njit(cache=True, nogil=True)
def ranks(matrices: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Rank of each matrix of N x rows packed words, a row a word."""
    found = np.zeros(len(matrices), dtype=np.int64)
    for k in range(len(matrices)):
        rows = matrices[k].copy()
        for i in range(len(rows)):
            row = rows[i]
            if row == 0:
                continue
            found[k] += 1
            pivot = row & (~row + np.uint32(1))
            for j in range(i + 1, len(rows)):
                if rows[j] & pivot:
                    rows[j] ^= row
    return found


def rank(bits: Bits) -> SubtestResult:
    """Binary matrix rank test, section 2.5; ranks 32, 31 and less, with exact probabilities."""
    whole = len(bits) // RANK_BITS * RANK_BITS
    words = np.packbits(bits[:whole]).view(">u4").astype(np.uint32)
    found = ranks(words.reshape(-1, SIDE))
    full, less = (int(np.count_nonzero(found == r)) for r in (SIDE, SIDE - 1))
    p_full, p_less = (rank_probability(r, SIDE, SIDE) for r in (SIDE, SIDE - 1))
    return chi_squared_test(
        np.array([full, less, len(found) - full - less]),
        np.array([p_full, p_less, 1 - p_full - p_less]),
        {},
    )
