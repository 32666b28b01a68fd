"""What the outputs look like: a gallery for everyone, and a game for discriminators."""

import base64
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from dan_bench.interfaces import Bytes, Results, RunRecord
from dan_bench.metrics.pictures import as_pictures
from dan_bench.report.figures.pictures import python_noise
from dan_bench.report.html.runs import MethodSummary
from dan_bench.results.left_out import NO_ROWS, without_rows
from dan_bench.results.select import KINDS

TILES = 8
MOST_BYTES = 12_000
"""Of one strip: larger pictures come fewer at a time."""
MOST_METHODS = 24
ZOOM = 2
CANVAS = (
    '<canvas id="game-{0}" role="img" aria-label="{0} picture" width="28" height="28"></canvas>'
)
BUTTON = '<button type="button" data-side="{0}">The {0} one is Python\'s</button>'


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


def galleries(methods: Sequence[MethodSummary], store: Results) -> list[Gallery]:
    """Return the pictures of the methods' first seeds, 24 methods at most.

    Trained networks stand first, those that look like noise before the others. Methods whose
    samples were not kept, and those with rows too long for a small picture, are left out.
    """
    found: dict[tuple[str, str], Gallery] = {}
    left = MOST_METHODS
    for method in sorted((one for one in methods if one.runs), key=place):
        if left == 0:
            break
        originals, outputs = (read(method.runs[0], part, store) for part in ("inputs", "samples"))
        if originals is None or outputs is None:
            continue
        left -= 1
        before = strip(originals)
        same = (method.row.section, before.uri)
        if same not in found:
            noise = strip(python_noise(outputs.shape))
            found[same] = Gallery(method.row.section, before, noise, [])
        found[same].outputs.append((method, strip(outputs)))
    return list(found.values())


def place(method: MethodSummary) -> tuple[int, float]:
    """Return what methods are sorted by."""
    return -KINDS.index(method.row.kind), -(method.row.verdicts["looks like noise"].score or 0)


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


def not_kept(methods: Sequence[MethodSummary]) -> str:
    """Say of which data sets there are no pictures because the data are the user's own."""
    bare = [one.row.section for one in methods if one.runs and without_rows(one.runs[0])]
    return "".join(
        f"<p><b>{escape(section)}</b>: no pictures of {count} method{'s' * (count > 1)}: "
        f"{escape(NO_ROWS)}.</p>"
        for section, count in Counter(bare).items()
    )


def viewer(methods: Sequence[MethodSummary], store: Results) -> str:
    """Return the game and the gallery, and what is missing there."""
    found, missing = galleries(methods, store), not_kept(methods)
    if not found:
        return missing or "<p>No run of this folder has kept pictures.</p>"
    options = "".join(
        f'<option value="{k}-{i}">{escape(gallery.section)}: {escape(method.name)}</option>'
        for k, gallery in enumerate(found)
        for i, (method, _) in enumerate(gallery.outputs)
    )
    sides = "".join(
        f"<figure>{CANVAS.format(side)}<figcaption>{BUTTON.format(side)}</figcaption></figure>"
        for side in ("left", "right")
    )
    tables = "\n".join(table(k, gallery) for k, gallery in enumerate(found))
    return f"""<div id="game" class="game" hidden>
<p><label for="game-method">Method</label> <select id="game-method">{options}</select></p>
<div class="pair">{sides}</div>
<p id="game-said" role="status" aria-live="polite">One of the two is Python's random noise.
The other began as data. Which is the noise?</p></div>
{tables}{missing}"""


def table(k: int, gallery: Gallery) -> str:
    """One set of originals and what became of them."""
    name = escape(gallery.section)
    rows = [
        row("the originals", "held-out", gallery.originals, f"originals-{k}"),
        row("Python's random", "the target", gallery.noise, f"noise-{k}"),
        *(
            row(method.name, f"run {method.runs[0].key}", outputs, f"outputs-{k}-{i}")
            for i, (method, outputs) in enumerate(gallery.outputs)
        ),
    ]
    body = "\n".join(rows)
    return f"""<div class="scroll" role="region" aria-labelledby="gallery-{k}" tabindex="0">
<table class="gallery"><caption id="gallery-{k}"><b>{name}</b>: the first held-out rows, and what
each method's first seed made of them</caption>
<thead><tr><th scope="col">method</th><th scope="col">pictures</th></tr></thead>
<tbody>
{body}
</tbody></table></div>"""


def row(name: str, more: str, strip: Strip, of: str) -> str:
    """One strip and its name."""
    return (
        f'<tr><th scope="row">{escape(name)}<small>{escape(more)}</small></th>'
        f'<td><img class="strip" id="{of}" src="{strip.uri}" data-tiles="{strip.tiles}" '
        f'alt="{strip.tiles} pictures: {escape(name)}" width="{ZOOM * strip.width * strip.tiles}" '
        f'height="{ZOOM * strip.height}"></td></tr>'
    )
