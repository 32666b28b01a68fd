"""Which family catches what, and how often does true noise raise an alarm?

    python benchmarks/assess.py power            # a table of defects, 1 MB each
    python benchmarks/assess.py alarms 600       # over so many ideal streams of 100 kB
    python benchmarks/assess.py fast 4000        # the same without the min-entropy, the slowest
    python benchmarks/assess.py lanes 1000       # linear lanes, Twisters and correlation of bits
    python benchmarks/assess.py windows 300      # as --windows all, of eight windows of 20 kB
    python benchmarks/assess.py whole 16         # the same of four windows of 1 MiB

The tables of docs/metrics.md are what these print.
"""

import io
import os
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dan_bench.assess.assessment import (
    LEVEL,
    Assessment,
    assess,
    of_batteries,
    of_bit_lags,
    of_complexity,
    of_lags,
    of_lines,
    of_python,
    of_tally,
)
from dan_bench.assess.reading import Stream, Window
from dan_bench.assess.windows import WindowedAssessment
from dan_bench.data.noise import randbytes
from dan_bench.metrics.calibrate import ideal
from dan_bench.randomness.sp800_22 import sp800_22, unpack
from dan_bench.randomness.tally import Tally
from dan_bench.statistics import binomial_interval

Bytes = NDArray[np.uint8]
N = 1_000_000
PARTS = {"windows": (8, 20_000), "whole": (4, 1 << 20)}
"""Of streams that are assessed in windows, how many there are, and their bytes."""


def noise(name: str, n: int = N) -> Bytes:
    """Return n ideal bytes (SHAKE256)."""
    return ideal(2, n, f"power/{name}")


def biased_bits() -> Bytes:
    """Each bit is 1 with probability 0.501 instead of 0.5."""
    rng = np.random.default_rng(1)
    return np.packbits(rng.random(8 * N) < 0.501)


def sticky_bytes() -> Bytes:
    """One byte in 256 repeats the one before it."""
    out = noise("sticky").copy()
    again = np.flatnonzero(noise("coin")[1:] == 0) + 1
    out[again] = out[again - 1]
    return out


def randu() -> Bytes:
    """IBM's RANDU, x <- 65539 x mod 2^31: all but the lowest of its 31 bits' top byte."""
    x, out = 1, np.empty(N, dtype=np.uint8)
    for i in range(N):
        x = 65539 * x & 0x7FFFFFFF
        out[i] = x >> 23
    return out


def text() -> Bytes:
    """English and code that does not repeat: the sources of Python's own library."""
    files = sorted(Path(os.__file__).parent.glob("*.py"))
    return np.frombuffer(b"".join(path.read_bytes() for path in files)[:N], dtype=np.uint8)


def repeating_key() -> Bytes:
    """Text XOR a key of 256 bytes."""
    return text() ^ np.resize(noise("key", 256), N)


def jpeg() -> Bytes:
    """A photograph-like picture (noise of all scales), as JPEG of quality 95."""
    rng, side = np.random.default_rng(2), 2048
    spectrum = np.fft.rfft2(rng.normal(size=(side, side)))
    rows, columns = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)
    picture = np.fft.irfft2(spectrum / np.hypot(rows, columns).clip(1 / side) ** 1.2)
    scaled = 128 + 50 * picture / picture.std()
    out = io.BytesIO()
    Image.fromarray(scaled.clip(0, 255).astype(np.uint8)).save(out, "jpeg", quality=95)
    return np.frombuffer(out.getvalue(), dtype=np.uint8)[:N]


def zipped() -> Bytes:
    """A ZIP of text with numbers in it."""
    out = io.BytesIO()
    rng = np.random.default_rng(3)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(12):
            rows = rng.normal(size=(25_000, 2)).round(4)
            lines = "\n".join(f"run {i}, loss {a}, accuracy {b}" for a, b in rows)
            archive.writestr(f"{i}.txt", lines)
    return np.frombuffer(out.getvalue(), dtype=np.uint8)[:N]


def texture() -> Bytes:
    """784 bytes of noise repeated, one byte in 256 changed in its last bit: a collapsed network."""
    return np.resize(noise("texture", 784), N) ^ (noise("flip") == 0).astype(np.uint8)


DEFECTS: dict[str, Callable[[], Bytes]] = {
    "none (SHAKE256)": lambda: noise("none"),
    "0.1 % bit bias": biased_bits,
    "sticky bytes (1 in 256)": sticky_bytes,
    "period of 65,536 bytes": lambda: np.resize(noise("period", 65_536), N),
    "RANDU": randu,
    "repeating-key XOR of text": repeating_key,
    "MT19937": lambda: randbytes(4, N),
    "text": text,
    "JPEG": jpeg,
    "ZIP": zipped,
    "repeated texture": texture,
}


