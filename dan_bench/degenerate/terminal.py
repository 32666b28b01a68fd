"""What the command tells: an erasure once begun goes on, whether anybody can read it or not."""

import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType
from typing import Any, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from dan_bench import cli

EVERY = 2.0
"""Seconds between two lines of progress where there is no terminal to draw a bar on."""


class Stopped(KeyboardInterrupt):
    """A signal that asks to end: as ctrl-C does, but of another number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Unfailing(io.TextIOBase):
    """A stream that takes whatever it is told, also where the real one is closed or full."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, if that can be."""
        if self._stream is not None:
            with suppress(OSError, ValueError):
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, if that can be."""
        if self._stream is not None:
            with suppress(OSError, ValueError):
                self._stream.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()


def tell(text: str) -> None:
    """Print to standard output, if that can be; what cannot be told is dropped from then on."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        cli.drop(sys.stdout)


def hold_standard_handles() -> None:
    """Open standard handles that are closed: else the next file would be written to as one."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one


def stoppable() -> AbstractContextManager[None]:
    """Have SIGTERM and SIGHUP raise `Stopped`, unless they are ignored, as under nohup."""

    def stop(number: int, _: FrameType | None) -> None:
        raise Stopped(number)

    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    return _handled(stop, *numbers)


def undisturbed() -> AbstractContextManager[None]:
    """Let no signal that asks to end interrupt what takes a moment and must be whole."""
    return _handled(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def _handled(how: Any, *numbers: signal.Signals) -> Iterator[None]:
    """Have these signals handled so; the main thread alone may say how."""
    if threading.current_thread() is not threading.main_thread():
        numbers = ()
    before = {number: signal.signal(number, how) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def counting() -> Callable[[int], None]:
    """Return what tells every few seconds how many entries were seen so far."""
    told = time.monotonic()

    def seen(n: int) -> None:
        nonlocal told
        if n % 256 == 0 and time.monotonic() - told > EVERY:
            told = time.monotonic()
            cli.say(f"listing: {n:,} entries so far")

    return seen


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[int], None]]:
    """Show how far an erasure is: a bar on a terminal, elsewhere a line every few seconds.

    Yields the function that takes the number of further bytes written.
    """
    console = Console(file=Unfailing(sys.stderr))  # type: ignore[arg-type]
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, disable=not console.is_terminal)
    task = bar.add_task("", total=total)
    printed = time.monotonic()

    def advance(n: int) -> None:
        nonlocal printed
        bar.advance(task, n)
        if bar.disable and time.monotonic() - printed > EVERY:
            printed = time.monotonic()
            line = io.StringIO()
            Console(file=line).print(bar.make_tasks_table(bar.tasks))
            cli.say(line.getvalue().rstrip())  # where nobody reads it, the erasure goes on

    with bar:
        yield advance
