"""What is known of each metric and each training curve: one row each, read by whatever shows it.

Tables take the heading, the scale and the direction from here; verdicts the judge; figures, the
live view and the dashboards the title, the ideal value and the limits of the axis. A metric of
another package joins by an entry point of the group `dan_bench.metrics`, whose object is a
`MetricEntry`; one without a row is shown under its own name, and neither ranked nor judged.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Literal, NamedTuple, TypeVar

from dan_bench.cli import InputError
from dan_bench.interfaces import Estimate
from dan_bench.metrics.baseline import Baseline, baseline
from dan_bench.statistics import special

Question = Literal["noise", "gone", "training", "other"]
"""Which question it answers: is it noise, is it gone, how does training go, or none of these."""

LEAST_A_CELL = 5
"""Expected count of each byte value above which the G-test's chi-square law holds (Cochran)."""
LONGEST_CALIBRATED = 1_000_000
"""Bytes of which `min_entropy_bits` assesses no more than so many."""

Entry = TypeVar("Entry")


class SampleSize(NamedTuple):
    """Size of the sample that a metric was computed from: rows, and bytes in a row."""

    rows: int
    width: int


Judge = Callable[[Estimate, SampleSize], float | None]
"""P-value: the chance that true noise of that size looks as bad or worse; None if not known."""
Law = Callable[[SampleSize], Baseline | None]
"""Distribution of the metric over ideal noise of that size; None where it was not calibrated."""


@dataclass(frozen=True)
class MetricEntry:
    """One row of the catalogue."""

    name: str
    heading: str
    """Short, for the head of a column."""
    title: str = ""
    """For an axis or a panel, with the unit; the heading where it is empty."""
    question: Question = "other"
    higher_is_better: bool | None = None
    """None where the metric is not ranked."""
    ideal: float | None = None
    """Value that ideal noise, or complete destruction, has in the limit; in the record's unit."""
    limits: tuple[float | None, float | None] = (None, None)
    """Ends of its axis, in the record's unit; None is as the data have it."""
    judge: Judge | None = None
    law: Law | None = None
    ideal_label: str = ""
    """How the ideal value is written, where it is not as the number is."""
    scale: float = 1.0
    """Tables show the record's value times this: 100 for a share that is shown in per cent."""
    required: bool = False
    """Whether a sample is called noise only where this was measured."""
    headline: int = 0
    """Its place among the few that are shown where there is no room for all; 0 is none."""

    @property
    def axis(self) -> str:
        """Return what an axis is called."""
        return self.title or self.heading

    @property
    def ideal_text(self) -> str:
        """Return how the ideal value is written; nothing where there is none."""
        return self.ideal_label or ("" if self.ideal is None else f"{self.ideal:g}")


def g_test(estimate: Estimate, _: SampleSize) -> float | None:
    """Return the p-value of the G-test of uniform bytes (Woolf 1957).

    2 n ln 2 (8 - H) is chi-square with 255 degrees of freedom for the plug-in H; the metric has
    the Miller-Madow correction, which is taken back here.
    """
    n = estimate.n or 0
    if n < LEAST_A_CELL * 256:
        return None
    g = 255 + 2 * n * math.log(2) * (8 - estimate.value)
    return float(special.chdtrc(255, max(0.0, g)))


def largest_half_normal(estimate: Estimate, _: SampleSize) -> float | None:
    """Return the p-value of the largest of eight half-normals, for the bias of eight bits."""
    n = estimate.n or 0
    one = min(1 - 1e-16, math.erfc(estimate.value * math.sqrt(2 * n)))
    return -math.expm1(8 * math.log1p(-one))


def best_classifier(estimate: Estimate, _: SampleSize) -> float | None:
    """Return the exact binomial p-value of the best classifier's hits, times the classifiers."""
    n = estimate.n or 0
    hits = round(estimate.value * n)
    if n == 0 or hits == 0:
        return None
    ends = ("_low", "_high")
    classifiers = len([name for name in estimate.details if not name.endswith(ends)])
    return min(1.0, max(1, classifiers) * float(special.betainc(hits, n - hits + 1, 0.5)))


def own_p_value(estimate: Estimate, _: SampleSize) -> float | None:
    """Return the p-value that the metric came with."""
    return estimate.details.get("p_value")


