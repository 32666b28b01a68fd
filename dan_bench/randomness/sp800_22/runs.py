"""Runs of equal bits, and the longest run of ones in a block (SP 800-22 Rev. 1a, 2.3 and 2.4)."""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.sp800_22.bits import Bits
from dan_bench.randomness.sp800_22.chi import chi_squared_test
from dan_bench.randomness.sp800_22.result import SubtestResult

# smallest n: M, longest run of the first class, class probabilities (section 2.4.4 and 3.4; those
# of M = 128 to the digits of NIST's tool)
LONGEST = {
    750_000: (10_000, 10, (0.0882, 0.2092, 0.2483, 0.1933, 0.1208, 0.0675, 0.0727)),
    6_272: (
        128,
        4,
        (0.1174035788, 0.242955959, 0.249363483, 0.17517706, 0.102701071, 0.112398847),
    ),
    128: (8, 1, (0.21484375, 0.3671875, 0.23046875, 0.1875)),
}


def runs(bits: Bits) -> SubtestResult:
    """Runs test, section 2.3: how many runs of equal bits there are, given the share of ones.

    The p-value is 0 where the share is 2 / sqrt(n) or more away from one half, by the document's
    prerequisite: the frequency test has failed then.
    """
    n = len(bits)
    share = int(np.count_nonzero(bits)) / n
    found = 1 + int(np.count_nonzero(bits[1:] != bits[:-1]))
    p = 0.0
    if abs(share - 0.5) < 2 / math.sqrt(n):
        spread = share * (1 - share)
        p = math.erfc(abs(found - 2 * n * spread) / (2 * math.sqrt(2 * n) * spread))
    return SubtestResult((p,), {"runs": found, "share_of_ones": share})


@numba.njit(cache=True, nogil=True)
def longest_runs(bits: Bits, length: int) -> NDArray[np.int64]:
    """Longest run of ones in each whole block of `length` bits."""
    longest = np.zeros(len(bits) // length, dtype=np.int64)
    for block in range(len(longest)):
        run = 0
        most = 0
        for bit in bits[block * length : (block + 1) * length]:
            run = (run + 1) * bit
            most = max(most, run)
        longest[block] = most
    return longest


def longest_run(bits: Bits) -> SubtestResult:
    """Longest run of ones in a block, section 2.4; blocks of 8, 128 or 10,000 bits by n.

    All n // M blocks count, as in NIST's tool (the document's table names the fewest).
    """
    length, first, probabilities = next(v for least, v in LONGEST.items() if len(bits) >= least)
    longest = longest_runs(bits, length)
    classes = np.clip(longest - first, 0, len(probabilities) - 1)
    counts = np.bincount(classes, minlength=len(probabilities))
    return chi_squared_test(counts, np.array(probabilities), {"block_length": length})
