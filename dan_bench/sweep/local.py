"""`runtime.executor=local`: tasks side by side on this machine, a process each."""

import multiprocessing
import os
import re
import signal
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from weakref import WeakKeyDictionary

from dan_bench.config.schema import RunConfig
from dan_bench.results.provenance import THREADS
from dan_bench.sweep.executor import Ending, Task

SERVER_DIED = 255
"""What multiprocessing has for the exit code of a process whose fork server is gone."""


def open_executor(configs: Mapping[str, RunConfig]) -> "LocalProcesses":
    """Return processes on this machine: as many as are asked for, or as its cores allow.

    Where runs use GPUs, there are as many as there are GPUs, each with one of them.
    """
    runtime = next(iter(configs.values())).runtime
    gpus = visible_gpus() if runtime.accelerator != "cpu" else []
    room = len(gpus) or max(1, cores() // runtime.threads)
    return LocalProcesses(runtime.threads, runtime.workers or room, gpus)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def visible_gpus() -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch  # seconds, which a sweep without a GPU spends on other things

    count = torch.cuda.device_count()
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    return named.split(",")[:count] if named else [str(index) for index in range(count)]


class LocalProcesses:
    """Processes, each forked from a server that has imported everything.

    Importing Lightning and torch takes five seconds; this way it is done once, and while the
    caller still checks its configs.

    Args:
        threads: of each process.
        slots: number of processes at a time.
        gpus: each process is shown one of them, the one that fewest use; all that there are,
            where none is named.
    """

    def __init__(self, threads: int, slots: int, gpus: Sequence[str] = ()) -> None:
        self.slots = slots
        self._context = start_server(threads)
        self._alive: dict[ForkServerProcess, Connection] = {}
        self._gpus, self._gpu_of = gpus, WeakKeyDictionary[ForkServerProcess, str]()
        self._short_of_memory = memory_kills()

    def submit(self, task: Task, gpus: str | None = None) -> ForkServerProcess:
        """Start a process; the connection that it holds, and never uses, is closed by its death.

        Args:
            task: what it does.
            gpus: the CUDA_VISIBLE_DEVICES that it has, if not one of this executor's own.
        """
        from dan_bench.sweep.worker import work_alone  # imports torch: not before it is needed

        if gpus is None and self._gpus:
            used = [self._gpu_of[process] for process in self._alive]
            gpus = min(self._gpus, key=used.count)
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(target=work_alone, args=(task, theirs, gpus))
        process.start()
        self._gpu_of[process] = gpus or ""
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
    for name in THREADS:
        os.environ[name] = str(threads)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", "dan_bench.sweep.worker"])
    resource_tracker.ensure_running()
    # Ctrl-C reaches all processes of the terminal; the driver, which hears it, ends the others
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


def memory_kills() -> int:
    """Return how many processes Linux has killed for want of memory since it started."""
    try:
        found = re.search(r"^oom_kill (\d+)$", Path("/proc/vmstat").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) if found else 0
