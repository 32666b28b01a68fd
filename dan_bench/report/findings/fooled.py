"""Who fools a network only, and who fools a person too? Of `+experiment=robust_classifier`.

The two proxies of a person are a fresh classifier, which learned from what came out, and structural
similarity to the original.

- Fools the network: the fixed classifier's accuracy lies wholly below that on the inputs as they
  were (`identity`).
- Fools nobody else: the fresh classifier's accuracy lies wholly above nine tenths of that on the
  inputs as they were, and structural similarity wholly above that of Python's random.
- Fools both: the fixed classifier is fooled, and neither proxy's interval lies wholly above that
  of Python's random.
"""

from collections.abc import Sequence
from functools import partial

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.findings.finding import Claim, Finding, Observation
from dan_bench.report.findings.intervals import at_least, less, more, no_worse
from dan_bench.report.findings.runs import (
    Group,
    Material,
    beside,
    by_data,
    groups,
    having,
    named,
    trained,
)

FIXED = "classifier_accuracy"
FRESH, SIMILARITY = "fresh_classifier_accuracy", "structural_similarity"
STILL_READ = 0.9
"""Share of the accuracy on the inputs as they were, above which a fresh classifier reads on."""
ROBUST = "python -m dan_bench.train -m +experiment=robust_classifier"

GRADIENT = Claim(
    "perturbations-fool-networks-only",
    "FGSM and PGD fool a network and nobody else",
    "paper, Figure 4; note on adversarial training (Sheng Zhong)",
    "The fixed classifier errs, and both proxies of a person still read the picture.",
    ROBUST,
    "Only the classifier that was attacked is fooled.",
    "It is not so at every epsilon.",
)
GENERATOR = Claim(
    "generator-fools-networks-only",
    "A generator that sees the classifier fools it and nobody else",
    "note on adversarial training (Sheng Zhong)",
    "The fixed classifier errs, and both proxies of a person still read the picture.",
    ROBUST,
    "Only the classifier that was attacked is fooled.",
    "It is not so at every epsilon.",
)
SIGMOID = Claim(
    "sigmoid-fools-both",
    "The paper's DAN fools the network and the person",
    "paper, Figure 4",
    "The fixed classifier errs, and neither proxy reads more than from Python's random.",
    ROBUST,
    "Nobody reads more than from noise.",
    "Somebody still reads it.",
)
TORUS = Claim(
    "torus-fools-both",
    "A DAN on the torus fools the network and the person",
    "ours, after the paper's Figure 4",
    "The fixed classifier errs, and neither proxy reads more than from Python's random.",
    ROBUST,
    "Nobody reads more than from noise.",
    "Somebody still reads it.",
)


def perturbations_fool_networks_only(material: Material) -> Finding:
    """Judge both attacks at every epsilon."""
    return GRADIENT.judged(network_only(material.records, "fgsm", "pgd"))


def generator_fools_networks_only(material: Material) -> Finding:
    """Judge the generator at every epsilon."""
    return GENERATOR.judged(network_only(material.records, "perturbation_generator"))


def network_only(records: Sequence[RunRecord], *names: str) -> list[Observation]:
    """Judge each attack: the network, and both proxies."""
    found: list[Observation] = []
    for group in sorted(
        groups(having(named(records, *names), FIXED, FRESH, SIMILARITY)), key=lambda g: g.label
    ):
        clean = of(records, "identity", group, FRESH)
        read = None if clean is None else STILL_READ * clean.value
        noise = of(records, "python_random", group, SIMILARITY)
        found += [
            fooled(records, group),
            group.measured(
                FRESH,
                (lambda _: "neither") if read is None else partial(at_least, bound=read),
                f"above {read:.4g}" if read is not None else "nine tenths of identity's: missing",
            ),
            group.measured(SIMILARITY, partial(more, other=noise), "above python_random's"),
        ]
    return found


def sigmoid_fools_both(material: Material) -> Finding:
    """Judge the paper's output."""
    return SIGMOID.judged(both(material.records, "sigmoid"))


def torus_fools_both(material: Material) -> Finding:
    """Judge the output that is wrapped."""
    return TORUS.judged(both(material.records, "torus"))


def both(records: Sequence[RunRecord], output: str) -> list[Observation]:
    """Judge DAN with this output: the network, and both proxies."""
    found: list[Observation] = []
    runs = having(trained(records, "dan", output), FIXED, FRESH, SIMILARITY)
    for group in by_data(groups(runs)):
        found.append(fooled(records, group))
        for proxy in (FRESH, SIMILARITY):
            noise = of(records, "python_random", group, proxy)
            says = partial(no_worse, other=noise, higher_is_better=False)
            found.append(group.measured(proxy, says, "no more than python_random's"))
    return found


def fooled(records: Sequence[RunRecord], group: Group) -> Observation:
    """Judge whether the fixed classifier errs."""
    clean = of(records, "identity", group, FIXED)
    return group.measured(FIXED, partial(less, other=clean), "below identity's")


def of(records: Sequence[RunRecord], name: str, group: Group, metric: str) -> Estimate | None:
    """Return a metric of a control on the same data."""
    control = beside(having(records, FIXED), name, group)
    return None if control is None else control.of(metric)
