"""`runtime.executor=local`: tasks side by side on this machine, a process each."""

import multiprocessing
import os
import re
import signal
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from dan_bench.config.schema import RunConfig
from dan_bench.sweep.executor import Ending, Task

SERVER_DIED = 255
"""What multiprocessing has for the exit code of a process whose fork server is gone."""


def open_executor(configs: Mapping[str, RunConfig]) -> "LocalProcesses":
    """Return processes on this machine: as many as are asked for, or as its cores allow."""
    runtime = next(iter(configs.values())).runtime
    cores = len(os.sched_getaffinity(0))
    return LocalProcesses(runtime.threads, runtime.workers or max(1, cores // runtime.threads))


class LocalProcesses:
    """Processes, each forked from a server that has imported everything.

    Importing Lightning and torch takes five seconds; this way it is done once, and while the
    caller still checks its configs.

    Args:
        threads: of each process.
        slots: number of processes at a time.
    """

    def __init__(self, threads: int, slots: int) -> None:
        self.slots = slots
        self._context = start_server(threads)
        self._alive: dict[ForkServerProcess, Connection] = {}
        self._short_of_memory = memory_kills()

    def submit(self, task: Task) -> ForkServerProcess:
        """Start a process; the connection that it holds, and never uses, is closed by its death."""
        from dan_bench.sweep.worker import work_alone  # imports torch: not before it is needed

        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=work_alone, args=(task, theirs))
        process.start()
        theirs.close()
        self._alive[process] = ours
        return process

    def poll(self, process: ForkServerProcess) -> Ending | None:
        """Return how a process ended; None while it lives."""
        if not wait([self._alive[process]], timeout=0):
            return None
        self._alive.pop(process).close()
        process.join()
        code = process.exitcode or 0
        if code == SERVER_DIED:
            return Ending("lost", "its fork server died")
        if code >= 0:
            return Ending("crashed", f"exit code {code}") if code else Ending("ended")
        kills = memory_kills()
        if code == -signal.SIGKILL and kills > self._short_of_memory:
            self._short_of_memory = kills
            return Ending("out_of_memory", "signal SIGKILL")
        return Ending("killed", f"signal {signal.Signals(-code).name}")

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or as soon as a process has ended."""
        wait(list(self._alive.values()), timeout=seconds)

    def cancel(self, process: ForkServerProcess) -> None:
        """Kill a process."""
        if (held := self._alive.pop(process, None)) is not None:
            process.kill()
            process.join()
            held.close()

    def close(self) -> None:
        """Kill every process that is left."""
        for process in list(self._alive):
            self.cancel(process)


def start_server(threads: int) -> ForkServerContext:
    """Start the process from which the workers are forked."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dan_bench.sweep.worker"])
    forkserver.ensure_running()
    return context


def memory_kills() -> int:
    """Return how many processes Linux has killed for want of memory since it started."""
    try:
        found = re.search(r"^oom_kill (\d+)$", Path("/proc/vmstat").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0