def stream_of(name: str, data: Bytes) -> Stream:
    """Return bytes as `assess` reads them, in one window."""
    tally = Tally()
    tally.add(data)
    return Stream(name, tally, [Window(0, data)])


def power() -> None:
    """Print a row a defect: which families speak against it, the most certain first."""
    print("| defect | bytes | min-entropy | families that speak against noise |")
    print("| --- | ---: | ---: | --- |")
    for name, make in DEFECTS.items():
        data = make()
        found = assess(stream_of(name, data))
        against = ", ".join(f.family.removeprefix("SP 800-22 ") for f in found.against) or "none"
        bits = found.windows[0].min_entropy.assessed
        print(f"| {name} | {len(data):,} | {bits:.3f} | {against} |", flush=True)


def quickly(stream: Stream) -> Assessment:
    """Assess a stream by all but min-entropy and linear complexity."""
    found = [*of_tally(stream.tally, 8), of_lags(stream.windows), of_lines(stream.windows)]
    found += of_batteries([sp800_22(unpack(stream.windows[0].symbols))])
    return Assessment(stream, 8, found, [], None)


def together(stream: Stream, size: int) -> Assessment:
    """Assess a stream as `--windows all` does, in windows of that many bytes."""
    data = stream.windows[0].symbols
    with WindowedAssessment(8, workers=1) as windowed:
        for at in range(0, len(data), size):
            windowed.add(Window(at, data[at : at + size]))
        return windowed.ended(stream)


def by_lanes(stream: Stream) -> Assessment:
    """Assess a stream by the families of linear lanes, Twisters and correlation of bits."""
    windows = stream.windows
    found = [of_complexity(windows, 8), of_python(windows, 8), of_bit_lags(windows, 8)]
    return Assessment(stream, 8, found, [], None)


WAYS: dict[str, Callable[[Stream], Assessment]] = {
    "alarms": assess,
    "fast": quickly,
    "lanes": by_lanes,
    **{way: partial(together, size=size) for way, (_, size) in PARTS.items()},
}


def alarm(way: str, number: int) -> tuple[list[str], bool]:
    """Return the families whose p-value is below 0.01 on an ideal stream, and the verdict."""
    count, size = PARTS.get(way, (1, 100_000))
    stream = stream_of("ideal", ideal(3 * number + 1 + number % 2, count * size, way))
    found = WAYS[way](stream)
    odd = [f.family for f in found.findings if f.p_value is not None and f.p_value < 0.01]
    judged = [f"judged: {f.family}" for f in found.findings if f.p_value is not None]
    return odd + judged, bool(found.against)


def alarms(way: str, count: int) -> None:
    """Print how often each family's p-value is below 0.01, and how often the verdict is wrong."""
    start, odd, wrong = time.monotonic(), Counter[str](), 0
    with ProcessPoolExecutor(2) as pool:
        found = pool.map(partial(alarm, way), range(count), chunksize=2)
        for done, (names, against) in enumerate(found, 1):
            odd.update(names)
            wrong += against
            if done % 10 == 0:
                seconds = time.monotonic() - start
                said = f"[{done}/{count}] {wrong} not noise, {seconds:.0f} s"
                print(said, file=sys.stderr, flush=True)
    windows, size = PARTS.get(way, (1, 100_000))
    length = f"{size:,} bytes" if windows == 1 else f"{windows} windows of {size:,} bytes"
    print(f"{count} ideal streams of {length} (PCG64 and SHAKE256)\n")
    print("| family | judged | p < 0.01 |\n| --- | ---: | ---: |")
    for name in [key for key in odd if key.startswith("judged: ")]:
        family = name.removeprefix("judged: ")
        print(f"| {family} | {odd[name]} | {odd[family] / odd[name]:.2%} |")
    rate = binomial_interval(wrong, count)
    span = f"95 % interval {rate.low:.2%} to {rate.high:.2%}"
    print(f"\nverdict `not noise` (asked for: at most {LEVEL:.0%}): {rate.value:.2%}, {span}")


if __name__ == "__main__":
    if sys.argv[1:] == ["power"]:
        power()
    elif len(sys.argv) == 3 and sys.argv[1] in WAYS and sys.argv[2].isdigit():
        alarms(sys.argv[1], int(sys.argv[2]))
    else:
        sys.exit(__doc__)
