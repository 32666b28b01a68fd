"""The leaderboard as tables that can be sorted and filtered, and read without either."""

from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from itertools import groupby

from dan_bench.metrics.catalogue import headlines, metric
from dan_bench.report.figures.grid import short
from dan_bench.report.headline import Headline
from dan_bench.report.headline import name_of as method_name
from dan_bench.report.html.runs import NONE, MethodSummary
from dan_bench.report.leaderboard import Row, caption, notes_of
from dan_bench.report.verdicts import VERDICTS, Verdict
from dan_bench.results.left_out import needs
from dan_bench.results.select import AXES
from dan_bench.tables import MISSING, Cell, number

KINDS = {"baseline": "ideal", "control": "control", "untrained": "untrained", "learned": "trained"}
FIRST = 25
"""Rows of a table that stand in the page as they are; the others are packed."""
SIGNS = {"yes": "✓", "gone": "✓", "no": "✗", MISSING: NONE}


def boards(
    methods: Sequence[MethodSummary], metrics: Sequence[str]
) -> tuple[str, dict[str, list[str]]]:
    """Return a table for each evaluation and data set, of the metrics that anything there has.

    Below them stands, once, what has to be said of the metrics.

    Returns:
        The tables, with `FIRST` rows each; and the further rows of those that have more, by the
        tables' names.
    """
    found, further = [], dict[str, list[str]]()
    alike = groupby(enumerate(methods), key=lambda item: (item[1].evaluation, item[1].row.section))
    for k, (_, group) in enumerate(alike):
        members = list(group)
        there = [
            name
            for name in metrics
            if any(name in s.row.cells or needs(s.row.runs, name) for _, s in members)
        ]
        rest = [row(i, s, there) for i, s in members if s.row.kind != "baseline"]
        found.append(table(members, there, f"board-{k}", rest[:FIRST]))
        if rest[FIRST:]:
            further[f"board-{k}"] = rest[FIRST:]
    notes = notes_of([method.row for method in methods], metrics)
    more = sum(map(len, further.values()))
    unseen = f"<noscript><p>{more:,} more methods are packed, and need JavaScript.</p></noscript>"
    notes = [f"<p>{escape(note)}</p>" for note in notes]
    return "\n".join([*found, *notes, *([unseen] if more else [])]), further


def table(
    members: Sequence[tuple[int, MethodSummary]],
    metrics: Sequence[str],
    name: str,
    rest: Sequence[str],
) -> str:
    """Return the table of what was measured alike, ideal noise above whatever it is sorted by."""
    first = members[0][1]
    section = first.row.section
    otherwise = f"<br>{escape(first.evaluation)}" if first.evaluation else ""
    said = caption([method.row for _, method in members], missing=NONE)
    ideal = [row(i, s, metrics) for i, s in members if s.row.kind == "baseline"]
    return f"""<div class="scroll" role="region" aria-labelledby="{name}" tabindex="0">
<table class="board brief" data-section="{escape(section)}">
<caption id="{name}"><b>{escape(section)}</b>: {escape(said)}{otherwise}</caption>
<thead><tr>{"".join(headings(metrics))}</tr></thead>
<tbody class="ideal">{"".join(ideal)}</tbody>
<tbody class="sortable">
{chr(10).join(rest)}
</tbody>
</table></div>"""


def headings(metrics: Sequence[str]) -> Iterator[str]:
    """Yield the heading of each column; a button in each, to sort by it."""
    yield heading("method", "name")
    for name in VERDICTS:
        yield heading(name, "verdict")
    yield heading("seeds", "count m")
    yield heading("N", "count m")
    better = {True: "more is better", False: "less is better", None: "not ranked"}
    for name in metrics:
        known = metric(name)
        about = f"{name}: {better[known.higher_is_better]}"
        yield heading(known.heading, group_of(name), about)


@cache
def group_of(name: str) -> str:
    """Return the classes of a metric's cells: its question, and m where it is shown on request."""
    first = any(entry.name == name for entry in headlines())
    return f"g-{metric(name).question}" + ("" if first else " m")


def heading(text: str, kind: str, title: str = "") -> str:
    """Return one heading."""
    about = f' title="{escape(title)}"' if title else ""
    return (
        f'<th scope="col" class="{kind}" aria-sort="none">'
        f'<button type="button"{about}>{escape(text)}</button></th>'
    )


