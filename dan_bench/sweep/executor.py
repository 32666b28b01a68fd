"""The seam between a sweep and what carries its runs out: local processes, Slurm or Ray."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol
from uuid import uuid4

from dan_bench.config.schema import RunConfig
from dan_bench.results.record import Store

Cause = Literal[
    "ended", "crashed", "killed", "out_of_memory", "preempted", "timed_out", "cancelled", "lost"
]
"""Why a task is over. It has `ended` where it came to its own end, with a record of each run: done,
or failed with the run's own exception. Its process `crashed` with an exit code, or was `killed` by
a signal; it is `lost` where nobody knows what became of it, as when its machine went down."""
AGAIN = ("killed", "out_of_memory", "preempted", "lost")
"""Causes after which another try may do better."""


class Ending(NamedTuple):
    """How a task was over."""

    cause: Cause
    detail: str = ""
    """In words: "signal SIGKILL", "node n2 died"."""

    def __str__(self) -> str:
        words = self.cause.replace("_", " ")
        return f"{words} ({self.detail})" if self.detail else words


@dataclass(frozen=True)
class Task:
    """What is done in one go, in a process of its own."""

    configs: Mapping[str, RunConfig]
    """The runs, by key. Several differ in their seed alone."""
    group: str
    """Name of the sweep, for the loggers."""
    number: int = 1
    """Which try it is; the output of earlier ones is kept."""

    name: str = field(default_factory=lambda: uuid4().hex)
    """One of its own: another sweep may have the same runs."""

    @property
    def log(self) -> Path:
        """The file that its output goes to, in the folder of its first run."""
        return folder_of(*next(iter(self.configs.items()))) / "log.txt"


class Executor(Protocol):
    """Carries tasks out. A handle is whatever `submit` returns.

    Each run leaves its own record and its own progress file, wherever it is carried out: an
    executor only starts tasks and says how they were over.
    """

    slots: int
    """How many tasks it is given at a time."""

    def submit(self, task: Task) -> Any:
        """Take a task, and return its handle; it may be started later, together with others."""

    def poll(self, handle: Any) -> Ending | None:
        """Return how a task was over; None while it waits or runs."""

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or as soon as a task is over."""

    def cancel(self, handle: Any) -> None:
        """End a task."""

    def close(self) -> None:
        """Release what it holds."""


def executor_for(configs: Mapping[str, RunConfig]) -> Executor:
    """Return what carries these runs out, by their `runtime.executor`; nothing is started yet.

    Each is `open_executor` in the module of its name, which alone imports what it needs.

    Raises:
        InputError: it cannot be had here.
        ModuleNotFoundError: the extra of that name is not installed.
    """
    name = next(iter(configs.values())).runtime.executor
    module = importlib.import_module(f"dan_bench.sweep.{name}")
    opened: Executor = module.open_executor(configs)
    return opened


def folder_of(key: str, config: RunConfig) -> Path:
    """Return the folder of a run."""
    return Store(config.runtime.results, config.part).folder(key)


def last_saved(folder: Path) -> int:
    """Return when a run's checkpoint was last written; 0 where there is none."""
    try:
        return (folder / "last.ckpt").stat().st_mtime_ns
    except OSError:
        return 0