def of_rows(metric: str) -> Law:
    """Return the law of a metric of rows, by their width."""
    return cache(lambda size: baseline(f"rows/{size.width}/{metric}", size.rows))


def of_min_entropy(size: SampleSize) -> Baseline | None:
    """Return the law of the assessed min-entropy of a stream of bytes."""
    return baseline("min_entropy/8/assessed", min(size.rows * size.width, LONGEST_CALIBRATED))


def low_for_its_rows(metric: str) -> Judge:
    """Return a judge by calibrated streams: the chance that ideal noise scores so low."""
    law = of_rows(metric)

    def judge(estimate: Estimate, size: SampleSize) -> float | None:
        found = law(size)
        return None if found is None else found.p_low(estimate.value)

    return judge


def low_min_entropy(estimate: Estimate, _: SampleSize) -> float | None:
    """Return the chance that ideal noise of as many bytes as were assessed scores so low."""
    law = baseline("min_entropy/8/assessed", estimate.n) if estimate.n else None
    return None if law is None else law.p_low(estimate.value)


def noise(
    name: str, heading: str, title: str, ideal: float, judge: Judge, **more: Any
) -> MetricEntry:
    """Return the row of a metric of noise; the more the better, if nothing else is said."""
    row = MetricEntry(name, heading, title, "noise", True, ideal, (0, ideal), judge, of_rows(name))
    return replace(row, **more)


def destroyed(name: str, heading: str, title: str, headline: int = 0) -> MetricEntry:
    """Return the row of a percentage of data destroyed."""
    return MetricEntry(name, heading, title, "gone", True, 100, (0, 100), headline=headline)


def recovered(attack: str, heading: str) -> MetricEntry:
    """Return the row of the share that an attack recovered."""
    title = f"recovered by {attack} (%)"
    return MetricEntry(f"{attack}_recovered", heading, title, "gone", False, 0, (0, 1), scale=100)


def share(name: str, heading: str, title: str, better: bool | None) -> MetricEntry:
    """Return the row of a share that is shown in per cent."""
    return MetricEntry(name, heading, title, "other", better, limits=(0, 1), scale=100)


def training(
    name: str, heading: str, title: str, ideal: float | None = None, **more: Any
) -> MetricEntry:
    """Return the row of a training curve."""
    return replace(MetricEntry(name, heading, title, "training", ideal=ideal), **more)


LESS, MORE = {"higher_is_better": False}, {"higher_is_better": True}
FOOLED = LESS | {"limits": (0.5, 1), "ideal_label": "1/2"}
RIGHT = FOOLED | {"limits": (0, 1)}  # of few rows, it falls below 1/2
JOINT, ROWS = low_for_its_rows("joint_bits"), low_for_its_rows("effective_dimensions")
DIMENSIONS = "effective dimensions (share of noise's)"
MIN_ENTROPY = "min-entropy, SP 800-90B (bits a byte)"
SP800_22 = "SP 800-22, pass proportion of the worst family"
LINEAR = "linear complexity (share of noise's)"
FRESH = "accuracy of fresh classifiers against noise"
BIASED = LESS | {"limits": (0, 0.5)}

