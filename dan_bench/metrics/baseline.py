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
from functools import cache, cached_property
from pathlib import Path

TABLE = Path(__file__).with_name("baseline.csv")
LEVELS = (0.0, 0.025, 0.05, 0.1, 0.5, 0.9, 0.95, 0.975, 1.0)
LOWER = (0.025, 0.05, 0.1)
BEYOND = 1.05
COMPRESSION_BITS = 6012
"""From so many bits on there is a compression estimate (SP 800-90B, section 6.3.4)."""


@dataclass(frozen=True)
class Baseline:
    """Quantiles of a metric over `streams` ideal streams of one length."""

    quantiles: Mapping[float, float]
    """At the `LEVELS`; 0 is the least of the streams, and 1 the most."""
    streams: int

    @property
    def interval(self) -> tuple[float, float]:
        """The interval in which 95 % of ideal streams lie."""
        return self.quantiles[0.025], self.quantiles[0.975]

    @property
    def median(self) -> float:
        """The value below which half of ideal streams lie."""
        return self.quantiles[0.5]

    def p_low(self, value: float) -> float:
        """Probability that ideal noise scores this low, if that is small; conservative.

        1/2 at the median, and below it halving as slowly as the levels of the table do anywhere
        from there to 10, 5 or 2.5 % or to the least of all streams, and slower by what so many
        streams leave uncertain. The tail of the longest repeat or the longest run of hits in noise
        is exponential (Arratia & Waterman 1985), and that of a normal law is thinner.
        """
        if value >= self.median:
            return 1.0
        return 0.5 * math.exp2(-(self.median - value) / self._halving)

    @cached_property
    def _halving(self) -> float:
        """How far below the median the chance halves, at most."""
        seen = [(level, self.quantiles[level]) for level in LOWER]
        seen.append((1 / (self.streams + 1), self.quantiles[0.0]))
        slopes = [(self.median - at) / math.log2(0.5 / level) for level, at in seen if level < 0.5]
        return max(1e-12, *slopes) * (1 + 2 / math.sqrt(self.streams))


@cache
def table() -> dict[str, dict[int, Baseline]]:
    """Return every metric's baselines by length."""
    found: dict[str, dict[int, Baseline]] = defaultdict(dict)
    with TABLE.open(newline="") as file:
        for row in csv.DictReader(file):
            quantiles = {level: float(row[f"q{level:g}"]) for level in LEVELS}
            found[row["metric"]][int(row["n"])] = Baseline(quantiles, int(row["streams"]))
    return dict(found)


def longer(metric: str, n: int) -> int:
    """Return the least length above n at which the table has this metric."""
    return min(size for size in table()[metric] if size > n)


@cache
def baseline(metric: str, n: int, jump: int | None = None) -> Baseline | None:
    """Return the law of a metric at length n, between two lengths of the table linear in log n.

    Up to 5 % beyond its longest the law is that one's (a mebibyte has a megabyte's); None further
    out, below its shortest, and for a metric that the table does not hold. From `jump` on the
    law is another one: nothing is interpolated across it, and between it and the next length of
    the table the law is None.
    """
    laws = table().get(metric, {})
    if not laws or not min(laws) <= n <= BEYOND * max(laws):
        return None
    below = max(size for size in laws if size <= n)
    above = min((size for size in laws if size >= n), default=max(laws))
    if jump is not None and below < jump <= above:
        if n >= jump:
            return laws[above] if n == above else None
        above = below
    if below == above:
        return laws[below]
    share = math.log(n / below) / math.log(above / below)
    low, high = laws[below], laws[above]
    quantiles = {
        level: (1 - share) * low.quantiles[level] + share * high.quantiles[level]
        for level in LEVELS
    }
    return Baseline(quantiles, min(low.streams, high.streams))


def of_min_entropy(bits: int, estimate: str, n: int) -> Baseline | None:
    """Return the law of an estimate of SP 800-90B over ideal streams of n symbols of `bits` bits.

    At the shortest stream that it takes, the compression estimate is 0, and so is the least of
    all; it comes up over the next thousand bits, for which there is no law.
    """
    return baseline(f"min_entropy/{bits}/{estimate}", n, jump=-(-COMPRESSION_BITS // bits))
