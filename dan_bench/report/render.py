"""Rows as text, in five formats."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from itertools import groupby

from dan_bench.metrics.statistics import Estimate
from dan_bench.report import latex as tex
from dan_bench.report.columns import column
from dan_bench.report.leaderboard import Cell, Row
from dan_bench.report.verdicts import VERDICTS

MISSING = "X"


def number(estimate: Estimate) -> str:
    """Value and half-width of the interval, to two digits of the latter (four places at most)."""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.4g}"
    half = (estimate.high - estimate.low) / 2
    return f"{estimate.value:.{places(half)}f} ± {half:.{places(half)}f}"


def places(half: float) -> int:
    """Return the decimal places that show two digits of an interval's half; four at most."""
    return 4 if half <= 0 else min(4, max(0, 1 - math.floor(math.log10(half))))


def text(cell: Cell | None) -> str:
    """Return a cell with its rank behind it, or an X."""
    if cell is None:
        return MISSING
    return number(cell.estimate) + (f" ({cell.rank})" if cell.rank is not None else "")


def caption(rows: Sequence[Row]) -> str:
    """What the numbers of a section are."""
    samples = sorted({n for row in rows for n in row.samples})
    seeds = sorted({row.seeds for row in rows if row.seeds}) or [0]
    of_ideal = "; ideal noise: median ± half of where 95 % of it lies"

    def span(values: Sequence[int]) -> str:
        return f"{values[0]}" if len(values) == 1 else f"{values[0]} to {values[-1]}"

    return (
        f"N = {span(samples)} held-out samples; mean ± half of the 95 % t interval "
        f"over {span(seeds)} training seed{'s' * (seeds != [1])}; (rank), shared where intervals "
        "overlap; "
        f"{MISSING} = no value" + (of_ideal if any(row.kind == "baseline" for row in rows) else "")
    )


Grid = tuple[str, str, list[str], list[list[str]]]


def grids(rows: Sequence[Row], metrics: Sequence[str]) -> list[Grid]:
    """Return for each data set its name, caption, headings and cells.

    After the subject stand the verdicts; then seeds and N, where not all rows have the same.
    """
    found = []
    for section, group in groupby(rows, key=lambda row: row.section):
        members = list(group)
        counts = counts_of(members)
        cells = [
            [
                row.label,
                *(row.verdicts[name].word for name in VERDICTS),
                *(of[i] for of in counts.values()),
                *(text(row.cells.get(name)) for name in metrics),
            ]
            for i, row in enumerate(members)
        ]
        headings = ["subject", *VERDICTS, *counts, *(column(name).heading for name in metrics)]
        found.append((section, caption(members), headings, cells))
    return found


def counts_of(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return seeds and N of each row, those in which they differ; the caption has the others."""
    counts: dict[str, list[str]] = {}
    if len({row.seeds for row in rows if row.seeds}) > 1:
        counts["seeds"] = [str(row.seeds or MISSING) for row in rows]
    if len({row.samples for row in rows}) > 1:
        counts["N"] = [", ".join(map(str, row.samples)) for row in rows]
    return counts


def terminal(rows: Sequence[Row], metrics: Sequence[str]) -> str:
    """Tables for a terminal, columns aligned."""
    lines = []
    for section, said, headings, cells in grids(rows, metrics):
        table = [headings, *cells]
        widths = [max(len(line[i]) for line in table) for i in range(len(headings))]
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        lines += [f"{section}: {said}", rule]
        for k, line in enumerate(table):
            first, *rest = [
                cell.ljust(width) if i == 0 else cell.rjust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ]
            lines.append("  ".join([first, *rest]).rstrip())
            if k == 0:
                lines.append(rule)
        lines.append("")
    return "\n".join(lines) + "\n" if lines else ""


def markdown(rows: Sequence[Row], metrics: Sequence[str]) -> str:
    """Tables as GitHub renders them."""
    lines = []
    for section, said, headings, cells in grids(rows, metrics):
        lines += [f"**{section}**: {said}", ""]
        lines.append("| " + " | ".join(headings) + " |")
        words, numbers = len(VERDICTS), len(headings) - len(VERDICTS) - 1
        lines.append("| --- |" + " :---: |" * words + " ---: |" * numbers)
        lines += ["| " + " | ".join(line) + " |" for line in cells]
        lines.append("")
    return "\n".join(lines)


def latex(rows: Sequence[Row], metrics: Sequence[str]) -> str:
    r"""Tables for LaTeX; needs \usepackage{booktabs} and \usepackage{graphicx}."""
    return "\n".join(
        tex.table(f"{section}: {said}", headings, cells, centred=len(VERDICTS))
        for section, said, headings, cells in grids(rows, metrics)
    )


def tidy(rows: Sequence[Row]) -> list[dict[str, str | float | int | None]]:
    """Return one dictionary a cell, unrounded."""
    return [
        {
            **row.axes,
            "kind": row.kind,
            "metric": name,
            "mean": cell.estimate.value,
            "low": cell.estimate.low,
            "high": cell.estimate.high,
            "seeds": row.seeds,
            "samples": row.samples[0] if len(row.samples) == 1 else None,
            "rank": cell.rank,
            **{
                name.replace(" ", "_"): verdict.word if verdict.runs else None
                for name, verdict in row.verdicts.items()
            },
        }
        for row in rows
        for name, cell in row.cells.items()
    ]


def as_csv(rows: Sequence[Row], _: Sequence[str]) -> str:
    """One line a cell."""
    cells = tidy(rows)
    names = list(dict.fromkeys(name for cell in cells for name in cell))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return out.getvalue()


def as_json(rows: Sequence[Row], _: Sequence[str]) -> str:
    """One object a cell."""
    return json.dumps(tidy(rows), indent=1) + "\n"


FORMATS: dict[str, Callable[[Sequence[Row], Sequence[str]], str]] = {
    "table": terminal,
    "markdown": markdown,
    "latex": latex,
    "csv": as_csv,
    "json": as_json,
}
