"""Does the gradient vanish as the discriminator becomes right? Of `+experiment=saturation`.

The gradient at the sample over its value at the first logging step, its geometric mean and the t
interval of its logarithm over seeds, at the end of training the discriminator alone. All of it
only where the discriminator did become right: accuracy at the end wholly above 0.9.

- fades: the ratio lies wholly below 1; vanishes: wholly below 0.1;
- holds: wholly above 1/2; never vanishes: wholly above 0.1.

Guide, the answer to the note's open question, is also judged by the noise that a DAN learns from
it: no metric's interval wholly on the worse side of that of the same DAN with nonsaturating.
"""

from collections.abc import Callable
from functools import partial

import pandas as pd

from dan_bench.interfaces import Estimate
from dan_bench.report.findings.finding import Claim, Finding, Observation, Says
from dan_bench.report.findings.intervals import at_least, at_most
from dan_bench.report.findings.noise import METRICS, no_worse_than
from dan_bench.report.findings.runs import Group, Judgement, Material, groups, having, trained
from dan_bench.report.saturation import GRADIENTS, at_level, geometric_interval
from dan_bench.results.select import flatten
from dan_bench.statistics import t_interval

RIGHT = 0.9
FADES = 1.0
HOLDS = 0.5
VANISHED = 0.1
NOTE = "note on adversarial training (Sheng Zhong)"
SATURATION = "python -m dan_bench.train -m +experiment=saturation"


def claim(name: str, title: str, source: str, statement: str, *whys: str) -> Claim:
    """Return a claim that the experiment answers."""
    return Claim(name, title, source, statement, SATURATION, *whys)


MINIMAX_FADES = claim(
    "minimax-fades",
    "With minimax the gradient fades as the discriminator becomes right",
    f"{NOTE}; Goodfellow et al. 2014, section 3",
    "Once the discriminator is right, less gradient reaches the degenerator than at first.",
    "It ends below its first.",
    "It ends above its first.",
)
MINIMAX_VANISHES = claim(
    "minimax-vanishes",
    "With minimax the gradient vanishes",
    NOTE,
    f"Once the discriminator is right, less than {VANISHED:g} of the gradient is left.",
    "Nothing worth the name is left.",
    "More is left, after as many steps as were made.",
)
NONSATURATING = claim(
    "nonsaturating-holds",
    "The nonsaturating loss keeps its gradient",
    "Goodfellow et al. 2014, section 3",
    "Once the discriminator is right, at least half of the first gradient is left.",
    "At least half is left: it is the loss that fades, not the discriminator.",
    "Less than half is left.",
)
LEAST_SQUARES = claim(
    "least-squares-holds",
    "Least squares keep their gradient",
    "Mao et al. 2017 (LSGAN)",
    "Once the discriminator is right, at least half of the first gradient is left.",
    "At least half is left.",
    "Less than half is left.",
)
WASSERSTEIN = claim(
    "wasserstein-holds",
    "The Wasserstein critic keeps its gradient",
    "Gulrajani et al. 2017 (WGAN-GP)",
    "Once the critic is right, at least half of the first gradient is left.",
    "At least half is left.",
    "Less than half is left.",
)
GUIDE_THERE = claim(
    "guide-never-vanishes",
    "A discriminator trained to say why always says something",
    f"ours, an answer to the open question of the {NOTE}",
    f"With guide more than {VANISHED:g} of the first gradient is left once the discriminator is "
    "right.",
    "The gradient stays.",
    "The gradient vanishes.",
)
GUIDE_HOLDS = claim(
    "guide-holds",
    "A discriminator trained to say why says it as loudly",
    f"ours, an answer to the open question of the {NOTE}",
    "With guide at least half of the first gradient is left once the discriminator is right.",
    "At least half is left.",
    "Less than half is left.",
)
GUIDE_NOISE = Claim(
    "guide-learns-noise",
    "A DAN learns noise from guide as it does from nonsaturating",
    f"ours, an answer to the open question of the {NOTE}",
    "No metric of a DAN with guide is worse than that of the same DAN with nonsaturating.",
    "python -m dan_bench.train -m +experiment=guide",
    "No metric is worse.",
    "Some metric is worse.",
)


