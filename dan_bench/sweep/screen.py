"""`runtime.progress=auto` on a terminal: jobs, curves, rates, time left and failures, live."""

import io
import math
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

from dan_bench.metrics.catalogue import curve, headlines
from dan_bench.sweep.state import Job, SweepState, speed
from dan_bench.sweep.view import Plain

BLOCKS = "▁▂▃▄▅▆▇█"
GAP = "·"
STYLES = {"done": "green", "failed": "bold red", "running": "cyan", "waiting": "dim"}
"""Of each state of a job."""
WIDE = 100
"""Width of a terminal from which on bars and curves are longer."""


class Screen(Plain):
    """The terminal's alternate screen while jobs run; the final state is left on the main one.

    On the alternate screen a frame is always drawn whole, however the terminal is resized. Other
    output, such as warnings, would be drawn over, so it is printed at the end.
    """

    repeats_failures = False  # they are printed above the table

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False)
        self._state: SweepState | None = None
        self._opened = ExitStack()
        self._output = io.StringIO()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            before = signal.signal(signal.SIGTERM, end_by_signal)
            opened.callback(signal.signal, signal.SIGTERM, before)
            opened.enter_context(redirect_stdout(self._output))
            opened.enter_context(redirect_stderr(self._output))
            live = Live(
                console=self._console,
                screen=True,
                redirect_stdout=False,
                redirect_stderr=False,
                get_renderable=lambda: Frame(self._state) if self._state is not None else "",
            )
            opened.enter_context(live)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()
        if self._state is not None:
            self._console.print(headline(self._state, self._console.width))
            for job in self._state.of("failed"):
                self._console.print(Text(str(job.failure), "red"), soft_wrap=True)
            for job in self._state.of("running"):
                text = f"cut off: {job.title}: {job.describe()}"
                self._console.print(Text(text, "yellow"), soft_wrap=True)
        print(self._output.getvalue(), end="", file=sys.stderr, flush=True)

    def tick(self, state: SweepState) -> None:
        """Have the state drawn, which Live does four times a second."""
        self._state = state

    def changed(self, state: SweepState, job: Job) -> None:
        """Have the state drawn."""
        self._state = state


def end_by_signal(number: int, _: Any) -> None:
    """End this process in an orderly way, which restores the terminal."""
    raise SystemExit(128 + number)


@dataclass(frozen=True)
class Frame:
    """The sweep at the moment of drawing, fitted to the terminal's size.

    A line for each job: first those that run, then the failed, then as many of the others as fit.
    """

    state: SweepState

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield headline(self.state, options.max_width)
        room = max(1, (options.height or options.size.height) - 3)
        running, failed, done = (self.state.of(name) for name in ("running", "failed", "done"))
        reserved = min(len(failed), 4)  # failures are visible, however many jobs run
        jobs = [*running[: max(1, room - reserved)], *failed[::-1], *done[::-1]][:room]
        if jobs:
            yield Text()
            yield job_lines(jobs, options.max_width)
        if hidden := len(running) + len(failed) + len(done) - len(jobs):
            yield Text(f" … and {hidden} more", "dim")


def headline(state: SweepState, width: int) -> Table:
    """Return a bar over all jobs, the number of jobs in each state, and the time.

    Where not all of it fits, the time comes first, and the number of jobs that wait is cut off.
    """
    counts = [(f"{len(state.of(name))} {name}", style) for name, style in STYLES.items()]
    parts = [Text(*count) for count in counts if count[0] == "0 done" or count[0][0] != "0"]
    times = Text(", ".join(filter(None, [clock(state.seconds()), state.left(clock)])))
    text = Text(" · ").join([*parts, times] if width >= 80 else [times, *parts])
    text.no_wrap, text.overflow = True, "ellipsis"
    under_way = sum(job.now.step / job.now.steps for job in state.of("running") if job.now.steps)
    ended = len(state.of("done")) + len(state.of("failed"))
    table = lines(Column(max_width=60), Column(no_wrap=True))
    table.add_row(ProgressBar(max(1, len(state.jobs)), ended + under_way), text)
    return table


