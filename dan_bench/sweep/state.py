"""The state of a sweep: its jobs, how far each is, and how long the rest will take.

A job spends its time on training, which is steps over rate, and on everything else: starting,
loading data, measuring. The rate is that of jobs of the same kind, known as soon as one of them
trains; the time spent on everything else is known from finished jobs. What no job of a kind has
shown is estimated from the other kinds.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from pathlib import Path
from statistics import mean
from typing import NamedTuple

from dan_bench.interfaces import Progress, RunRecord

WINDOW = 20
"""Reports over which a rate is taken, so that it follows the load of the machine."""
STARTING = Progress("starting")
STATES = ("waiting", "running", "done", "failed")


class CurvePoint(NamedTuple):
    """One report of a job that trains; the value is that of the watched curve."""

    step: int
    time: float
    value: float | None


class Failure(NamedTuple):
    """A failed run: its title, the last line of its traceback, and the file with its output."""

    title: str
    error: str
    log: Path

    def __str__(self) -> str:
        return f"failed: {self.title}: {self.error} (log: {self.log})"


@dataclass
class Job:
    """One run of a sweep."""

    number: int
    title: str
    kind: str
    """Jobs of a kind are expected to take equally long, but for the number of steps."""
    key: str = ""
    steps: int = 0
    """Training steps; 0 where nothing is trained."""
    log: Path = Path()
    """The file that its output goes to."""
    state: str = "waiting"
    """One of `STATES`."""
    started: float = 0.0
    seconds: float = 0.0
    """Duration, once it has ended."""
    now: Progress = STARTING
    training_since: float = 0.0
    points: list[CurvePoint] = field(default_factory=list)
    curve: str = ""
    """Name of the watched curve."""
    error: str = ""
    """Last line of a failed job's traceback."""
    headline: dict[str, float] = field(default_factory=dict)
    """Final metrics of a finished job."""

    @property
    def rate(self) -> float | None:
        """Recent training steps per second; None while unknown."""
        points = self.points[-WINDOW:]
        if len(points) < 2 or points[-1].time <= points[0].time:
            return None
        return (points[-1].step - points[0].step) / (points[-1].time - points[0].time)

    @property
    def value(self) -> float | None:
        """Last value of the watched curve; None where there is none or it is not finite."""
        value = self.points[-1].value if self.points else None
        return value if value is not None and math.isfinite(value) else None

    @property
    def failure(self) -> Failure:
        """The job as a failed run."""
        return Failure(self.title, self.error, self.log)

    def describe(self) -> str:
        """Return the current activity, its rate, and the latest value of the curve."""
        words = [self.now.doing]
        if self.now.steps:
            words[0] += f" {self.now.step}/{self.now.steps}"
            if self.rate is not None:
                words.append(f"{speed(self.rate)} steps/s")
            if self.value is not None:
                words.append(f"{self.curve} {self.value:.3g}")
        return ", ".join(words)


