"""A stream beside noise: histogram, bit planes, autocorrelation, spectrum."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import vl_convert
from numpy.typing import NDArray
from PIL import Image

from dan_bench.assess.reading import Window
from dan_bench.randomness import spectrum
from dan_bench.tables import one_line

SIDE = 256
LAGS = 1024
POINTS = 2048
WIDTH, HEIGHT = 290, 250
CONVERT = {
    ".png": lambda spec: vl_convert.vegalite_to_png(spec, scale=1.25, ppi=72),
    ".svg": lambda spec: vl_convert.vegalite_to_svg(spec).encode(),
    ".pdf": vl_convert.vegalite_to_pdf,
}


def plot(window: Window, noise: NDArray[np.uint8], bits: int, name: str, path: Path) -> None:
    """Draw a window in the upper row and as much noise in the lower one, on the same axes.

    Raises:
        KeyError: `path` ends in none of `CONVERT`.
        OSError: it cannot be written.
    """
    drawn = beside_noise(window.symbols, noise, bits, name)
    path.write_bytes(CONVERT[path.suffix.lower()](drawn.to_dict()))


def beside_noise(
    symbols: NDArray[np.uint8], noise: NDArray[np.uint8], bits: int, name: str
) -> alt.HConcatChart:
    """Return the chart that `plot` draws."""
    name = one_line(name).encode("ascii", "backslashreplace").decode()  # what every font has
    upper, lower = views(symbols, bits, name), views(noise, bits, "noise")
    columns = [
        alt.vconcat(one, other, bounds="flush", spacing=60).resolve_scale(y="shared")
        for one, other in zip(upper, lower, strict=True)
    ]
    return alt.hconcat(*columns)


def views(symbols: NDArray[np.uint8], bits: int, title: str) -> list[Any]:
    """Return the four views of a stream; one too short for a spectrum says so in its place."""
    counts = np.bincount(symbols, minlength=1 << bits) / len(symbols) * (1 << bits)
    bars = panel(np.arange(1 << bits), counts, "symbol", "frequency, over its mean", "mark_area")
    found = [bars.properties(title=title), planes(symbols, bits)]
    n = len(symbols)
    if n < spectrum.LEAST:
        base = alt.Chart(alt.InlineData([{}]), width=WIDTH, height=HEIGHT)
        return [*found, *[base.mark_text(text=f"fewer than {spectrum.LEAST} symbols")] * 2]
    correlations = spectrum.autocorrelation(symbols, LAGS)
    lags = np.arange(1, len(correlations) + 1)
    lines = panel(lags, correlations, "lag (symbols); dashed: 95 % of noise", "autocorrelation")
    limit = 1.96 / n**0.5
    power = spectrum.periodogram(symbols)
    width = -(-len(power) // POINTS)
    strongest = np.maximum.reduceat(power, np.arange(0, len(power), width))
    peaks = panel(
        np.arange(len(strongest)) * width / n,
        np.maximum(strongest, 1e-6),  # a constant has none, and the axis is logarithmic
        "cycles a symbol; dashed: 95 % of noise",
        "power",
        scale=alt.Scale(type="log"),
    )
    highest = -np.log(0.05 / len(power))
    return [*found, alt.layer(lines, dashed([-limit, limit])), alt.layer(peaks, dashed([highest]))]


def panel(
    x: NDArray[Any], y: NDArray[Any], across: str, up: str, mark: str = "mark_line", **axis: Any
) -> Any:
    """Return a line, or the area below it."""
    data = alt.InlineData([{"x": float(a), "y": float(b)} for a, b in zip(x, y, strict=True)])
    step = {"interpolate": "step"} if mark == "mark_area" else {"strokeWidth": 0.7}
    base = getattr(alt.Chart(data, width=WIDTH, height=HEIGHT), mark)(**step)
    return base.encode(
        x=alt.X("x:Q", title=across, scale=alt.Scale(nice=False)),
        y=alt.Y("y:Q", title=up, **axis),
    )


def dashed(values: Sequence[float]) -> Any:
    """Return the limits that noise seldom passes."""
    data = alt.InlineData([{"y": float(value)} for value in values])
    return alt.Chart(data).mark_rule(strokeDash=[4, 3]).encode(y="y:Q")


def planes(symbols: NDArray[np.uint8], bits: int) -> Any:
    """Return the first symbols as pictures of 256 columns, one of each of their bits."""
    shown = symbols[: SIDE * (SIDE // 8)]
    shown = np.pad(shown, (0, -len(shown) % SIDE)).reshape(-1, SIDE)
    strips = [(shown >> bit & 1) * np.uint8(255) for bit in reversed(range(bits))]
    out = io.BytesIO()
    Image.fromarray(np.concatenate(strips)).save(out, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
    base = alt.Chart(alt.InlineData([{"uri": uri}]), width=SIDE, height=HEIGHT)
    picture = base.mark_image(
        width=SIDE, height=HEIGHT, align="left", baseline="top", smooth=False, aspect=False
    )
    return picture.encode(url="uri:N", x=alt.value(0), y=alt.value(0)).properties(
        title=alt.Title("bit planes, highest bit first", orient="bottom", fontWeight="normal")
    )
