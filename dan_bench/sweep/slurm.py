"""`runtime.executor=slurm`: tasks as jobs of a Slurm cluster, in arrays, through submitit.

Under `<results>/slurm/` each array has a folder, named as its jobs are, with submitit's files and
`keys.json`, the keys of its tasks in order. A sweep that is launched again finds there which of its
runs are still queued or running, and waits for those instead of submitting them again.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import submitit
from submitit.core.utils import DelayedSubmission, UncompletedJobError

from dan_bench.cli import InputError
from dan_bench.config.schema import RunConfig
from dan_bench.files import whole
from dan_bench.results.provenance import THREADS
from dan_bench.results.reading import DAMAGES
from dan_bench.sweep.executor import Cause, Ending, Task, folder_of, last_saved

MOST_IN_ARRAY = 1000
"""Jobs in one array; Slurm's own MaxArraySize is 1001 unless a cluster says otherwise."""
RESTARTS = 10_000
"""More time limits than a run reaches: what ends it earlier is one in which it got no further."""
NO_FURTHER = 75
"""Exit code of a job that reached its time limit no further than it began."""
ASK_SECONDS = 2.0
"""Least time between two questions to Slurm; they take a twentieth of the time at most."""
UNKNOWN_SECONDS = 30.0
"""So long a job that Slurm does not know may yet be known."""
FORGOTTEN_SECONDS = 3600.0
"""Age from which on the folder of an array is removed of which Slurm knows no job."""

