"""The methods with their runs, and every run in full: settings, numbers, where they come from."""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dan_bench.interfaces import RunRecord
from dan_bench.report.figures.grid import short_names
from dan_bench.report.leaderboard import Row, boards
from dan_bench.report.runs import parts
from dan_bench.tables import MISSING


@dataclass(frozen=True)
class MethodSummary:
    """One row; ideal noise has no runs."""

    row: Row
    runs: tuple[RunRecord, ...]
    name: str
    """Short; within a data set no other has the same."""
    evaluation: str
    """In what its measurements differ from the commonest; empty where in nothing."""


def summaries(records: Sequence[RunRecord]) -> list[MethodSummary]:
    """Return the rows of all leaderboards, in their order, each with its runs by seed.

    A name that a board before has taken says which board it is of.
    """
    found: list[MethodSummary] = []
    for board in boards(records):
        taken = {(one.row.section, one.name) for one in found}
        for section, rows in board.sections.items():
            labels = [row.label for row in rows]
            names = short_names(labels)
            for row, name in zip(rows, map(names.__getitem__, labels), strict=True):
                more = f" · {board.evaluation.split(':')[0]}" * ((section, name) in taken)
                found.append(MethodSummary(row, row.by_seed, name + more, board.evaluation))
    return found


def pack(text: str) -> str:
    """Return base64 of gzip of the text; the same text always packs to the same."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def folded(i: int, method: MethodSummary) -> str:
    """Return a folded part with the verdicts' reasons; the page fills in the table when opened."""
    verdicts = "".join(
        f"<li>{escape(name)}: <b>{escape(found.word)}</b>"
        f"{f' ({escape(found.reason)})' if found.reason else ''}</li>"
        for name, found in method.row.verdicts.items()
    )
    count = f"{len(method.runs)} run{'s' * (len(method.runs) > 1)}"
    return (
        f'<details class="run" id="run-{i}"><summary>{escape(method.row.section)}: '
        f"{escape(method.name)} <small>{count}</small></summary><ul>{verdicts}</ul></details>"
    )


def packed(methods: Sequence[MethodSummary]) -> str:
    """Return the tables of all methods, packed: they repeat each other a lot."""
    tables = {f"run-{i}": table(one) for i, one in enumerate(methods) if one.runs}
    return pack(json.dumps(tables))


def table(method: MethodSummary) -> str:
    """Return a table with a column a run; what all runs share is written once."""
    runs = method.runs
    keys = "".join(f'<th scope="col"><code>{run.key}</code></th>' for run in runs)
    of_runs = [parts(run) for run in runs]
    titles = [title for title in of_runs[0] if title != "details"]  # the page has a limit
    body = "".join(group(title, [of[title] for of in of_runs], len(runs)) for title in titles)
    return (
        f'<div class="scroll" role="region" aria-label="runs of {escape(method.name)}" '
        'tabindex="0"><table class="full"><thead><tr><th scope="col">run</th>'
        f"{keys}</tr></thead>{body}</table></div>"
    )


def group(title: str, of: Sequence[Mapping[str, Any]], runs: int) -> str:
    """One part of the table."""
    names = list(dict.fromkeys(name for values in of for name in values))
    if not names:
        return ""
    lines = []
    for name in names:
        values = [escape(str(values.get(name, MISSING))) for values in of]
        if len(set(values)) == 1:
            cells = f'<td colspan="{runs}">{values[0]}</td>'
        else:
            cells = "".join(f"<td>{value}</td>" for value in values)
        lines.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    head = f'<tr><th scope="rowgroup" colspan="{runs + 1}">{escape(title)}</th></tr>'
    return f"<tbody>{head}{''.join(lines)}</tbody>"


def failures(records: Sequence[RunRecord]) -> str:
    """List the runs that failed, and of what."""
    failed = [record for record in records if record.status == "failed"]
    if not failed:
        return ""
    items = "".join(
        f"<li><code>{record.key}</code> {escape(str(record.config['model'].get('name')))}: "
        f"{escape((record.traceback or 'no traceback').strip().splitlines()[-1])}</li>"
        for record in failed
    )
    return f"<h3>Failed runs, {len(failed)}</h3><ul>{items}</ul>"
