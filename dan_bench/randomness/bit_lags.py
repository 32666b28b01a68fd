"""Does a bit say something about one that comes later? Correlation of bits, at all lags.

Where `spectrum.autocorrelation` compares the values of symbols, of which the highest bits count
most, this compares bits, each as much as the others, and much farther apart.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

from dan_bench.interfaces import Bytes
from dan_bench.randomness.fourier import lines_of, shape_of, signal_of
from dan_bench.randomness.min_entropy.symbols import Stream, as_symbols
from dan_bench.randomness.spectrum import LEAST, Peak
from dan_bench.statistics import with_lower_tail

SHORT_LAGS = 128
"""The lags that have half of the level: what depends on a neighbour mostly does on a near one."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class BitLag(Peak):
    """The correlation, in standard deviations of noise, at the oddest lag: `place`, in bits.

    It is the largest in size of the first `lags`.
    """

    lags: int


def bit_correlations(symbols: Bytes, bits: int = 8) -> Floats:
    """Circular correlation of the bits, in standard deviations of noise, at lags 1 to n / 2.

    The bits of a symbol are its lowest `bits`, the highest first. The mean is taken off; of n ideal
    bits each correlation then has mean -1 / (n - 1), which is taken off too, and standard deviation
    1 / sqrt(n), at n / 2 sqrt(2 / n): every pair counts twice there.

    The end is followed by the beginning: all lags have n products, and the transform is half as
    long as one without. What is correlated at lag k is so in n - k of these n, so that up to 0.29
    of its deviations are lost, those at n / 2. n is the largest product of 2, 3 and 5 that the
    stream holds (98 % and more of a thousand bits). A constant has none: zeros.

    Single precision: its error is below a thousandth of a standard deviation (tested).
    """
    x = np.unpackbits(symbols[:, None], axis=1)[:, 8 - bits :].reshape(-1)
    n = fft.prev_fast_len(len(x), real=True)
    products = _products(x[:n])
    if products[0] <= 0:
        return np.zeros(n // 2, dtype=np.float32)
    scores = products[1:] * np.float32(math.sqrt(n) / products[0])
    scores += np.float32(math.sqrt(n) / (n - 1))
    if n % 2 == 0:
        scores[-1] /= math.sqrt(2)
    return scores


def _products(x: Bytes) -> Floats:
    """Sums of the products of n bits less their mean with those 0 to n / 2 on, in a circle."""
    n, mean = len(x), float(x.mean())
    whole = shape_of(n) is None
    line = fft.rfft(x - np.float32(mean)) if whole else lines_of(x, mean)
    for row in np.atleast_2d(line):  # which is still in the cache when it is multiplied
        row *= row.conj()
    line.flat[0] = 0
    back = fft.irfft(line, n, overwrite_x=True) if whole else signal_of(line, n)
    return np.asarray(back[: n // 2 + 1], dtype=np.float32)


def strongest_bit_lag(symbols: Stream, bits: int = 8) -> BitLag:
    """Largest correlation in size of the first 128 lags, or of all, whichever is odder.

    Twice the chance of it: that of a normal law times the lags (Bonferroni), of a value less by
    half of the step in which correlations move; or all as small, as of independent ones.

    ValueError for fewer than 256 symbols.
    """
    symbols = as_symbols(symbols, bits)
    if len(symbols) < LEAST:
        raise ValueError(f"lags of bits need at least {LEAST} symbols, got {len(symbols)}")
    scores = bit_correlations(symbols, bits)
    step = 2 / math.sqrt(2 * len(scores))
    found = []
    for lags in (min(SHORT_LAGS, len(scores)), len(scores)):
        place = int(np.abs(scores[:lags]).argmax())
        value = float(scores[place])
        tail = 2 * float(special.ndtr(min(0.0, step - abs(value))))
        p_value = with_lower_tail(lags * tail, (1 - tail) ** lags)
        found.append(BitLag(value, place + 1, min(1.0, 2 * p_value), lags))
    return min(found, key=lambda one: one.p_value)


def strongest_bit_lag_of_noise(lags: int, probability: float) -> float:
    """Quantile, over ideal streams, of the largest of so many correlations in size.

    That of the oddest of two groups: the upper tails, above 1/2, are shared between them.
    """
    if probability > 1 / 2:
        probability = (1 + probability) / 2
    return float(special.ndtri((1 + probability ** (1 / lags)) / 2))
