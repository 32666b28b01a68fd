"""Ranks, spectrum and recurrences of a stream (SP 800-22 Rev. 1a, sections 2.5, 2.6 and 2.10)."""

import math

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from dan_bench.randomness.fourier import Lines, exact_lines, lines_of, shape_of
from dan_bench.randomness.linearity import expected_complexity, linear_complexities
from dan_bench.randomness.sp800_22.result import (
    Bits,
    Counts,
    Probabilities,
    SubtestResult,
    chi_squared_test,
)

NEAR_BY = 1e-5
"""Distance from a threshold, as a share of it, within which single precision decides nothing."""
MOST_NEAR = 256
"""Of noise, 12 lines in eight million are as near."""
OUTSTANDING = 100
"""Mean powers of a line whose error might be seen in others; the largest of noise has about 15."""
SIDE = 32
RANK_BITS = SIDE * SIDE
# of T <= -2.5, ..., T > 2.5. T = k > 0 has 2^(-2k), T = -k half of that, T = 0 one half, section
# 3.10; all T beyond a class add up to these, less 2^-M. NIST's tool, and with it every published
# p-value, has the first of them as 0.01047
PROBABILITIES = {
    "exact": (1 / 96, 1 / 32, 1 / 8, 1 / 2, 1 / 4, 1 / 16, 1 / 48),
    "nist": (0.01047, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833),
}


def rank_probability(r: int, rows: int, columns: int) -> float:
    """Probability that a random rows x columns matrix over GF(2) has rank r, section 3.5."""
    exponent = r * (rows + columns - r) - rows * columns
    product = math.prod(
        (1 - 2.0 ** (i - rows)) * (1 - 2.0 ** (i - columns)) / (1 - 2.0 ** (i - r))
        for i in range(r)
    )
    return 2.0**exponent * product


@numba.njit(cache=True, nogil=True)
def ranks(matrices: NDArray[np.uint32]) -> Counts:
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
    counts = np.array([full, less, len(found) - full - less])
    return chi_squared_test(counts, np.array([p_full, p_less, 1 - p_full - p_less]), {})


def dft(bits: Bits) -> SubtestResult:
    """Spectral test, section 2.6: how many of the first n/2 moduli are below the 95 % threshold.

    The variance n x 0.95 x 0.05 / 4 is the document's; the true one is about 5 % larger (Pareschi,
    Rovatti & Setti 2012), so that at alpha = 0.01 some 1.2 % of ideal streams fail, and the
    p-values are discrete: one step of the count is 9e-3 standard deviations at 1 Mbit and 0.29
    at 1000 bits.
    """
    n = len(bits)
    threshold = math.log(1 / 0.05) * n
    below = _lines_below(bits, threshold)
    expected = 0.95 * n / 2
    d = (below - expected) / math.sqrt(n * 0.95 * 0.05 / 4)
    p = math.erfc(abs(d) / math.sqrt(2))
    statistics = {"threshold": math.sqrt(threshold), "below": below, "expected": expected, "d": d}
    return SubtestResult((p,), statistics)


def _lines_below(bits: Bits, threshold: float) -> int:
    """Return how many of the first n/2 lines of +-1 for each bit have a power below `threshold`.

    In single precision where the stream is long and has no line that stands out; the error then is
    below a fifth of `NEAR_BY` (measured to 2^23 bits), and what is nearer to the threshold is
    computed again in double precision.
    """
    n = len(bits)
    shape = shape_of(n)
    if shape and n % 2 == 0:
        # a half for +1: lines are half as high
        lines = lines_of(bits, 0.5)
        below, near, peak = _tally_lines(lines, shape[0], threshold / 4, NEAR_BY)
        if 4 * peak <= OUTSTANDING * n and len(near) <= MOST_NEAR:
            again = exact_lines(bits, near) - np.where(near == 0, n / 2, 0)
            power = np.square(again.real) + np.square(again.imag)
            return below + int(np.count_nonzero(power < threshold / 4))
    signs = bits.astype(np.float64)
    signs *= 2
    signs -= 1
    transform = fft.rfft(signs, overwrite_x=True)[: n // 2]
    return int(np.count_nonzero(np.square(transform.real) + np.square(transform.imag) < threshold))


@numba.njit(cache=True, nogil=True)
def _tally_lines(
    lines: Lines, rows: int, threshold: float, margin: float
) -> tuple[int, NDArray[np.int64], float]:
    """Return how many of n/2 lines are below the threshold, which are near to it, and the largest.

    `lines` are as of `lines_of`, their number n is even. Those that are near are not counted. Line
    n - k is the conjugate of line k: both are in rows 0 and rows / 2, one of them in the others.
    """
    columns = lines.shape[1]
    half = rows * columns // 2
    low, high = np.float32(threshold * (1 - margin)), np.float32(threshold * (1 + margin))
    power = np.empty(columns, dtype=np.float32)
    near = np.empty(MOST_NEAR + 1, dtype=np.int64)
    below, close = 0, 0
    peak = np.float32(0)
    for row in range(lines.shape[0]):
        shared = row == 0 or 2 * row == rows
        kept = max(0, (half - row + rows - 1) // rows) if shared else columns
        under, over = 0, 0
        for j in range(kept):
            power[j] = lines[row, j].real ** 2 + lines[row, j].imag ** 2
            peak = max(peak, power[j])
            under += power[j] < low
            over += power[j] > high
        below += under
        if under + over < kept:
            for j in range(kept):
                if low <= power[j] <= high:
                    k = row + rows * j
                    near[min(close, MOST_NEAR)] = min(k, 2 * half - k)
                    close += 1
    return below, near[: min(close, MOST_NEAR + 1)], float(peak)


def linear_complexity(bits: Bits, length: int, kind: Probabilities = "exact") -> SubtestResult:
    """Linear complexity test, section 2.10: shortest shift registers of blocks of M bits."""
    blocks = len(bits) // length
    found = linear_complexities(bits[: blocks * length].reshape(blocks, length))
    mean = expected_complexity(length)
    t = (-1) ** length * (found - mean) + 2 / 9
    probabilities = np.array(PROBABILITIES[kind])
    classes = np.clip(np.ceil(t + 2.5), 0, len(probabilities) - 1).astype(np.int64)
    counts = np.bincount(classes, minlength=len(probabilities))
    statistics = {"block_length": length, "mean": mean, "probabilities": kind}
    return chi_squared_test(counts, probabilities, statistics)
