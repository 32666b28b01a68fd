"""Does the stream repeat? Its correlation with itself, and its spectrum."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, special

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

LEAST = 256
LAGS = 1 << 16


@dataclass(frozen=True)
class Peak:
    """The highest point of something that ideal noise keeps low."""

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

    (Fisher 1929; Brockwell & Davis, section 10.2.) A constant has none: zeros.
    """
    n = _long_enough(symbols)
    x = symbols - symbols.mean()
    power = np.abs(fft.rfft(x)[1 : (n - 1) // 2 + 1]) ** 2
    mean = power.mean()
    return power / mean if mean > 0 else np.zeros_like(power)


def strongest_lag(correlations: Floats, n: int) -> Peak:
    """Largest of k correlations in size, in standard deviations of noise, and its chance.

    The chance that n ideal symbols have one as large: k times that of a normal law (Bonferroni).
    """
    overlap = n - 1 - np.arange(len(correlations))
    scores = (correlations + overlap / (n * (n - 1))) * n / np.sqrt(overlap)
    place = int(np.abs(scores).argmax())
    value = float(scores[place])
    tail = 2 * float(special.ndtr(-abs(value)))
    return Peak(value, place + 1, min(1.0, len(scores) * tail))


def strongest_lag_of_noise(n: int, probability: float, lags: int = LAGS) -> float:
    """Quantile, over streams of n ideal symbols, of the largest in size, in standard deviations."""
    each = probability ** (1 / min(lags, n // 4))
    return float(special.ndtri((1 + each) / 2))


def strongest_line(power: Floats) -> Peak:
    """Highest of m lines of a periodogram, and the chance that noise has one as high.

    m (1 - value / m)^(m - 1), the first and leading term of Fisher's exact law (1929).
    """
    place = int(power.argmax())
    value, lines = float(power[place]), len(power)
    share = min(value / lines, 1.0)
    tail = math.exp((lines - 1) * math.log1p(-share)) if share < 1 else 0.0
    return Peak(value, place + 1, min(1.0, lines * tail))


def strongest_line_of_noise(n: int, probability: float) -> float:
    """Quantile, over streams of n ideal symbols, of the highest line of the periodogram."""
    lines = (n - 1) // 2
    each = -math.expm1(math.log(probability) / lines)
    return lines * -math.expm1(math.log(each) / (lines - 1))


def _long_enough(symbols: Bytes) -> int:
    if len(symbols) < LEAST:
        raise ValueError(f"a spectrum needs at least {LEAST} symbols, got {len(symbols)}")
    return len(symbols)
