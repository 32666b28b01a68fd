"""Judge a claim: select its runs, compute its quantities, apply its rules, and draw the verdict.

A verdict follows from intervals alone. A claim is not measured where no run is of its kind;
disagree where one whole interval lies elsewhere than it claims; agree where all of them lie where
it claims; otherwise undecided.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dan_bench.interfaces import Estimate
from dan_bench.report.claims.claim import Claim, Clause, Criterion, Partner, Rule, claims
from dan_bench.report.claims.quantities import Quantity
from dan_bench.report.claims.runs import Group, Material, Runs, select, setting
from dan_bench.report.leaderboard import look_up

Verdict = Literal["agree", "disagree", "undecided", "not measured"]
Says = Literal["for", "against", "neither", "beside"]
"""What a quantity says of a claim; `beside` is one that is shown and not judged by."""
MOST_NAMED = 4
"""Quantities that a sentence names; the others are counted."""
Span = tuple[float, float]
RELATIONS: dict[str, Callable[[Span, Span], tuple[bool, bool]]] = {
    "at least": lambda one, to: (one[0] >= to[0], one[1] < to[0]),
    "at most": lambda one, to: (one[1] <= to[1], one[0] > to[1]),
    "within": lambda one, to: (
        to[0] <= one[0] and one[1] <= to[1],
        one[1] < to[0] or one[0] > to[1],
    ),
    "above": lambda one, to: (one[0] > to[1], one[1] < to[0]),
    "below": lambda one, to: (one[1] < to[0], one[0] > to[1]),
    "no less than": lambda one, to: (one[1] >= to[0], one[1] < to[0]),
    "no more than": lambda one, to: (one[0] <= to[1], one[0] > to[1]),
    "has to reach": lambda one, to: (one[0] >= to[0], False),
    "all of": lambda one, to: (one[0] >= to[1], one[1] == 0),
}
"""Whether an interval speaks for a rule, and whether against; neither where it holds both."""


@dataclass(frozen=True)
class Observation:
    """A quantity as it was measured, and what it says of the claim."""

    subject: str
    """Whose runs it was measured on."""
    figure: str
    """Heading of the quantity."""
    estimate: Estimate | None
    says: Says
    rule: str
    """Where its whole interval has to lie; empty for what is shown beside."""
    samples: int | None
    """N, the held-out samples of a run."""
    seeds: int
    keys: tuple[str, ...]
    """Of the runs that it was measured on."""


@dataclass(frozen=True)
class Finding:
    """A claim as the records have it."""

    id: str
    title: str
    source: str
    statement: str
    verdict: Verdict
    why: str
    evidence: tuple[Observation, ...]
    command: str


def findings(material: Material) -> list[Finding]:
    """Judge every claim."""
    return [judge(claim, material) for claim in claims()]


def judge(claim: Claim, material: Material) -> Finding:
    """Judge one claim by the records."""
    subjects: list[list[Observation]] = []
    for clause in claim.clauses:
        found = list(observations(clause, material))
        subjects += found if claim.some else sorted(found, key=lambda of: of[0].subject)
    subjects = best_of(subjects) if claim.some else subjects
    evidence = [one for subject in subjects for one in subject]
    verdict, why = verdict_of(evidence, claim)
    return Finding(
        claim.id,
        claim.title,
        claim.source,
        claim.statement,
        verdict,
        why,
        tuple(evidence),
        claim.command,
    )


def verdict_of(evidence: Sequence[Observation], claim: Claim) -> tuple[Verdict, str]:
    """Return the verdict that follows from the evidence, and why."""
    against = [one for one in evidence if one.says == "against"]
    neither = [one for one in evidence if one.says == "neither"]
    if all(one.says == "beside" for one in evidence):
        return "not measured", "None of these records can say."
    if against:
        return "disagree", f"{claim.disagree.rstrip('.')}: {named(against)}."
    if neither:
        return "undecided", f"The numbers do not settle it: {named(neither)}."
    return "agree", claim.agree


def named(evidence: Sequence[Observation]) -> str:
    """Name the first few quantities and count the others."""
    subject = evidence[0].subject
    headings = list(dict.fromkeys(one.figure for one in evidence if one.subject == subject))
    shown = headings[:MOST_NAMED]
    more = len(evidence) - len(shown)
    return f"{', '.join(shown)} ({subject})" + (f", and {more} more" if more > 0 else "")


def best_of(subjects: list[list[Observation]]) -> list[list[Observation]]:
    """Return the evidence for a claim that some subject is so, given that of each subject.

    That of the first one of which all quantities speak for it. Without one the claim is open as
    long as some subject has nothing against it, and theirs is returned; otherwise everybody's is.
    """
    said = [{one.says for one in subject} - {"beside"} for subject in subjects]
    shown = [subject for subject, of in zip(subjects, said, strict=True) if of == {"for"}]
    still_open = [s for s, of in zip(subjects, said, strict=True) if "against" not in of]
    return shown[:1] or still_open or subjects


def observations(clause: Clause, material: Material) -> Iterator[list[Observation]]:
    """Yield what the criteria of a clause say of each group, beside each of its partners."""
    for group in select(material, clause.runs):
        for partner in partners(group, clause.partner, material):
            compared = Pairing(group, partner, clause.partner, material)
            found = [one for criterion in clause.criteria for one in compared.observed(criterion)]
            if found:
                yield found


def partners(group: Group, wanted: Partner | None, material: Material) -> list[Group | None]:
    """Return each partner of a group; one that is None where none is wanted."""
    if wanted is None:
        return [None]
    return [
        other
        for other in select(material, wanted.runs)
        if are_alike(group, other, wanted)
        and all(
            one.says == "for"
            for criterion in wanted.criteria
            for one in Pairing(other, None, None, material).observed(criterion)
        )
    ]


def are_alike(group: Group, other: Group, wanted: Partner) -> bool:
    """Return whether two groups have in common what a partner has to have."""
    if not wanted.but:
        return all(setting(group.config, s) == setting(other.config, s) for s in wanted.same)
    one, two = (
        without({**g.config, "seed": None, "data": {**g.config["data"], "seed": None}}, wanted.but)
        for g in (group, other)
    )
    return one == two


def without(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return nested containers without the part or setting of that dotted name."""
    first, _, rest = name.partition(".")
    inner = config.get(first)
    kept = {first: without(inner, rest)} if rest and isinstance(inner, Mapping) else {}
    return {part: value for part, value in config.items() if part != first} | kept


