"""The leaderboard as tables that can be sorted and filtered, and read without either."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from dan_bench.metrics import catalogue
from dan_bench.report.html.subjects import MethodSummary, short
from dan_bench.report.leaderboard import Row, caption
from dan_bench.report.verdicts import VERDICTS, Verdict
from dan_bench.results.select import AXES
from dan_bench.tables import MISSING, Cell, number

OF_NOISE = (
    "shannon_bits",
    "bit_bias",
    "joint_bits",
    "effective_dimensions",
    "min_entropy_bits",
    "sp800_22",
    "linear_complexity",
    "c2st_accuracy",
)
KINDS = {"baseline": "ideal", "control": "control", "untrained": "untrained", "learned": "trained"}
SIGNS = {"yes": "✓", "no": "✗", "X": MISSING}


def group_of(metric: str) -> str:
    """Return which question a metric answers: `noise`, `gone` or `other`."""
    if metric in OF_NOISE:
        return "noise"
    return "gone" if metric.endswith(("destroyed", "recovered")) else "other"


def boards(subjects: Sequence[MethodSummary], metrics: Sequence[str]) -> str:
    """Return a table for each evaluation and data set, of the metrics that anything there has."""
    found = []
    alike = groupby(enumerate(subjects), key=lambda item: (item[1].evaluation, item[1].row.section))
    for k, (_, group) in enumerate(alike):
        members = list(group)
        there = [name for name in metrics if any(name in s.row.cells for _, s in members)]
        found.append(table(members, there, f"board-{k}"))
    return "\n".join(found)


def table(members: Sequence[tuple[int, MethodSummary]], metrics: Sequence[str], name: str) -> str:
    """What was measured alike. Ideal noise stands above whatever the rest is sorted by."""
    first = members[0][1]
    section = first.row.section
    otherwise = f"<br>{escape(first.evaluation)}" if first.evaluation else ""
    said = caption([subject.row for _, subject in members])
    ideal = [row(i, s, metrics) for i, s in members if s.row.kind == "baseline"]
    rest = [row(i, s, metrics) for i, s in members if s.row.kind != "baseline"]
    return f"""<div class="scroll" role="region" aria-labelledby="{name}" tabindex="0">
<table class="board" data-section="{escape(section)}">
<caption id="{name}"><b>{escape(section)}</b>: {escape(said)}{otherwise}</caption>
<thead><tr>{"".join(headings(metrics))}</tr></thead>
<tbody class="ideal">{"".join(ideal)}</tbody>
<tbody class="sortable">
{chr(10).join(rest)}
</tbody>
</table></div>"""


def headings(metrics: Sequence[str]) -> Iterator[str]:
    """Yield the heading of each column; a button in each, to sort by it."""
    yield heading("subject", "name")
    for name in VERDICTS:
        yield heading(name, "verdict")
    yield heading("seeds", "count")
    yield heading("N", "count")
    for metric in metrics:
        known = catalogue.metric(metric)
        better = {True: "more is better", False: "less is better", None: "not ranked"}
        yield heading(
            known.heading, f"g-{group_of(metric)}", f"{metric}: {better[known.higher_is_better]}"
        )


def heading(text: str, kind: str, title: str = "") -> str:
    """Return one heading."""
    about = f' title="{escape(title)}"' if title else ""
    return (
        f'<th scope="col" class="{kind}" aria-sort="none">'
        f'<button type="button"{about}>{escape(text)}</button></th>'
    )


def row(i: int, subject: MethodSummary, metrics: Sequence[str]) -> str:
    """One subject."""
    of = subject.row
    verdicts = [of.verdicts[name] for name in VERDICTS]
    words = " ".join(f'data-v{k}="{escape(v.word)}"' for k, v in enumerate(verdicts) if of.seeds)
    cells = [verdict_cell(verdict) for verdict in verdicts]
    if of.kind == "baseline":
        by_definition = "<span>yes</span><small>by definition</small>"
        cells[0] = f'<td class="verdict yes" data-s="1"><b>✓</b>{by_definition}</td>'
    samples = ", ".join(f"{n:,}" for n in of.samples)
    return (
        f'<tr data-kind="{of.kind}" {words}><th scope="row">{name_of(i, of)}</th>{"".join(cells)}'
        f'<td data-s="{of.seeds}">{of.seeds or MISSING}</td>'
        f'<td data-s="{of.samples[0]}">{samples}</td>'
        + "".join(metric_cell(of.cells.get(name), group_of(name)) for name in metrics)
        + "</tr>"
    )


def name_of(i: int, of: Row) -> str:
    """Name a row: what it is in one line, what tells it from its like in the next."""
    first = " ".join(of.axes[axis] for axis in AXES if axis != "data" and axis in of.axes)
    more = short(" ".join(v for axis, v in of.axes.items() if axis not in AXES and v))
    link = escape(first or of.label) if not of.seeds else f'<a href="#run-{i}">{escape(first)}</a>'
    small = f"<small>{escape(KINDS[of.kind])}{' · ' if more else ''}{escape(more)}</small>"
    return link + small


def verdict_cell(verdict: Verdict) -> str:
    """One verdict: a sign, a word, and why."""
    word = verdict.word
    kind = word if word in ("yes", "no", "X") else "some"
    shown = f"<b>{SIGNS.get(word, '◐')}</b>"
    shown += f"<span>{escape(word)}</span>" if word != MISSING else ""
    title = f' title="{escape(verdict.reason)}"' if verdict.reason else ""
    score = "" if verdict.score is None else f"{verdict.score:g}"
    return f'<td class="verdict {kind}" data-s="{score}"{title}>{shown}</td>'


def metric_cell(cell: Cell | None, group: str) -> str:
    """One number with its interval and rank."""
    if cell is None:
        return f'<td class="g-{group}" data-s="">{MISSING}</td>'
    e = cell.estimate
    title = "" if e.low is None else f' title="[{e.low:.6g}, {e.high:.6g}]"'
    rank = ""
    if cell.rank is not None:
        first = " first" if cell.rank == 1 else ""
        rank = f'<span class="rank{first}"><span class="vh">rank </span>{cell.rank}</span>'
    return f'<td class="g-{group}" data-s="{e.value:.8g}"{title}>{escape(number(e))}{rank}</td>'
