"""Does the stream repeat? Its correlation with itself, and its spectrum."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

from dan_bench.interfaces import Bytes
from dan_bench.statistics import with_lower_tail

Floats = NDArray[np.float64]

LEAST = 256
LAGS = 1 << 16
ROUNDING = 1e-20
"""Share of a stream's power that is what rounding leaves of none."""


@dataclass(frozen=True)
class Peak:
    """The highest point of a curve that is low for ideal noise."""

    value: float
    """In standard deviations of noise, or in mean powers."""
    place: int
    """Lag in symbols, or cycles in the stream."""
    p_value: float


def autocorrelation(symbols: Bytes, lags: int = LAGS) -> Floats:
    """Correlation of a stream with itself, at lags 1 to min(lags, n / 4).

    Of n ideal symbols that at lag k is about normal, with mean -(n - k) / n(n - 1), for the mean is
    taken off, and variance (n - k) / n^2 (Dufour & Roy 1985). A constant has none: zeros.
    """
    n = _long_enough(symbols)
    x = symbols - symbols.mean()
    lags = min(lags, n // 4)
    padded = fft.next_fast_len(n + lags, real=True)
    products = fft.irfft(np.abs(fft.rfft(x, padded)) ** 2, padded)[: lags + 1]
    total = float(np.dot(x, x))
    return products[1:] / total if total > 0 else np.zeros(lags)


def periodogram(symbols: Bytes) -> Floats:
    """Power at 1 to (n - 1) / 2 cycles in the stream, over its mean: about exponential for noise.

    (Fisher 1929; Brockwell & Davis, section 10.2.) A constant has none: zeros. Nor has what
    alternates between two values, whose power is all at n / 2 cycles.
    """
    n = _long_enough(symbols)
    x = symbols - symbols.mean()
    power = np.abs(fft.rfft(x)[1 : (n - 1) // 2 + 1]) ** 2
    if power.sum() <= ROUNDING * n * np.dot(x, x):
        return np.zeros_like(power)
    relative: Floats = power / power.mean()
    return relative


def strongest_lag(correlations: Floats, n: int) -> Peak:
    """Largest of k correlations in size, in standard deviations of noise, and its chance.

    The chance that n ideal symbols have one as large: k times that of a normal law (Bonferroni);
    or all of them as small, k independent ones.
    """
    overlap = n - 1 - np.arange(len(correlations))
    scores = (correlations + overlap / (n * (n - 1))) * n / np.sqrt(overlap)
    place = int(np.abs(scores).argmax())
    value = float(scores[place])
    tail = 2 * float(special.ndtr(-abs(value)))
    lower = (1 - tail) ** len(scores)
    return Peak(value, place + 1, with_lower_tail(len(scores) * tail, lower))


def strongest_lag_of_noise(n: int, probability: float, lags: int = LAGS) -> float:
    """Quantile, over streams of n ideal symbols, of the largest in size, in standard deviations."""
    each = probability ** (1 / min(lags, n // 4))
    return float(special.ndtri((1 + each) / 2))


def strongest_line(power: Floats) -> Peak:
    """Highest of m lines of a periodogram, and the chance that noise has one as high.

    m (1 - value / m)^(m - 1), the first and leading term of Fisher's exact law (1929); or all of
    them as low, as the lines of a single symbol among equal ones are. A spectrum without lines has
    a p-value of 1.
    """
    place = int(power.argmax())
    value, lines = float(power[place]), len(power)
    if value == 0:
        return Peak(0.0, 1, 1.0)
    share = min(value / lines, 1.0)
    tail = math.exp((lines - 1) * math.log1p(-share)) if share < 1 else 0.0
    return Peak(value, place + 1, with_lower_tail(lines * tail, (1 - tail) ** lines))


def line_of(symbols: Bytes) -> Peak:
    """Highest line of a stream's spectrum, or the one at n / 2 cycles where all its power is."""
    power = periodogram(symbols)
    if not power.any() and symbols.min() < symbols.max():
        return Peak(float(len(power)), len(symbols) // 2, 0.0)
    return strongest_line(power)


def strongest_line_of_noise(n: int, probability: float) -> float:
    """Quantile, over streams of n ideal symbols, of the highest line of the periodogram."""
    lines = (n - 1) // 2
    each = -math.expm1(math.log(probability) / lines)
    return lines * -math.expm1(math.log(each) / (lines - 1))


def _long_enough(symbols: Bytes) -> int:
    if len(symbols) < LEAST:
        raise ValueError(f"a spectrum needs at least {LEAST} symbols, got {len(symbols)}")
    return len(symbols)
