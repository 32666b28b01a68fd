"""From records to leaderboards: a row a method, a cell a metric, over the training seeds.

Only what was measured alike stands in one board, and is ranked.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics import catalogue
from dan_bench.report.ranks import law_of, settle, size_of
from dan_bench.report.verdicts import DECIDING, NOT_COVERED, OF_IDEAL, VERDICTS, Verdict, together
from dan_bench.results.left_out import needs
from dan_bench.results.select import (
    CERTIFIED,
    KINDS,
    OLD,
    Method,
    by_evaluation,
    certificate_of,
    check_axes,
    group_methods,
    is_old,
    natural,
)
from dan_bench.statistics import CONFIDENCE, special
from dan_bench.tables import MISSING, Cell, Column, Table

IDEAL = "ideal noise"
LEAST, BRIEF = 2, 4
"""Metrics of a table that shows what decides the verdicts: however narrow, and at most."""
MORE = "More metrics: python -m dan_bench.report --metrics all; each row on one line: --wide."
BRACKET = (
    "%_dd is a bracket. At least: certified against every attacker of any power; not covered are "
    f"{NOT_COVERED}. At most: what the best attack here left, and attacks only get better."
)
STILL_RISING, MARK = "still_rising", "^"
RISING = f"{MARK} still rising: a learned attacker reached its cap while it was still improving."
COUNTS = ("seeds", "N")
"""Columns that there are where rows differ in them."""


@dataclass(frozen=True)
class Row(Method):
    """A method with what was measured of it; ideal noise has no runs."""

    samples: tuple[int, ...]
    cells: dict[str, Cell]
    verdicts: dict[str, Verdict]
    """One for each of `VERDICTS`."""


@dataclass(frozen=True)
class Leaderboard:
    """The rows of runs that were measured alike."""

    evaluation: str
    """In what they were measured otherwise than the commonest; empty where in nothing."""
    metrics: list[str]
    rows: list[Row]

    @property
    def sections(self) -> dict[str, list[Row]]:
        """The rows of each data set."""
        return {name: list(of) for name, of in groupby(self.rows, key=lambda row: row.section)}

    def only(self, metrics: Sequence[str]) -> "Leaderboard":
        """Return the board with these of its columns, as if it had been made with no others."""
        chosen = [{n: row.cells[n] for n in metrics if n in row.cells} for row in self.rows]
        pairs = zip(self.rows, chosen, strict=True)
        rows = [replace(row, cells=cells) for row, cells in pairs if row.runs or cells]
        return replace(self, metrics=list(metrics), rows=rows)

    def title(self, section: str) -> str:
        """Return what the rows of a data set are called, of which another board may have some."""
        name = self.evaluation.partition(":")[0].removeprefix("evaluation ")
        return f"{section} ({name})" if name else section


def boards(
    records: Sequence[RunRecord],
    metrics: Sequence[str] | None = None,
    group_by: Sequence[str] | None = None,
) -> list[Leaderboard]:
    """Return a board for each evaluation, the commonest first.

    Args:
        records: of any runs; those that failed are left out.
        metrics: which columns; default all that the runs of a board have.
        group_by: axes that name a row; default everything but the seed. Where one is a setting of
            the evaluation, all rows stand in one board.

    Raises:
        InputError: the axes would make a row of runs that differ in more than the seed.
    """
    done = [record for record in records if record.status == "done"]
    axes = list(group_by or ())
    together = any(axis.partition(".")[0] == "evaluation" for axis in axes)
    groups = {"": done} if together or not done else by_evaluation(done)
    if axes:
        check_axes(groups.values(), axes)
    return [
        Leaderboard(
            name, list(metrics or known_first(group)), leaderboard(group, metrics, group_by)
        )
        for name, group in groups.items()
    ]


def leaderboard(
    records: Sequence[RunRecord],
    metrics: Sequence[str] | None = None,
    group_by: Sequence[str] | None = None,
) -> list[Row]:
    """Group the successful records into rows.

    Args:
        records: whatever was read; failed runs are left out.
        metrics: which metrics, in this order; default all there are, the known ones first.
        group_by: axes that name a row. Default: runs are one row where their configs differ in
            nothing but the seed.

    Returns:
        Rows by data set; within one, ideal noise first, then controls, untrained networks and
        models. Only those that were measured alike are ranked against each other.

    Raises:
        InputError: the axes would make a row of runs that differ in more than the seed.
    """
    done = [record for record in records if record.status == "done"]
    methods = sorted(
        group_methods(done, group_by),
        key=lambda method: (
            method.axes.get("data", ""),
            KINDS.index(method.kind),
            [natural(value) for value in method.axes.values()],
        ),
    )
    wanted = list(metrics) if metrics else known_first(done)
    estimates: list[dict[str, Estimate]] = [{} for _ in methods]
    for name in wanted:
        found = averages([method.runs for method in methods], name)
        for of, estimate in zip(estimates, found, strict=True):
            if estimate is not None:
                of[name] = estimate
    ranks = settle(methods, estimates, wanted)
    rows = [
        Row(
            method.axes,
            method.runs,
            tuple(sorted({run.config["evaluation"]["samples"] for run in method.runs})),
            {
                name: Cell(cell, ranks.get((i, name)), MARK * (name in marked))
                for name, cell in estimates[i].items()
            },
            {name: judge(method.runs) for name, judge in VERDICTS.items()},
        )
        for i, method in enumerate(methods)
        for marked in [rising(method.runs)]
    ]
    found_rows: list[Row] = []
    for section, group in groupby(rows, key=lambda row: row.axes.get("data")):
        members = list(group)
        reference = ideal(section, [run for row in members for run in row.runs], wanted)
        found_rows += [*([reference] if reference else []), *members]
    return found_rows


def rising(runs: Sequence[RunRecord]) -> set[str]:
    """Return the metrics that rest on an attacker who stopped while it was still improving."""
    found = {
        name
        for run in runs
        for name, estimate in run.metrics.items()
        if estimate is not None and estimate.details.get(STILL_RISING)
    }
    return found | {"percent_destroyed"} if found else found


def ideal(section: str | None, runs: Sequence[RunRecord], metrics: Sequence[str]) -> Row | None:
    """Return what true noise of the runs' size shows: median, and where 95 % of it lies.

    None where the runs are of several sizes, or of one that the table of baselines has not.
    """
    size = size_of(runs)
    if size is None:
        return None
    cells = {
        name: Cell(Estimate(law.median, *law.interval, n=law.streams))
        for name in metrics
        if (law := law_of(name, size)) is not None
    }
    axes = {"model": IDEAL} if section is None else {"data": section, "model": IDEAL}
    return Row(axes, (), (size.rows,), cells, OF_IDEAL) if cells else None


def known_first(records: Sequence[RunRecord]) -> list[str]:
    """Return the metrics of the records, those of the catalogue first and in its order."""
    there = {name for record in records for name in record.metrics}
    known = [name for name in catalogue.metrics() if name in there]
    return known + sorted(there - {*known})


def over_seeds(runs: Sequence[RunRecord], metric: str) -> Estimate | None:
    """Mean and t interval over runs; a single run keeps the interval that it came with.

    A metric's details are metrics too: `c2st_accuracy.mlp`.
    """
    return averages([runs], metric)[0]


def averages(groups: Sequence[Sequence[RunRecord]], metric: str) -> list[Estimate | None]:
    """Return `over_seeds` of each group; all groups of a size at once, since there may be many."""
    scale = catalogue.metric(metric).scale
    averaged: list[Estimate | None] = [None] * len(groups)
    of_size: dict[int, list[tuple[int, list[float]]]] = defaultdict(list)
    for i, runs in enumerate(groups):
        found = [e for run in runs if (e := run.metrics.get(metric)) is not None]
        if metric.partition(".")[0] == CERTIFIED or "." in metric:
            found = [e for run in runs if (e := look_up(run, metric)) is not None]
        if len(found) == 1:
            one = found[0]
            low, high = (None if end is None else scale * end for end in (one.low, one.high))
            averaged[i] = Estimate(scale * one.value, low, high, n=1)
        elif found:
            of_size[len(found)].append((i, [estimate.value for estimate in found]))
    for size, members in of_size.items():
        values = scale * np.array([numbers for _, numbers in members], dtype=np.float64)
        means = values.mean(axis=1)
        t = special.stdtrit(size - 1, (1 + CONFIDENCE) / 2)
        halves = t * values.std(axis=1, ddof=1) / np.sqrt(size)
        ends = np.stack([means, means - halves, means + halves], axis=1).tolist()
        for (i, _), (mean, low, high) in zip(members, ends, strict=True):
            averaged[i] = Estimate(mean, low, high, n=size)
    return averaged


def look_up(run: RunRecord, metric: str) -> Estimate | None:
    """Return a metric of a run, or a detail of one; a metric's own name may hold a dot."""
    name, _, detail = metric.partition(".")
    estimate = certificate_of(run) if name == CERTIFIED else run.metrics.get(name)
    if metric in run.metrics or estimate is None:
        return estimate if metric == name else run.metrics.get(metric)
    return Estimate(estimate.details[detail], n=estimate.n) if detail in estimate.details else None


