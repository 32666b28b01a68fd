"""Rows beyond the paper: what people use to destroy data, and what they take for it."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dan_bench.table1.entry import Entry, RunContext, TrainingResult
from dan_bench.table1.workspace import Workspace, regular_files

AT_ONCE = 500
"""Files that a program is handed at a time."""


class Tool(Entry):
    """Something that is given every file of the training set and of the album."""

    def identify(self) -> dict[str, Any]:
        """Return what it is given, beside its arguments."""
        return {"acts_on": "training set and album"}


@dataclass(frozen=True)
class Program(Tool):
    """A program that is given every file of the training set and of the album.

    Args:
        command: its name and its options; the files come after `--`.
    """

    command: tuple[str, ...]

    @property
    def note(self) -> str:
        """Say what was run."""
        command = " ".join(self.command)
        return f"{self.command[0]}: `{command}` on every file of the training set and the album"

    def run(self, place: Workspace, context: RunContext) -> TrainingResult:
        """Run it.

        Raises:
            FileNotFoundError: it is not installed.
            RuntimeError: it failed; with what it said.
        """
        program = shutil.which(self.command[0])
        if program is None:
            raise FileNotFoundError(f"{self.command[0]} is not installed")
        files = originals(place)
        for start in range(0, len(files), AT_ONCE):
            command = [program, *self.command[1:], "--", *map(str, files[start : start + AT_ONCE])]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            if ended.returncode:
                raise RuntimeError(f"{self.command[0]}: {ended.stderr.strip()}")
        return TrainingResult()


@dataclass(frozen=True)
class TruncateAndRewrite(Tool):
    """Every file opened with O_TRUNC and written anew with random bytes, as most programs save."""

    note = (
        "truncation: every file of the training set and the album opened with O_TRUNC and "
        "written anew with random bytes"
    )

    def run(self, place: Workspace, context: RunContext) -> TrainingResult:
        """Write as many random bytes as there were, and wait for the device."""
        for path in originals(place):
            size = path.stat().st_size
            with path.open("wb") as file:
                file.write(os.urandom(size))
                file.flush()
                os.fsync(file.fileno())
        return TrainingResult()


def originals(place: Workspace) -> list[Path]:
    """Return every file of the training set and of the album."""
    return [path for folder in place.originals for path in regular_files(folder, folder.name)]
