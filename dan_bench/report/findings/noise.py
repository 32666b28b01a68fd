"""Is it noise? Collapse that byte entropy does not see, and outputs that nothing tells apart.

- Byte entropy hides collapse: agree where the interval of `shannon_bits` lies wholly above 7 of 8
  bits and that of `effective_dimensions` wholly below one half, on every data set.
- An output is noise: agree where no metric's interval lies wholly on the worse side of that of
  Python's random at the same N, and no run by itself is told from ideal noise (the verdict *looks
  like noise*, at its level of 1 %); disagree where one does, or every run is; otherwise undecided.
"""

from collections.abc import Sequence

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics import catalogue
from dan_bench.report.findings.finding import Claim, Finding, Observation, Says
from dan_bench.report.findings.intervals import at_least, at_most, no_worse
from dan_bench.report.findings.runs import (
    Group,
    Material,
    beside,
    by_data,
    full_noise,
    groups,
    having,
    trained,
)
from dan_bench.report.verdicts import looks_like_noise

HIGH_ENTROPY = 7.0
"""Bits a byte that pass for nearly perfect: seven eighths of all there are."""
COLLAPSED = 0.5
"""Share of noise's effective dimensions: with less than half of them it is no noise."""
METRICS = (
    "joint_bits",
    "effective_dimensions",
    "c2st_accuracy",
    "min_entropy_bits",
    "sp800_22",
)
REFERENCE = "python_random"

HIDES = Claim(
    "entropy-hides-collapse",
    "Byte entropy alone calls a collapsed network noise",
    "ours, of the paper's sigmoid output (its Figure 9)",
    "The paper's DAN reaches a high entropy of its bytes while its samples keep less than half of "
    "noise's effective dimensions.",
    "make sweep",
    "The entropy of the bytes is high and the dimensions are gone: a few textures, repeated.",
    "It is not so here.",
)
SIGMOID = Claim(
    "sigmoid-is-noise",
    "The paper's DAN makes noise",
    "paper, Figures 7 to 9",
    "Nothing here tells the outputs of the paper's DAN from Python's random.",
    "make sweep",
    "Every metric shares the interval of Python's random, and no run is told from noise.",
    "Its outputs are told from noise.",
)
TORUS = Claim(
    "torus-is-noise",
    "A DAN whose output lives on a torus makes noise",
    "ours",
    "Nothing here tells the outputs of a DAN with output=torus from Python's random.",
    "python -m dan_bench.train -m +experiment=indistinguishable",
    "Every metric shares the interval of Python's random, and no run is told from noise.",
    "Its outputs are told from noise.",
)


def entropy_hides_collapse(material: Material) -> Finding:
    """Judge the sigmoid DAN of each data set by both."""
    needed = ("shannon_bits", "effective_dimensions")
    runs = full_noise(having(trained(material.records, "dan", "sigmoid"), *needed))
    found: list[Observation] = []
    for group in by_data(groups(runs)):
        found += [
            group.measured(
                "shannon_bits", lambda e: at_least(e, HIGH_ENTROPY), f"above {HIGH_ENTROPY:g}"
            ),
            group.measured(
                "effective_dimensions", lambda e: at_most(e, COLLAPSED), f"below {COLLAPSED:g}"
            ),
            group.measured("joint_bits"),
        ]
    return HIDES.judged(found)


def sigmoid_is_noise(material: Material) -> Finding:
    """Judge the paper's output."""
    return SIGMOID.judged(of_output(material, "sigmoid"))


def torus_is_noise(material: Material) -> Finding:
    """Judge the output that is wrapped."""
    return TORUS.judged(of_output(material, "torus"))


def of_output(material: Material, output: str) -> list[Observation]:
    """Judge DAN with this output on each data set."""
    runs = full_noise(having(trained(material.records, "dan", output), *METRICS[:3]))
    return [one for group in by_data(groups(runs)) for one in like_noise(group, material.records)]


def like_noise(group: Group, records: Sequence[RunRecord]) -> list[Observation]:
    """Return each metric beside Python's random at the same N, and the verdict on each run."""
    reference = beside(records, REFERENCE, group)
    found = [no_worse_than(group, reference, metric) for metric in METRICS]
    return [*found, each_run(group)]


def no_worse_than(group: Group, reference: Group | None, metric: str) -> Observation:
    """Return a metric of the group, judged beside that of the reference."""
    other = None if reference is None else reference.of(metric)
    better = catalogue.metric(metric).higher_is_better is True

    def says(estimate: Estimate | None) -> Says:
        return no_worse(estimate, other, better)

    name = REFERENCE if reference is None else reference.first.config["model"]["name"]
    return group.measured(metric, says, f"no worse than {span(other)} of {name}")


def span(estimate: Estimate | None) -> str:
    """Return an interval in a sentence."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return "the interval, which is missing,"
    return f"[{estimate.low:.6g}, {estimate.high:.6g}]"


def each_run(group: Group) -> Observation:
    """Return how many of the runs look like noise, each by itself."""
    verdict = looks_like_noise(group.runs)

    def says(_: Estimate | None) -> Says:
        if not verdict.runs:
            return "neither"
        if verdict.yes == verdict.runs:
            return "for"
        return "against" if verdict.no == verdict.runs else "neither"

    yes = float(verdict.yes)
    counted = Estimate(yes, yes, yes, verdict.runs) if verdict.runs else None
    return group.evidence("runs that look like noise", counted, says, "all of them")
