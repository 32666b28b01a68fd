"""`runtime.progress=quiet`: nothing but errors; the exit code says the rest."""

import sys
from collections.abc import Sequence
from typing import Self

from dan_bench.sweep.board import Job, SweepOutcome, SweepState


class Quiet:
    """Says on standard error what failed, as it happens, and nothing else."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def ready(self, jobs: int, left: int, data: Sequence[str]) -> None:
        """Nothing."""

    def tick(self, board: SweepState) -> None:
        """Nothing."""

    def changed(self, board: SweepState, job: Job) -> None:
        """Say what failed."""
        if job.error:
            print(f"failed: {job.title}: {job.error}", file=sys.stderr, flush=True)

    def over(self, outcome: SweepOutcome) -> None:
        """Nothing."""
