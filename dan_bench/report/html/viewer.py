"""The sample viewer: a gallery for everyone, and a game for discriminators."""

from collections.abc import Sequence
from html import escape

from dan_bench.report.html.samples import Gallery, Strip

ZOOM = 2
CANVAS = (
    '<canvas id="game-{0}" role="img" aria-label="{0} picture" width="28" height="28"></canvas>'
)
BUTTON = '<button type="button" data-side="{0}">The {0} one is Python\'s</button>'


def viewer(found: Sequence[Gallery]) -> str:
    """Return the game and the gallery."""
    if not found:
        return "<p>No run of this folder has kept pictures.</p>"
    options = "".join(
        f'<option value="{k}-{i}">{escape(gallery.section)}: {escape(subject.name)}</option>'
        for k, gallery in enumerate(found)
        for i, (subject, _) in enumerate(gallery.outputs)
    )
    sides = "".join(
        f"<figure>{CANVAS.format(side)}<figcaption>{BUTTON.format(side)}</figcaption></figure>"
        for side in ("left", "right")
    )
    tables = "\n".join(table(k, gallery) for k, gallery in enumerate(found))
    return f"""<div id="game" class="game" hidden>
<p><label for="game-subject">Subject</label> <select id="game-subject">{options}</select></p>
<div class="pair">{sides}</div>
<p id="game-said" role="status" aria-live="polite">One of the two is Python's random noise.
The other began as data. Which is the noise?</p></div>
{tables}"""


def table(k: int, gallery: Gallery) -> str:
    """One set of originals and what became of them."""
    name = escape(gallery.section)
    rows = [
        row("the originals", "held-out", gallery.originals, f"originals-{k}"),
        row("Python's random", "the target", gallery.noise, f"noise-{k}"),
        *(
            row(subject.name, f"run {subject.runs[0].key}", outputs, f"outputs-{k}-{i}")
            for i, (subject, outputs) in enumerate(gallery.outputs)
        ),
    ]
    body = "\n".join(rows)
    return f"""<div class="scroll" role="region" aria-labelledby="gallery-{k}" tabindex="0">
<table class="gallery"><caption id="gallery-{k}"><b>{name}</b>: the first held-out rows, and what
each subject's first seed made of them</caption>
<thead><tr><th scope="col">subject</th><th scope="col">pictures</th></tr></thead>
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
