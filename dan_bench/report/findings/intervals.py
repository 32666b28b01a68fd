"""What an interval says: `for`, `against`, or `neither` where it holds both or is none."""

from dan_bench.interfaces import Estimate
from dan_bench.report.findings.finding import Says


def ends(estimate: Estimate | None) -> tuple[float, float] | None:
    """Return both ends; None where there is no interval, which settles nothing."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return None
    return estimate.low, estimate.high


def at_least(estimate: Estimate | None, bound: float) -> Says:
    """For where the whole interval is at least `bound`, against where all of it is less."""
    span = ends(estimate)
    if span is None:
        return "neither"
    return "for" if span[0] >= bound else "against" if span[1] < bound else "neither"


def at_most(estimate: Estimate | None, bound: float) -> Says:
    """For where the whole interval is at most `bound`, against where all of it is more."""
    span = ends(estimate)
    if span is None:
        return "neither"
    return "for" if span[1] <= bound else "against" if span[0] > bound else "neither"


def within(estimate: Estimate | None, low: float, high: float) -> Says:
    """For where the whole interval lies in [low, high], against where all of it lies outside."""
    span = ends(estimate)
    if span is None:
        return "neither"
    if low <= span[0] and span[1] <= high:
        return "for"
    return "against" if span[1] < low or span[0] > high else "neither"


def less(estimate: Estimate | None, other: Estimate | None) -> Says:
    """For where the whole interval lies below the other one, against where it lies above."""
    span, beside = ends(estimate), ends(other)
    if span is None or beside is None:
        return "neither"
    return "for" if span[1] < beside[0] else "against" if span[0] > beside[1] else "neither"


def more(estimate: Estimate | None, other: Estimate | None) -> Says:
    """For where the whole interval lies above the other one, against where it lies below."""
    return less(other, estimate)


def no_worse(estimate: Estimate | None, other: Estimate | None, higher_is_better: bool) -> Says:
    """Against where the whole interval lies on the worse side of the other one, else for."""
    if ends(estimate) is None or ends(other) is None:
        return "neither"
    worse = less if higher_is_better else more
    return "against" if worse(estimate, other) == "for" else "for"
