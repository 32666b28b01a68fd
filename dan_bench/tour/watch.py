"""How far a run is: a bar on a terminal, a few lines where there is none."""

import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Column

from dan_bench.metrics import catalogue

if TYPE_CHECKING:
    from dan_bench.interfaces import Progress, ProgressCallback

LINES = 5
"""Lines that tell of a training where there is no terminal to draw a bar on."""


@contextmanager
def watching(console: Console, title: str) -> Iterator["ProgressCallback"]:
    """Show how far a run is while it is made; what a terminal shows of it is taken away again."""
    # libraries tell each other what they will change: no part of a tour
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not console.is_terminal:
            yield Lines(console, title)
            return
        bar = Bar(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=16),
            MofNCompleteColumn(),
            TextColumn("{task.fields[metric]}", table_column=Column(no_wrap=True)),
            console=console,
            transient=True,
        )
        with bar:
            task = bar.add_task(f"{title}: loading", total=None, metric="")

            def tell(progress: "Progress") -> None:
                bar.update(
                    task,
                    description=f"{title}: {progress.doing}",
                    completed=progress.step,
                    total=progress.steps or None,
                    metric=metric(progress),
                )

            yield tell


class Lines:
    """Prints a line for each fifth of a training, and nothing of the rest."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._told = 0

    def __call__(self, progress: "Progress") -> None:
        """Say it, if it is time again."""
        if not progress.steps or progress.step * LINES < (self._told + 1) * progress.steps:
            return
        if not self._told:
            self._console.print()
        self._told = progress.step * LINES // progress.steps
        step = f"{progress.step:>{len(str(progress.steps))}}"
        line = f"  {self._title}: step {step} of {progress.steps}  {metric(progress)}"
        self._console.print(line.rstrip(), markup=False)


def metric(progress: "Progress") -> str:
    """Return the curve that is watched, and its latest value."""
    if progress.metric is None:
        return ""
    name, latest = progress.metric
    return f"{catalogue.metric(name).heading} {latest:.3f}"


@contextmanager
def interruptible(tell: "ProgressCallback") -> Iterator["ProgressCallback"]:
    """Let Ctrl-C end what is told of, even where the first exception that it raised is lost.

    One that comes while a library calls back (a destructor, a hook) is printed by Python and
    forgotten; so it is raised once more at the next word of the run.
    """
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        signal.default_int_handler(number, frame)

    def listen(progress: "Progress") -> None:
        if stopped:
            raise KeyboardInterrupt
        tell(progress)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield listen
    finally:
        signal.signal(signal.SIGINT, before)
