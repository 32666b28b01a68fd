"""The page of plots on an entropy source: one HTML file that needs nothing else."""

import base64
import html
from typing import Any

import altair as alt
import numpy as np
from numpy.typing import NDArray

from dan_bench.assess.laboratory.assessment import SourceAssessment
from dan_bench.assess.plot import CONVERT, beside_noise
from dan_bench.randomness.restart import SIDE
from dan_bench.rng import generator

SHOWN = 1 << 20
"""Samples that are drawn."""


def page(result: SourceAssessment, found: dict[str, Any]) -> str:
    """Return the page; `found` is the content of report.json."""
    width = result.source.layout.width
    symbols = result.sequential_symbols[:SHOWN]
    noise = generator(0, "laboratory/noise").integers(0, 1 << width, len(symbols), np.uint8)
    name = result.source.files["sequential"].name
    figures = [
        (
            "Sequential data, and noise of as many samples",
            "Values outside of the dashed lines come from noise in 5 % of cases.",
            beside_noise(symbols, noise, width, name),
        ),
        (
            "Estimates of the sequential data",
            "Bits a sample; those of the bit string times the bits of a sample. The dashed line is "
            "what the submitter claims, the solid one what is assessed.",
            estimates(result),
        ),
        (
            "Restarts: how often the commonest symbol comes in each row and column",
            "Nothing may lie beyond the dashed line, the exact cutoff.",
            restarts(result),
        ),
    ]
    title = f"Entropy source {html.escape(result.source.folder.resolve().name)}"
    failed = "".join(f"<li>{html.escape(line)}</li>" for line in result.failed)
    verdict = f"<p>FAILED:</p><ul>{failed}</ul>" if failed else "<p>Nothing failed.</p>"
    body = "".join(
        f"<h2>{html.escape(heading)}</h2><p>{html.escape(said)}</p>"
        f'<img alt="{html.escape(heading)}" src="data:image/svg+xml;base64,{_svg(chart)}">'
        for heading, said, chart in figures
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        "<style>body{font-family:sans-serif;margin:2em}img{max-width:100%}</style>"
        f"<h1>{title}</h1><p>{html.escape(found['tool'])}, {found['time']}</p>{verdict}{body}"
    )


def estimates(result: SourceAssessment) -> Any:
    """Return bars of all estimates, in bits a sample."""
    width, of = result.source.layout.width, result.non_iid.estimators
    rows = [
        {"estimate": name, "bits": value * scale, "of": track}
        for track, values, scale in (
            ("samples", of.literal.present(), 1),
            ("bit string", of.bitstring.present(), width),
        )
        for name, value in values.items()
    ]
    bars = alt.Chart(alt.InlineData(rows), width=600).mark_bar()
    bars = bars.encode(
        x=alt.X("bits:Q", title="bits a sample", scale=alt.Scale(domain=[0, width])),
        y=alt.Y("estimate:N", sort=None, title=None),
        yOffset=alt.YOffset("of:N", sort=None),
        color=alt.Color("of:N", sort=None, title=None),
    )
    lines = [bars, _rule("bits", result.source.h_submitter, dashed=True)]
    if result.assessed is not None:
        lines.append(_rule("bits", result.assessed, dashed=False))
    return alt.layer(*lines)


def restarts(result: SourceAssessment) -> Any:
    """Return how many rows and columns have each count of their commonest symbol."""
    matrix = result.restart_symbols.reshape(SIDE, SIDE)
    rows = []
    for name, data in (("rows", matrix), ("columns", matrix.T)):
        counts = np.bincount(counts_of(data))
        rows += [
            {"count": count, "number": int(number), "of": name}
            for count, number in enumerate(counts)
            if number
        ]
    bars = alt.Chart(alt.InlineData(rows), width=600).mark_line(point=True, interpolate="step")
    bars = bars.encode(
        x=alt.X("count:Q", title="count of the commonest symbol", scale=alt.Scale(zero=False)),
        y=alt.Y("number:Q", title="rows or columns"),
        color=alt.Color("of:N", sort=None, title=None),
    )
    return alt.layer(bars, _rule("count", result.restart.sanity.cutoff_exact, dashed=True))


def counts_of(matrix: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how often the commonest symbol of each row comes in it."""
    return np.array([np.bincount(row).max() for row in matrix], dtype=np.int64)


def _rule(field: str, value: float, *, dashed: bool) -> alt.Chart:
    base = alt.Chart(alt.InlineData([{field: value}]))
    drawn: alt.Chart = base.mark_rule(strokeDash=[4, 3] if dashed else [1, 0]).encode(
        x=f"{field}:Q"
    )
    return drawn


def _svg(chart: Any) -> str:
    return base64.b64encode(CONVERT[".svg"](chart.to_dict())).decode()
