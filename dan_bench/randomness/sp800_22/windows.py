"""How often each pattern of m bits occurs."""

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.sp800_22.bits import Bits


@numba.njit(cache=True, nogil=True)
def window_counts(bits: Bits, m: int) -> NDArray[np.int64]:
    """Histogram of the len(bits) - m + 1 overlapping windows of m bits, first bit highest."""
    counts = np.zeros(1 << m, dtype=np.int64)
    mask = (1 << m) - 1
    window = 0
    for i in range(min(m - 1, len(bits))):
        window = (window << 1) | bits[i]
    for i in range(m - 1, len(bits)):
        window = ((window << 1) | bits[i]) & mask
        counts[window] += 1
    return counts


def cyclic_counts(bits: Bits, m: int) -> NDArray[np.int64]:
    """Histogram of the n windows of m <= n bits of the stream closed to a circle."""
    return window_counts(np.concatenate([bits, bits[: m - 1]]), m)


def shorten(counts: NDArray[np.int64], m: int) -> NDArray[np.int64]:
    """Cyclic histogram of windows of m bits, from one of longer windows."""
    shorter: NDArray[np.int64] = counts.reshape(2**m, -1).sum(axis=1)
    return shorter
