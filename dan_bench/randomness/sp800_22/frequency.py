"""As many ones as zeros, in the stream and in its blocks (SP 800-22 Rev. 1a, 2.1 and 2.2)."""

import math

import numpy as np
from scipy import special

from dan_bench.randomness.sp800_22.bits import Bits
from dan_bench.randomness.sp800_22.result import SubtestResult


def frequency(bits: Bits) -> SubtestResult:
    """Frequency (monobit) test, section 2.1: ones less zeros over sqrt(n), half-normal."""
    difference = 2 * int(np.count_nonzero(bits)) - len(bits)
    observed = abs(difference) / math.sqrt(len(bits))
    p = math.erfc(observed / math.sqrt(2))
    return SubtestResult((p,), {"sum": difference, "s_obs": observed})


def block_frequency(bits: Bits, length: int) -> SubtestResult:
    """Frequency within blocks of M bits, section 2.2; the last n mod M bits are left out."""
    blocks = len(bits) // length
    ones = bits[: blocks * length].reshape(blocks, length).sum(axis=1, dtype=np.int64)
    chi_squared = float(np.square(2 * ones - length).sum()) / length
    p = float(special.gammaincc(blocks / 2, chi_squared / 2))
    return SubtestResult(
        (p,), {"block_length": length, "blocks": blocks, "chi_squared": chi_squared}
    )
