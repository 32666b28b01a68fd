"""The state of a sweep's jobs, and what is known of each; how it is shown is the views' affair."""

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from dan_bench.interfaces import RunRecord
from dan_bench.sweep.view import time_left

if TYPE_CHECKING:
    from dan_bench.interfaces import Progress

WINDOW = 20
"""Reports over which a rate is taken: it follows what the jobs that share the cores do."""
MOST_POINTS = 1024


class CurvePoint(NamedTuple):
    """One report of a job that trains."""

    step: int
    time: float
    value: float | None
    """Of the curve that is watched."""


def starting() -> "Progress":
    """Return what a job says before it says anything."""
    from dan_bench.interfaces import (
        Progress,  # here: where nothing is to be run nobody waits for torch
    )

    return Progress("starting")


@dataclass
class Job:
    """One run, as the board sees it."""

    number: int
    title: str
    kind: str
    """Jobs of a kind are expected to take equally long, but for the number of steps."""
    key: str = ""
    steps: int = 0
    """Of training; 0 where nothing is trained."""
    state: str = "waiting"
    """waiting, running, done or failed."""
    started: float = 0.0
    seconds: float = 0.0
    """That it took, once it has ended."""
    now: "Progress" = field(default_factory=starting)
    training_since: float = 0.0
    points: list[CurvePoint] = field(default_factory=list)
    curve: str = ""
    """Name of the curve that is watched."""
    error: str = ""
    """Last line of a failed job's traceback."""
    headline: dict[str, float] = field(default_factory=dict)
    """Final metrics of a job that is done."""

    @property
    def rate(self) -> float | None:
        """Training steps a second, lately; None where that is not known yet."""
        points = self.points[-WINDOW:]
        if len(points) < 2 or points[-1].time <= points[0].time:
            return None
        return (points[-1].step - points[0].step) / (points[-1].time - points[0].time)

    @property
    def value(self) -> float | None:
        """Last value of the curve that is watched; None where there is none, or no number."""
        points = self.points[-1:]
        value = points[0].value if points else None
        return value if value is not None and math.isfinite(value) else None

    def describe(self) -> str:
        """Say what it does now, how fast, and what the curve shows."""
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
    """The state of all jobs."""

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
        """Note that a job begins."""
        job.state, job.started = "running", self.clock()

    def heard(self, job: Job, progress: "Progress") -> None:
        """Take in what a job says of itself."""
        if progress.steps:
            if not job.now.steps:
                job.training_since = self.clock()
            if progress.steps != job.steps or progress.step < job.now.step:
                job.steps, job.points = progress.steps, []
            if progress.step:  # at none, a run that goes on from a checkpoint would seem to leap
                job.curve, value = progress.metric or (job.curve, None)
                kept = job.points if len(job.points) < MOST_POINTS else job.points[::2]
                job.points = [*kept, CurvePoint(progress.step, self.clock(), value)]
        job.now = progress

    def end(self, job: Job, state: str, error: str, headline: Mapping[str, float]) -> None:
        """Note how a job ended."""
        job.error, job.headline = error, dict(headline)
        job.state, job.seconds = state, self.clock() - job.started

    def seconds(self) -> float:
        """Time since the sweep began."""
        return self.clock() - self.started

    def outlook(self) -> dict[int, float] | None:
        """Expected seconds that each open job still works, by number."""
        return time_left.outlook(self.jobs, self.clock())

    def seconds_left(self) -> float | None:
        """Expected time to the end of the last job; None while nothing foretells it."""
        expected = self.outlook()
        if expected is None:
            return None
        running, waiting = (
            [expected[job.number] for job in self.of(state)] for state in ("running", "waiting")
        )
        return time_left.makespan(running, waiting, self.workers)

    def left(self, say: Callable[[float], str]) -> str:
        """Say how long it still takes, or nothing; before any job is done only a bound is known."""
        seconds = self.seconds_left()
        if seconds is None or not self.of("waiting") + self.of("running"):
            return ""
        return f"{'about' if self.of('done') else 'over'} {say(seconds)} left"

    def status(self) -> str:
        """One line on the whole."""
        failed = len(self.of("failed"))
        ended = len(self.of("done")) + failed
        words = [f"{ended} of {len(self.jobs)} jobs ended"]
        words += [f"{failed} failed"] if failed else []
        return ", ".join([*words, *filter(None, [self.left(duration)])])


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def speed(rate: float) -> str:
    """Steps a second, with a decimal where they are few."""
    return f"{rate:.0f}" if rate >= 9.95 else f"{rate:.1f}"


def reason(record: RunRecord) -> str:
    """Return the last line of a failed run's traceback; nothing of another's."""
    if record.status != "failed":
        return ""
    return (record.traceback or "").strip().rpartition("\n")[2] or "no traceback"


@dataclass(frozen=True)
class SweepOutcome:
    """What came out of a sweep."""

    jobs: int
    """That were asked for, those that were done before among them."""
    done: int
    ran: int
    failures: list[tuple[str, str]]
    """Title and last line of the traceback of each that failed."""
    table: str
    """The runs' leaderboard."""
    where: dict[str, Path]
    """What lies where, by what a person calls it."""
    code: int
    """The exit code."""


class View(Protocol):
    """Something that shows a sweep; it has the terminal for itself while it is entered."""

    def __enter__(self) -> "View": ...

    def __exit__(self, *_: object) -> None: ...

    def ready(self, jobs: int, left: int, data: Sequence[str]) -> None:
        """All is checked: how many jobs there are, how many are left to run, and on what data."""
        ...

    def tick(self, board: SweepState) -> None:
        """Show it as it is now; called several times a second."""
        ...

    def changed(self, board: SweepState, job: Job) -> None:
        """A job began or ended."""
        ...

    def over(self, outcome: SweepOutcome) -> None:
        """All jobs have ended."""
        ...


def view(choice: str) -> View:
    """Return the view by name: auto, plain, quiet or json.

    `auto` is a screen on a terminal that can show one, and plain lines elsewhere.
    """
    import os

    from dan_bench.sweep.view import json_lines, plain, quiet

    if choice == "auto" and sys.stdout.isatty():
        draws = (sys.stdout.encoding or "").lower().startswith("utf")
        if draws and os.environ.get("TERM", "dumb") not in ("dumb", "unknown"):
            from dan_bench.sweep.view.screen import Screen

            return Screen()
    return {"quiet": quiet.Quiet, "json": json_lines.JsonLines}.get(choice, plain.Plain)()
