"""Samples as pictures, every byte a square of whole pixels; and the paper's Figures 7 to 9."""

import base64
import io
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dan_bench.interfaces import Bytes, Results, RunRecord
from dan_bench.metrics.pictures import picture_shape
from dan_bench.report.figures.figure import DEFAULT_DATA, Figure

NOISE_SEED = 2026
GAP = 1
"""Bytes between two pictures."""
SCALE = 4
"""Pixels of one byte; whole, so that noise shows no pattern that is not its own."""
SHADES = np.round(np.linspace(0, 255, 32)).astype(np.uint8)
"""Greys of pictures: noise does not compress, and nobody sees more; black and white stay so."""
TILES = 8
TRAINING_ROWS = 60_000
"""Of data sets whose config does not say it, which are MNIST and its kin."""
NEAR = 0.01
"""Epochs by which a snapshot may miss the one asked for."""
EPOCHS = 24


@dataclass(frozen=True)
class SheetItem:
    """A text or a picture on a sheet; pixels from the upper left corner."""

    what: Any
    left: float
    top: float
    style: str = "said"
    align: str = "left"
    baseline: str = "top"


def sheet(items: Sequence[SheetItem], width: float, height: float) -> Any:
    """Return a chart of so many pixels with texts and pictures at their places."""
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, width], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, height], nice=False, reverse=True))
    layers = []
    for item in items:
        at = {"x": item.left, "y": item.top}
        if isinstance(item.what, str):
            base = alt.Chart(alt.InlineData([{**at, "said": item.what}]))
            look: dict[str, Any] = {"align": item.align, "baseline": item.baseline}
            chart = base.mark_text(style=item.style, lineBreak="\n", **look).encode(text="said:N")
        else:
            high, wide = (SCALE * size for size in item.what.shape[:2])
            base = alt.Chart(alt.InlineData([{**at, "picture": encoded(item.what)}]))
            chart = base.mark_image(
                width=wide, height=high, align="left", baseline="top", smooth=False, aspect=False
            ).encode(url="picture:N")
        layers.append(chart.encode(x=x, y=y))
    return alt.layer(*layers).properties(width=width, height=height)


TITLE, UNDER = 24, 22
"""Pixels above and below pictures that stand side by side."""


def side_by_side(pictures: Mapping[str, Any], between: int, under: Sequence[str] = ()) -> Any:
    """Return a chart of pictures of one size, each under its name, and above a text if given."""
    high, wide = (SCALE * size for size in next(iter(pictures.values())).shape[:2])
    items = []
    for i, (name, picture) in enumerate(pictures.items()):
        left = i * (wide + between)
        items += [SheetItem(name, left, 0, "heading"), SheetItem(picture, left, TITLE)]
        items += [SheetItem(text, left, TITLE + high + 6) for text in under[i : i + 1]]
    width = len(pictures) * (wide + between) - between
    return sheet(items, width, TITLE + high + (UNDER if under else 0))


def encoded(picture: Any) -> str:
    """Return a masked array of bytes as the address of a PNG; what is masked is transparent.

    Grey pictures have so few shades that one is left for what is masked.
    """
    out = io.BytesIO()
    mask = np.ma.getmaskarray(picture)
    if picture.ndim == 3:
        alpha = np.where(mask[..., :1], 0, 255).astype(np.uint8)
        Image.fromarray(np.concatenate([picture.filled(0), alpha], axis=2)).save(out, "PNG")
    else:
        nearest = np.round(picture.filled(0) * ((len(SHADES) - 1) / 255))
        whole = Image.fromarray(np.where(mask, len(SHADES), nearest).astype(np.uint8), "P")
        whole.putpalette(np.repeat(SHADES, 3).tobytes() + bytes(3))
        whole.save(out, "PNG", optimize=True, transparency=len(SHADES))
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def shape_of(run: RunRecord, width: int) -> tuple[int, ...] | None:
    """Return rows and columns [and colours] of a picture; None where a row is none."""
    given = tuple(run.config["data"].get("shape", ()))
    side = math.isqrt(width)
    shape = picture_shape(given) if len(given) >= 2 else (side, side)
    return shape if math.prod(shape) == width and min(shape[:2]) > 1 else None


def mosaic(rows: Bytes, shape: Sequence[int], columns: int) -> Any:
    """Return pictures side by side, a byte apart, `columns` in a line; the gaps are masked."""
    high, wide, *colours = shape
    lines = math.ceil(len(rows) / columns)
    size = (lines * (high + GAP) - GAP, columns * (wide + GAP) - GAP, *colours)
    whole = np.ma.masked_all(size, dtype=np.uint8)
    for i, row in enumerate(rows):
        y, x = i // columns * (high + GAP), i % columns * (wide + GAP)
        whole[y : y + high, x : x + wide] = row.reshape(high, wide, *colours)
    return whole


def columns_for(count: int) -> int:
    """Return how many pictures a line has, so that a mosaic is full and about square."""
    return next(k for k in range(math.isqrt(count), count + 1) if k * k >= count and count % k == 0)


