"""All figures: what each shows, and which command makes records that hold it.

A figure of another package joins by an entry point of the group `dan_bench.figures`, which has the
figure's name and whose object is a `FigureEntry`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from dan_bench.metrics.catalogue import entries_of_others
from dan_bench.report.figures.architectures import architectures
from dan_bench.report.figures.attackers import attackers
from dan_bench.report.figures.collapse import collapse
from dan_bench.report.figures.convergence import convergence
from dan_bench.report.figures.dial import dial
from dan_bench.report.figures.figure import Draw
from dan_bench.report.figures.finding import finding
from dan_bench.report.figures.fooled import fooled
from dan_bench.report.figures.ladder import ladder
from dan_bench.report.figures.one_dimension import one_dimension
from dan_bench.report.figures.pictures import (
    after_fifteen_passes,
    after_one_pass,
    python_or_dan,
)
from dan_bench.report.figures.samples import samples, training_samples
from dan_bench.report.figures.saturation import saturation
from dan_bench.report.figures.secrecy import secrecy
from dan_bench.report.figures.universe import universe

TRAIN = "python -m dan_bench.train"
SWEEP = "make sweep"


@dataclass(frozen=True)
class FigureEntry:
    """One figure of the catalogue."""

    draw: Draw
    shows: str
    command: str
    """That makes the records."""
    on_request: bool = False
    """Drawn only where it is named."""


CATALOGUE: dict[str, FigureEntry] = {
    "finding": FigureEntry(finding, "the finding: collapsed output beside noise", SWEEP),
    "collapse": FigureEntry(
        collapse, "where collapse hides: byte entropy, effective dimensions", SWEEP
    ),
    "secrecy": FigureEntry(
        secrecy,
        "%_dd against fresh randomness, with Shannon's bound",
        f"{TRAIN} -m +experiment=secrecy",
    ),
    "ladder": FigureEntry(
        ladder,
        "both ends of %_dd where the truth is known",
        f"{TRAIN} -m +experiment=ladder",
    ),
    "attackers": FigureEntry(
        attackers, "what learned attackers recover, against the noise they saw", SWEEP
    ),
    "fooled": FigureEntry(
        fooled,
        "Figure 4: a network fooled, or a person too",
        f"{TRAIN} -m +experiment=robust_classifier",
    ),
    "architectures": FigureEntry(architectures, "Figure 5: GAN and DAN", SWEEP),
    "one_dimension": FigureEntry(
        one_dimension, "Figure 6: p_x, p_d and D", f"{TRAIN} +experiment=one_dimension"
    ),
    "python_or_dan": FigureEntry(
        python_or_dan, "Figure 7: Python's random beside DAN", f"{TRAIN} +experiment=paper"
    ),
    "after_one_pass": FigureEntry(
        after_one_pass, "Figure 8: after one pass", f"{TRAIN} +experiment=paper"
    ),
    "after_fifteen_passes": FigureEntry(
        after_fifteen_passes, "Figure 9: after fifteen passes", f"{TRAIN} +experiment=paper"
    ),
    "convergence": FigureEntry(convergence, "curves over training, to the known optimum", SWEEP),
    "saturation": FigureEntry(
        saturation,
        "what gradient is left as the discriminator learns",
        f"{TRAIN} -m +experiment=saturation",
    ),
    "dial": FigureEntry(
        dial, "EntropyDAN: entropy asked for and served", f"{TRAIN} -m +experiment=dial"
    ),
    "training_samples": FigureEntry(training_samples, "samples through training", SWEEP),
    "samples": FigureEntry(samples, "samples of every model and control", SWEEP),
    "universe": FigureEntry(
        universe, "Figure 2: the universe against deep learning", SWEEP, on_request=True
    ),
}


@cache
def figures() -> Mapping[str, FigureEntry]:
    """Return all figures by name, ours first, then those of other packages.

    Raises:
        TypeError: an entry point of another package is no `FigureEntry`.
    """
    others = entries_of_others("dan_bench.figures", FigureEntry)
    return CATALOGUE | {name: entry for name, entry in others.items() if name not in CATALOGUE}
