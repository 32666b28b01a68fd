"""Sweeps with a clock of their own, and the terminal that they are drawn on."""

import io
import math
from collections.abc import Callable
from typing import Any

from rich.console import Console

from dan_bench.interfaces import Progress
from dan_bench.sweep.screen import Frame
from dan_bench.sweep.state import Job, SweepState

TITLES = (
    "dan torus nonsaturating mnist seed={}",
    "entropydan torus relativistic fashion_mnist seed={}",
    "dan sigmoid nonsaturating danoise seed={}",
)
CURVE = "effective_dimensions"


class Sweep:
    """A sweep with a clock of its own."""

    def __init__(self, jobs: int, workers: int = 2, steps: int = 1000, **of_state: Any) -> None:
        self.time = 0.0
        found = [
            Job(i + 1, TITLES[i % 3].format(i // 3), TITLES[i % 3].split()[0], steps=steps)
            for i in range(jobs)
        ]
        self.state = SweepState(found, workers, clock=lambda: self.time)

    def begin(self, number: int) -> Job:
        job = self.state.jobs[number - 1]
        self.state.begin(job)
        return job

    def train(
        self,
        job: Job,
        to: int,
        seconds: float,
        curve: Callable[[float], float] = lambda share: share,
        name: str = CURVE,
    ) -> None:
        """Train from the beginning up to a step, in so many seconds, with 20 reports."""
        self.state.update(job, Progress("training", 0, job.steps))
        for i in range(1, 21):
            self.time += seconds / 20
            metric = (name, curve(i / 20))
            self.state.update(job, Progress("training", to * i // 20, job.steps, metric))

    def done(self, number: int, training: float = 50, rest: float = 30) -> None:
        job = self.begin(number)
        self.time += rest / 3
        if job.steps:
            self.train(job, job.steps, training)
        self.state.update(job, Progress("c2st"))
        self.time += 2 * rest / 3
        headline = {CURVE: 0.9996, "c2st_accuracy": 0.5006, "percent_destroyed": 99.97}
        self.state.end(job, "done", "", headline)

    def fail(self, number: int, error: str) -> None:
        job = self.begin(number)
        self.time += 3
        self.state.end(job, "failed", error, {})


def busy(jobs: int = 12, failed: int = 1, done: int = 3, going: int = 2) -> Sweep:
    """A sweep in the middle: some failed, some are done, some run."""
    sweep = Sweep(jobs)
    for number in range(1, failed + 1):
        sweep.fail(number, f"RuntimeError: disk {number} is on fire, and the next one smoulders")
    for number in range(failed + 1, failed + done + 1):
        sweep.done(number)
    for number in range(failed + done + 1, failed + done + going + 1):
        sweep.train(sweep.begin(number), 500, 10, lambda x: 1 / (1 + math.exp(6 - 12 * x)))
    return sweep


def drawn(state: SweepState, width: int = 80, height: int = 24, what: Any = Frame) -> list[str]:
    """The lines of a terminal of that size."""
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None
    )
    console.print(what(state))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]
