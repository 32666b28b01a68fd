"""How every figure is drawn: its themes, as configs of Vega-Lite, and the encodings they share.

A chart names no colour. Series take theirs from the theme in the order of their names; lines,
shades and notes that belong to no series name a style of `config`.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from dan_bench.interfaces import Estimate

# About the hues of Okabe & Ito's palette, as dark or as light as a line needs to have 3:1 on its
# ground (WCAG 2.2, 1.4.11), and of lightnesses that keep them apart for every kind of eye
ON_LIGHT = ("#0067A2", "#A04400", "#00A074", "#7B4865", "#A98500", "#4593BF", "#1F2328")
ON_DARK = ("#2B87C9", "#E0702A", "#00B386", "#DB92BB", "#E8B800", "#7CC7F0", "#E6EDF3")
SHAPES = [
    *("circle", "square", "diamond", "triangle-up", "cross", "triangle-down"),
    *("triangle-right", "triangle-left"),
]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2]]
DIGITS = 5
"""Significant digits of a chart's numbers."""
SMALL, NORMAL = 10, 11
"""Pixels of text."""


@dataclass(frozen=True)
class Theme:
    """The colours of a figure."""

    name: str
    ground: str
    ink: str
    muted: str
    """Colour of ticks and notes."""
    faint: str
    """Colour of grid lines and shades."""
    colours: tuple[str, ...]
    """Of the series, in order; they begin again after the last."""

    @property
    def suffix(self) -> str:
        """What the theme adds to the names of files."""
        return "" if self.name == "light" else f"-{self.name}"


LIGHT = Theme("light", "#FFFFFF", "#1F2328", "#59636E", "#E3E7EB", ON_LIGHT)
DARK = Theme("dark", "#0D1117", "#E6EDF3", "#9198A1", "#262C34", ON_DARK)
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}
SERIES = tuple(f"var(--series-{i})" for i in range(len(ON_LIGHT)))
PAGE = Theme("page", "transparent", "var(--ink)", "var(--soft)", "var(--grid)", SERIES)
"""On the HTML page the browser chooses between light and dark, by the style sheet's variables."""


def config(theme: Theme) -> dict[str, Any]:
    """Return a theme as Vega-Lite's config."""
    ink, muted, faint = theme.ink, theme.muted, theme.faint
    text = {"color": ink, "fontSize": SMALL}
    return {
        "background": theme.ground,
        "padding": 8,
        "aria": theme is PAGE,  # a label at every mark would double the size of the files
        "font": "Arial,sans-serif",
        "view": {"stroke": None},
        "concat": {"spacing": 16},
        "axis": {
            "domainColor": muted,
            "gridColor": faint,
            "labelColor": muted,
            "labelFontSize": SMALL,
            "ticks": False,
            "labelPadding": 4,
            "titleColor": ink,
            "titleFontSize": NORMAL,
            "titleFontWeight": "normal",
        },
        "header": {"labelColor": ink, "labelFontSize": 12, "labelFontWeight": "bold"}
        | {"labelAnchor": "start", "title": None},
        "headerRow": {"labelOrient": "top", "labelAngle": 0},
        "legend": {
            "labelColor": ink,
            "labelFontSize": SMALL,
            "labelLimit": 300,
            "symbolBaseStrokeColor": ink,
            "titleColor": ink,
            "titleFontSize": SMALL,
            "titleFontWeight": "normal",
        },
        "title": {"color": ink, "fontSize": 12, "anchor": "start"},
        "range": {"category": list(theme.colours), "symbol": SHAPES},
        "style": {
            "optimum": {"color": ink, "strokeDash": [2, 2], "strokeWidth": 1.2},
            "bound": {"color": ink, "strokeDash": [5, 4], "strokeWidth": 1.2},
            "ink": {"color": ink, "strokeWidth": 0.9, "opacity": 1},
            "shade": {"color": faint, "opacity": 1},
            "said": text,
            "aside": text | {"color": muted},
            "hint": text | {"color": muted, "fontStyle": "italic"},
            "heading": text | {"fontSize": 12, "fontWeight": "bold"},
            "foot": {"fontSize": SMALL, "fontWeight": "normal"},
        },
    }


def themed(chart: Any, foot: str, theme: Theme = LIGHT) -> Any:
    """Return a chart in a theme, a note in its lower right corner."""
    note = alt.Title(foot, orient="bottom", anchor="end", style="foot", offset=8, color=theme.muted)
    return chart.properties(title=note).configure(**config(theme))


# Data


def numbers(rows: Sequence[Mapping[str, object]]) -> alt.InlineData:
    """Return rows as the data of a chart: CSV, which is half of JSON, to five digits."""
    names = list(dict.fromkeys(k for row in rows for k in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {k: f"{v:.{DIGITS}g}" if isinstance(v, float) else v for k, v in row.items()}
        )
    # said here, since what only a filter reads would stay text
    kinds = {k: "number" for k in names if not any(isinstance(row.get(k), str) for row in rows)}
    form = alt.CsvDataFormat(type="csv", parse=kinds)
    return alt.InlineData(out.getvalue(), format=form, name="numbers")


def constants(**values: object) -> alt.InlineData:
    """Return data of one row, for what is drawn once: an optimum, a shade, a word."""
    return alt.InlineData([values])


def ends(name: str, estimate: Estimate) -> dict[str, float]:
    """Return a value and both ends of its interval; the value itself where there is none."""
    low, high = estimate.ends
    return {name: estimate.value, f"{name} low": low, f"{name} high": high}


# Encodings


def series(names: Sequence[str], field: str = "method", **legend: Any) -> alt.Color:
    """Return a colour for each name, and the legend that says so."""
    look = alt.Legend(title=None, symbolOpacity=1, symbolDash=[1, 0], **legend)
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=list(names)), legend=look)


def dash(names: Sequence[str], field: str = "method") -> alt.StrokeDash:
    """Return a kind of line for each name; the legend is that of the colours."""
    range_ = [DASHES[i % len(DASHES)] for i in range(len(names))]
    scale = alt.Scale(domain=list(names), range=range_)
    return alt.StrokeDash(f"{field}:N", scale=scale, title=None)


def marks(base: Any, names: Sequence[str], size: Any, filled: str = "true") -> Any:
    """Return points in the colours and shapes of their names.

    Args:
        base: chart with the positions.
        names: of the series.
        size: of the points, a value or an encoding.
        filled: expression that says which of the points are.
    """
    scale, legend = alt.Scale(domain=list(names)), alt.Legend(title=None, symbolOpacity=1)
    return base.mark_point(filled=True, strokeWidth=1.3, opacity=1).encode(
        fill=alt.Fill("method:N", scale=scale, legend=legend),
        stroke=alt.Stroke("method:N", scale=scale, legend=legend),
        shape=alt.Shape("method:N", scale=scale, legend=legend),
        fillOpacity=alt.condition(filled, alt.value(1), alt.value(0)),
        size=size,
    )


def interval(base: Any, names: Sequence[str], **where: Any) -> Any:
    """Return the intervals of points, as x and x2 or y and y2 say."""
    return base.mark_rule(clip=True).encode(color=series(names), **where)
