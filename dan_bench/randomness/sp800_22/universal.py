"""Maurer's universal statistical test (SP 800-22 Rev. 1a, section 2.9)."""

import math

import numba
import numpy as np

from dan_bench.randomness.sp800_22.bits import Bits
from dan_bench.randomness.sp800_22.result import SubtestResult

# mean and variance of log2 of the distance, L = 1 to 16: the table of sections 2.9.4 and 3.9
MEANS = (
    0.7326495, 1.5374383, 2.4016068, 3.3112247, 4.2534266, 5.2177052, 6.1962507, 7.1836656,
    8.1764248, 9.1723243, 10.170032, 11.168765, 12.168070, 13.167693, 14.167488, 15.167379,
)  # fmt: skip
VARIANCES = (
    0.690, 1.338, 1.901, 2.358, 2.705, 2.954, 3.125, 3.238,
    3.311, 3.356, 3.384, 3.401, 3.410, 3.416, 3.419, 3.421,
)  # fmt: skip


@numba.njit(cache=True, nogil=True)
def sum_of_log_distances(bits: Bits, length: int, initial: int) -> float:
    """Sum over the blocks after the initial ones of log2 of how long ago each was seen last."""
    last = np.zeros(1 << length, dtype=np.int64)
    total = 0.0
    for block in range(1, len(bits) // length + 1):
        pattern = 0
        for bit in bits[(block - 1) * length : block * length]:
            pattern = (pattern << 1) | bit
        if block > initial:
            total += math.log2(block - last[pattern])
        last[pattern] = block
    return total


def universal(bits: Bits, length: int, initial: int) -> SubtestResult:
    """Universal test, section 2.9: mean log2 distance between equal blocks of L bits.

    `initial` is Q, the blocks that only fill the table; the other K = n // L - Q are tested.
    """
    tested = len(bits) // length - initial
    mean = sum_of_log_distances(bits, length, initial) / tested
    c = 0.7 - 0.8 / length + (4 + 32 / length) * tested ** (-3 / length) / 15
    sigma = c * math.sqrt(VARIANCES[length - 1] / tested)
    p = math.erfc(abs(mean - MEANS[length - 1]) / (math.sqrt(2) * sigma))
    statistics = {
        "block_length": length,
        "initial_blocks": initial,
        "tested_blocks": tested,
        "mean_log2_distance": mean,
        "expected": MEANS[length - 1],
        "sigma": sigma,
    }
    return SubtestResult((p,), statistics)
