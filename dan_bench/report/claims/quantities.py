"""The quantities that claims are judged by: each a number of a group of runs, with its interval."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics import catalogue
from dan_bench.report.claims.runs import Group, bound_of
from dan_bench.report.leaderboard import look_up, over_seeds
from dan_bench.report.saturation import at_level, geometric_interval
from dan_bench.report.table1 import ACCURACY, ALBUM, TRAINING, reported_by_paper
from dan_bench.report.verdicts import left_by, looks_like_noise
from dan_bench.statistics import t_interval

LAST = 4
"""The end of a run is the last one of so many parts of its logging steps."""
ROUNDING = 1e-6
"""Percent by which a share of exactly 1 may miss it."""
STATE_BITS = 19_937
"""Linear complexity of the Mersenne Twister, which Python's random is."""
TOLERANCE = 1.0
"""Percentage points within which a number is the one that the paper prints."""


@dataclass(frozen=True)
class Quantity:
    """A number that can be computed of a group of runs."""

    heading: str
    of: Callable[[Group], Estimate | None]
    """None where it was not measured."""
    metric: str = ""
    """The metric, or a detail of one, that a run has to have in order to count; empty: any run."""
    of_sample: bool = True
    """Whether it was measured on N held-out samples of each run."""


def quantity(name: str) -> Quantity:
    """Return a quantity by its name: `2 * name`, `end of CURVE`, one of `NAMED`, or a metric."""
    factor, times, rest = name.rpartition(" * ")
    if times:
        return share_of(float(factor), quantity(rest))
    statistic, _, curve = name.partition(" of ")
    if statistic in STATISTICS:
        return of_curve(curve, statistic)
    if statistic in ("hull", "least"):
        return (hull if statistic == "hull" else least)(curve)
    # of a metric or of a detail of one: mean and t interval, on the scale of the tables
    return NAMED.get(name) or Quantity(heading(name), lambda of: over_seeds(of.runs, name), name)


def heading(name: str) -> str:
    """Return how tables call a metric or a detail of one."""
    whole, _, detail = name.partition(".")
    return catalogue.metric(whole).heading + (f", {detail}" if detail else "")


def exactly(value: float, n: int | None = None) -> Estimate:
    """Return a count or a bound, which is no estimate: both ends are the value itself."""
    return Estimate(value, value, value, n)


def share_of(factor: float, whole: Quantity) -> Quantity:
    """Return a bound: a multiple of the value of a quantity."""

    def of(group: Group) -> Estimate | None:
        found = whole.of(group)
        return None if found is None else exactly(factor * found.value)

    return Quantity(f"{whole.heading} * {factor:g}", of, whole.metric)


def hull(name: str, title: str = "") -> Quantity:
    """Mean of the runs' values, from the least of their lower ends to the greatest upper one.

    For what is known of each run by its own interval, so that what is open in one run stays open.
    No interval where one of them has none.
    """
    of_run = complexity if name == "linear complexity" else lambda run: look_up(run, name)

    def of(group: Group) -> Estimate | None:
        found = [estimate for run in group.runs if (estimate := of_run(run)) is not None]
        if not found:
            return None
        mean, n = sum(e.value for e in found) / len(found), len(found)
        lows = [e.low for e in found if e.low is not None]
        highs = [e.high for e in found if e.high is not None]
        if min(len(lows), len(highs)) < n:
            return Estimate(mean, n=n)
        return Estimate(mean, min(lows), max(highs), n)

    if of_run is complexity:
        return Quantity(name, of, "linear_complexity")
    return Quantity(title or heading(name), of, name, of_sample=False)


def least(name: str) -> Quantity:
    """Return the least of the runs' values of what is exact in each, as a certificate's bounds."""

    def of(group: Group) -> Estimate | None:
        found = [over_seeds([run], name) for run in group.runs]
        values = [estimate.value for estimate in found if estimate is not None]
        return exactly(min(values), len(values)) if values else None

    return Quantity(f"{heading(name)}, least of the seeds", of, name)


def complexity(run: RunRecord) -> Estimate | None:
    """Return a stream's linear complexity, a count; no interval where it had too few bits."""
    found = look_up(run, "linear_complexity.complexity")
    bits = look_up(run, "linear_complexity.bits")
    if found is None or bits is None:
        return None
    return exactly(found.value) if bits.value >= 2 * STATE_BITS else Estimate(found.value)


