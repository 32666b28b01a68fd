"""How long a sweep still takes, from what its jobs have shown so far.

A job takes its training, which is steps over rate, and all the rest: starting, data, measuring.
The rate is that of jobs of the same kind, known as soon as one of them trains; how long the rest
takes is known from jobs that are done. What no job of the kind has shown is taken from the others.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from heapq import heapify, heapreplace
from statistics import mean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dan_bench.sweep.board import Job


class Means:
    """The mean of what was seen, by kind."""

    def __init__(self, seen: Iterable[tuple[str, float]]) -> None:
        by_kind: dict[str, list[float]] = defaultdict(list)
        for kind, value in seen:
            by_kind[kind].append(value)
        self._of = {kind: mean(values) for kind, values in by_kind.items()}
        self._overall = mean(x for values in by_kind.values() for x in values) if by_kind else None

    def of(self, kind: str) -> float | None:
        """Return the mean of a kind; of all where it is not known; None where nothing is."""
        return self._of.get(kind, self._overall)


def rest_of(job: "Job") -> float:
    """Seconds of a job that is done in which it did not train."""
    points = job.points
    return job.seconds - (points[-1].time - points[0].time if points else 0.0)


def outlook(jobs: Sequence["Job"], now: float) -> dict[int, float] | None:
    """Return the expected seconds that each open job still works, by number.

    Before any job is done, the time outside of training is not known and not counted: each value
    is then a lower bound. None where neither a rate nor a whole job has been seen, or where the
    rate is missing that an open job needs.
    """
    rates = Means((job.kind, job.rate) for job in jobs if job.rate)
    rests = Means((job.kind, rest_of(job)) for job in jobs if job.state == "done")
    expected: dict[int, float] = {}
    for job in jobs:
        if job.state not in ("waiting", "running"):
            continue
        rate, rest = rates.of(job.kind), rests.of(job.kind)
        if (rate is None and rest is None) or (rate is None and job.steps):
            return None
        rest = rest or 0.0
        if job.state == "running" and job.now.steps:
            # a job that has not told its own rate yet has that of its kind
            pace = job.rate or rate
            if not pace:
                return None
            after = max(0.0, rest - (job.training_since - job.started))
            expected[job.number] = (job.now.steps - job.now.step) / pace + after
        else:
            whole = rest + (job.steps / rate if rate and job.steps else 0.0)
            passed = now - job.started if job.state == "running" else 0.0
            expected[job.number] = max(0.0, whole - passed)
    return expected


def makespan(running: Sequence[float], waiting: Sequence[float], workers: int) -> float:
    """Return when the last job ends, if each that waits begins where a worker is free, in order.

    Args:
        running: seconds left of each job that runs.
        waiting: seconds that each of the others takes.
        workers: jobs at a time.
    """
    free = [*running, *[0.0] * (workers - len(running))]
    heapify(free)
    for seconds in waiting:
        heapreplace(free, free[0] + seconds)
    return max(free, default=0.0)
