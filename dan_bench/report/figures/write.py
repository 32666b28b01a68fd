"""Figures to files: SVG and PNG, in either theme, with their captions in them and beside them."""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor
from PIL.PngImagePlugin import PngInfo

from dan_bench.report.figures.compact import SHADES, compact, shade
from dan_bench.report.figures.drawn import DrawnFigure
from dan_bench.report.figures.style import DPI, Theme

COLOURS = 48
"""Of a PNG, the theme's own among them."""
README = "README.md"
TITLE = (
    "# Figures\n\nDrawn from the records by `python -m dan_bench.report figures`. "
    f"Pictures are shown in {SHADES} shades of grey; the records' arrays hold every byte.\n"
)


def files(name: str, drawn: DrawnFigure, theme: Theme) -> dict[str, bytes]:
    """Return a figure's files, by name; from the same records the same bytes."""
    stem = f"{name}{theme.suffix}"
    return {f"{stem}.svg": svg(name, drawn), f"{stem}.png": png(name, drawn, theme)}


def svg(name: str, drawn: DrawnFigure) -> bytes:
    """Return the drawing in vectors; pictures within it stay pictures, a pixel a byte."""
    out = io.BytesIO()
    about = {"Title": name, "Description": drawn.description, "Creator": "dan_bench", "Date": None}
    drawn.figure.savefig(out, format="svg", metadata=about)
    return compact(out.getvalue())


def png(name: str, drawn: DrawnFigure, theme: Theme) -> bytes:
    """Return the drawing in pixels, of a palette."""
    raw, out = io.BytesIO(), io.BytesIO()
    drawn.figure.savefig(raw, format="png", dpi=DPI)
    about = PngInfo()
    for key, text in {"Title": name, "Description": drawn.description}.items():
        about.add_itxt(key, text, zip=len(text) > 100)
    flat = flattened(Image.open(raw).convert("RGB"), theme)
    flat.save(out, "PNG", optimize=True, pnginfo=about, dpi=(DPI, DPI))
    return out.getvalue()


def flattened(picture: Image.Image, theme: Theme) -> Image.Image:
    """Return a picture in a palette: the theme's colours, and the most frequent of the others."""
    pixels = np.asarray(picture, dtype=np.int64)
    grey = (pixels.min(axis=2) == pixels.max(axis=2))[..., None]
    pixels = np.where(grey, np.array([shade(v) for v in range(256)])[pixels], pixels)
    colours, places, counts = np.unique(
        pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True
    )
    names = (theme.ground, theme.ink, theme.muted, theme.faint, *theme.colours)
    own = np.array([ImageColor.getrgb(name) for name in names])
    others = colours[np.argsort(-counts, kind="stable")][: COLOURS - len(own)]
    palette = np.concatenate([own, others])
    apart = np.square(colours[:, None] - palette[None]).sum(axis=2)
    nearest = apart.argmin(axis=1).astype(np.uint8)[places.ravel()]
    flat = Image.fromarray(nearest.reshape(pixels.shape[:2]), "L")
    flat.putpalette(palette.astype(np.uint8).tobytes())
    return flat


def section(name: str, drawn: DrawnFigure, themes: Sequence[Theme]) -> str:
    """Return what README.md says of a figure."""
    light, *dark = [f"{name}{theme.suffix}.svg" for theme in themes]
    alt = escape(drawn.caption.split(". ")[0])
    picture = f'<img alt="{alt}" src="{light}">'
    if dark:
        source = f'<source media="(prefers-color-scheme: dark)" srcset="{dark[0]}">'
        picture = f"<picture>{source}{picture}</picture>"
    count = len(drawn.keys)
    return (
        f"## {name}\n\n{picture}\n\n{drawn.caption}\n\n{drawn.basis}.\n\n"
        f"<details><summary>{count:,} run {'key' if count == 1 else 'keys'}</summary>\n\n"
        f"{' '.join(f'`{key}`' for key in drawn.keys)}\n\n</details>\n"
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
    told = [there[name] for name in order if name in there]
    path.write_text("\n".join([TITLE, *told]), encoding="utf-8")
    return path
