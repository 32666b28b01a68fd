"""`runtime.progress=plain`, and what `auto` is without a terminal: lines, as for a log."""

import time
from collections.abc import Sequence

from rich.console import Console

from dan_bench.sweep.board import Job, SweepOutcome, SweepState, duration
from dan_bench.sweep.view.quiet import Quiet


class ConsoleView(Quiet):
    """Says before the sweep what is to be done, and after it what came out."""

    repeats_failures = True
    """Whether the end names what failed, which may have scrolled away by then."""

    def changed(self, board: SweepState, job: Job) -> None:
        """Nothing."""

    def ready(self, jobs: int, left: int, data: Sequence[str]) -> None:
        """Say on which data, how many jobs there are, and how many are left."""
        for line in data:
            print(line)
        print(f"{jobs} jobs: {jobs - left} done before, {left} to run", flush=True)

    def over(self, outcome: SweepOutcome) -> None:
        """Print the table of these runs, where everything lies, and how many did what."""
        console = Console(highlight=False, soft_wrap=True, emoji=False)
        console.print()
        console.print(outcome.table, markup=False, end="")
        if self.repeats_failures:
            for title, reason in outcome.failures:
                console.print(f"failed: {title}: {reason}", style="red", markup=False)
        failed = len(outcome.failures)
        console.print(f"{outcome.done} done, {outcome.ran} run, {failed} failed")
        for name, path in outcome.where.items():
            console.print(f"{name}: {path}", markup=False)


class Plain(ConsoleView):
    """A line for each beginning and end, and one on the whole now and then."""

    def __init__(self, every: float = 10.0) -> None:
        self._every = every
        self._last = time.monotonic()

    def tick(self, board: SweepState) -> None:
        """Say where things stand, every ten seconds."""
        if time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            running = "; ".join(f"job {job.number} {job.describe()}" for job in board.of("running"))
            print(f"{board.status()} | {running}", flush=True)

    def changed(self, board: SweepState, job: Job) -> None:
        """Say which job it is, of how many, how it ended and, if badly, why."""
        after = f" after {duration(job.seconds)}" if job.seconds else ""
        why = f": {job.error}" if job.error else ""
        print(f"[{job.number}/{len(board.jobs)}] {job.title}: {job.state}{after}{why}", flush=True)
