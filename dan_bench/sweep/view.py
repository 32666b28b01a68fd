"""Views of a sweep that write lines: `runtime.progress=quiet`, `plain` and `json`.

JSON is one object a line on standard output, and nothing else there:

- `{"event": "sweep", "state": "ready", ...}` first: how many jobs, how many were done before;
- `begin`, `progress` and `end` of one job: see `of_job`; `end` has its final `metrics`;
- `{"event": "sweep", "state": "running", ...}` after each beginning and end, and every ten seconds;
- `{"event": "sweep", "state": "ended", ...}` last: the counts, paths of the results, exit code.

Unknown values are null, as are numbers that are not finite. Where the config is refused there is
no line at all, only the reason on standard error and exit code 2.
"""

import json
import math
import sys
import time
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from dan_bench.files import Closing
from dan_bench.interfaces import Progress
from dan_bench.sweep.state import STATES, Job, SweepOutcome, SweepState, duration


class Quiet(Closing):
    """The base of all views: reports failures on standard error, and nothing else.

    A view owns the terminal while it is entered.
    """

    def ready(self, jobs: int, left: int, data: Sequence[str]) -> None:
        """Show, once all is checked, the number of jobs, how many are left, and the data."""

    def tick(self, state: SweepState) -> None:
        """Show the current state; called several times a second."""

    def changed(self, state: SweepState, job: Job) -> None:
        """Show that a job began or ended."""
        if job.error:
            print(job.failure, file=sys.stderr, flush=True)

    def over(self, outcome: SweepOutcome) -> None:
        """Show the outcome after all jobs have ended."""


class Plain(Quiet):
    """Prints a line when a job begins or ends, the state now and then, and the table at the end."""

    repeats_failures = True
    """Whether the end lists the failures again, which may have scrolled away by then."""

    def __init__(self, every: float = 10.0) -> None:
        self._every = every
        self._last = time.monotonic()

    def ready(self, jobs: int, left: int, data: Sequence[str]) -> None:
        """Print the data, the number of jobs, and how many are left."""
        for line in data:
            print(line)
        print(f"{jobs} jobs: {jobs - left} done before, {left} to run", flush=True)

    def tick(self, state: SweepState) -> None:
        """Print the state of the sweep, if it is time again."""
        if time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            running = "; ".join(f"job {job.number} {job.describe()}" for job in state.of("running"))
            print(f"{state.status()} | {running}", flush=True)

    def changed(self, state: SweepState, job: Job) -> None:
        """Print which job it is, of how many, its state and, if it failed, why."""
        after = f" after {duration(job.seconds)}" if job.seconds else ""
        why = f": {job.error}" if job.error else ""
        print(f"[{job.number}/{len(state.jobs)}] {job.title}: {job.state}{after}{why}", flush=True)

    def over(self, outcome: SweepOutcome) -> None:
        """Print the table of these runs, the counts, and the paths of the results."""
        console = Console(highlight=False, soft_wrap=True, emoji=False)
        console.print()
        console.print(outcome.table, markup=False, end="")
        if self.repeats_failures:
            for failure in outcome.failures:
                console.print(str(failure), style="red", markup=False)
        failed = len(outcome.failures)
        console.print(f"{outcome.done} done, {outcome.ran} run, {failed} failed")
        for name, path in outcome.where.items():
            console.print(f"{name}: {path}", markup=False)


class JsonLines(Quiet):
    """Prints an object for every event, and one a second for each running job."""

    def __init__(self, every: float = 10.0, every_job: float = 1.0) -> None:
        self._every, self._every_job = every, every_job
        self._last = time.monotonic()
        self._reported: dict[int, tuple[Progress, float]] = {}

    def ready(self, jobs: int, left: int, data: Sequence[str]) -> None:
        """Print the number of jobs and the data."""
        counts = {"jobs": jobs, "done_before": jobs - left, "to_run": left}
        write({"event": "sweep", "state": "ready", **counts, "data": list(data)})

    def tick(self, state: SweepState) -> None:
        """Print the news of each running job: a new activity at once, progress once a second."""
        now = time.monotonic()
        for job in state.of("running"):
            before, at = self._reported.get(job.number, (None, 0.0))
            if job.now == before:
                continue
            if before is None or job.now.doing != before.doing or now - at >= self._every_job:
                self._reported[job.number] = (job.now, now)
                write(of_job("progress", state, job))
        if now - self._last >= self._every:
            self._sweep(state)

    def changed(self, state: SweepState, job: Job) -> None:
        """Print which job began or ended, and the state of the sweep."""
        write(of_job("begin" if job.state == "running" else "end", state, job))
        self._sweep(state)

    def _sweep(self, state: SweepState) -> None:
        self._last = time.monotonic()
        counts = {name: len(state.of(name)) for name in STATES}
        times = {
            "seconds": number(state.seconds()),
            "seconds_left": number(state.seconds_left()),
        }
        running = {"event": "sweep", "state": "running", "to_run": len(state.jobs)}
        write({**running, **counts, **times})

    def over(self, outcome: SweepOutcome) -> None:
        """Print the outcome."""
        write(
            {
                "event": "sweep",
                "state": "ended",
                "jobs": outcome.jobs,
                "done": outcome.done,
                "ran": outcome.ran,
                "failed": len(outcome.failures),
                "failures": [f._asdict() | {"log": str(f.log)} for f in outcome.failures],
                **{name.replace(" ", "_"): str(path) for name, path in outcome.where.items()},
                "exit_code": outcome.code,
            }
        )


def write(values: dict[str, Any]) -> None:
    """Print one object as a line of JSON."""
    print(json.dumps(values, allow_nan=False), flush=True)


def number(value: float | None) -> float | None:
    """Round a number to six digits; None where it is none or not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


def of_job(event: str, state: SweepState, job: Job) -> dict[str, Any]:
    """Return a job as an object.

    `seconds` is how long it has run; `seconds_left` how long it is expected to go on; `rate` its
    training steps per second; `metric` the watched curve with its latest value.
    """
    ended = job.state in ("done", "failed")
    left = {} if ended else state.outlook() or {}
    values = {
        "event": event,
        "job": job.number,
        "key": job.key,
        "title": job.title,
        "state": job.state,
        "doing": None if ended else job.now.doing,
        "step": job.points[-1].step if job.points else 0,
        "steps": job.steps,
        "metric": {"name": job.curve, "value": job.value} if job.curve else None,
        "rate": number(job.rate),
        "seconds": number(job.seconds if ended else state.clock() - job.started),
        "seconds_left": 0 if ended else number(left.get(job.number)),
        "error": job.error or None,
    }
    if event == "end":
        values["metrics"] = {name: number(value) for name, value in job.headline.items()}
    return values