def job_lines(jobs: Sequence[Job], width: int) -> Table:
    """Return a line for each job: how far it is, and what is known of it."""
    long = 12 if width >= WIDE else 8
    number, count = (Column(justify="right", no_wrap=True) for _ in range(2))
    table = lines(number, "", "", count, "")
    for job in jobs:
        trains = job.state == "running" and job.now.steps
        table.add_row(
            Text(str(job.number), "dim"),
            Text(shorten(job.title, width // 4), no_wrap=True, overflow="ellipsis"),
            ProgressBar(job.now.steps, job.now.step, long) if trains else activity(job),
            steps_or_time(job),
            details(job, long),
        )
    return table


def lines(*columns: Column | str) -> Table:
    """Return an empty table with a margin and wide gaps."""
    return Table(*columns, box=None, show_header=False, padding=(0, 1))


def activity(job: Job) -> Text:
    """Return what a job does that does not train, or how it ended."""
    text = job.now.doing.replace("_", " ") if job.state == "running" else job.state
    return Text(text, STYLES[job.state], no_wrap=True, overflow="ellipsis")


def steps_or_time(job: Job) -> str:
    """Return how many steps are done, of how many; of a job that has ended, how long it took."""
    if job.state != "running":
        return clock(job.seconds)
    return f"{job.now.step}/{job.now.steps}" if job.now.steps else ""


def details(job: Job, width: int) -> Text:
    """Return rate and curve of a job that runs, the main figures or the error of any other."""
    text = Text(no_wrap=True, overflow="ellipsis")
    if job.state == "failed":
        return text.append(job.error, "red")
    if job.state == "done":
        found = ((row, job.headline[row.name]) for row in headlines() if row.name in job.headline)
        return text.append(" · ".join(f"{row.heading} {row.scale * x:.4g}" for row, x in found))
    if job.rate and job.now.steps:
        text.append(f"{speed(job.rate)}/s  ")
    if job.curve:
        row = curve(job.curve)
        drawn = sparkline([point.value for point in job.points], width, *row.limits)
        text.append(f"{drawn:<{width}}", "magenta")
        text.append(" X" if job.value is None else f" {job.value:.3f}", "bold")
        text.append(f" {row.heading}", "dim")
    return text


def sparkline(
    values: Sequence[float | None], width: int, low: float | None, high: float | None
) -> str:
    """Draw a curve in one line of at most `width` characters, the latest value at the right.

    Args:
        values: evenly spaced; each character shows the last value of its share of them.
        width: number of characters.
        low: value of the lowest block, and of all below it; None for the least value.
        high: value of the highest block.

    Returns:
        A block for each character, or a dot where the value is not finite.
    """
    shares = np.array_split(np.array(values, dtype=float), min(width, len(values)) or 1)
    shown = [float(share[-1]) for share in shares if len(share)]
    finite = [x for x in shown if math.isfinite(x)]
    bottom = min(finite, default=0.0) if low is None else low
    top = max(finite, default=0.0) if high is None else high
    span = top / 2 - bottom / 2  # halves, as the difference itself may overflow
    heights = [(x / 2 - bottom / 2) / span * len(BLOCKS) if span > 0 else 0.0 for x in shown]
    return "".join(
        BLOCKS[min(max(int(h), 0), len(BLOCKS) - 1)] if math.isfinite(x) else GAP
        for x, h in zip(shown, heights, strict=True)
    )


def shorten(title: str, width: int) -> str:
    """Leave words out of the middle of a title that is too wide, or cut it off if that is no use.

    It begins with the model and ends with data and seed, which tell jobs apart.
    """
    words = title.split()
    for left_out in range(1, len(words) - 1) if cell_len(title) > width else ():
        # rather the third word, the objective, than the output or the data
        for start in sorted(range(1, len(words) - left_out), key=lambda start: abs(start - 2)):
            text = " ".join([*words[:start], "…", *words[start + left_out :]])
            if cell_len(text) <= width:
                return text
    room = width - cell_len(f"… {words[-1]}") if cell_len(title) > width else 0
    if room > 3:
        return f"{set_cell_size(title, room).rstrip()}… {words[-1]}"
    return set_cell_size(title, min(width, cell_len(title)))


def clock(seconds: float) -> str:
    """Format seconds as hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))