@dataclass(frozen=True)
class Pairing:
    """A group, and what its quantities are compared with."""

    group: Group
    partner: Group | None
    wanted: Partner | None
    material: Material

    def observed(self, criterion: Criterion) -> Iterator[Observation]:
        """Yield what a criterion says: one observation, or none where there is nothing to show."""
        quantity, rule = criterion.quantity, criterion.rule
        group = self.named(criterion.of, quantity)
        estimate = None if group is None else quantity.of(group)
        says: Says = "beside"
        words = ""
        if rule is not None:
            target = self.target(rule)
            # what the partner lacks cannot be compared; a control that is missing leaves it open
            if target is not None or self.is_control(rule.of):
                says = said(rule.relation, estimate, target)
                words = worded(rule, target, quantity, self.called(rule))
        runs = () if group is None else group.runs
        keys = [r.key for r in runs if not quantity.metric or look_up(r, quantity.metric)]
        if group is None or (says == "beside" and not keys):
            return
        yield Observation(
            group.label,
            quantity.heading,
            estimate,
            says,
            words,
            int(group.config["evaluation"]["samples"]) if quantity.of_sample else None,
            len({run.config["seed"] for run in group.runs}),
            tuple(keys),
        )

    def target(self, rule: Rule) -> Estimate | None:
        """Return what an interval is compared with; None where it was not measured."""
        if isinstance(rule.to, tuple):
            low, high = rule.to
            return Estimate((low + high) / 2, low, high)
        group = self.named(rule.of, rule.to)
        return None if group is None else rule.to.of(group)

    def called(self, rule: Rule) -> str:
        """Return whose quantity a rule compares with, and its schema where that is another."""
        other = self.named(rule.of, rule.to) if isinstance(rule.to, Quantity) else None
        if other is None or schema(other) == schema(self.group):
            return rule.of
        return f"{rule.of} (schema {schema(other)})"

    def is_control(self, name: str) -> bool:
        """Return whether a name is that of a control, and not of the group or its partner."""
        return bool(name) and (self.wanted is None or name != self.wanted.name)

    def named(self, name: str, quantity: Quantity) -> Group | None:
        """Return the group of a name: these runs, their partner, or a control.

        A control is one on the same data at the same N, of the same schema where there is one; of
        several evaluations the one that measured most, for what it made is the same.
        """
        if not self.is_control(name):
            return self.partner if name else self.group
        wanted = {"model": name, **{s: setting(self.group.config, s) for s in SAME}}
        measured = [quantity.metric.partition(".")[0]] if quantity.metric else []
        found = select(self.material, Runs(wanted, measured=measured, every=True))
        mine = schema(self.group)
        return min(found, key=lambda one: (schema(one) != mine, -one.breadth), default=None)


def schema(group: Group) -> int:
    """Return the schema version of a group's records."""
    return group.runs[0].schema_version


SAME = ("data", "evaluation.samples")
"""Settings that a control shares with the runs that are compared with it."""


def said(relation: str, estimate: Estimate | None, target: Estimate | None) -> Says:
    """Return what an interval says; neither where it or what it is compared with is missing."""
    spans = [
        (e.low, e.high)
        for e in (estimate, target)
        if e is not None and e.low is not None and e.high is not None
    ]
    if len(spans) < 2:
        return "neither"
    agrees, disagrees = RELATIONS[relation](*spans)
    return "for" if agrees else "against" if disagrees else "neither"


def worded(rule: Rule, target: Estimate | None, judged: Quantity, of: str) -> str:
    """Return a rule in words, with the numbers of what it compares with, and whose they are."""
    words = f"{rule.relation} {spelled(target)}"
    if not isinstance(rule.to, Quantity):
        return words
    if rule.to is judged:
        return f"{words} of {of}"
    whose = f"{of}'s" if of else "its"
    return f"{words} ({whose} {rule.to.heading})"


def spelled(target: Estimate | None) -> str:
    """Return a bound, or an interval, in a sentence."""
    if target is None or target.low is None or target.high is None:
        return "the interval, which is missing,"
    value, low, high = target.value, target.low, target.high
    if math.isclose(low, high, abs_tol=1e-5):
        return f"{value:,.0f}" if value == round(value) else f"{value:.6g}"
    return f"[{low:.6g}, {high:.6g}]"
