"""Does training go where theory says? From the curves of the runs, on what is held out of it.

The end of a run is the mean over the last quarter of its looks; a change is the end less the first
look, which is the first logging step, not the first step. Intervals are over seeds.

- Theorem 1: agree where the change of `uniform_distance_bits` lies wholly below 0 (of the law of
  one byte: a joint distance is not estimated).
- Proposition 2: agree where the change of `data_distance` lies wholly above 0.
- The discriminator ends at 1/2: agree where `held_out_accuracy` at the end lies wholly within 0.05
  of it, which is two standard deviations of one look at 512 rows.
- V(D, G) ends at -log 4: agree where `value_function` at the end lies wholly within 0.05 nats.
- A discriminator at 1/2 is no proof: agree where the interval of a fresh classifier's accuracy lies
  wholly above that of the discriminator's at the end.
- End to end: agree where less than 1 % of the training set is left at the end.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import pandas as pd

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.findings.finding import Claim, Finding, Observation
from dan_bench.report.findings.intervals import at_least, at_most, more, within
from dan_bench.report.findings.runs import (
    Curves,
    Group,
    Judgement,
    Material,
    by_data,
    full_noise,
    groups,
    having,
    trained,
)
from dan_bench.statistics import t_interval

LAST = 4
"""The end of a run is the last one of so many parts of its looks."""
NEAR = 0.05
HALF = 0.5
OPTIMUM = -math.log(4)
LEFT = 0.01
"""Share of the training set that counts as nothing."""

THEOREM_1 = Claim(
    "theorem-1",
    "Training brings the output nearer to uniform noise",
    "paper, Theorem 1",
    "The distance of a byte's law from the uniform one falls over the training of the paper's DAN.",
    "make sweep",
    "It falls from the first look to the end.",
    "It does not fall.",
)
PROPOSITION_2 = Claim(
    "proposition-2",
    "Training takes the data further from themselves",
    "paper, Proposition 2",
    "The mean distance of the data from what becomes of them rises over the training of the "
    "paper's DAN.",
    "make sweep",
    "It rises from the first look to the end.",
    "It does not rise after the first look, by when most of the way is gone.",
)
NOTE = "note on adversarial training (Sheng Zhong); Goodfellow et al. 2014, theorem 1"
HALF_SIGMOID = Claim(
    "half-sigmoid",
    "The discriminator of the paper's DAN ends at 1/2",
    NOTE,
    f"Its accuracy on held-out data ends within {NEAR} of 1/2.",
    "make sweep",
    "It is there.",
    "It is not there.",
)
HALF_TORUS = Claim(
    "half-torus",
    "The discriminator of a DAN on the torus ends at 1/2",
    NOTE,
    f"Its accuracy on held-out data ends within {NEAR} of 1/2.",
    "make sweep",
    "It is there.",
    "It is not there.",
)
VALUE_SIGMOID = Claim(
    "value-sigmoid",
    "V(D, G) of the paper's DAN ends at -log 4",
    "paper, Theorem 1; Goodfellow et al. 2014, theorem 1",
    f"It ends within {NEAR} nats of -1.386.",
    "make sweep",
    "It is there.",
    "It is not there.",
)
VALUE_TORUS = Claim(
    "value-torus",
    "V(D, G) of a DAN on the torus ends at -log 4",
    "paper, Theorem 1; Goodfellow et al. 2014, theorem 1",
    f"It ends within {NEAR} nats of -1.386.",
    "make sweep",
    "It is there.",
    "It is not there.",
)
NO_PROOF = Claim(
    "half-is-no-proof",
    "A discriminator that is seldom right is no proof of noise",
    "ours",
    "A fresh classifier tells the outputs of the paper's DAN from noise more often than its own "
    "discriminator does at the end.",
    "make sweep",
    "Whoever looks afresh still sees a difference that the discriminator has lost sight of.",
    "A fresh classifier sees no more than the discriminator.",
)
END_TO_END = Claim(
    "end-to-end",
    "The training set can be overwritten while it is learned from",
    "paper, future work",
    "With end_to_end=true nothing is left of the training set at the end.",
    "python -m dan_bench.train -m +experiment=end_to_end",
    "Less than 1 % is left.",
    "Some of it is left.",
)

Series = Callable[[pd.Series], float]


def at_end(values: pd.Series) -> float:
    """Mean over the last quarter of the looks."""
    return float(values.iloc[-max(1, len(values) // LAST) :].mean())


def change(values: pd.Series) -> float:
    """The end less the first look."""
    return at_end(values) - float(values.iloc[0])


def at_first(values: pd.Series) -> float:
    """The first look."""
    return float(values.iloc[0])


def over_runs(curves: Curves, group: Group, name: str, series: Series) -> Estimate | None:
    """Mean and t interval of a number made of each run's curve; None where a run has none."""
    found = [points_of(curves, run, name) for run in group.runs]
    there = [series(values) for values in found if values is not None]
    return t_interval(there) if len(there) == len(found) else None