# --- as tables ----------------------------------------------------------------------------------


def heading(metric: str) -> str:
    """Return the heading of a metric's column, which no other column has."""
    known = catalogue.metrics()
    taken = {"data", "evaluation", "subject", *COUNTS, *VERDICTS}
    for entry in known.values():  # ours come first: a heading that another repeats stays theirs
        if entry.name == metric and entry.heading and entry.heading not in taken:
            return entry.heading
        taken.add(entry.heading)
    return f"metric {metric}" if metric in taken else metric


def caption(rows: Sequence[Row], ranked: bool = True, missing: str = MISSING) -> str:
    """Say what the numbers of a section are.

    Args:
        rows: of the section.
        ranked: whether ranks are shown.
        missing: what is shown where there is no value.
    """
    samples = sorted({n for row in rows for n in row.samples})
    seeds = sorted({row.seeds for row in rows if row.seeds}) or [0]
    of_ideal = "; ideal noise: median and central 95 % range"

    def span(values: Sequence[int]) -> str:
        return f"{values[0]}" if len(values) == 1 else f"{values[0]} to {values[-1]}"

    measured = [row for row in rows if row.runs]
    old = [row.label for row in measured if is_old(row.runs[0])]
    which = f": {', '.join(old)}" if len(old) < len(measured) else ""
    return (
        f"{OLD}{which}; "
        * bool(old)
        + f"N = {span(samples)} held-out samples; mean and 95 % t interval over "
        f"{span(seeds)} training seed{'s' * (seeds != [1])}; "
        + "(rank) by Welch's t-tests, ideal noise's range ties for first; " * ranked
        + f"{missing} = no value"
        + of_ideal * any(row.kind == "baseline" for row in rows)
    )


