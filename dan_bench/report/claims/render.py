"""`python -m dan_bench.report findings`: what the records say of each claim, in three formats."""

import json
import math
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import get_args

from dan_bench.interfaces import Estimate
from dan_bench.report.claims.judge import Finding, Observation, Says, Verdict, findings
from dan_bench.report.claims.runs import Material
from dan_bench.report.inputs import finished, read, results_parser
from dan_bench.report.runs import span
from dan_bench.results.select import OLD
from dan_bench.tables import (
    MISSING,
    Column,
    Link,
    Table,
    markdown_lines,
    number,
    one_line,
    places,
    terminal_width,
)
from dan_bench.tables import escape_markdown as as_markdown

SIGNS: dict[Says, str] = {"for": "+", "against": "-", "neither": "?", "beside": " "}
MEANING = (
    "A verdict follows from intervals alone: a claim is agreed with where the whole interval of "
    "every quantity lies where the claim puts it, disagreed with where one lies wholly elsewhere, "
    "and undecided where an interval holds both. Mean ± half of the 95 % interval over training "
    f"seeds; of one run, its own. Runs of schema 1 were {OLD.partition(' (')[0]}."
)
LEAST = 4
"""Digits of a figure; more where an interval is so narrow that its ends would look the same."""
SKEWED = 0.05
"""Share of its width by which an interval's middle may miss the value and still be written ±."""


def shown(estimate: Estimate | None) -> str:
    """Return a figure with its interval; both ends where it is not symmetric."""
    if estimate is None:
        return MISSING
    low, high, value = estimate.low, estimate.high, estimate.value
    if low is None or high is None:
        return f"{value:.4g} (no interval)"
    if math.isclose(low, high):
        return f"{value:,.0f}" if value == round(value) else f"{value:.4g}"
    if abs((low + high) / 2 - value) > SKEWED * (high - low):
        largest = max(abs(low), abs(high))
        whole = len(str(int(largest))) if largest >= 1 else 0
        digits = max(LEAST, whole + places((high - low) / 2))
        return span(estimate, digits)
    return number(estimate)


def figure(one: Observation, keys: bool) -> str:
    """Return a line of evidence."""
    runs = len(one.keys)
    said = [f"N = {one.samples:,}"] if one.samples is not None else []
    said.append(f"{one.seeds} seed{'s' * (one.seeds != 1)}")
    said.append(f"{runs} run{'s' * (runs != 1)}")
    rule = f", claimed: {one.rule}" if one.rule else ""
    named = f" {', '.join(one.keys)}" if keys and runs else ""
    return f"{one.figure}: {shown(one.estimate)}{rule} ({', '.join(said)}){named}"


def evidence(finding: Finding, keys: bool) -> list[str]:
    """Return the evidence of a finding as a table in Markdown; nothing where there is none."""
    headings = ["method", "quantity", "measured", "claimed", "says", "N", "seeds", "runs"]
    rows = [
        [
            one.subject,
            one.figure,
            shown(one.estimate),
            one.rule,
            one.says,
            "" if one.samples is None else f"{one.samples:,}",
            str(one.seeds),
            ", ".join(one.keys) if keys else str(len(one.keys)),
        ]
        for one in finding.evidence
    ]
    columns = [Column(name, "right" if name in headings[-3:] else "left") for name in headings]
    return [*markdown_lines(Table(columns, rows)), ""] if rows else []


def counts(findings: Sequence[Finding]) -> str:
    """Return how many have each verdict."""
    found = Counter(finding.verdict for finding in findings)
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in get_args(Verdict))


def terminal(findings: Sequence[Finding], keys: bool, width: int) -> str:
    """Return paragraphs wrapped at the width."""

    def wrapped(text: str, indent: str, further: str) -> str:
        return textwrap.fill(
            one_line(text),
            max(40, width),
            initial_indent=indent,
            subsequent_indent=further,
            break_long_words=False,
            break_on_hyphens=False,
        )

    said = [
        wrapped(f"{len(findings)} claims: {counts(findings)}.", "", ""),
        wrapped(f"{MEANING} + for, - against, ? neither.", "", ""),
        "",
    ]
    for one in findings:
        said += [
            wrapped(f"{one.verdict.upper()}  {one.title}", "", "  "),
            wrapped(f"{one.id}; {one.source}", "  ", "  "),
            wrapped(f"Claim: {one.statement}", "  ", "    "),
            wrapped(one.why, "  ", "  "),
        ]
        for subject, figures in groupby(one.evidence, key=lambda e: e.subject):
            said.append(wrapped(f"{subject}:", "    ", "      "))
            said += [wrapped(figure(e, keys), f"    {SIGNS[e.says]} ", "        ") for e in figures]
        said += [wrapped(f"measured by: {one.command}", "  ", "    "), ""]
    return "\n".join(said)


def markdown(findings: Sequence[Finding], keys: bool, _: int = 0) -> str:
    """Return a table of the verdicts, then each finding with its figures."""
    said = [
        f"{len(findings)} claims: {counts(findings)}.",
        "",
        MEANING,
        "",
        *markdown_lines(
            Table(
                [Column(name, "left") for name in ("claim", "made in", "verdict")],
                [[Link(f.title, f.id), f.source, f.verdict] for f in findings],
            )
        ),
        "",
    ]
    for one in findings:
        said += [
            f"### {one.id}",
            "",
            f"**{as_markdown(one.title)}**: {one.verdict}. ({as_markdown(one.source)})",
            "",
            f"*Claim*: {as_markdown(f'{one.statement} {one.why}')}",
            "",
            *evidence(one, keys),
            f"    {one.command}",
            "",
        ]
    return "\n".join(said)


def as_json(findings: Sequence[Finding], _: bool, __: int = 0) -> str:
    """Return one object a finding, unrounded; run keys are always in it."""
    return json.dumps([asdict(one) for one in findings], indent=1, ensure_ascii=False) + "\n"


FORMATS: dict[str, Callable[[Sequence[Finding], bool, int], str]] = {
    "table": terminal,
    "markdown": markdown,
    "json": as_json,
}


def main(arguments: list[str] | None = None) -> int:
    """Judge and print; 0 where there are records, 2 where there are none."""
    parser = results_parser(
        "findings",
        "Judge each claim of the paper and of the note, and our own, by the records alone: "
        "agree, disagree,\nundecided, or not measured (and what would measure it).",
    )
    parser.add_argument("--format", choices=FORMATS, default="table")
    parser.add_argument("--keys", action="store_true", help="name the runs behind each figure")
    asked = parser.parse_args(arguments)
    results, records = read(asked.results)
    done = finished([*records, *read(asked.results, "table1")[1]], asked.results)
    found = findings(Material(done, results))
    print(FORMATS[asked.format](found, asked.keys, terminal_width()), end="")
    return 0
