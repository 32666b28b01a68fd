"""Three verdicts a subject: looks like noise, gone from the output, gone from the disk.

Each is made of one opinion a run. Looks like noise:

- No, where any measure of the run is worse than true noise of the same size would be. Each measure
  has a p-value, and all of a subject, over all of its runs, share the level 0.01 (Bonferroni): one
  row of ideal noise in a hundred is refused. The laws of entropy, bias, classifiers and
  linear complexity are exact or nearly so; those of the others come from calibrated streams of
  ideal noise, where there are any of that size.
- Yes, where none is, and at least the bytes as a whole (`shannon_bits`) and the rows as a whole
  (`c2st_accuracy`) were measured. Yes means that nothing measured speaks against it.

Gone from the output: yes, where the interval of %_dd lies above 99, which is to say that the
best of the attackers recovered less than 1 %, and a dictionary attack was among them; no, where it
lies below; otherwise unclear. An upper bound on destruction: attacks only get better.

Gone from the disk: the same of `disk_destroyed`, the bytes that Algorithm 1 overwrote. Unclear
is also what was seen to change on a file system that may keep the old bytes elsewhere.

A subject is a yes or a no where all of its runs agree; otherwise it says how many are a yes. What
was not measured has no verdict.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics import catalogue

ALPHA = 0.01
"""Chance that a subject of ideal noise is rejected."""
GONE = 99.0
"""%_dd above which nothing worth mentioning was recovered."""
DECIDING = ("c2st_accuracy", "percent_destroyed", "disk_destroyed", "shannon_bits")
"""Metrics that the verdicts rest on, in the order in which a narrow table shows them."""


@dataclass(frozen=True)
class Verdict:
    """How many of a subject's judged runs are a yes, and how many a no; the rest are unclear."""

    yes: int
    no: int
    runs: int
    reason: str = ""

    @property
    def word(self) -> str:
        """Return `yes`, `no`, `unclear`, `2 of 5`, or `X` where no run was judged."""
        if not self.runs:
            return "X"
        for word, count in (("yes", self.yes), ("no", self.no)):
            if count == self.runs:
                return word
        return f"{self.yes} of {self.runs}" if self.yes else "unclear"

    @property
    def score(self) -> float | None:
        """From 0 for no to 1 for yes, to sort by; None where no run was judged."""
        return (
            (self.yes + 0.5 * (self.runs - self.yes - self.no)) / self.runs if self.runs else None
        )


def looks_like_noise(runs: Sequence[RunRecord]) -> Verdict:
    """Judge whether the runs' outputs look like noise, by the rule above."""
    of_runs = [p_values(run) for run in runs]
    level = ALPHA / max(1, sum(map(len, of_runs)))
    opinions: list[bool] = []
    worst = (2.0, "")
    required = [row.name for row in catalogue.metrics().values() if row.required]
    for run, found in zip(runs, of_runs, strict=True):
        against = [name for name, p in found.items() if p < level]
        if against or all(run.metrics.get(name) is not None for name in required):
            opinions.append(not against)
        worst = min([worst, *((p, name) for name, p in found.items())])
    p, name = worst
    size = f"p = {p:.2g}" if p > 0 else "p < 1e-300"
    reason = f"least likely of noise: {name}, {size}; level {level:.1g}" if name else ""
    return Verdict(sum(opinions), len(opinions) - sum(opinions), len(opinions), reason)


def p_values(run: RunRecord) -> dict[str, float]:
    """Return for each measure the chance that true noise of its size looks as bad or worse."""
    shannon = run.metrics.get("shannon_bits")
    rows = int(run.config["evaluation"]["samples"])
    width = shannon.n // rows if shannon is not None and shannon.n is not None else 0
    found: dict[str, float] = {}
    for name, estimate in run.metrics.items():
        judge = catalogue.metric(name).judge
        if estimate is not None and judge is not None:
            p = judge(estimate, catalogue.SampleSize(rows, width))
            if p is not None:
                found[name] = p
    return found


def gone_from_output(runs: Sequence[RunRecord]) -> Verdict:
    """Judge whether the best attacker recovered less than 1 % of the data."""
    attacked = [run for run in runs if run.metrics.get("percent_destroyed") is not None]
    verdict = above([e for run in attacked if (e := run.metrics["percent_destroyed"])], "%_dd")
    named = all(run.metrics.get("dictionary_recovered") is not None for run in attacked)
    if named or not verdict.yes:
        return verdict
    return Verdict(0, 0, 0, "no dictionary attack was run")


def gone_from_disk(runs: Sequence[RunRecord]) -> Verdict:
    """Judge whether less than 1 % of the bytes can still be read from the disk."""
    return above(
        [e for run in runs if (e := run.metrics.get("disk_destroyed")) is not None],
        "%_dd on disk",
    )


def above(found: Sequence[Estimate], what: str) -> Verdict:
    """Judge estimates of %_dd against `GONE`."""
    spans = [
        (e.value if e.low is None else e.low, e.value if e.high is None else e.high) for e in found
    ]
    if not spans:
        return Verdict(0, 0, 0)
    lowest, highest = min(low for low, _ in spans), max(high for _, high in spans)
    return Verdict(
        sum(low >= GONE for low, _ in spans),
        sum(high < GONE for _, high in spans),
        len(spans),
        f"{what} within [{lowest:.4g}, {highest:.4g}]",
    )


VERDICTS: dict[str, Callable[[Sequence[RunRecord]], Verdict]] = {
    "looks like noise": looks_like_noise,
    "gone from output": gone_from_output,
    "gone from disk": gone_from_disk,
}
OF_IDEAL = {
    name: Verdict(1, 0, 1, "by definition")
    if judge is looks_like_noise
    else Verdict(0, 0, 0, "there is nothing that could be gone")
    for name, judge in VERDICTS.items()
}
"""Of ideal noise, which has no runs."""
