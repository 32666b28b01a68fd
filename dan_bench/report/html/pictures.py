"""What the outputs look like: a gallery for everyone, and a game for discriminators."""

import base64
import io
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image

from dan_bench.interfaces import Bytes, Results, RunRecord
from dan_bench.metrics.pictures import as_pictures
from dan_bench.report.figures.finding import COLUMNS, Panels
from dan_bench.report.figures.pictures import SCALE, encoded, mosaic, python_noise
from dan_bench.report.headline import DIMENSIONS, ENTROPY, value
from dan_bench.report.html.runs import MethodSummary
from dan_bench.report.html.templates import template
from dan_bench.results.left_out import NO_ROWS, without_rows
from dan_bench.results.select import KINDS

TILES = 8
MOST_BYTES = 12_000
"""Of one strip: larger pictures come fewer at a time."""
MOST_METHODS, MOST_OF_ONE = 24, 12
"""Of all data sets together, and of each."""
ZOOM = 2


@dataclass(frozen=True)
class Strip:
    """Pictures side by side: `uri` is a PNG of `tiles` pictures of `width` x `height`."""

    uri: str
    tiles: int
    width: int
    height: int


@dataclass(frozen=True)
class Gallery:
    """Methods that were given the same originals, and as much of Python's noise."""

    section: str
    originals: Strip
    noise: Strip
    outputs: list[tuple[MethodSummary, Strip]]


def galleries(
    methods: Sequence[MethodSummary], store: Results, compared: Collection[str] = ()
) -> list[Gallery]:
    """Return the pictures of the methods' first seeds, `MOST_OF_ONE` a data set at most.

    Trained networks stand first: those that collapsed the most, then those that look like noise.
    Methods whose samples were not kept, and those with rows too long for a small picture, are left
    out.

    Args:
        methods: of the leaderboards.
        store: where the runs keep their samples.
        compared: keys of runs whose methods are shown before others.
    """
    found: dict[tuple[str, str], Gallery] = {}
    left = Counter[str]()

    def first(method: MethodSummary) -> tuple[bool, int, float]:
        return method.runs[0].key not in compared, *place(method)

    for method in sorted((one for one in methods if one.runs), key=first):
        if sum(left.values()) == MOST_METHODS or left[method.row.section] == MOST_OF_ONE:
            continue
        originals, outputs = (read(method.runs[0], part, store) for part in ("inputs", "samples"))
        if originals is None or outputs is None:
            continue
        left[method.row.section] += 1
        before = strip(originals)
        same = (method.row.section, before.uri)
        if same not in found:
            noise = strip(python_noise(outputs.shape))
            found[same] = Gallery(method.row.section, before, noise, [])
        found[same].outputs.append((method, strip(outputs)))
    for gallery in found.values():
        gallery.outputs.sort(key=lambda pair: place(pair[0]))
    return list(found.values())


def place(method: MethodSummary) -> tuple[int, float]:
    """Return what methods are sorted by: kind, and how far from noise they are."""
    return -KINDS.index(method.row.kind), value(method.row, DIMENSIONS, 1)


def read(run: RunRecord, part: str, store: Results) -> Bytes | None:
    """Return a few pictures of a run, n x rows x columns [x 3]; None where there are none."""
    rows = store.array(run.key, part)
    if rows is None:
        return None
    shape = tuple(run.config["data"].get("shape", [28, 28]))
    length = int(np.prod(shape))
    if rows.ndim != 2 or rows.shape[1] != length or length > MOST_BYTES:
        return None
    chosen = np.asarray(rows[: min(TILES, MOST_BYTES // length)])
    return as_pictures(chosen, shape)


def strip(pictures: Bytes) -> Strip:
    """Set pictures side by side and write them as a PNG, pixel by pixel."""
    out = io.BytesIO()
    Image.fromarray(np.concatenate(list(pictures), axis=1)).save(out, "PNG", optimize=True)
    uri = "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
    count, height, width = pictures.shape[:3]
    return Strip(uri, count, width, height)


def viewer(found: Sequence[Gallery], methods: Sequence[MethodSummary]) -> Markup:
    """Return the game and the gallery, and of which data sets no rows were kept."""
    shown = [
        (f"{k}-{i}", gallery.section, method)
        for k, gallery in enumerate(found)
        for i, (method, _) in enumerate(gallery.outputs)
    ]
    hard = [at for at, _, of in shown if of.row.verdicts["looks like noise"].word == "yes"]
    bare = [one.row.section for one in methods if one.runs and without_rows(one.runs[0])]
    hardest = hard[0] if hard else ""
    made: Markup = macros().viewer(found, shown, hardest, Counter(bare), NO_ROWS)
    return made


def triptych(found: Panels, shape: Sequence[int]) -> Markup:
    """Return the pictures of the finding side by side, with what was measured of each."""
    panels = []
    for name, (measured, rows) in found.items():
        whole = mosaic(rows, shape, COLUMNS)
        high, wide = whole.shape[:2]
        panels.append((name, measured, len(rows), encoded(whole), SCALE * wide, SCALE * high))
    made: Markup = macros().triptych(panels)
    return made


@cache
def macros() -> Any:
    """Return the macros of pictures.html."""
    return template("pictures.html", said=said, zoom=ZOOM).module


def said(method: MethodSummary) -> str:
    """Return what was measured of a method, and its first run."""
    cells = method.row.cells
    measured = [
        f"{value(method.row, ENTROPY):.2f} bits a byte" if ENTROPY in cells else "",
        f"{100 * value(method.row, DIMENSIONS):.3g} % of noise's dimensions"
        if DIMENSIONS in cells
        else "",
        f"run {method.runs[0].key}",
    ]
    return " · ".join(filter(None, measured))
