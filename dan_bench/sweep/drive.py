"""Drives a sweep: hands out its tasks, follows them, tries again, and sees to every record."""

import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from dan_bench.cli import explained, remembering_interrupts
from dan_bench.config.schema import RunConfig
from dan_bench.interfaces import RunRecord
from dan_bench.results.provenance import provenance
from dan_bench.results.record import Store
from dan_bench.sweep.executor import AGAIN, Ending, Executor, Task, folder_of, last_saved
from dan_bench.sweep.progress import ProgressReader, forget
from dan_bench.sweep.seeds import alike, notes
from dan_bench.sweep.state import Job, SweepState, reason
from dan_bench.sweep.view import Quiet

TICK_SECONDS = 0.25
FOLLOWED = 500
"""Progress files that are read at a tick."""


def carry_out(
    configs: Mapping[str, RunConfig], group: str, executor: Executor, view: Quiet
) -> None:
    """Run every config, those that train first; each leaves its record.

    A run whose process dies is tried again where that may help, `runtime.retries` times; then it
    gets a record that says why and how often. The others go on.

    Args:
        configs: what to run, by key.
        group: name of the sweep, for the loggers.
        executor: what carries them out.
        view: shows the progress.
    """
    trained_first = sorted(configs, key=lambda key: not configs[key].steps)
    for line in notes(configs):
        print(f"warning: {line}", file=sys.stderr)
    tasks = [Task(one, group) for one in alike({key: configs[key] for key in trained_first})]
    logs = {key: task.log for task in tasks for key in task.configs}
    jobs = [new_job(n, key, configs[key], log) for n, (key, log) in enumerate(logs.items(), 1)]
    driver = Driver(configs, jobs, executor, view)
    driver.waiting.extend(tasks)
    with view:
        driver.drive()


def new_job(number: int, key: str, config: RunConfig, log: Path | None = None) -> Job:
    """Return the job of a config, whose output is in its own folder if it is in no other `log`."""
    log = log or folder_of(key, config) / "log.txt"
    return Job(number, config.title(), config.kind, key, config.steps, log)


@dataclass(eq=False)
class Handover:
    """A task that an executor has."""

    task: Task
    handle: Any
    readers: dict[str, ProgressReader]
    saved: dict[str, int]
    """When the checkpoint of each run was last written as the task was handed over."""
    before: dict[str, RunRecord | None]
    """The record that each run had of an earlier attempt."""


class Driver:
    """The loop that is the same for every executor.

    Args:
        configs: of all runs, by key.
        jobs: one a run.
        executor: what carries them out.
        view: shows the progress; it has been entered.
    """

    def __init__(
        self,
        configs: Mapping[str, RunConfig],
        jobs: list[Job],
        executor: Executor,
        view: Quiet,
    ) -> None:
        self.waiting: deque[Task] = deque()
        self._jobs = {job.key: job for job in jobs}
        self._retries = next(iter(configs.values())).runtime.retries
        self._executor, self._view = executor, view
        self._state = SweepState(jobs, min(executor.slots, len(jobs)))
        self._going: deque[Handover] = deque()

    def drive(self) -> None:
        """Carry out all tasks; if this is interrupted, those that were begun are cancelled."""
        try:
            with remembering_interrupts() as check:
                while self.waiting or self._going:
                    check()
                    self._round()
        except KeyboardInterrupt:
            for attempt in self._going:
                self._executor.cancel(attempt.handle)
            raise

    def _round(self) -> None:
        """Hand over what there is room for, and see what has become of the rest."""
        while self.waiting and len(self._going) < self._executor.slots:
            self._submit(self.waiting.popleft())
        self._executor.wait(TICK_SECONDS)
        for attempt in list(self._going):
            if (ending := self._executor.poll(attempt.handle)) is not None:
                self._follow(attempt)
                self._going.remove(attempt)
                self._over(attempt, ending)
        for attempt in islice(self._going, FOLLOWED):
            self._follow(attempt)
        self._going.rotate(-FOLLOWED)
        self._view.tick(self._state)

    def _submit(self, task: Task) -> None:
        before = {key: record_of(key, config) for key, config in task.configs.items()}
        readers, saved = {}, {}
        for folder in (folder_of(key, config) for key, config in task.configs.items()):
            forget(folder, task.name)
            reader = ProgressReader(folder, task.name)
            reader.news()  # of a run that another sweep is at work on: told before, and to that
            readers[folder.name], saved[folder.name] = reader, last_saved(folder)
        self._going.append(Handover(task, self._executor.submit(task), readers, saved, before))

    def _follow(self, attempt: Handover) -> None:
        """Take what the runs of a task tell of themselves."""
        for key, reader in attempt.readers.items():
            job = self._jobs[key]
            for at, progress in reader.news():
                self._begin(job)
                if progress.warning:
                    print(f"warning: {job.title}: {progress.warning}", file=sys.stderr)
                changed = progress.doing != job.now.doing
                self._state.update(job, progress, at)
                if changed:  # of several activities at once, each is shown
                    self._view.tick(self._state)

    def _begin(self, job: Job) -> None:
        if job.state == "waiting":
            self._state.begin(job)
            self._view.changed(self._state, job)

    def _over(self, attempt: Handover, ending: Ending) -> None:
        """Settle the runs of a task, or have them tried again."""
        task, again = attempt.task, {}
        for key, config in task.configs.items():
            job, folder = self._jobs[key], folder_of(key, config)
            record = record_of(key, config)
            self._begin(job)
            own = ending.cause == "ended" or record != attempt.before[key]
            if record is None or (record.status != "done" and not own):
                further = last_saved(folder) > attempt.saved[key]
                may_help = ending.cause in AGAIN or (ending.cause == "timed_out" and further)
                if may_help and task.number <= self._retries:
                    again[key] = config
                    print(
                        f"warning: {job.title}: {ending}; "
                        f"tried again, {task.number} of {self._retries}",
                        file=sys.stderr,
                    )
                    self._state.put_back(job)
                    continue
                record = failed(key, config, job.log, ending, task.number)
                # which takes a moment, in which another sweep may have ended the run
                done = record_of(key, config)
                try:
                    if done is not None and done.status == "done":
                        record = done
                    else:
                        Store(config.runtime.results, config.part).put(record)
                except OSError as error:
                    print(f"warning: {job.title}: no record: {explained(error)}", file=sys.stderr)
            forget(folder, task.name)
            found = {n: e.value for n, e in record.metrics.items() if e is not None}
            self._state.end(job, record.status, reason(record), found)
            self._view.changed(self._state, job)
        if again:
            self.waiting.append(replace(task, configs=again, number=task.number + 1))


def record_of(key: str, config: RunConfig) -> RunRecord | None:
    """Return the record that a run has, if it has one."""
    return Store(config.runtime.results, config.part).get(key, config.scientific())


def failed(key: str, config: RunConfig, log: Path, ending: Ending, tries: int) -> RunRecord:
    """Return the record of a run that left none, or none that counts."""
    try:
        output = log.read_text(errors="replace")[-4000:]
    except OSError:
        output = ""
    often = "" if tries == 1 else f", in the last of {tries} tries"
    how = f"The run was over, leaving no record: {ending}{often}."
    return RunRecord(
        key,
        "failed",
        config.scientific(),
        provenance=provenance() | {"cause": ending.cause, "tries": tries},
        traceback=f"Its output:\n{output}\n{how}",
    )
