"""How far a run is, as a small file in its own folder: the same wherever it is carried out.

The run replaces the file in one piece, and whoever is interested reads it; nobody locks it, or
waits for it. It is no part of the results: what cannot be written or read is left out. It is that
of whoever holds the claim on the run. Another sweep that waits for the run meanwhile tells so in a
file beside it, which is named for its task.
"""

import json
import os
import socket
import time
from collections import defaultdict, deque
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, NonNegativeInt

from dan_bench.interfaces import Progress
from dan_bench.results.claim import in_use, this_process
from dan_bench.results.reading import DAMAGES

NAME = "progress.json"
WAITING = "waiting"
"""In place of a task's name, where there is none."""
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
        task: name of the task, for what is told while another process holds the run.
    """

    def __init__(self, folder: Path, task: str = WAITING) -> None:
        self._folder, self._draft = folder, folder / f"{NAME}.{os.getpid()}.tmp"
        self._waiting, self._waits = folder / f"{NAME}.{task}", False
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
        waited, self._waits = self._waits, in_use(self._folder, but=this_process())
        with suppress(OSError):
            self._draft.unlink(missing_ok=True)  # a link there is not followed
            with self._draft.open("x") as file:
                file.write(text)
            self._draft.replace(self._waiting if self._waits else self._folder / NAME)
            if waited and not self._waits:
                self._waiting.unlink(missing_ok=True)
        self._written_at = time.monotonic()


class ProgressReader:
    """Reads what a run tells of itself.

    Args:
        folder: of the run.
        task: name of the task that is to do it. What that tells while it waits for another process
            is read in place of what the other one tells.
    """

    def __init__(self, folder: Path, task: str = WAITING) -> None:
        self._paths = folder / f"{NAME}.{task}", folder / NAME
        self._seen: tuple[int, ...] = ()
        self._read: dict[tuple[str, int, float], int] = defaultdict(int)
        """The number of the last report that was read, by who told it."""

    def news(self) -> list[tuple[float, Progress]]:
        """Return the reports that were not returned before, each with its time.

        A file that is torn, too large, or of something else, tells nothing.
        """
        path = next(filter(os.path.lexists, self._paths), self._paths[-1])
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
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
        read = self._read[teller]
        new = [(at, one) for number, at, one in told.reports if number > read]
        self._read[teller] = max([read, *(number for number, _, _ in told.reports)])
        return [(at, one) for at, one in new if sensible(one)]


def sensible(progress: Progress) -> bool:
    """Return whether a report is one that can be reckoned with, and shown on a terminal."""
    if not 0 <= progress.step <= MOST_STEPS or not 0 <= progress.steps <= MOST_STEPS:
        return False
    return (progress.doing + progress.warning + (progress.metric or ("",))[0]).isprintable()


def forget(folder: Path, task: str = WAITING) -> None:
    """Remove what a run told of itself, and the drafts of processes that were killed.

    Of a run that somebody is at work on, only what this task told while it waited.
    """
    with suppress(OSError):
        (folder / f"{NAME}.{task}").unlink(missing_ok=True)
        told = list(folder.glob(f"{NAME}*"))
        for path in told if told and not in_use(folder) else []:
            path.unlink(missing_ok=True)
