"""How far an erasure is: a bar on a terminal, a line now and then where there is none."""

import sys
import time
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bar

EVERY = 5.0
"""Seconds between two lines."""


class ErasureProgress:
    """Bytes written, of how many, how fast, and the time left."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._start = self._said = time.monotonic()
        self._bar = Bar(
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task("", total=total)
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> Self:
        if self._shown:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._bar.stop()

    def advance(self, n: int) -> None:
        """So many bytes more."""
        self._done += n
        if self._shown:
            self._bar.advance(self._task, n)
            return
        passed = time.monotonic() - self._start
        if time.monotonic() - self._said > EVERY and self._done:
            self._said = time.monotonic()
            left = max(0.0, (self._total - self._done) * passed / self._done)
            print(
                f"{self._done / 1e6:,.0f} of {self._total / 1e6:,.0f} MB, "
                f"{self._done / 1e6 / passed:.0f} MB/s, about {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )
