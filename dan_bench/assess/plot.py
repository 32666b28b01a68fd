"""A stream beside noise: histogram, bit planes, autocorrelation, spectrum."""

from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

from dan_bench.assess.reading import Window
from dan_bench.randomness import spectrum
from dan_bench.tables import one_line

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

SIDE = 256
LAGS = 1024
POINTS = 2048


def plot(window: Window, noise: NDArray[np.uint8], bits: int, name: str, path: Path) -> None:
    """Draw a window in the upper row and as much noise in the lower one, in the same axes.

    Raises:
        ValueError: the ending of `path` names no format that matplotlib writes.
        OSError: it cannot be written.
    """
    name = one_line(name).encode("ascii", "backslashreplace").decode()  # what every font has
    figure, axes = plt.subplots(2, 4, figsize=(15, 6.4), layout="constrained")
    for line, symbols, title in zip(axes, (window.symbols, noise), (name, "noise"), strict=True):
        draw(line, symbols, bits, title)
    for column in (0, 2, 3):  # the same scale above and below
        low, high = zip(*(place.get_ylim() for place in axes[:, column]), strict=True)
        for place in axes[:, column]:
            place.set_ylim(min(low), max(high))
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw(places: NDArray[np.object_], symbols: NDArray[np.uint8], bits: int, title: str) -> None:
    """Four views of a stream."""
    histogram, planes, lags, lines = places
    counts = np.bincount(symbols, minlength=1 << bits)
    histogram.bar(np.arange(len(counts)), counts / len(symbols) * len(counts), width=1.0)
    histogram.set_title(title, parse_math=False)
    histogram.set(xlabel="symbol", ylabel="frequency, over its mean")
    draw_planes(planes, symbols, bits)
    n = len(symbols)
    if n < spectrum.LEAST:
        return
    correlations = spectrum.autocorrelation(symbols, LAGS)
    lags.plot(np.arange(1, len(correlations) + 1), correlations, lw=0.6)
    for side in (-1, 1):
        lags.axhline(side * 1.96 / n**0.5, color="black", lw=0.6, ls="--")
    lags.set(xlabel="lag (symbols); dashed: 95 % of noise", ylabel="autocorrelation")
    power = spectrum.periodogram(symbols)
    width = -(-len(power) // POINTS)
    strongest = np.maximum.reduceat(power, np.arange(0, len(power), width))
    lines.plot(np.arange(len(strongest)) * width / n, strongest, lw=0.6)
    lines.axhline(-np.log(0.05 / len(power)), color="black", lw=0.6, ls="--")
    lines.set(xlabel="cycles a symbol; dashed: 95 % of noise", ylabel="power", yscale="log")


def draw_planes(place: Axes, symbols: NDArray[np.uint8], bits: int) -> None:
    """The first symbols as a picture of 256 columns, and under it each of their bits as one."""
    shown = symbols[: SIDE * (SIDE // 8)]
    shown = np.pad(shown, (0, -len(shown) % SIDE)).reshape(-1, SIDE)
    strips = [(shown >> bit & 1) * np.uint8(255) for bit in reversed(range(bits))]
    place.imshow(np.concatenate(strips), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    place.set(xlabel="bit planes, highest bit first", xticks=[], yticks=[])
