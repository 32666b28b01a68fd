"""How far a run is, as a small file in its own folder: the same wherever it is carried out.

The run replaces the file in one piece, and whoever is interested reads it; nobody locks it, or
waits for it. It is no part of the results: what cannot be written or read is left out.
"""

import json
import os
import socket
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, NonNegativeInt

from dan_bench.interfaces import Progress
from dan_bench.results.reading import DAMAGES

NAME = "progress.json"
EVERY_SECONDS = 0.25
"""Least time between two files that tell only of further steps."""
KEPT = 64
"""Reports in one file, so that a reader who comes late misses no warning, and no step's value."""
MOST_BYTES = 1 << 17
MOST_STEPS = 1 << 53
"""More than any run has; a float still counts them."""
Seconds = Annotated[float, Field(ge=0, le=1e11)]
"""Since 1970, for three thousand years: a finite number, of which a rate can be made."""


class ToldProgress(BaseModel, strict=True):
    """What a progress file holds."""

    host: str
    pid: NonNegativeInt
    began: float
    """Time at which that process began with the run."""
    reports: list[tuple[NonNegativeInt, Seconds, Progress]] = Field(max_length=KEPT)
    """Each with its number and its time."""


class Reporter:
    """Tells of one run; to be called with every `Progress`.

    A report on further steps that nobody could have read yet is replaced by the next one. A new
    activity and a warning are written at once. Without a file that costs two microseconds.

    Args:
        folder: of the run; it is there already.
    """

    def __init__(self, folder: Path) -> None:
        self._path, self._draft = folder / NAME, folder / f"{NAME}.{os.getpid()}.tmp"
        self._about = {"host": socket.gethostname(), "pid": os.getpid(), "began": time.time()}
        self._reports: deque[tuple[int, float, Progress]] = deque(maxlen=KEPT)
        self._count, self._written_at, self._unwritten = 0, 0.0, False

    def __call__(self, progress: Progress) -> None:
        """Tell how far the run is."""
        last = self._reports[-1][2] if self._reports else None
        further = last is not None and last.doing == progress.doing and not progress.warning
        if self._unwritten and further:
            self._reports.pop()
        self._count += 1
        self._reports.append((self._count, time.time(), progress))
        self._unwritten = further and time.monotonic() - self._written_at < EVERY_SECONDS
        if not self._unwritten:
            self._write()

    def flush(self) -> None:
        """Write what has not been: nothing more is going to be told."""
        if self._unwritten:
            self._write()
            self._unwritten = False

    def _write(self) -> None:
        text = json.dumps({**self._about, "reports": list(self._reports)})
        with suppress(OSError):
            self._draft.unlink(missing_ok=True)  # a link there is not followed
            with self._draft.open("x") as file:
                file.write(text)
            self._draft.replace(self._path)
        self._written_at = time.monotonic()


class ProgressReader:
    """Reads what a run tells of itself.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._seen: tuple[int, ...] = ()
        self._teller: tuple[str, int, float] | None = None
        self._read = 0

    def news(self) -> list[tuple[float, Progress]]:
        """Return the reports that were not returned before, each with its time.

        A file that is torn, too large, or of something else, tells nothing.
        """
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return []
        try:
            about = os.fstat(handle)
            seen = (about.st_ino, about.st_mtime_ns, about.st_size)
            if seen == self._seen or about.st_size > MOST_BYTES:
                return []
            self._seen = seen
            told = ToldProgress.model_validate_json(os.read(handle, MOST_BYTES))
        except DAMAGES:
            return []
        finally:
            os.close(handle)
        teller = (told.host, told.pid, told.began)
        if teller != self._teller:
            self._teller, self._read = teller, 0
        new = [(at, one) for number, at, one in told.reports if number > self._read]
        self._read = max([self._read, *(number for number, _, _ in told.reports)])
        return [(at, one) for at, one in new if sensible(one)]


def sensible(progress: Progress) -> bool:
    """Return whether a report is one that can be reckoned with, and shown on a terminal."""
    if not 0 <= progress.step <= MOST_STEPS or not 0 <= progress.steps <= MOST_STEPS:
        return False
    return (progress.doing + progress.warning + (progress.metric or ("",))[0]).isprintable()


def forget(folder: Path) -> None:
    """Remove what a run told of itself, and the drafts of processes that were killed."""
    with suppress(OSError):
        for path in folder.glob(f"{NAME}*"):
            path.unlink(missing_ok=True)