def points_of(curves: Curves, run: RunRecord, name: str) -> pd.Series | None:
    """Return one curve of a run; None where it left none."""
    points = curves.curves(run.key)
    if points is None or name not in points:
        return None
    values = points[name].dropna()
    return values if len(values) > 1 else None


def with_curve(curves: Curves, records: Iterable[RunRecord], name: str) -> list[Group]:
    """Return for each data set the first group with that curve."""
    found = (g for g in groups(records) if points_of(curves, g.first, name) is not None)
    return by_data(list(found))


def judged(
    material: Material,
    records: Sequence[RunRecord],
    name: str,
    series: Series,
    says: Judgement,
    rule: str,
) -> list[Observation]:
    """Judge a number made of a curve, on each data set; the first look and the end stand beside."""
    found: list[Observation] = []
    words = name.replace("_", " ")
    for group in with_curve(material.curves, records, name):
        titles = {change: "change", at_first: "at the first look", at_end: "at the end"}
        for made, title in titles.items():
            if made is change and series is not change:
                continue
            estimate = over_runs(material.curves, group, name, made)
            is_judged = made is series
            found.append(
                group.evidence(
                    f"{words}, {title}",
                    estimate,
                    says if is_judged else None,
                    rule if is_judged else "",
                    of_sample=False,
                )
            )
    return found


def of_output(material: Material, output: str) -> list[RunRecord]:
    """Return the runs of DAN with this output and full noise."""
    return full_noise(trained(material.records, "dan", output))


def theorem_1(material: Material) -> Finding:
    """Judge how the law of a byte changes."""
    runs = of_output(material, "sigmoid")
    return THEOREM_1.judged(
        judged(material, runs, "uniform_distance_bits", change, lambda e: at_most(e, 0), "below 0")
    )


def proposition_2(material: Material) -> Finding:
    """Judge how the distance from the data changes."""
    runs = of_output(material, "sigmoid")
    return PROPOSITION_2.judged(
        judged(material, runs, "data_distance", change, lambda e: at_least(e, 0), "above 0")
    )


def half_sigmoid(material: Material) -> Finding:
    """Judge the paper's discriminator."""
    return HALF_SIGMOID.judged(half(material, "sigmoid"))


def half_torus(material: Material) -> Finding:
    """Judge the discriminator that sees the torus."""
    return HALF_TORUS.judged(half(material, "torus"))


def half(material: Material, output: str) -> list[Observation]:
    """Judge the discriminator's accuracy at the end."""
    return judged(
        material,
        of_output(material, output),
        "held_out_accuracy",
        at_end,
        lambda e: within(e, HALF - NEAR, HALF + NEAR),
        f"within {NEAR} of 1/2",
    )


def value_sigmoid(material: Material) -> Finding:
    """Judge the paper's game."""
    return VALUE_SIGMOID.judged(value(material, "sigmoid"))


def value_torus(material: Material) -> Finding:
    """Judge the game on the torus."""
    return VALUE_TORUS.judged(value(material, "torus"))


def value(material: Material, output: str) -> list[Observation]:
    """Judge the game's value at the end."""
    return judged(
        material,
        of_output(material, output),
        "value_function",
        at_end,
        lambda e: within(e, OPTIMUM - NEAR, OPTIMUM + NEAR),
        f"within {NEAR} of {OPTIMUM:.3f}",
    )


def half_is_no_proof(material: Material) -> Finding:
    """Judge fresh classifiers beside the discriminator itself."""
    runs = having(of_output(material, "sigmoid"), "c2st_accuracy")
    found: list[Observation] = []
    for group in with_curve(material.curves, runs, "held_out_accuracy"):
        own = over_runs(material.curves, group, "held_out_accuracy", at_end)
        found += [
            group.measured("c2st_accuracy", partial(more, other=own), "above its own"),
            group.evidence("its discriminator's accuracy at the end", own, of_sample=False),
        ]
    return NO_PROOF.judged(found)


def end_to_end(material: Material) -> Finding:
    """Judge what is left of the training set."""
    runs = [run for run in material.records if run.config.get("end_to_end")]
    return END_TO_END.judged(
        judged(material, runs, "data_left", at_end, lambda e: at_most(e, LEFT), f"at most {LEFT:g}")
    )
