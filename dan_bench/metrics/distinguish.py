"""Classifier two-sample test: the best of several classifiers, corrected for the choice."""

from collections.abc import Mapping

from dan_bench.interfaces import Estimate
from dan_bench.statistics import CONFIDENCE, binomial_interval


def c2st_accuracy(hits: Mapping[str, tuple[int, int]], confidence: float = CONFIDENCE) -> Estimate:
    """Held-out accuracy of the better classifier between sample and noise (Lopez-Paz & Oquab 2017).

    Args:
        hits: for each classifier, how many of how many held-out rows it named rightly.
        confidence: of the interval.

    Returns:
        The largest accuracy, in [0, 1]; 1/2 is indistinguishable. Choosing the largest after
        looking would make the interval miss 1/2 too often, so each of the k classifiers gets an
        exact interval at 1 - (1 - confidence) / k (Bonferroni). Details hold each accuracy,
        and its interval as `NAME_low` and `NAME_high`.
    """
    if not hits:
        raise ValueError("c2st_accuracy needs at least one classifier")
    each = 1 - (1 - confidence) / len(hits)
    found = {name: binomial_interval(right, n, each) for name, (right, n) in hits.items()}
    best = max(found.values(), key=lambda estimate: estimate.value)
    details: dict[str, float] = {}
    for name, one in found.items():
        assert one.low is not None
        assert one.high is not None
        details |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high}
    return Estimate(best.value, best.low, best.high, best.n, details)
