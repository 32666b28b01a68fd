"""An SVG made smaller: the same drawing without what no reader needs."""

import base64
import io
import re
from collections import Counter

from PIL import Image

SHADES = 32
"""Of grey in pictures: noise does not compress, and nobody sees more; black and white stay so."""
MANY = 12
"""Lines of a path from which on tenths of a point will do."""
EMBEDDED = re.compile(rb"data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)")
INDENT = re.compile(rb"\n +")
PLACE = re.compile(rb' (?:d|x|y|width|height|transform)="[^"]*"')
DIGITS = re.compile(rb"(\.\d\d)\d+")
"""Beyond the hundredth of a point there is nothing to see."""
TENTHS = re.compile(rb"(\.\d)\d+")
PATH = re.compile(rb' d="[^"]*"')
LINES = re.compile(rb"(?:L[-\d. \n]+)+")
UNUSED_ID = re.compile(rb'<g id="[a-zA-Z0-9.]+_\d+">')
"""Of groups: what is referred to has a hash for its id."""
GROUP = re.compile(rb"<g>\n?((?:(?!</?g[ >]).)*)</g>\n?", re.DOTALL)
UPRIGHT = re.compile(rb' transform="rotate\(-?0 [^"]*"')
LOOK = re.compile(rb' style="([^"]*)"')
STYLE = b'<style type="text/css">'


def compact(drawing: bytes) -> bytes:
    """Return an SVG of matplotlib's in about two thirds of its bytes; metadata stay as they are."""
    head, end, body = drawing.partition(b"</metadata>")
    body = PLACE.sub(lambda found: DIGITS.sub(rb"\1", found[0]), INDENT.sub(b"\n", body))
    body = PATH.sub(lambda found: path(found[0]), body)
    body = UPRIGHT.sub(b"", UNUSED_ID.sub(b"<g>", body))
    body = EMBEDDED.sub(lambda found: b"data:image/png;base64," + smaller(found[1]), body)
    return head + end + classed(ungrouped(body))


def ungrouped(body: bytes) -> bytes:
    """Return a drawing without the groups that say nothing of what is in them."""
    while (less := GROUP.sub(rb"\1", body)) != body:
        body = less
    return body


def classed(body: bytes) -> bytes:
    """Return a drawing whose looks that occur more than once are said once, as classes."""
    counts = Counter(LOOK.findall(body))
    names = {look: b"l%d" % i for i, (look, n) in enumerate(counts.most_common()) if n > 1}
    rules = b"".join(b".%s{%s}\n" % (name, look) for look, name in names.items())

    def shorter(found: re.Match[bytes]) -> bytes:
        return b' class="%s"' % names[found[1]] if found[1] in names else found[0]

    return LOOK.sub(shorter, body).replace(STYLE, STYLE + rules, 1)


def path(attribute: bytes) -> bytes:
    """Return a path without spaces; a line after a line needs no letter (SVG 1.1, 8.3.4)."""
    short = re.sub(rb"\s*([MLQCz])\s*", rb"\1", attribute)
    return re.sub(rb"(?<=[-\d.])\s+", b" ", LINES.sub(lambda found: joined(found[0]), short))


def joined(lines: bytes) -> bytes:
    """Return lines with the letter of the first alone."""
    if lines.count(b"L") > MANY:
        lines = TENTHS.sub(rb"\1", lines)
    return b"L" + b" ".join(lines[1:].split(b"L"))


def shade(value: int) -> int:
    """Return the nearest of the shades of grey."""
    step = 255 / (SHADES - 1)
    return round(round(value / step) * step)


def smaller(encoded: bytes) -> bytes:
    """Return an embedded PNG with no more colours than it has use for."""
    picture = Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA")
    red, green, blue, alpha = picture.split()
    if red.tobytes() == green.tobytes() == blue.tobytes():
        picture = Image.merge("LA", (red.point([shade(v) for v in range(256)]), alpha))
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue())
