"""Boards as text, in five formats."""

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from dan_bench.interfaces import Estimate
from dan_bench.report import latex as tex
from dan_bench.report.boards import Leaderboard
from dan_bench.report.columns import column
from dan_bench.report.leaderboard import Cell, Row
from dan_bench.report.markup import markdown as as_markdown
from dan_bench.report.markup import markdown_table, one_line, terminal_table
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


@dataclass(frozen=True)
class Grid:
    """The rows of one data set in one board, as text."""

    data: str
    title: str
    """No other grid of the same boards has it."""
    caption: str
    headings: list[str]
    cells: list[list[str]]


def grids(board: Leaderboard) -> list[Grid]:
    """Return a grid for each data set.

    After the subject stand the verdicts; then seeds and N, where not all rows have the same.
    """
    found = []
    for section, group in groupby(board.rows, key=lambda row: row.section):
        members = list(group)
        counts = counts_of(members)
        cells = [
            [
                row.label,
                *(row.verdicts[name].word for name in VERDICTS),
                *(of[i] for of in counts.values()),
                *(text(row.cells.get(name)) for name in board.metrics),
            ]
            for i, row in enumerate(members)
        ]
        headings = ["subject", *VERDICTS, *counts]
        headings += [column(name).heading for name in board.metrics]
        found.append(Grid(section, board.title(section), caption(members), headings, cells))
    return found


def counts_of(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return seeds and N of each row, those in which they differ; the caption has the others."""
    counts: dict[str, list[str]] = {}
    if len({row.seeds for row in rows if row.seeds}) > 1:
        counts["seeds"] = [str(row.seeds or MISSING) for row in rows]
    if len({row.samples for row in rows}) > 1:
        counts["N"] = [", ".join(map(str, row.samples)) for row in rows]
    return counts


def terminal(boards: Sequence[Leaderboard]) -> str:
    """Tables for a terminal, columns aligned."""
    lines = []
    for board in boards:
        lines += [f"{one_line(board.evaluation)}\n"] if board.evaluation else []
        for grid in grids(board):
            lines.append(f"{one_line(grid.title)}: {grid.caption}")
            lines += [*terminal_table(grid.headings, grid.cells), ""]
        lines.append("")
    return "\n".join(lines[:-1]) + "\n" if lines else ""


def markdown(boards: Sequence[Leaderboard]) -> str:
    """Tables as GitHub renders them."""
    lines = []
    for board in boards:
        lines += [f"## {as_markdown(board.evaluation)}\n"] if board.evaluation else []
        for grid in grids(board):
            kinds = "l" + "c" * len(VERDICTS)
            lines += [f"**{as_markdown(grid.title)}**: {grid.caption}", ""]
            lines += [*markdown_table(grid.headings, grid.cells, kinds), ""]
    return "\n".join(lines)


def latex(boards: Sequence[Leaderboard]) -> str:
    r"""Tables for LaTeX; needs \usepackage{booktabs} and \usepackage{graphicx}."""
    return "\n".join(
        tex.table(
            ": ".join(filter(None, [grid.title, board.evaluation, grid.caption])),
            grid.headings,
            grid.cells,
            centred=len(VERDICTS),
            short=grid.title,
        )
        for board in boards
        for grid in grids(board)
    )


def tidy(boards: Sequence[Leaderboard]) -> list[dict[str, str | float | int | None]]:
    """Return one dictionary a cell, unrounded."""
    return [
        {
            **row.axes,
            **({"evaluation": board.evaluation} if board.evaluation else {}),
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
        for board in boards
        for row in board.rows
        for name, cell in row.cells.items()
    ]


def as_csv(boards: Sequence[Leaderboard]) -> str:
    """One line a cell."""
    cells = tidy(boards)
    names = list(dict.fromkeys(name for cell in cells for name in cell))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(cells)
    return out.getvalue()


def as_json(boards: Sequence[Leaderboard]) -> str:
    """One object a cell."""
    return json.dumps(tidy(boards), indent=1) + "\n"


FORMATS: dict[str, Callable[[Sequence[Leaderboard]], str]] = {
    "table": terminal,
    "markdown": markdown,
    "latex": latex,
    "csv": as_csv,
    "json": as_json,
}