def minimax_fades(material: Material) -> Finding:
    """Judge whether it falls at all."""
    return MINIMAX_FADES.judged(left(material, "minimax", partial(at_most, bound=FADES), "below 1"))


def minimax_vanishes(material: Material) -> Finding:
    """Judge whether nothing is left."""
    says = partial(at_most, bound=VANISHED)
    return MINIMAX_VANISHES.judged(left(material, "minimax", says, f"below {VANISHED:g}"))


def holds(of: Claim, objective: str) -> Callable[[Material], Finding]:
    """Return the judgement whether half of an objective's gradient is left."""

    def judge(material: Material) -> Finding:
        says = partial(at_least, bound=HOLDS)
        return of.judged(left(material, objective, says, f"above {HOLDS:g}"))

    return judge


nonsaturating_holds = holds(NONSATURATING, "nonsaturating")
least_squares_holds = holds(LEAST_SQUARES, "least_squares")
wasserstein_holds = holds(WASSERSTEIN, "wgan_gp")
guide_holds = holds(GUIDE_HOLDS, "guide")


def guide_never_vanishes(material: Material) -> Finding:
    """Judge whether something is left."""
    says = partial(at_least, bound=VANISHED)
    return GUIDE_THERE.judged(left(material, "guide", says, f"above {VANISHED:g}"))


def left(material: Material, objective: str, says: Judgement, rule: str) -> list[Observation]:
    """Judge what is left of an objective's gradient, in every group that stood still."""
    frozen = [
        run
        for run in material.records
        if run.config.get("trainer", {}).get("freeze_degenerator")
        and run.config["objective"]["name"] == objective
    ]
    found: list[Observation] = []
    for group in groups(frozen):
        curves = [material.curves.curves(run.key) for run in group.runs]
        there = [c for c in curves if c is not None and set(GRADIENTS) <= set(c.columns)]
        if len(there) < len(curves):
            continue
        figure = partial(group.evidence, of_sample=False)
        last = t_interval([float(c["discriminator_accuracy"].iloc[-1]) for c in there])
        found += [
            figure("gradient at the end over its first", ratio(there, None), says, rule),
            figure("accuracy of the discriminator", last, became_right, f"above {RIGHT:g}"),
            figure("gradient at accuracy 0.99 over its first", ratio(there, 0.99)),
        ]
    return found


def became_right(estimate: Estimate | None) -> Says:
    """A discriminator that never became right settles nothing, for or against."""
    return "for" if at_least(estimate, RIGHT) == "for" else "neither"


def ratio(curves: list[pd.DataFrame], level: float | None) -> Estimate | None:
    """Geometric mean over runs of the gradient at the sample over its first; None if missing."""
    found = [at_level(points, "sample_gradient", level) for points in curves]
    there = [one for one in found if one is not None]
    if len(there) < len(found):
        return None
    made = geometric_interval(there)
    # exactly 0 has no logarithm, and leaves no doubt
    return Estimate(0.0, 0.0, 0.0, made.n) if made.value == 0 else made


def guide_learns_noise(material: Material) -> Finding:
    """Judge guide beside nonsaturating, in all else alike."""
    found: list[Observation] = []
    runs = having(trained(material.records, "dan", objective=None), *METRICS[:3])
    by_objective = {
        name: groups(run for run in runs if run.config["objective"]["name"] == name)
        for name in ("guide", "nonsaturating")
    }
    for group in by_objective["guide"]:
        alike = [g for g in by_objective["nonsaturating"] if setting(g) == setting(group)]
        for other in alike:
            found += [no_worse_than(group, other, metric) for metric in METRICS]
    return GUIDE_NOISE.judged(found)


def setting(group: Group) -> dict[str, str]:
    """Return all of the config but the objective and the seeds."""
    bare = {"seed", "data.seed"}
    flat = flatten(group.first.config)
    return {k: v for k, v in flat.items() if k not in bare and not k.startswith("objective.")}