def row(i: int, method: MethodSummary, metrics: Sequence[str]) -> str:
    """Return the row of one method."""
    of = method.row
    verdicts = [of.verdicts[name] for name in VERDICTS]
    words = " ".join(f'data-v{k}="{kind_of(v)}"' for k, v in enumerate(verdicts) if of.seeds)
    cells = [verdict_cell(verdict) for verdict in verdicts]
    samples = ", ".join(f"{n:,}" for n in of.samples)
    return (
        f'<tr data-kind="{of.kind}" {words}><th scope="row">{name_of(i, of)}</th>{"".join(cells)}'
        f'<td class="m" data-s="{of.seeds}">{of.seeds or NONE}</td>'
        f'<td class="m" data-s="{of.samples[0]}">{samples}</td>'
        + "".join(
            metric_cell(cell, group_of(name), "" if cell else needs(of.runs, name))
            for name in metrics
            for cell in [of.cells.get(name)]
        )
        + "</tr>"
    )


def name_of(i: int, of: Row) -> str:
    """Return the name of a row: what it is, and below it what tells it from its like."""
    first = " ".join(of.axes[axis] for axis in AXES if axis != "data" and axis in of.axes)
    more = short(" ".join(v for axis, v in of.axes.items() if axis not in AXES and v))
    link = escape(first or of.label) if not of.seeds else f'<a href="#run-{i}">{escape(first)}</a>'
    small = f"<small>{escape(KINDS[of.kind])}{' · ' if more else ''}{escape(more)}</small>"
    return f"{link} {small}"


def kind_of(verdict: Verdict) -> str:
    """Return what the page filters and colours by: gone is a yes, hidden is between it and no."""
    word = "yes" if verdict.word == "gone" else verdict.word
    return word if word in ("yes", "no", MISSING) else "some"


def verdict_cell(verdict: Verdict) -> str:
    """Return the cell of a verdict: a sign, a word, and why."""
    word, kind = verdict.word, kind_of(verdict)
    shown = f"<b>{SIGNS.get(word, '◐')}</b>"
    shown += f"<span>{escape(word)}</span>" if word != MISSING else ""
    title = f' title="{escape(verdict.reason)}"' if verdict.reason else ""
    score = "" if verdict.score is None else f"{verdict.score:g}"
    return f'<td class="verdict {kind}" data-s="{score}"{title}>{shown}</td>'


def metric_cell(cell: Cell | None, group: str, otherwise: str = "") -> str:
    """Return the cell of a number, with its interval and rank; without one, what else to say."""
    if cell is None:
        return f'<td class="{group}" data-s="">{escape(otherwise) or NONE}</td>'
    e = cell.estimate
    title = "" if e.low is None else f' title="[{e.low:.6g}, {e.high:.6g}]"'
    rank = ""
    if cell.rank is not None:
        first = " first" if cell.rank == 1 else ""
        rank = f'<span class="rank{first}"><span class="vh">rank </span>{cell.rank}</span>'
    said = escape(number(e)) + rank + cell.mark
    return f'<td class="{group}" data-s="{e.value:.8g}"{title}>{said}</td>'


def lead(of: Headline, links: dict[str, int]) -> str:
    """Return the table of the finding.

    Args:
        of: the finding.
        links: the number of the method that each run is of, by its key.
    """
    found = of.table(NONE)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in found.headings)
    body = []
    for row in of.rows:
        name = escape(method_name(row))
        if row.runs and row.runs[0].key in links:
            name = f'<a href="#run-{links[row.runs[0].key]}">{name}</a>'
        cells = [verdict_cell(row.verdicts[word]) for word in of.verdicts]
        cells += [metric_cell(row.cells.get(name), group_of(name)) for name in of.metrics]
        small = f"<small>{KINDS[row.kind]}</small>"
        body.append(f'<tr><th scope="row">{name} {small}</th>{"".join(cells)}</tr>')
    notes = "".join(f"<p>{escape(note)}</p>" for note in found.notes)
    said = f"<b>{escape(found.title)}</b>: {escape(found.caption)}"
    return f"""<div class="scroll" role="region" aria-labelledby="lead" tabindex="0">
<table class="lead"><caption id="lead">{said}</caption>
<thead><tr>{head}</tr></thead><tbody>{chr(10).join(body)}</tbody></table></div>
<div class="hint">{notes}</div>"""
