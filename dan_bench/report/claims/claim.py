"""A claim as data, read from claims.yaml: which runs, which quantity, which rule, which words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from dan_bench.metrics import catalogue
from dan_bench.report.claims.quantities import METRICS_OF_NOISE, Quantity, quantity
from dan_bench.report.claims.runs import Runs
from dan_bench.report.verdicts import GONE

CLAIMS = Path(__file__).with_name("claims.yaml")
BOUNDS = {"gone": GONE}
"""Bounds that have a name."""


@dataclass(frozen=True)
class Rule:
    """Where the whole interval of a quantity has to lie."""

    relation: str
    """One of `judge.RELATIONS`."""
    to: tuple[float, float] | Quantity
    of: str = ""
    """Whose quantity `to` is: a control, the partner, or, where empty, the runs themselves."""


@dataclass(frozen=True)
class Criterion:
    """A quantity and its rule; without a rule it is shown beside the others."""

    quantity: Quantity
    rule: Rule | None = None
    of: str = ""
    """Whose quantity it is: a control, the partner, or, where empty, the runs themselves."""


@dataclass(frozen=True)
class Partner:
    """What runs are compared with: other runs, alike in some settings or in all but one part.

    Runs without a partner are not judged; those with several are compared with each of them.
    """

    name: str
    runs: Runs
    same: Sequence[str] = ()
    but: str = ""
    """The part of the config, or the setting by its dotted name, that may differ, and nothing else;
    `same` is not looked at then."""
    criteria: tuple[Criterion, ...] = ()
    """What a partner has to meet."""


@dataclass(frozen=True)
class Clause:
    """Runs, what they are compared with, and the criteria that each group of them has to meet."""

    runs: Runs
    criteria: tuple[Criterion, ...]
    partner: Partner | None


@dataclass(frozen=True)
class Claim:
    """What is claimed, what it is judged by, and what to say where that agrees or disagrees."""

    id: str
    title: str
    source: str
    """Where the claim is made: a place in the paper, the note, or ours."""
    statement: str
    command: str
    """Makes the runs that the claim is judged by."""
    agree: str
    disagree: str
    clauses: tuple[Clause, ...] = ()
    some: bool = False
    """Claimed of some group of runs, and not of each."""


@cache
def claims() -> tuple[Claim, ...]:
    """Return every claim that is judged, in the order in which they are listed."""
    return tuple(map(claim, yaml.safe_load(CLAIMS.read_text(encoding="utf-8"))))


def claim(row: Mapping[str, Any]) -> Claim:
    """Build a claim from its row; one about runs of one kind has no list of clauses."""
    of_clause = ("runs", "criteria", "partner")
    words = {name: value for name, value in row.items() if name not in (*of_clause, "clauses")}
    parts = row.get("clauses") or [{name: row[name] for name in of_clause if name in row}]
    return Claim(**words, clauses=tuple(clause(**part) for part in parts))


def clause(
    runs: Mapping[str, Any],
    criteria: Mapping[str, Any],
    partner: Mapping[str, Any] | None = None,
) -> Clause:
    """Build a clause from its part of a row."""
    other = None
    if partner is not None:
        rest = {name: value for name, value in partner.items() if name not in ("runs", "if")}
        meets = tuple(criteria_of(partner.get("if", {})))
        other = Partner(runs=Runs(**partner["runs"]), criteria=meets, **rest)
    return Clause(Runs(**runs), tuple(criteria_of(criteria)), other)


def criteria_of(rows: Mapping[str, Mapping[str, Any] | None]) -> Iterator[Criterion]:
    """Yield a criterion for each rule of each quantity; one without rules is a criterion too."""
    for name, rules in rows.items():
        for single in METRICS_OF_NOISE if name == "metrics of noise" else (name,):
            of, _, measured = single.rpartition("'s ")
            found = quantity(measured)
            if not rules:
                yield Criterion(found, of=of)
            for relation, bound in (rules or {}).items():
                yield Criterion(found, rule(relation, bound, found), of)


def rule(relation: str, bound: Any, judged: Quantity) -> Rule:
    """Build a rule; one without a quantity of its own compares with the same one of others."""
    if relation == "no worse than":
        better = catalogue.metric(judged.metric).higher_is_better is True
        relation = "no less than" if better else "no more than"
    bound = BOUNDS.get(bound, bound) if isinstance(bound, str) else bound
    if isinstance(bound, list):
        return Rule(relation, (bound[0], bound[1]))
    if not isinstance(bound, str):
        return Rule(relation, (bound, bound))
    if bound.startswith("its "):
        return Rule(relation, quantity(bound.removeprefix("its ")))
    factor, times, rest = bound.rpartition(" * ")
    of, possessive, name = rest.rpartition("'s ")
    if not possessive:
        return Rule(relation, judged, of=bound)
    return Rule(relation, quantity(factor + times + name), of)