def table_of(
    board: Leaderboard, section: str, metrics: Sequence[str], brief: bool = False
) -> Table:
    """Return the table of a data set: verdicts, seeds and N where rows differ, metrics."""
    rows = board.sections[section]
    counts = counts_of(rows)
    columns = [Column("subject", "left"), *(Column(name, "center") for name in VERDICTS)]
    columns += [Column(name, optional=brief) for name in counts]
    columns += [
        Column(heading(name), optional=brief and i >= LEAST) for i, name in enumerate(metrics)
    ]
    cells = [
        [
            row.label,
            *(row.verdicts[name].word for name in VERDICTS),
            *(of[i] for of in counts.values()),
            *(row.cells.get(name) or needs(row.runs, name) or None for name in metrics),
        ]
        for i, row in enumerate(rows)
    ]
    return Table(columns, cells, board.title(section), caption(rows), board.evaluation)


def tables_of(
    found: Sequence[Leaderboard], brief: bool = False, first: str | None = None
) -> list[Table]:
    """Return a table for each data set of each board.

    Args:
        found: the boards.
        brief: show `BRIEF` metrics at most, those that decide the verdicts first.
        first: a metric that stands before these.
    """
    tables, notes, hidden = list[Table](), dict[str, None](), False
    for board in found:
        for section, rows in board.sections.items():
            metrics = deciding(board.metrics, rows, first) if brief else board.metrics
            hidden |= len(metrics) < len(board.metrics)
            notes |= dict.fromkeys(notes_of(rows, metrics))
            tables.append(table_of(board, section, metrics, brief))
    notes |= {MORE: None} if hidden else {}
    return [*tables[:-1], *(replace(last, notes=[*notes]) for last in tables[-1:])]


def notes_of(rows: Sequence[Row], metrics: Sequence[str]) -> list[str]:
    """Return what has to be said of the metrics of some rows."""
    cells = [(name, cell) for row in rows for name in metrics if (cell := row.cells.get(name))]
    certified = any(name == "certified_destroyed" for name, _ in cells)
    found = [BRACKET] * certified + [RISING] * any(cell.mark for _, cell in cells)
    return found + together((row.section, run) for row in rows for run in row.runs)


def deciding(metrics: Sequence[str], rows: Sequence[Row], before: str | None = None) -> list[str]:
    """Return the few metrics, of those that any row has, that say most about the verdicts."""
    there = {name for row in rows for name in metrics if name in row.cells or needs(row.runs, name)}
    first = [
        *([before] if before else []),
        *DECIDING,
        *(entry.name for entry in catalogue.headlines()),
        *metrics,
    ]
    return [name for name in dict.fromkeys(first) if name in there and name in metrics][:BRIEF]


def counts_of(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return seeds and N of each row, those in which they differ; the caption has the others."""
    counts = {
        "seeds": [str(row.seeds or MISSING) for row in rows],
        "N": [", ".join(map(str, row.samples)) for row in rows],
    }
    return {name: of for name, of in counts.items() if len({*of} - {MISSING}) > 1}


def tidy(found: Sequence[Leaderboard]) -> list[dict[str, Any]]:
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
            "still_rising": True if cell.mark else None,
            "schema": row.runs[0].schema_version if row.runs else None,
            **{
                name.replace(" ", "_"): verdict.word if verdict.runs else None
                for name, verdict in row.verdicts.items()
            },
        }
        for board in found
        for row in board.rows
        for name, cell in row.cells.items()
    ]
