"""What a sweep looks like while it runs: which job of how many, its rate, the time left."""

import sys
import time
from dataclasses import dataclass, field
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dan_bench.run import Progress


@dataclass
class Job:
    """One run, as the board sees it."""

    number: int
    title: str
    kind: str
    state: str = "waiting"
    started: float = 0.0
    seconds: float = 0.0
    now: Progress = field(default_factory=lambda: Progress("starting"))
    training_since: float = 0.0

    def describe(self) -> str:
        """Say what it does now, and how fast."""
        if self.now.steps:
            passed = time.monotonic() - self.training_since
            rate = f", {self.now.step / passed:.0f} steps/s" if self.now.step else ""
            return f"{self.now.doing} {self.now.step}/{self.now.steps}{rate}"
        return self.now.doing


@dataclass
class Board:
    """The state of all jobs."""

    jobs: list[Job]
    workers: int

    def of(self, state: str) -> list[Job]:
        """Return the jobs in one state."""
        return [job for job in self.jobs if job.state == state]

    def heard(self, job: Job, progress: Progress) -> None:
        """Take in what a job says of itself."""
        if progress.steps and not job.now.steps:
            job.training_since = time.monotonic()
        job.now = progress

    def seconds_left(self) -> float | None:
        """Expected time: jobs of a kind take as long as those of that kind took."""
        ended = self.of("done") + self.of("failed")
        if not ended:
            return None
        overall = sum(job.seconds for job in ended) / len(ended)

        def expected(job: Job) -> float:
            alike = [other.seconds for other in ended if other.kind == job.kind]
            whole = sum(alike) / len(alike) if alike else overall
            passed = time.monotonic() - job.started if job.state == "running" else 0.0
            return max(0.0, whole - passed)

        open_jobs = self.of("waiting") + self.of("running")
        return sum(expected(job) for job in open_jobs) / self.workers

    def status(self) -> str:
        """One line on the whole."""
        failed = len(self.of("failed"))
        ended = len(self.of("done")) + failed
        left = self.seconds_left()
        text = f"{ended} of {len(self.jobs)} jobs ended"
        text += f", {failed} failed" if failed else ""
        return text + (f", about {duration(left)} left" if left is not None else "")


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


class View(Protocol):
    """Something that shows a board."""

    def __enter__(self) -> "View": ...

    def __exit__(self, *_: object) -> None: ...

    def tick(self, board: Board) -> None:
        """Show it as it is now; called several times a second."""
        ...

    def changed(self, board: Board, job: Job) -> None:
        """A job began or ended."""
        ...


class Quiet:
    """Shows nothing."""

    def __enter__(self) -> "Quiet":
        return self

    def __exit__(self, *_: object) -> None: ...

    def tick(self, board: Board) -> None:
        """Nothing."""

    def changed(self, board: Board, job: Job) -> None:
        """Nothing."""


class Plain(Quiet):
    """A line for each beginning and end, and one on the whole now and then."""

    def __init__(self, every: float = 10.0) -> None:
        self._every = every
        self._last = time.monotonic()

    def __enter__(self) -> "Plain":
        return self

    def tick(self, board: Board) -> None:
        """Say where things stand, every ten seconds."""
        if time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            running = "; ".join(f"job {job.number} {job.describe()}" for job in board.of("running"))
            print(f"{board.status()} | {running}", flush=True)

    def changed(self, board: Board, job: Job) -> None:
        """Say which job it is, of how many."""
        after = f" after {duration(job.seconds)}" if job.seconds else ""
        print(f"[{job.number}/{len(board.jobs)}] {job.title}: {job.state}{after}", flush=True)


class Screen(Quiet):
    """A table that stays in place."""

    def __init__(self) -> None:
        self._live = Live(Text("starting"), console=Console(), refresh_per_second=4)

    def __enter__(self) -> "Screen":
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)

    def tick(self, board: Board) -> None:
        """Draw the running jobs under one line on the whole."""
        table = Table.grid(padding=(0, 2))
        for job in board.of("running"):
            table.add_row(f"[{job.number}/{len(board.jobs)}]", job.title, job.describe())
        self._live.update(Group(Text(board.status(), style="bold"), table))

    def changed(self, board: Board, job: Job) -> None:
        """Leave a line behind for what failed."""
        if job.state == "failed":
            self._live.console.print(f"[red]failed[/red] {job.title}")


def view(choice: str) -> View:
    """Return the view by name; `auto` is a table on a terminal and lines elsewhere."""
    if choice == "quiet":
        return Quiet()
    return Screen() if choice == "auto" and sys.stdout.isatty() else Plain()