# --- of the curves ------------------------------------------------------------------------------


def at_end(values: pd.Series) -> float:
    """Return the mean over the last quarter of the logging steps."""
    return float(values.iloc[-max(1, len(values) // LAST) :].mean())


STATISTICS: dict[str, tuple[str, Callable[[pd.Series], float]]] = {
    "beginning": ("at the first logging step", lambda values: float(values.iloc[0])),
    "end": ("at the end", at_end),
    "change": ("change", lambda values: at_end(values) - float(values.iloc[0])),
    "last": ("at the last logging step", lambda values: float(values.iloc[-1])),
}


def of_curve(name: str, statistic: str, title: str = "") -> Quantity:
    """Mean and t interval of a statistic of each run's curve; None where a run has none."""
    words, function = STATISTICS[statistic]

    def of(group: Group) -> Estimate | None:
        found = group.curve(name)
        return t_interval([function(values) for values in found]) if found else None

    return Quantity(title or f"{catalogue.curve(name).axis}, {words}", of, of_sample=False)


def gradient(title: str, level: float | None) -> Quantity:
    """Geometric mean of the gradient at the sample over its first; None where one run lacks it."""

    def of(group: Group) -> Estimate | None:
        found = [at_level(p, "sample_gradient", level) for p in group.points if p is not None]
        there = [ratio for ratio in found if ratio is not None]
        if not there or len(there) < len(group.runs):
            return None
        made = geometric_interval(there)
        # exactly 0 has no logarithm, and leaves no doubt
        return exactly(0.0, made.n) if made.value == 0 else made

    return Quantity(title, of, of_sample=False)


# --- of counts, bounds and verdicts -------------------------------------------------------------


def parameters(group: Group) -> Estimate | None:
    """Return how many there are, the same in every run."""
    counts = {run.costs.get("parameters") for run in group.runs}
    count = counts.pop() if len(counts) == 1 else None
    return None if count is None else exactly(count)


def noise_runs(group: Group) -> Estimate | None:
    """Count the runs that look like noise, each by itself (see `verdicts`)."""
    verdict = looks_like_noise(group.runs)
    return exactly(float(verdict.words.count("yes")), verdict.runs) if verdict.runs else None


def judged_runs(group: Group) -> Estimate | None:
    """Count the runs of which it is known whether they look like noise."""
    runs = looks_like_noise(group.runs).runs
    return exactly(runs) if runs else None


def shannon(group: Group) -> Estimate:
    """Return Shannon's bound, with the rounding that a share may be off by."""
    bound = bound_of(group.runs[0])
    return Estimate(bound, bound, bound + ROUNDING)


def printed(name: str) -> Callable[[Group], Estimate | None]:
    """Return what the paper's Table 1 prints of an entry, with the tolerance about it."""

    def of(group: Group) -> Estimate | None:
        value = reported_by_paper().get(group.config["subject"], {}).get(name)
        return None if value is None else Estimate(value, value - TOLERANCE, value + TOLERANCE)

    return of


NAMED = {
    made.heading: made
    for made in (
        gradient("gradient at the end over its first", None),
        gradient("gradient at accuracy 0.99 over its first", 0.99),
        of_curve("discriminator_accuracy", "last", "accuracy of the discriminator"),
        Quantity("parameters", parameters, of_sample=False),
        Quantity("runs that look like noise", noise_runs),
        Quantity("runs", judged_runs),
        Quantity(
            "%_dd by the better dictionary attack", lambda of: t_interval([*map(left_by, of.runs)])
        ),
        Quantity("Shannon bound", shannon),
        hull(TRAINING, "%_dd, training set"),
        hull(ALBUM, "%_dd, album"),
        hull(ACCURACY, "held-out accuracy"),
        Quantity("%_dd of the training set in the paper", printed("training")),
        Quantity("%_dd of the album in the paper", printed("album")),
    )
}
"""Quantities that take a function of their own."""
METRICS_OF_NOISE = (
    "joint_bits",
    "effective_dimensions",
    "c2st_accuracy",
    "min_entropy_bits",
    "sp800_22",
)
"""What `metrics of noise` stands for."""
