"""A claim, the figures that speak for it or against it, and the verdict that follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dan_bench.interfaces import Estimate

Verdict = Literal["agree", "disagree", "undecided", "not measured"]
Says = Literal["for", "against", "neither", "beside"]
"""What a figure says of a claim; `beside` is one that is shown and not judged by."""
MOST_NAMED = 4
"""Figures that a sentence names; the others are counted."""


@dataclass(frozen=True)
class Observation:
    """One figure, and what it says of the claim."""

    subject: str
    """Whose runs it was measured on."""
    figure: str
    estimate: Estimate | None
    """None where it was not measured."""
    says: Says
    rule: str
    """Where its whole interval would have to lie; empty for what is shown beside."""
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
    """Where the claim is made: a place in the paper, the note, or ours."""
    statement: str
    verdict: Verdict
    why: str
    evidence: tuple[Observation, ...]
    command: str
    """Makes the runs that the claim is judged by."""


@dataclass(frozen=True)
class Claim:
    """What is claimed, and what to say where the figures speak for it or against it."""

    id: str
    title: str
    source: str
    statement: str
    command: str
    agree: str
    disagree: str

    def judged(self, evidence: Sequence[Observation]) -> Finding:
        """Follow the figures.

        Not measured where none is judged by; disagree where one speaks against the claim; agree
        where all speak for it; otherwise undecided.
        """
        against = [one for one in evidence if one.says == "against"]
        neither = [one for one in evidence if one.says == "neither"]
        verdict: Verdict = "agree"
        why = self.agree
        if all(one.says == "beside" for one in evidence):
            verdict, why = "not measured", "None of these records can say."
        elif against:
            verdict, why = "disagree", f"{self.disagree.rstrip('.')}: {named(against)}."
        elif neither:
            verdict, why = "undecided", f"The figures do not settle it: {named(neither)}."
        return Finding(
            self.id,
            self.title,
            self.source,
            self.statement,
            verdict,
            why,
            tuple(evidence),
            self.command,
        )


def named(evidence: Sequence[Observation]) -> str:
    """Name the first few figures and count the others."""
    subject = evidence[0].subject
    figures = list(dict.fromkeys(one.figure for one in evidence if one.subject == subject))
    shown = figures[:MOST_NAMED]
    more = len(evidence) - len(shown)
    return f"{', '.join(shown)} ({subject})" + (f", and {more} more" if more > 0 else "")


def exists(subjects: Sequence[Sequence[Observation]]) -> list[Observation]:
    """Return the evidence for a claim that some subject is so, given that of each subject.

    That of the first one of which all figures speak for it. Without one the claim is open as long
    as some subject has nothing against it, and theirs is returned; otherwise everybody's is.
    """

    def says(subject: Sequence[Observation]) -> set[Says]:
        return {one.says for one in subject} - {"beside"}

    shown = next((one for one in subjects if says(one) == {"for"}), None)
    if shown is not None:
        return list(shown)
    still_open = [one for one in subjects if "against" not in says(one)]
    return [one for subject in still_open or subjects for one in subject]
