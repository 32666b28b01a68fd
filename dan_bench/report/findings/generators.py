"""Python's random is no true randomness: the linear complexity of its top bits stops at 19,937.

The complexity of a stream is a count and no estimate. Agree where that of every run is this number
and at least twice as many bits were looked at (160 KB of output); disagree where it lies apart from
it; undecided where fewer bits were looked at. That of the operating system's randomness stands
beside: n / 2.
"""

from functools import partial

from dan_bench.interfaces import Estimate
from dan_bench.report.findings.finding import Claim, Finding, Observation, Says
from dan_bench.report.findings.intervals import within
from dan_bench.report.findings.runs import Group, Material, groups, having, named
from dan_bench.report.leaderboard import look_up

STATE_BITS = 19_937
METRIC = "linear_complexity"
RULE = f"{STATE_BITS:,}"

MERSENNE = Claim(
    "python-is-no-true-randomness",
    "Python's random is no true randomness",
    "paper, which says so of the module; proved here",
    "Its top bits are a linear recurrence of 19,937 bits (MT19937).",
    "make sweep   # or of a file: python -m dan_bench.assess FILE",
    "The shortest shift register that makes its top bits has 19,937 places, and no more.",
    "Its top bits are no such recurrence.",
)


def python_is_no_true_randomness(material: Material) -> Finding:
    """Judge the control that is Python's random."""
    found: list[Observation] = []
    for group in groups(having(named(material.records, "python_random"), METRIC)):
        found += [
            group.evidence("linear complexity", of_each(group), partial(says, group), RULE),
            group.measured(f"{METRIC}.p_value"),
        ]
    for group in groups(having(named(material.records, "urandom"), METRIC)):
        found.append(group.evidence("linear complexity", of_each(group)))
    return MERSENNE.judged(found)


def of_each(group: Group) -> Estimate:
    """Return the mean over the runs, between the least and the greatest of them."""
    found = [e.value for run in group.runs if (e := look_up(run, f"{METRIC}.complexity"))]
    return Estimate(sum(found) / len(found), min(found), max(found), len(found))


def says(group: Group, estimate: Estimate | None) -> Says:
    """Judge the complexity by how many bits were looked at."""
    bits = group.of(f"{METRIC}.bits")
    if bits is None or bits.value < 2 * STATE_BITS:
        return "neither"
    return within(estimate, STATE_BITS, STATE_BITS)
