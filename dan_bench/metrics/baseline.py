"""What ideal noise scores: the law of each metric over streams of true noise, at the same N.

No ideal source of a megabyte is assessed at 8 bits a byte; a value means something only beside
what noise of that length gets. The table is `baseline.csv`, made by
`python -m dan_bench.metrics.calibrate`.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TABLE = Path(__file__).with_name("baseline.csv")
LEVELS = (0.0, 0.025, 0.05, 0.5, 0.95, 0.975, 1.0)
BEYOND = 1.05


@dataclass(frozen=True)
class Baseline:
    """Quantiles of a metric over `streams` ideal streams of one length."""

    quantiles: Mapping[float, float]
    """At the levels 0 (the least), 0.025, 0.05, 0.5, 0.95, 0.975 and 1 (the most)."""
    streams: int

    @property
    def interval(self) -> tuple[float, float]:
        """Where 95 % of ideal streams lie."""
        return self.quantiles[0.025], self.quantiles[0.975]

    @property
    def median(self) -> float:
        """Half of them lie below."""
        return self.quantiles[0.5]

    def p_low(self, value: float) -> float:
        """Chance that ideal noise scores so low: from the table and, beyond it, a bound.

        Below the 5 % quantile the tail is taken to halve as slowly as it does anywhere between the
        median and the 2.5 % quantile: an exponential tail, which that of the longest repeat in
        noise is (Arratia & Waterman 1985) and above which a normal law stays. Nor is it taken to
        be thinner than one stream in all that were made at the least of them, and halving from
        there. So the chance is not understated.
        """
        middle, fifth, outer = (self.quantiles[level] for level in (0.5, 0.05, 0.025))
        least = self.quantiles[0.0]
        if value >= fifth:
            return 1.0 if value >= middle else 0.5
        halving = max(
            fifth - outer,
            (middle - fifth) / math.log2(10),
            (middle - outer) / math.log2(20),
            1e-12,
        )
        tail = 0.05 * math.exp2(-(fifth - value) / halving)
        seen = math.exp2(-max(0.0, least - value) / halving) / (self.streams + 1)
        return min(0.05, max(tail, seen))


@cache
def table() -> dict[str, dict[int, Baseline]]:
    """Return every metric's baselines by length."""
    found: dict[str, dict[int, Baseline]] = defaultdict(dict)
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            quantiles = {level: float(row[f"q{level:g}"]) for level in LEVELS}
            found[row["metric"]][int(row["n"])] = Baseline(quantiles, int(row["streams"]))
    return dict(found)


def shortest(metric: str) -> int:
    """Return the least length for which the table has this metric."""
    return min(table()[metric])


def baseline(metric: str, n: int) -> Baseline | None:
    """Return the law of a metric at length n, between two lengths of the table linear in log n.

    Lengths within 5 % beyond the ends of the table have that end's law (a mebibyte that of a
    megabyte); None further out, and for a metric that the table does not hold.
    """
    laws = table().get(metric, {})
    if not laws or not min(laws) / BEYOND <= n <= BEYOND * max(laws):
        return None
    below = max((size for size in laws if size <= n), default=min(laws))
    above = min((size for size in laws if size >= n), default=max(laws))
    if below == above:
        return laws[below]
    share = math.log(n / below) / math.log(above / below)
    low, high = laws[below], laws[above]
    quantiles = {
        level: (1 - share) * low.quantiles[level] + share * high.quantiles[level]
        for level in LEVELS
    }
    return Baseline(quantiles, min(low.streams, high.streams))