@dataclass
class SweepState:
    """All jobs of a sweep, updated as they report."""

    jobs: list[Job]
    workers: int
    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    def of(self, state: str) -> list[Job]:
        """Return the jobs in one state."""
        return [job for job in self.jobs if job.state == state]

    def begin(self, job: Job) -> None:
        """Record that a job begins."""
        job.state, job.started = "running", self.clock()

    def put_back(self, job: Job) -> None:
        """Record that a job is to be tried again."""
        job.state, job.now, job.points = "waiting", STARTING, []

    def update(self, job: Job, progress: Progress, at: float | None = None) -> None:
        """Record a job's progress.

        Args:
            job: one that has begun.
            progress: its report.
            at: seconds at which it was made, by any clock; None: now.
        """
        if progress.steps:
            if not job.now.steps:
                job.training_since = self.clock()
            if progress.steps != job.steps or progress.step < job.now.step:
                job.steps, job.points = progress.steps, []
            if progress.step:  # step 0 would make a run resumed from a checkpoint seem fast
                job.curve, value = progress.metric or (job.curve, None)
                job.points.append(
                    CurvePoint(progress.step, self.clock() if at is None else at, value)
                )
        job.now = progress

    def end(self, job: Job, state: str, error: str, headline: Mapping[str, float]) -> None:
        """Record how a job ended."""
        job.error, job.headline = error, dict(headline)
        job.state, job.seconds = state, self.clock() - job.started

    def seconds(self) -> float:
        """Return the time since the sweep began."""
        return self.clock() - self.started

    def outlook(self) -> dict[int, float] | None:
        """Return the expected working seconds of each open job, by number.

        Before any job is done, the time outside of training is unknown and not counted, so each
        value is a lower bound. None where neither a rate nor a whole job has been seen, or where
        an open job needs a rate that is missing.
        """
        rate_of = means((job.kind, job.rate) for job in self.jobs if job.rate)
        other_of = means((job.kind, untrained_seconds(job)) for job in self.of("done"))
        expected: dict[int, float] = {}
        for job in self.of("waiting") + self.of("running"):
            rate, other = rate_of(job.kind), other_of(job.kind)
            if rate is None and (other is None or job.steps):
                return None
            other = other or 0.0
            if job.state == "running" and job.now.steps:
                pace = job.rate or rate  # that of its kind until it has one of its own
                if not pace:
                    return None
                after = max(0.0, other - (job.training_since - job.started))
                expected[job.number] = (job.now.steps - job.now.step) / pace + after
            else:
                whole = other + (job.steps / rate if rate else 0.0)
                passed = self.clock() - job.started if job.state == "running" else 0.0
                expected[job.number] = max(0.0, whole - passed)
        return expected

    def seconds_left(self) -> float | None:
        """Return the expected time until the last job ends; None while unknown."""
        expected = self.outlook()
        if expected is None:
            return None
        running, waiting = (
            [expected[job.number] for job in self.of(state)] for state in ("running", "waiting")
        )
        return makespan(running, waiting, self.workers)

    def left(self, text: Callable[[float], str]) -> str:
        """Describe the time left, a lower bound before any job is done; empty while unknown."""
        seconds = self.seconds_left()
        if seconds is None or not self.of("waiting") + self.of("running"):
            return ""
        return f"{'about' if self.of('done') else 'over'} {text(seconds)} left"

    def status(self) -> str:
        """Return one line on the whole sweep."""
        failed = len(self.of("failed"))
        words = [f"{len(self.of('done')) + failed} of {len(self.jobs)} jobs ended"]
        words += [f"{failed} failed"] if failed else []
        return ", ".join([*words, *filter(None, [self.left(duration)])])


def untrained_seconds(job: Job) -> float:
    """Return the seconds of a finished job that were not spent on training."""
    return job.seconds - (job.points[-1].time - job.points[0].time if job.points else 0.0)


def means(seen: Iterable[tuple[str, float]]) -> Callable[[str], float | None]:
    """Return the mean value of each kind, and of all values for kinds that have none."""
    values: dict[str, list[float]] = defaultdict(list)
    for kind, value in seen:
        values[kind].append(value)
    overall = [x for of_kind in values.values() for x in of_kind]
    return lambda kind: mean(found) if (found := values.get(kind, overall)) else None


def makespan(running: Sequence[float], waiting: Sequence[float], workers: int) -> float:
    """Return when the last job ends, if waiting jobs start in order on the first free worker.

    Args:
        running: seconds left of each running job.
        waiting: seconds that each waiting job takes.
        workers: number of jobs at a time.
    """
    free = [*running, *[0.0] * (workers - len(running))]
    heapify(free)
    for seconds in waiting:
        heapreplace(free, free[0] + seconds)
    return max(free, default=0.0)


def duration(seconds: float) -> str:
    """Format seconds in words: `12 min 04 s`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def speed(rate: float) -> str:
    """Format steps per second, with a decimal below 10."""
    return f"{rate:.0f}" if rate >= 9.95 else f"{rate:.1f}"


def reason(record: RunRecord) -> str:
    """Return the last line of a failed run's traceback; empty for any other run."""
    if record.status != "failed":
        return ""
    return (record.traceback or "").strip().rpartition("\n")[2] or "no traceback"


@dataclass(frozen=True)
class SweepOutcome:
    """The result of a sweep."""

    jobs: int
    """Number of jobs asked for, including those done before."""
    done: int
    ran: int
    failures: list[Failure]
    table: str
    """The runs' leaderboard."""
    where: dict[str, Path]
    """Labelled paths of the results."""
    code: int
    """The exit code."""
