"""InfoDAN, DCDAN, EntropyDAN: does each do what it is there for?

- InfoDAN keeps more to itself: wherever DAN's %_dd lies wholly below 99 with the same data, output,
  noise and training, the intervals of label and reconstruction lie wholly below DAN's.
- DCDAN is at most half: its parameters, both networks together, are no more than half of DAN's
  (a count, and no estimate).
- DCDAN's noise is as good: no metric's interval lies wholly on the worse side of DAN's, and no run
  is told from ideal noise.
- EntropyDAN's dial rises in every run; it follows 8t where R^2 lies wholly above 0.95; its ends are
  right where the top lies wholly above 7.9 bits and no worse than Python's random, and the bottom
  wholly below 1 bit.
"""

from collections.abc import Sequence
from functools import partial

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.findings.finding import Claim, Finding, Observation
from dan_bench.report.findings.intervals import at_least, at_most, less, no_worse
from dan_bench.report.findings.noise import METRICS, REFERENCE, each_run, no_worse_than, span
from dan_bench.report.findings.runs import (
    Group,
    Material,
    beside,
    by_data,
    full_noise,
    groups,
    having,
    named,
    trained,
)
from dan_bench.report.verdicts import GONE
from dan_bench.results.select import flatten

KEPT = ("label_recovered", "reconstruction_recovered")
R_SQUARED, TOP, BOTTOM = 0.95, 7.9, 1.0
DIAL = "python -m dan_bench.train -m +experiment=dial"
VARIANTS = "paper, its variants of DAN, as defined here"

INFODAN = Claim(
    "infodan-keeps-more",
    "InfoDAN gives away less than DAN",
    VARIANTS,
    "Where DAN leaks, fresh attackers recover less label and less reconstruction from InfoDAN, "
    "trained as long.",
    "python -m dan_bench.train -m +experiment=information",
    "It gives away less, and the intervals do not overlap.",
    "It gives away no less.",
)
HALF = Claim(
    "dcdan-half",
    "DCDAN has at most half of DAN's parameters",
    VARIANTS,
    "Both networks of DCDAN together have at most half of the parameters of DAN's.",
    "make sweep",
    "They have.",
    "They have more.",
)
AS_GOOD = Claim(
    "dcdan-noise",
    "DCDAN's noise is as good as DAN's",
    VARIANTS,
    "No metric of DCDAN is worse than that of DAN with the same output, and no run is told from "
    "noise.",
    "make sweep",
    "No metric is worse, with a fraction of the parameters.",
    "It is told from noise, or some metric is worse.",
)
RISES = Claim(
    "dial-rises",
    "EntropyDAN's dial is monotone",
    VARIANTS,
    "Neither byte nor joint entropy ever falls from one setting to the next.",
    DIAL,
    "It rises in every run.",
    "It falls somewhere in every run.",
)
FOLLOWS = Claim(
    "dial-follows",
    "EntropyDAN's entropy follows its dial",
    VARIANTS,
    f"R^2 of 8t bits for trueness t is at least {R_SQUARED:g}, for the worse of both entropies.",
    DIAL,
    "It follows.",
    "It does not follow.",
)
ENDS = Claim(
    "dial-ends",
    "EntropyDAN's dial reaches from next to nothing to noise",
    VARIANTS,
    f"At most {BOTTOM:g} bit a byte at the bottom; at the top at least {TOP:g} bits of joint "
    "entropy, and no less than Python's random.",
    DIAL,
    "Both ends are reached.",
    "An end is not reached.",
)


def infodan_keeps_more(material: Material) -> Finding:
    """Judge both attackers wherever DAN leaks."""
    found: list[Observation] = []
    infodans = groups(trained(material.records, "infodan"))
    for dan in groups(trained(material.records, "dan")):
        leaks = at_most(dan.of("percent_destroyed"), GONE) == "for"
        for infodan in [g for g in infodans if leaks and circumstances(g) == circumstances(dan)]:
            for metric in KEPT:
                given_away = dan.of(metric)
                if given_away is not None:
                    says = partial(less, other=given_away)
                    found.append(infodan.measured(metric, says, "below DAN's interval"))
                    found.append(dan.measured(metric))
    return INFODAN.judged(found)


