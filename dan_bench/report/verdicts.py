"""Three verdicts a subject: looks like noise, gone from the output, gone from the disk.

Each is made of one opinion a run. Looks like noise:

- No, where any measure of the run is worse than true noise of the same size would be. Each measure
  has a p-value, and all of a subject, over all of its runs, share the level 0.01 (Bonferroni): one
  row of ideal noise in a hundred is refused. The laws of entropy, bias, classifiers and
  linear complexity are exact or nearly so; those of the others come from calibrated streams of
  ideal noise, where there are any of that size.
- Yes, where none is, and at least the bytes as a whole (`shannon_bits`) and the rows as a whole
  (`c2st_accuracy`) were measured. Yes means that nothing measured speaks against it.

Gone from the output: %_dd is a bracket, at least what the certificate guarantees, and at most what
the best of the attackers left. A run is

- gone, where at least 99 is certified, against every attacker of any power;
- hidden, where less is certified or nothing, the whole interval of what attackers left lies above
  99, and a dictionary attack was among them: nobody here finds it, and nobody can say that it is
  not there;
- no, where that interval lies below 99; otherwise unclear, as is a certificate that an attacker
  refuted: attackers left less than it guarantees, by more than the width of their interval.

A certificate does not cover finite precision (Mironov 2012), noise of 16 bits a number, and a
generator that is no true randomness. Runs of schema 1 were attacked by the old set, which knew less
of the network than it was given; they have no certificate, and are never gone.

Gone from the disk: yes, where the interval of `disk_destroyed`, of the bytes that Algorithm 1
overwrote, lies above 99; no, where it lies below. Unclear is also what was seen to change on a file
system that may keep the old bytes elsewhere.

A subject has the word of its runs where all of them agree; otherwise it says how many are gone,
hidden or a yes. What was not measured has no verdict; where some runs of a subject are judged, the
others are unclear.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.metrics import catalogue
from dan_bench.results.select import OLD, certificate_of, is_old

ALPHA = 0.01
"""Chance that a subject of ideal noise is rejected."""
GONE = 99.0
"""%_dd from which on nothing worth mentioning is left."""
ROUNDING = 1e-6
"""Percent by which rounding may part what is equal."""
NOT_COVERED = (
    "finite precision (Mironov 2012), noise of 16 bits a number, and a generator that is no true "
    "randomness"
)
"""What a certificate says nothing of."""
DECIDING = (
    *("certified_destroyed", "percent_destroyed", "c2st_accuracy", "disk_destroyed"),
    "shannon_bits",
)
"""Metrics that the verdicts rest on, in the order in which a narrow table shows them."""
DICTIONARIES = ("dictionary_recovered", "rehearsal_recovered", "inversion_recovered")
"""Shares of the attacks that name one candidate among K."""
SCORES = {"gone": 1.0, "yes": 1.0, "hidden": 0.75, "unclear": 0.5, "no": 0.0}
"""What is said of a run, and what it counts for when subjects are sorted."""


@dataclass(frozen=True)
class Verdict:
    """What is said of each judged run of a subject."""

    words: tuple[str, ...] = ()
    """Each one of `SCORES`."""
    reason: str = ""

    @property
    def runs(self) -> int:
        """How many were judged."""
        return len(self.words)

    @property
    def word(self) -> str:
        """Return what all are, `2 of 5`, `gone 2 of 5`, or `X` where no run was judged."""
        if len({*self.words}) < 2:
            return self.words[0] if self.words else "X"
        best = max(self.words, key=lambda word: SCORES[word])
        count = f"{self.words.count(best)} of {self.runs}"
        return {"yes": count, "unclear": best}.get(best, f"{best} {count}")

    @property
    def score(self) -> float | None:
        """From 0 for no to 1 for yes or gone, to sort by; None where no run was judged."""
        return sum(SCORES[word] for word in self.words) / self.runs if self.runs else None


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
    return Verdict(tuple("yes" if opinion else "no" for opinion in opinions), reason)


def p_values(run: RunRecord) -> dict[str, float]:
    """Return for each measure the chance that true noise of its size looks as bad or worse."""
    shannon = run.metrics.get("shannon_bits")
    rows = int(run.config["evaluation"]["samples"])
    width = shannon.n // rows if shannon is not None and shannon.n is not None else 0
    known, size = catalogue.metrics(), catalogue.SampleSize(rows, width)
    return {
        name: p
        for name, estimate in run.metrics.items()
        if estimate is not None
        and (entry := known.get(name)) is not None
        and entry.judge is not None
        and (p := entry.judge(estimate, size)) is not None
    }


def certified(run: RunRecord) -> float | None:
    """Return %_dd that is certain, in percent; None where no certificate was asked for."""
    found = certificate_of(run)
    return None if found is None else found.value


def opinion(run: RunRecord) -> str:
    """Return whether the data of one run are gone; nothing where that was not judged."""
    left, certain = run.metrics.get("percent_destroyed"), certified(run)
    attacked = "" if left is None else above(left)
    if certain is not None and certain >= GONE:
        return "unclear" if attacked == "no" or refuted(run) else "gone"
    if attacked != "yes":
        return attacked
    return "hidden" if run.metrics.get("dictionary_recovered") is not None else ""


def left_by(run: RunRecord, attacks: Sequence[str] = DICTIONARIES) -> float:
    """Return %_dd by the best of some attacks, of those that were run."""
    shares = [share.value for name in attacks if (share := run.metrics.get(name)) is not None]
    return 100 * (1 - max(shares))


def refuted(run: RunRecord) -> bool:
    """Return whether attackers left less than is certified, by more than chance explains.

    An interval misses what is certified in a few runs of a hundred; that it lies a whole width of
    its own below that hardly ever happens.
    """
    left, certain = run.metrics.get("percent_destroyed"), certified(run)
    if left is None or left.low is None or left.high is None or certain is None:
        return False
    return certain > left.high + (left.high - left.low) + ROUNDING


def gone_from_output(runs: Sequence[RunRecord]) -> Verdict:
    """Judge whether the data are gone, hidden from all attackers here, or neither."""
    certain = [least for run in runs if (least := certified(run)) is not None]
    left = [e for run in runs if (e := run.metrics.get("percent_destroyed")) is not None]
    words = tuple(map(opinion, runs))
    words = tuple(word or "unclear" for word in words) if any(words) else ()
    blind = [run for run in runs if run.metrics.get("percent_destroyed") and not opinion(run)]
    reasons = [
        f"at least {min(certain):.6g} %_dd" if certain else "",
        f"at most {within(left)} %_dd" if left else "",
        "an attack left less than is certified" if any(map(refuted, runs)) else "",
        "no dictionary attack was run" if blind else "",
        OLD if any(map(is_old, runs)) else "",
    ]
    return Verdict(words, "; ".join(filter(None, reasons)))


def gone_from_disk(runs: Sequence[RunRecord]) -> Verdict:
    """Judge whether less than 1 % of the bytes can still be read from the disk."""
    found = [e for run in runs if (e := run.metrics.get("disk_destroyed")) is not None]
    return Verdict(tuple(map(above, found)), f"%_dd on disk {within(found)}" if found else "")


def above(estimate: Estimate) -> str:
    """Judge %_dd against `GONE`: `yes`, `no`, or `unclear` where the interval holds both."""
    low, high = estimate.ends
    return "yes" if low >= GONE else "no" if high < GONE else "unclear"


def within(found: Sequence[Estimate]) -> str:
    """Say where all of the intervals lie."""
    lows, highs = zip(*(one.ends for one in found), strict=True)
    return f"within [{min(lows):.4g}, {max(highs):.4g}]"


VERDICTS: dict[str, Callable[[Sequence[RunRecord]], Verdict]] = {
    "looks like noise": looks_like_noise,
    "gone from output": gone_from_output,
    "gone from disk": gone_from_disk,
}
OF_IDEAL = {
    name: Verdict(("yes",), "by definition")
    if judge is looks_like_noise
    else Verdict((), "there is nothing that could be gone")
    for name, judge in VERDICTS.items()
}
"""Of ideal noise, which has no runs."""


def together(runs: Iterable[tuple[str, RunRecord]]) -> list[str]:
    """Say of each data set how many of its runs were trained as one computation.

    Args:
        runs: each with its data set.
    """
    counts = Counter(section for section, run in runs if "trained_as_one" in run.provenance)
    return [
        f"{section}: {n} run{'s were' if n > 1 else ' was'} trained with others as one "
        "computation, in single precision; see docs/scale.md."
        for section, n in counts.items()
    ]