OPEN = (
    *("PENDING", "RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "REQUEUED", "REQUEUE_FED"),
    *("REQUEUE_HOLD", "RESIZING", "RESV_DEL_HOLD", "SIGNALING", "SPECIAL_EXIT", "STAGE_OUT"),
    "STOPPED",
)
"""States of a job that is not over."""
CAUSES: dict[str, Cause] = {
    "COMPLETED": "ended",
    "CANCELLED": "cancelled",
    "TIMEOUT": "timed_out",
    "DEADLINE": "timed_out",
    "OUT_OF_MEMORY": "out_of_memory",
    "PREEMPTED": "preempted",
    "NODE_FAIL": "lost",
    "BOOT_FAIL": "lost",
    "REVOKED": "lost",
}
"""By the states of those that are; a job that FAILED has an exit code."""


class SlurmRow(NamedTuple):
    """What Slurm says of a job."""

    job: str
    state: str
    node: str
    reason: str


@dataclass(eq=False)
class SlurmHandle:
    """A task that was taken; it has a place in an array once it has been submitted."""

    task: Task
    place: tuple[str, int] | None = None
    """Name of the array, and index in it."""
    unknown_since: float | None = None


def open_executor(configs: Mapping[str, RunConfig]) -> "SlurmJobs":
    """Return the cluster that this machine can submit to.

    Raises:
        InputError: there is none.
    """
    missing = [name for name in ("sbatch", "srun", "squeue") if shutil.which(name) is None]
    if missing:
        raise InputError(
            f"runtime.executor=slurm: there is no {missing[0]} here; start this on a machine from "
            "which jobs are submitted, or type runtime.executor=local"
        )
    return SlurmJobs(next(iter(configs.values())))


class SlurmJobs:
    """Jobs of a Slurm cluster; they go on, and leave their records, whatever becomes of this.

    Args:
        config: of one of the runs; its `runtime` holds for all.
    """

    slots = sys.maxsize

    def __init__(self, config: RunConfig) -> None:
        self._runtime = config.runtime
        self._folder = config.runtime.results.absolute() / "slurm"
        self._waiting: list[SlurmHandle] = []
        self._cancelled: list[str] = []
        self._failed: set[str] = set()
        self._open: dict[str, int] = {}
        """Number of tasks that are not over, by array."""
        self._rows: dict[tuple[str, int], SlurmRow] = {}
        self._ask_at, self._asked_at = 0.0, 0.0
        self._answers = True
        self._known: dict[tuple[str, ...], tuple[str, int]] | None = None

    def submit(self, task: Task) -> SlurmHandle:
        """Take a task: one that an earlier sweep left with Slurm is waited for."""
        if self._known is None:
            self._known = self._recall()
        handle = SlurmHandle(task)
        known = self._known.pop(tuple(task.configs), None) if task.number == 1 else None
        if known is None:
            self._waiting.append(handle)
        else:
            self._place(handle, known)
        return handle

    def poll(self, handle: SlurmHandle) -> Ending | None:
        """Return how a job was over, as Slurm has it."""
        if handle.place is None:
            return None
        self._ask()
        row = self._rows.get(handle.place)
        ending = self._missing(handle) if row is None else ending_of(row)
        if ending is not None:
            name = handle.place[0]
            self._open[name] -= 1
            self._failed |= set() if ending.cause == "ended" else {name}
        return ending

    def wait(self, seconds: float) -> None:
        """Submit what was taken, and return after so many seconds, or one."""
        while self._waiting:
            self._send(self._waiting[:MOST_IN_ARRAY])
            del self._waiting[:MOST_IN_ARRAY]
        time.sleep(max(seconds, 1.0))

    def cancel(self, handle: SlurmHandle) -> None:
        """Cancel a job, together with others as this is closed."""
        if handle in self._waiting:
            self._waiting.remove(handle)
        elif handle.place is not None and (row := self._rows.get(handle.place)) is not None:
            self._cancelled.append(row.job)
        elif handle.place is not None:
            self._cancelled.append(f"--name={handle.place[0]}")

    def close(self) -> None:
        """Cancel what is to be cancelled, and remove the files of arrays in which all went well."""
        names = {each for each in self._cancelled if each.startswith("--")}
        jobs = [each for each in self._cancelled if each not in names]
        for arguments in [*([name] for name in names), *([jobs] if jobs else [])]:
            call(["scancel", *arguments])
        for name, left in self._open.items():
            if not left and name not in self._failed:
                shutil.rmtree(self._folder / name, ignore_errors=True)

    def _place(self, handle: SlurmHandle, place: tuple[str, int]) -> None:
        handle.place = place
        self._open[place[0]] = self._open.get(place[0], 0) + 1

    def _send(self, handles: Sequence[SlurmHandle]) -> None:
        """Submit tasks as one array; which keys it has is on the device before Slurm has it."""
        name = f"dan-bench-{secrets.token_hex(4)}"
        folder = self._folder / name
        folder.mkdir(parents=True)
        keys = [list(handle.task.configs) for handle in handles]
        with whole(folder / "keys.json") as file:
            file.write(json.dumps(keys).encode())
        executor = submitit.SlurmExecutor(folder, max_num_timeout=RESTARTS)
        executor.update_parameters(job_name=name, **parameters(self._runtime))
        try:
            executor.submit_array([SlurmTask(handle.task) for handle in handles])
        except UncompletedJobError as error:
            shutil.rmtree(folder, ignore_errors=True)
            said = [line for line in str(error).splitlines() if "error:" in line] or [str(error)]
            raise InputError(f"Slurm refuses these jobs: {said[0].strip()}") from error
        for index, handle in enumerate(handles):
            self._place(handle, (name, index))
        self._ask_at = 0.0

    def _recall(self) -> dict[tuple[str, ...], tuple[str, int]]:
        """Return the places of what earlier sweeps submitted and is not over, by the keys."""
        found: dict[tuple[str, ...], tuple[str, int]] = {}
        arrays: dict[str, list[tuple[str, ...]]] = {}
        for path in self._folder.glob("dan-bench-*/keys.json"):
            try:
                arrays[path.parent.name] = [
                    tuple(map(str, keys)) for keys in json.loads(path.read_text())
                ]
            except DAMAGES:
                continue
        if not arrays:
            return found
        rows = ask(arrays)
        if rows is None:
            raise InputError("squeue does not answer: which jobs of these runs go on is not known")
        for name, tasks in arrays.items():
            places = [(name, index) for index in range(len(tasks))]
            going = [one for one in places if one in rows and ending_of(rows[one]) is None]
            found |= {tasks[index]: (name, index) for _, index in going}
            folder = self._folder / name
            if not going and time.time() - folder.stat().st_mtime > FORGOTTEN_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        return found

    def _ask(self) -> None:
        """Ask Slurm for the state of all jobs, if it is time again."""
        started = time.monotonic()
        if started < self._ask_at:
            return
        rows = ask(name for name, left in self._open.items() if left)
        now = time.monotonic()
        self._ask_at = now + max(ASK_SECONDS, 20 * (now - started))
        if rows is not None:
            self._rows, self._asked_at = rows, now
        elif self._answers:
            print("warning: squeue does not answer; it is asked again", file=sys.stderr)
        self._answers = rows is not None

    def _missing(self, handle: SlurmHandle) -> Ending | None:
        """Return how a job was over that Slurm's queue does not know any more, or not yet."""
        if handle.unknown_since is None:
            handle.unknown_since = time.monotonic()
        if self._asked_at < handle.unknown_since + UNKNOWN_SECONDS:
            return None
        assert handle.place is not None
        return accounted(*handle.place) or Ending("lost", "Slurm does not know the job any more")


class SlurmTask:
    """A task as submitit has it carried out: it is called in the job."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def __call__(self) -> None:
        """Carry the task out; near the time limit, save a checkpoint and queue it again.

        SIGTERM, by which Slurm cancels or preempts, saves one too; what then becomes of the job is
        for Slurm to say.
        """
        from dan_bench.callbacks.checkpoint import Suspended, request  # torch, in the job alone
        from dan_bench.sweep.worker import work

        queue_again: Any = signal.getsignal(signal.SIGUSR2)
        received: list[int] = []

        def stop(number: int, _: Any) -> None:
            received.append(number)
            if not request():
                raise Suspended

        for number in (signal.SIGUSR2, signal.SIGTERM):
            signal.signal(number, stop)
        before = self._saved()
        restarts = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
        try:
            work(replace(self.task, number=self.task.number + restarts))
        except Suspended:
            for number in (signal.SIGUSR2, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            if signal.SIGUSR2 not in received:
                raise SystemExit(128 + signal.SIGTERM) from None
            if self._saved() == before:
                raise SystemExit(NO_FURTHER) from None
            queue_again(signal.SIGUSR2, None)

    def checkpoint(self) -> DelayedSubmission:
        """Return what the job does when it starts again: the same, from its checkpoint."""
        return DelayedSubmission(self)

    def _saved(self) -> list[int]:
        return [last_saved(folder_of(key, config)) for key, config in self.task.configs.items()]


def parameters(runtime: Any) -> dict[str, Any]:
    """Return submitit's parameters of a job."""
    asked = runtime.slurm
    threads = [f"export {name}={runtime.threads}" for name in THREADS]
    gpus = asked.gpus or int(runtime.accelerator == "gpu")
    given = {
        "partition": asked.partition,
        "account": asked.account,
        "qos": asked.qos,
        "constraint": asked.constraint,
        "gpus_per_node": gpus or None,
    }
    return {
        **{name: value for name, value in given.items() if value is not None},
        "time": asked.time,
        "mem": f"{round(asked.memory * 1024)}MB",
        "cpus_per_task": asked.cpus or runtime.threads,
        "array_parallelism": asked.array_parallelism,
        "signal_delay_s": asked.signal_delay,
        "setup": [*asked.setup, *threads],
        "stderr_to_stdout": True,
        "additional_parameters": {"requeue": True, **asked.options},
    }


def ask(names: Any) -> dict[tuple[str, int], SlurmRow] | None:
    """Return what Slurm says of the jobs in arrays, by array and index; None without an answer."""
    form = "%F|%K|%j|%T|%N|%r"
    command = ["squeue", "--noheader", "--array", "--states=all", f"--format={form}"]
    ended = call([*command, f"--name={','.join(names)}"])
    if ended is None or ended.returncode:
        return None
    rows = {}
    for line in ended.stdout.splitlines():
        job, index, name, state, node, reason = line.split("|", 5)
        number = int(index) if index.isdigit() else 0
        whole_name = f"{job}_{number}" if index.isdigit() else job
        rows[name, number] = SlurmRow(whole_name, state, node, reason)
    return rows


def ending_of(row: SlurmRow) -> Ending | None:
    """Return how a job was over; None where it is not."""
    if row.state == "PENDING" and "launch failed" in row.reason:
        call(["scancel", row.job])
        return Ending("lost", f"job {row.job}: {row.reason}")
    if row.state in OPEN:
        return None
    about = f"job {row.job}" + (f" on node {row.node}" if row.node else "")
    if row.state in CAUSES:
        return Ending(CAUSES[row.state], "" if row.state == "COMPLETED" else about)
    shown = call(["scontrol", "show", "job", row.job])
    words = shown.stdout.split() if shown is not None else []
    codes = [word.removeprefix("ExitCode=") for word in words if word.startswith("ExitCode=")]
    return of_exit_code(codes[0] if codes else "", about)


def of_exit_code(text: str, about: str) -> Ending:
    """Return how a job was over that failed.

    Args:
        text: its exit code and its signal, `CODE:SIGNAL`.
        about: which job it was.
    """
    code, _, number = text.partition(":")
    if not code.isdigit():
        return Ending("crashed", about)
    if int(code) == NO_FURTHER:
        return Ending("timed_out", f"{about}: no further than it began")
    killed = int(number or 0) or int(code) - 128
    if 0 < killed < signal.NSIG:
        return Ending("killed", f"signal {signal.Signals(killed).name}, {about}")
    return Ending("crashed", f"exit code {code}, {about}")


def accounted(name: str, index: int) -> Ending | None:
    """Return how a job was over by Slurm's accounting, where a cluster has it."""
    form = "JobID,State,ExitCode,NodeList"
    ended = call(["sacct", "-X", "-n", "-P", f"--name={name}", "-S", "now-30days", "-o", form])
    for line in ended.stdout.splitlines() if ended is not None and not ended.returncode else []:
        job, state, code, node = line.split("|", 3)
        if (job.partition("_")[2] or "0") == str(index):
            row = SlurmRow(job, state.split()[0], node, "")
            return of_exit_code(code, f"job {job}") if row.state == "FAILED" else ending_of(row)
    return None


def call(command: list[str]) -> subprocess.CompletedProcess[str] | None:
    """Run one of Slurm's commands; None where there is none, or it hangs."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