def circumstances(group: Group) -> dict[str, str]:
    """Return all of the config but the model and the seeds."""
    bare = {"seed", "data.seed"}
    flat = flatten(group.first.config)
    return {k: v for k, v in flat.items() if k not in bare and not k.startswith("model.")}


def pairs(records: Sequence[RunRecord]) -> list[tuple[Group, Group]]:
    """Return DCDAN and DAN of the same output, on each data set that both were trained on."""
    found = []
    for output in ("sigmoid", "torus"):
        dcdans, dans = (
            {g.data: g for g in by_data(groups(full_noise(trained(records, name, output))))}
            for name in ("dcdan", "dan")
        )
        found += [(dcdans[data], dans[data]) for data in dcdans if data in dans]
    return found


def dcdan_half(material: Material) -> Finding:
    """Judge the count."""
    found: list[Observation] = []
    for dcdan, dan in pairs(material.records):
        whole = parameters(dan)
        if whole is not None:
            says = partial(at_most, bound=whole.value / 2)
            rule = f"at most {whole.value / 2:,.0f}"
            count = parameters(dcdan)
            found.append(dcdan.evidence("parameters", count, says, rule, of_sample=False))
    return HALF.judged(found)


def parameters(group: Group) -> Estimate | None:
    """Return how many there are, the same in every run."""
    counts = {run.costs.get("parameters") for run in group.runs}
    count = counts.pop() if len(counts) == 1 else None
    return None if count is None else Estimate(count, count, count)


def dcdan_noise(material: Material) -> Finding:
    """Judge every metric beside DAN's."""
    found: list[Observation] = []
    for dcdan, dan in pairs(having(material.records, *METRICS[:3])):
        found += [no_worse_than(dcdan, dan, metric) for metric in METRICS]
        found.append(each_run(dcdan))
    return AS_GOOD.judged(found)


def turned(records: Sequence[RunRecord]) -> list[Group]:
    """Return EntropyDAN's runs whose dial was turned, of each data set."""
    return by_data(groups(having(trained(records, "entropydan"), "dial")))


def dial_rises(material: Material) -> Finding:
    """Judge every run."""
    return RISES.judged(
        [
            group.measured("dial.rising", partial(at_least, bound=1), "1 in every run")
            for group in turned(material.records)
        ]
    )


def dial_follows(material: Material) -> Finding:
    """Judge R^2; that of the untrained network stands beside."""
    found: list[Observation] = []
    for group in turned(material.records):
        says = partial(at_least, bound=R_SQUARED)
        found.append(group.measured("dial", says, f"above {R_SQUARED:g}"))
        untrained = having(named(material.records, "untrained_entropydan"), "dial")
        found += [other.measured("dial") for other in groups(untrained) if other.data == group.data]
    return FOLLOWS.judged(found)


def dial_ends(material: Material) -> Finding:
    """Judge the top and the bottom."""
    found: list[Observation] = []
    for group in turned(material.records):
        noise = beside(having(material.records, "joint_bits"), REFERENCE, group)
        reference = None if noise is None else noise.of("joint_bits")
        top, bottom = "dial.joint_bits@1", "dial.shannon_bits@0"
        as_noise = partial(no_worse, other=reference, higher_is_better=True)
        found += [
            group.measured(top, partial(at_least, bound=TOP), f"above {TOP:g}"),
            group.measured(top, as_noise, f"no worse than {span(reference)} of {REFERENCE}"),
            group.measured(bottom, partial(at_most, bound=BOTTOM), f"below {BOTTOM:g}"),
        ]
    return ENDS.judged(found)
