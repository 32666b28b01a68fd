"""The whole table: every subject in turn, and what is shown meanwhile."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import torch

from dan_bench.cli import InputError
from dan_bench.interfaces import Progress, RunRecord
from dan_bench.report.table1 import store_of
from dan_bench.results.record import Store
from dan_bench.sweep import state as board
from dan_bench.sweep.jobs import view_of
from dan_bench.table1.album import Album, BundledAlbum, OwnAlbum
from dan_bench.table1.place import refuse_overlap
from dan_bench.table1.preset import EntryRun, Sources, file_system_of, make_jobs, read_preset
from dan_bench.table1.record import carry_out, finished
from dan_bench.table1.subject import RunContext


class EntryUnavailable(InputError):
    """Something that was asked for is not to be had; nothing was run."""


@dataclass
class TimedJob(board.Job):
    """A subject on the board, with the time that its present work still takes."""

    def describe(self) -> str:
        """Say what it does, and until when."""
        now = self.now
        if not now.step:
            return now.doing
        left = (time.monotonic() - self.training_since) * (now.steps - now.step) / now.step
        return f"{now.doing}, {now.step} of {now.steps}, about {board.duration(left)} left of it"


class TableState(board.SweepState):
    """The table, where no subject foretells how long another one takes; each says it of itself."""

    def seconds_left(self) -> None:
        """Nothing that could be vouched for."""


def run(asked: argparse.Namespace) -> list[RunRecord]:
    """Carry out what the command line asks for, and return all records of it, failed ones too.

    Raises:
        Refused: before anything was run.
    """
    if asked.device == "cuda" and not torch.cuda.is_available():
        raise EntryUnavailable("--device cuda: torch sees no such device here")
    torch.set_num_threads(asked.threads)
    store = store_of(asked.results)
    parent = (asked.scratch or store.runs / "scratch").absolute()
    album: Album = BundledAlbum() if asked.album is None else OwnAlbum(asked.album)
    try:
        for flag in ("album", "imagenet", "mp3"):
            if getattr(asked, flag) is not None:
                refuse_overlap(getattr(asked, flag), parent, f"--{flag}")
        parent.mkdir(parents=True, exist_ok=True)
        rows = read_preset(asked.preset)
        names = [name for name, row in rows.items() if row.in_paper or asked.subjects == "all"]
        if asked.subjects not in (None, "all"):
            names = asked.subjects.split(",")
        sources = Sources(asked.datasets, asked.imagenet, asked.mp3)
        kind = file_system_of(parent.resolve())
        jobs = make_jobs(rows, names, asked.preset, asked.seeds, sources, album, kind)
        kept = {i: record for i, job in enumerate(jobs) if (record := finished(job, store))}
    except ValueError as error:
        raise EntryUnavailable(str(error)) from error
    missing = {i: job for i, job in enumerate(jobs) if i not in kept}
    made = carry_out_all(list(missing.values()), album, store, parent, asked)
    records = kept | dict(zip(missing, made, strict=True))
    if not any(parent.iterdir()) and asked.scratch is None:
        parent.rmdir()
    return [records[i] for i in range(len(jobs))]


def carry_out_all(
    jobs: Sequence[EntryRun], album: Album, store: Store, parent: Path, asked: argparse.Namespace
) -> list[RunRecord]:
    """Run the jobs one after the other, and show how far they are on standard error."""
    shown = [
        TimedJob(number, f"{job.title}, seed {job.seed}", job.name)
        for number, job in enumerate(jobs, start=1)
    ]
    whole = TableState(list(shown), workers=1)
    records = []
    with redirect_stdout(sys.stderr), view_of(asked.progress) as view:
        for job, seen in zip(jobs, shown, strict=True):

            def tell(progress: Progress, seen: TimedJob = seen) -> None:
                if progress.doing.split(",")[0] != seen.now.doing.split(",")[0]:
                    seen.training_since = time.monotonic()
                whole.update(seen, progress)
                view.tick(whole)

            seen.state, seen.started = "running", time.monotonic()
            view.changed(whole, seen)
            given = RunContext(job.seed, asked.device, tell)
            record = carry_out(job, album, store, parent, given)
            seen.state, seen.seconds = record.status, time.monotonic() - seen.started
            records.append(record)
            view.changed(whole, seen)
    return records
