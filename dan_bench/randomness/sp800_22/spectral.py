"""Peaks of the discrete Fourier transform (SP 800-22 Rev. 1a, section 2.6)."""

import math

import numpy as np
from scipy import fft

from dan_bench.randomness.sp800_22.bits import Bits
from dan_bench.randomness.sp800_22.result import SubtestResult


def dft(bits: Bits) -> SubtestResult:
    """Spectral test, section 2.6: how many of the first n/2 moduli are below the 95 % threshold.

    The variance n x 0.95 x 0.05 / 4 is the document's; the true one is about 5 % larger (Pareschi,
    Rovatti & Setti 2012), so that at alpha = 0.01 some 1.2 % of ideal streams fail, and the
    p-values are discrete: one step of the count is 9e-3 standard deviations at 1 Mbit and 0.29
    at 1000 bits.
    """
    n = len(bits)
    signs = bits.astype(np.float64)
    signs *= 2
    signs -= 1
    transform = fft.rfft(signs, overwrite_x=True)[: n // 2]
    power = np.square(transform.real) + np.square(transform.imag)
    threshold = math.log(1 / 0.05) * n
    below = int(np.count_nonzero(power < threshold))
    expected = 0.95 * n / 2
    d = (below - expected) / math.sqrt(n * 0.95 * 0.05 / 4)
    p = math.erfc(abs(d) / math.sqrt(2))
    statistics = {"threshold": math.sqrt(threshold), "below": below, "expected": expected, "d": d}
    return SubtestResult((p,), statistics)
