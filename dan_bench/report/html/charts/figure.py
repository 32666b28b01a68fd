"""What all figures share: their numbers, colours and marks."""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.figures.grid import grid
from dan_bench.report.html.subjects import MethodSummary
from dan_bench.report.palette import COLOURS

INK = "var(--ink)"
"""What is black on paper is light in a dark theme; the page's style sheet knows."""
CYCLE = tuple(INK if colour == "#000000" else colour for colour in COLOURS)
SHAPES = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
)
LINE = "stroke"
"""How a legend marks a line."""
DASHES: tuple[list[int], ...] = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2])
HEIGHT = 340
TWO_COLUMNS = 36
"""Letters that a legend of two columns has room for."""
DIGITS = 5


@dataclass(frozen=True)
class Figure:
    """One chart with what is said about it."""

    name: str
    """Of its element on the page."""
    title: str
    caption: str
    chart: Any
    runs: tuple[RunRecord, ...]

    @property
    def spec(self) -> dict[str, Any]:
        """As Vega-Lite reads it."""
        made: dict[str, Any] = self.chart.properties(
            width="container", height=HEIGHT, description=f"{self.title}. {self.caption}"
        ).to_dict()
        del made["$schema"]  # the page says which language it is, and names no host
        return made


def numbers(rows: Sequence[Mapping[str, object]]) -> alt.InlineData:
    """Return the rows as the chart's data: CSV, which is half of JSON, to five digits."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(k for row in rows for k in row)))
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {k: f"{v:.{DIGITS}g}" if isinstance(v, float) else v for k, v in row.items()}
        )
    return alt.InlineData(
        values=out.getvalue(), format=alt.CsvDataFormat(type="csv"), name="numbers"
    )


def ends(name: str, estimate: Estimate) -> dict[str, float]:
    """Return a value and both ends of its interval; the value itself where there is none."""
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    return {name: estimate.value, f"{name} low": low, f"{name} high": high}


def legend(names: Sequence[str], symbol: Any = alt.Undefined) -> alt.Legend:
    """Return a legend below the chart; long names have a line each."""
    columns = 2 if max(map(len, names)) <= TWO_COLUMNS else 1
    return alt.Legend(
        orient="bottom",
        columns=columns,
        labelLimit=480 // columns,
        symbolLimit=60,
        symbolOpacity=1,
        symbolType=symbol,
        title=None,
    )


def colour(names: Sequence[str], field: str = "subject", symbol: Any = alt.Undefined) -> alt.Color:
    """Return a colour for each name; click one in the legend to see it alone."""
    range_ = [CYCLE[i % len(CYCLE)] for i in range(len(names))]
    scale = alt.Scale(domain=list(names), range=range_)
    return alt.Color(f"{field}:N", scale=scale, legend=legend(names, symbol))


def shape(names: Sequence[str], field: str = "subject") -> alt.Shape:
    """Return a mark for each name."""
    range_ = [SHAPES[i % len(SHAPES)] for i in range(len(names))]
    scale = alt.Scale(domain=list(names), range=range_)
    return alt.Shape(f"{field}:N", scale=scale, legend=legend(names))


def dash(names: Sequence[str], field: str = "subject") -> alt.StrokeDash:
    """Return a dash for each name: another one when the colours begin again."""
    range_ = [DASHES[i // len(CYCLE) % len(DASHES)] for i in range(len(names))]
    scale = alt.Scale(domain=list(names), range=range_)
    return alt.StrokeDash(f"{field}:N", scale=scale, legend=legend(names, LINE))


def chosen(field: str = "subject") -> Any:
    """Return the choice that a click in the legend makes."""
    return alt.selection_point(fields=[field], bind="legend", name="chosen")


def zoom() -> Any:
    """Return the choice of a window: drag moves it, and the wheel zooms while shift is held."""
    return alt.selection_interval(
        bind="scales", name="window", zoom="wheel![event.shiftKey]", translate=True
    )


def dimmed(choice: Any, full: float = 1.0) -> Any:
    """Opacity of what is chosen, and of the rest."""
    return alt.condition(choice, alt.value(full), alt.value(0.12))


def by_section(subjects: Sequence[MethodSummary]) -> dict[str, list[MethodSummary]]:
    """Return the subjects of each data set."""
    found: dict[str, list[MethodSummary]] = defaultdict(list)
    for subject in subjects:
        found[subject.row.section].append(subject)
    return dict(found)


def comparable(subjects: Sequence[MethodSummary]) -> tuple[list[MethodSummary], str]:
    """Return those that can be compared, with ideal noise, and a sentence on the others.

    They are named by model and output, since nothing else tells them apart.
    """
    shown, others = grid([run for subject in subjects for run in subject.runs])
    names = {one.runs[0].key: one.name for one in shown}
    kept = [
        replace(subject, name=names[run.key])
        for subject in subjects
        for run in subject.runs
        if run.key in names
    ]
    alike = {(s.evaluation, s.row.section) for s in kept}
    ideal = [s for s in subjects if not s.runs and (s.evaluation, s.row.section) in alike]
    return [*ideal, *kept], others
