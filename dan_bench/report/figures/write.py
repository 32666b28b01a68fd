"""Figures to files: SVG and PNG, in either theme, with their captions in them and beside them."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import altair as alt
import vl_convert
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dan_bench.files import whole
from dan_bench.report.figures.figure import Figure
from dan_bench.report.figures.pictures import SHADES
from dan_bench.report.figures.style import Theme, themed

DPI, SCREEN = 120, 96
"""Of a PNG, and of what a pixel of a chart is meant for."""
README = "README.md"
TITLE = (
    "# Figures\n\nDrawn from the records by `python -m dan_bench.report figures`. "
    f"Pictures are shown in {len(SHADES)} shades of grey; the records' arrays hold every byte.\n"
)


def version() -> str:
    """Return the version of Vega-Lite that altair writes, as vl-convert names it."""
    return ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def files(name: str, figure: Figure, theme: Theme) -> dict[str, bytes]:
    """Return a figure's files, by name; from the same records the same bytes."""
    stem = f"{name}{theme.suffix}"
    spec = themed(figure.chart, figure.basis, theme).to_dict()
    drawing = vl_convert.vegalite_to_svg(spec, vl_version=version())
    return {
        f"{stem}.svg": described(drawing, name, figure).encode(),
        f"{stem}.png": png(drawing, name, figure),
    }


def described(drawing: str, name: str, figure: Figure) -> str:
    """Return an SVG with its title and description, which browsers and screen readers know."""
    head, close, body = drawing.partition(">")
    about = f"<title>{escape(name)}</title><desc>{escape(figure.description)}</desc>"
    return f'{head} role="img"{close}{about}{plain(body)}'


UNSEEN = re.compile(
    r' (?:role|class|pointer-events|aria-[a-z]+)="[^"]*"'  # of parts: the whole is one image
    r'| (?:opacity|stroke-width)="1"| font-weight="normal"'  # as SVG has it anyway
    r'|<path(?: class="\w+")?(?: aria-hidden="true")? d="" display="none"/>'
    r"|(?<=\.\d\d)\d+(?=[^<>]*>)"  # of coordinates: less than a hundredth of a pixel
)


def plain(body: str) -> str:
    """Return a drawing without what is not seen, its clip paths numbered from 0."""
    names: dict[str, str] = {}  # vl-convert counts on from drawing to drawing
    body = re.sub(
        r'(?<=["#])clip\d+', lambda found: names.setdefault(found[0], f"clip{len(names)}"), body
    )
    return UNSEEN.sub("", body)


def png(drawing: str, name: str, figure: Figure) -> bytes:
    """Return an SVG in pixels of at most 256 colours, with its title and description."""
    raw = vl_convert.svg_to_png(drawing, scale=DPI / SCREEN, ppi=72)
    about = PngInfo()
    for key, text in {"Title": name, "Description": figure.description}.items():
        about.add_itxt(key, text, zip=len(text) > 100)
    whole = Image.open(io.BytesIO(raw)).convert("RGB")
    flat = whole.quantize(dither=Image.Dither.NONE)
    out = io.BytesIO()
    flat.save(out, "PNG", optimize=True, pnginfo=about, dpi=(DPI, DPI))
    return out.getvalue()


def section(name: str, figure: Figure, themes: Sequence[Theme]) -> str:
    """Return what README.md says of a figure."""
    light, *dark = [f"{name}{theme.suffix}.svg" for theme in themes]
    alternative = escape(figure.caption.split(". ")[0])
    picture = f'<img alt="{alternative}" src="{light}">'
    if dark:
        source = f'<source media="(prefers-color-scheme: dark)" srcset="{dark[0]}">'
        picture = f"<picture>{source}{picture}</picture>"
    count = len(figure.keys)
    return (
        f"## {name}\n\n{picture}\n\n{figure.caption}\n\n{figure.basis}.\n\n"
        f"<details><summary>{count:,} run {'key' if count == 1 else 'keys'}</summary>\n\n"
        f"{' '.join(f'`{key}`' for key in figure.keys)}\n\n</details>\n"
    )


def captions(folder: Path, sections: Mapping[str, str], order: Iterable[str], keep: bool) -> Path:
    """Write README.md, figure by figure.

    Args:
        folder: of the figures.
        sections: of the figures that were drawn.
        order: of all figures' names.
        keep: what the file already says of figures that were not drawn this time.
    """
    path = folder / README
    there = dict(sections)
    if keep and path.is_file():
        _, *parts = re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        old = {part.split("\n", 1)[0]: f"## {part.rstrip()}\n" for part in parts}
        there = old | there
    kept = [there[name] for name in order if name in there]
    with whole(path) as file:
        file.write("\n".join([TITLE, *kept]).encode())
    return path