METRICS = (
    noise("shannon_bits", "shannon bits", "byte entropy (bits)", 8, g_test, required=True),
    noise("bit_bias", "bit bias", "largest bias of a bit", 0, largest_half_normal, **BIASED),
    noise("joint_bits", "joint bits", "joint entropy (bits a byte)", 8, JOINT, headline=5),
    noise("effective_dimensions", "effective dims", DIMENSIONS, 1, ROWS, headline=1),
    noise(
        "min_entropy_bits", "min-entropy bits", MIN_ENTROPY, 8, low_min_entropy, law=of_min_entropy
    ),
    noise("sp800_22", "SP 800-22, worst", SP800_22, 1, own_p_value),
    noise("linear_complexity", "linear complexity", LINEAR, 1, own_p_value),
    noise(
        "c2st_accuracy",
        "c2st accuracy",
        FRESH,
        0.5,
        best_classifier,
        required=True,
        headline=2,
        **FOOLED,
    ),
    destroyed("certified_destroyed", "at least %_dd", "data destroyed, at least (%)", headline=3),
    destroyed("percent_destroyed", "at most %_dd", "data destroyed, at most (%)", headline=4),
    destroyed("true_destroyed", "true %_dd", "data destroyed, in truth (%)"),
    destroyed("fbleau_destroyed", "F-BLEAU %_dd", "data destroyed, by F-BLEAU's estimate (%)"),
    destroyed("disk_destroyed", "%_dd on disk", "data destroyed on the disk (%)"),
    destroyed(
        "checkpoint_destroyed", "%_dd of D's checkpoint", "discriminator's checkpoint destroyed (%)"
    ),
    recovered("label", "label rec. %"),
    recovered("reconstruction", "reconstr. rec. %"),
    recovered("dictionary", "dictionary rec. %"),
    recovered("rehearsal", "rehearsal rec. %"),
    recovered("inversion", "inversion rec. %"),
    recovered("likelihood", "likelihood rec. %"),
    recovered("counts", "counts rec. %"),
    share("classifier_accuracy", "fixed classifier %", "accuracy of a fixed classifier (%)", False),
    MetricEntry(
        "dial", "dial R^2", "R^2 of the entropy served on that asked", higher_is_better=True
    ),
    MetricEntry("structural_similarity", "SSIM", "structural similarity", limits=(0, 1)),
    share(
        "fresh_classifier_accuracy",
        "fresh classifier %",
        "accuracy of a fresh classifier (%)",
        None,
    ),
)
"""Metrics of records, in the order of the tables' columns."""

CURVES = (
    training("effective_dimensions", "eff. dims", DIMENSIONS, 1, limits=(0, 1), headline=1, **MORE),
    training(
        "uniform_distance_bits",
        "bits short",
        "KL from uniform, one byte (bits)",
        0,
        limits=(0, None),
        headline=2,
        **LESS,
    ),
    training(
        "held_out_accuracy", "D right", "D's accuracy on held-out data", 0.5, headline=3, **RIGHT
    ),
    training(
        "discriminator_accuracy", "D right", "D's accuracy on the batch", 0.5, headline=4, **RIGHT
    ),
    training(
        "batch_shannon_bits",
        "batch bits",
        "byte entropy of a batch (bits)",
        8,
        limits=(0, 8),
        **MORE,
    ),
    training(
        "value_function",
        "V(D, G)",
        "GAN value V(D, G)",
        -math.log(4),
        ideal_label="-log 4",
        limits=(-3, 0),
    ),
    training("data_distance", "data distance", "mean |output - input|"),
    training("discriminator_loss", "D loss", "loss of the discriminator"),
    training("degenerator_loss", "G loss", "loss of the degenerator"),
)
"""Training curves."""


def entries_of_others(group: str, kind: type[Entry]) -> dict[str, Entry]:
    """Return the catalogue entries that other packages announce as entry points, by their names.

    Raises:
        InputError: an entry point cannot be loaded, or its object is not of that kind.
    """
    found: dict[str, Entry] = {}
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        where = f"the entry point {point.name} = {point.value} of the group {group}"
        try:
            entry = point.load()
        except Exception as error:  # code of another package
            raise InputError(f"{where} does not load: {type(error).__name__}: {error}") from error
        if not isinstance(entry, kind):
            wanted = f"{kind.__module__}.{kind.__name__}"
            raise InputError(f"{where} is {entry!r}; it must be a {wanted}")
        found[point.name] = entry
    return found


@cache
def metrics() -> Mapping[str, MetricEntry]:
    """Return the rows of all metrics by name, ours first, then those of other packages.

    Raises:
        InputError: an entry point of another package cannot be loaded, or is no `MetricEntry`.
    """
    ours = {entry.name: entry for entry in METRICS}
    others = entries_of_others("dan_bench.metrics", MetricEntry).values()
    return ours | {entry.name: entry for entry in others if entry.name not in ours}


def metric(name: str) -> MetricEntry:
    """Return the row of a metric; one without a row has its name for a heading, and no rank."""
    return metrics().get(name) or MetricEntry(name, name)


def curve(name: str) -> MetricEntry:
    """Return the row of a training curve; one without a row has its name for a heading."""
    return next((entry for entry in CURVES if entry.name == name), MetricEntry(name, name))


def headlines(entries: tuple[MetricEntry, ...] | None = None) -> list[MetricEntry]:
    """Return the few metrics (or `CURVES`) to show where there is no room for all, in order."""
    rows = tuple(metrics().values()) if entries is None else entries
    return sorted((row for row in rows if row.headline), key=lambda row: row.headline)