def python_noise(shape: tuple[int, ...]) -> Bytes:
    """Return bytes of `random.Random(2026).randbytes`, in the form of what they stand beside."""
    drawn = random.Random(NOISE_SEED).randbytes(math.prod(shape))
    return np.frombuffer(drawn, dtype=np.uint8).reshape(shape)


# What a run made of held-out rows after so many passes over its data


@dataclass(frozen=True)
class Snapshot:
    """What a run made of some held-out rows after so many epochs."""

    run: RunRecord
    step: int
    rows: Bytes
    shape: tuple[int, ...]

    @property
    def method(self) -> str:
        """Model and output."""
        return f"{self.run.config['model']['name']} ({self.run.config['output']})"


def snapshot_at(records: Sequence[RunRecord], results: Results, epochs: float) -> Snapshot | None:
    """Return the snapshot after so many epochs of the first run that has one.

    The default data come before others, and the smaller seed before the larger.
    """

    def place(run: RunRecord) -> tuple[bool, int, str]:
        return run.config["data"]["name"] != DEFAULT_DATA, int(run.config["seed"]), run.key

    learned = [r for r in records if r.status == "done" and r.config["model"]["kind"] == "learned"]
    for run in sorted(learned, key=place):
        size = run.config["data"].get("train_size", TRAINING_ROWS)
        batch = run.config.get("trainer", {}).get("batch_size")
        steps: NDArray[np.int64] | None = results.array(run.key, "snapshot_steps")
        if not size or not batch or steps is None:
            continue
        apart = np.abs(np.asarray(steps) * batch / size - epochs)
        at = int(apart.argmin())
        made = results.array(run.key, "snapshots")
        if apart[at] > NEAR or made is None:
            continue
        shape = shape_of(run, made.shape[2])
        if shape is not None:
            return Snapshot(run, int(steps[at]), np.asarray(made[at][:TILES]), shape)
    return None


AFTER = (
    "The paper's Figure {number}: what {model} makes of the first {count} held-out digits after "
    "{passes} over the training images (step {step:,}), none chosen. {remark}"
)


def after_passes(
    records: Sequence[RunRecord], results: Results, passes: int, number: int, remark: str
) -> Figure | None:
    """Draw what a run made of held-out rows after so many passes over its data.

    Args:
        records: of any runs.
        results: where their arrays are.
        passes: over the training set.
        number: of the paper's figure.
        remark: what to look at.
    """
    found = snapshot_at(records, results, passes)
    if found is None:
        return None
    picture = mosaic(found.rows, found.shape, min(TILES, len(found.rows)))
    high, wide = (SCALE * size for size in picture.shape[:2])
    caption = AFTER.format(
        number=number,
        model=found.method,
        count=len(found.rows),
        passes="one pass" if passes == 1 else f"{passes} passes",
        step=found.step,
        remark=remark,
    )
    chart = sheet([SheetItem(picture, 0, 0)], wide, high)
    return Figure(chart, caption, (found.run,), f"{len(found.rows)} held-out rows")


after_one_pass = partial(
    after_passes,
    passes=1,
    number=8,
    remark="The digits are gone to the eye, and noise has not arrived.",
)
after_fifteen_passes = partial(
    after_passes,
    passes=15,
    number=9,
    remark="Byte by byte it may pass for noise by now; look for the same texture twice.",
)

BESIDE = (
    "The paper's Figure 7: Python's random (left, random.Random({seed}).randbytes) beside what "
    "{model} makes of held-out digits after {epochs} epochs (right, step {step:,}), the first "
    "{count} of each, none chosen. {measured}"
)
MEASURED = {
    "shannon_bits": ("{:.2f} bits a byte", 1),
    "effective_dimensions": ("{:.1f} % of the effective dimensions of noise", 100),
}
BETWEEN = 36
"""Pixels."""


def python_or_dan(records: Sequence[RunRecord], results: Results) -> Figure | None:
    """Draw as many pictures of Python's random and of a network's output, side by side."""
    found = snapshot_at(records, results, EPOCHS)
    if found is None:
        return None
    count = len(found.rows)
    panels = {
        "Python's random": python_noise(found.rows.shape),
        f"{found.run.config['model']['name'].upper()}, {EPOCHS} epochs": found.rows,
    }
    columns = columns_for(count)
    pictures = {title: mosaic(rows, found.shape, columns) for title, rows in panels.items()}
    chart = side_by_side(pictures, BETWEEN)
    caption = BESIDE.format(
        seed=NOISE_SEED,
        model=found.method,
        epochs=EPOCHS,
        step=found.step,
        count=count,
        measured=measured(found.run),
    )
    return Figure(chart, caption.strip(), (found.run,), f"{count} rows each")


def measured(run: RunRecord) -> str:
    """Return what the metrics say of the same run; empty where there are none."""
    said = [
        form.format(scale * estimate.value)
        for name, (form, scale) in MEASURED.items()
        if (estimate := run.metrics.get(name)) is not None
    ]
    whole = f"Can you tell? Measures can: all of the held-out sample has {' and '.join(said)}."
    return whole if said else ""
