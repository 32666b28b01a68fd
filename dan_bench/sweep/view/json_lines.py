"""`runtime.progress=json`: one JSON object a line on standard output, and nothing else there.

- `{"event": "sweep", "state": "ready", ...}` first: how many jobs, how many were done before;
- `begin`, `progress` and `end`, of one job: what stands in `of_job`; `end` has its final `metrics`;
- `{"event": "sweep", "state": "running", ...}` after each beginning and end, and every ten seconds;
- `{"event": "sweep", "state": "ended", ...}` last: what came out, what lies where, the exit code.

What is not known is null, as is a number that is not finite. Where the config is refused there is
no line at all, only the reason on standard error and exit code 2.
"""

import json
import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dan_bench.sweep.board import Job, SweepOutcome, SweepState
from dan_bench.sweep.view.quiet import Quiet

if TYPE_CHECKING:
    from dan_bench.interfaces import Progress

STATES = ("waiting", "running", "done", "failed")


def number(value: float | None) -> float | None:
    """Return the number, short, or None where it is none."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")


def of_job(event: str, board: SweepState, job: Job) -> dict[str, Any]:
    """Return what there is to say of a job.

    `seconds` is how long it runs, or ran; `seconds_left` how long it is expected to go on; `rate`
    its training steps a second; `metric` the curve that is watched, with its latest value.
    """
    ended = job.state in ("done", "failed")
    left = {} if ended else board.outlook() or {}
    told = {
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
        "seconds": number(job.seconds if ended else board.clock() - job.started),
        "seconds_left": 0 if ended else number(left.get(job.number)),
        "error": job.error or None,
    }
    if event == "end":
        told["metrics"] = {name: number(value) for name, value in job.headline.items()}
    return told


class JsonLines(Quiet):
    """An object for everything that happens, and one a second on a job that goes on."""

    def __init__(self, every: float = 10.0, every_job: float = 1.0) -> None:
        self._every, self._every_job = every, every_job
        self._last = time.monotonic()
        self._told: dict[int, tuple[Progress, float]] = {}

    def say(self, values: dict[str, Any]) -> None:
        """Write one line."""
        print(json.dumps(values, allow_nan=False), flush=True)

    def ready(self, jobs: int, left: int, data: Sequence[str]) -> None:
        """Say how many jobs there are, and on which data."""
        self.say(
            {
                "event": "sweep",
                "state": "ready",
                "jobs": jobs,
                "done_before": jobs - left,
                "to_run": left,
                "data": list(data),
            }
        )

    def whole(self, board: SweepState) -> None:
        """Say where the sweep stands."""
        self._last = time.monotonic()
        self.say(
            {
                "event": "sweep",
                "state": "running",
                "to_run": len(board.jobs),
                **{state: len(board.of(state)) for state in STATES},
                "seconds": number(board.seconds()),
                "seconds_left": number(board.seconds_left()),
            }
        )

    def tick(self, board: SweepState) -> None:
        """Say of each running job what is new: at once what it does, once a second how far."""
        now = time.monotonic()
        for job in board.of("running"):
            before, at = self._told.get(job.number, (None, 0.0))
            if job.now == before:
                continue
            if before is None or job.now.doing != before.doing or now - at >= self._every_job:
                self._told[job.number] = (job.now, now)
                self.say(of_job("progress", board, job))
        if now - self._last >= self._every:
            self.whole(board)

    def changed(self, board: SweepState, job: Job) -> None:
        """Say what began or ended, and where the sweep stands."""
        self.say(of_job("begin" if job.state == "running" else "end", board, job))
        self.whole(board)

    def over(self, outcome: SweepOutcome) -> None:
        """Say what came out."""
        self.say(
            {
                "event": "sweep",
                "state": "ended",
                "jobs": outcome.jobs,
                "done": outcome.done,
                "ran": outcome.ran,
                "failed": len(outcome.failures),
                "failures": [{"title": t, "error": e} for t, e in outcome.failures],
                **{name.replace(" ", "_"): str(path) for name, path in outcome.where.items()},
                "exit_code": outcome.code,
            }
        )
