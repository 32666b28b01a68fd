"""`runtime.executor=ray`: tasks on a Ray cluster, or on one that is started here for the sweep.

Ray chooses the node, by the CPUs and GPUs that a task is said to need. There one of its workers
starts the task in a process of its own, as a sweep on one machine does: what the process died of
is known, and everything has been imported before. Ray's own retries are off, as the sweep counts
its tries on every executor alike.
"""

import logging
import os
import socket
import time
from collections.abc import Mapping
from functools import cache
from math import ceil
from typing import Any

import ray.exceptions  # missing, too, where a folder is called ray, as Ray's own in /tmp

from dan_bench.cli import InputError, explained, say
from dan_bench.config.schema import RunConfig, Runtime
from dan_bench.sweep.executor import Cause, Ending, Task
from dan_bench.sweep.local import LocalProcesses, cores

STORE_BYTES = 80 << 20
"""Memory for objects of a cluster that is started here, near the least that Ray takes: configs."""
CAUSES: Mapping[type[ray.exceptions.RayError], tuple[Cause, str]] = {
    ray.exceptions.TaskCancelledError: ("cancelled", ""),
    ray.exceptions.OutOfMemoryError: ("out_of_memory", "ended by Ray"),
    ray.exceptions.NodeDiedError: ("lost", "its node died"),
    ray.exceptions.WorkerCrashedError: ("lost", "its Ray worker died"),
}
"""By what Ray raises for a task, why it is over, and in which words."""
CONNECT_SECONDS = 5.0
WATCH_SECONDS = 60.0


def open_executor(configs: Mapping[str, RunConfig]) -> "RayTasks":
    """Connect to the cluster, or start one.

    Raises:
        InputError: there is none, or none of its nodes has what a run needs.
    """
    runtime = next(iter(configs.values())).runtime
    needs = needs_of(runtime)
    connect(runtime, needs["CPU"])
    tasks = RayTasks(needs, runtime)
    if not tasks.room():
        asked = ", ".join(f"{value:g} {name}" for name, value in needs.items() if value)
        lacking = f"no node of the cluster has what a run needs, {asked}"
        if not runtime.workers:  # a cluster that grows would add a node
            tasks.close()
            raise InputError(f"runtime.ray: {lacking}; to wait for one, type runtime.workers=N")
        say(f"warning: {lacking}; waiting for one")
    return tasks


def needs_of(runtime: Runtime) -> dict[str, float]:
    """Return what Ray sets aside for a run, by Ray's names."""
    cpus, gpus = runtime.ray.num_cpus, runtime.ray.num_gpus
    if runtime.accelerator == "gpu" and not gpus:
        raise InputError(
            "runtime.accelerator=gpu: Ray shows a run no GPU that it did not ask for; type "
            "runtime.ray.num_gpus=1, or 0.25 for four runs on each"
        )
    return {"CPU": runtime.threads if cpus is None else cpus, "GPU": gpus}


def connect(runtime: Runtime, cpus: float) -> None:
    """Join the cluster that is named, in `RAY_ADDRESS` if nowhere else; else start one here."""
    address = runtime.ray.address or os.environ.get("RAY_ADDRESS") or "local"
    own: dict[str, Any] = {}
    if address == "local":
        slots = runtime.workers or max(1, cores() // runtime.threads)
        own = {"num_cpus": ceil(slots * cpus), "include_dashboard": False}
        own["object_store_memory"] = STORE_BYTES
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # it warns otherwise
    # Ray prints what its daemons say on standard output, where progress=json promises objects
    ray._private.worker.print_worker_logs = lambda *_: None
    try:
        if address not in ("local", "auto"):  # Ray would try for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (RuntimeError, ValueError, OSError) as error:
        why = explained(error) if isinstance(error, OSError) and error.errno else first_line(error)
        raise InputError(
            f"runtime.ray.address={address}: {why}; type auto on a machine of the cluster, or "
            "HOST:PORT of its head (with RAY_AUTH_MODE=token in the environment if it asks for "
            "one), or leave it out for a cluster of this machine"
        ) from error


class RayTasks:
    """Tasks of Ray's, one for each of ours; a handle is Ray's reference to the result.

    Args:
        needs: what Ray sets aside for each.
        runtime: of the sweep.
    """

    def __init__(self, needs: Mapping[str, float], runtime: Runtime) -> None:
        self._needs, self._asked = needs, runtime.workers
        self._threads, self._folder = runtime.threads, os.getcwd()
        # a worker that has had a GPU is kept too: the memory there is held by the task's process
        options = {"max_retries": 0, "max_calls": 0}
        remote = ray.remote(num_cpus=needs["CPU"], num_gpus=needs["GPU"], **options)
        self._carry = remote(carry)
        self._open: list[Any] = []

    @property
    def slots(self) -> int:
        """How many tasks it is given at a time: as asked for, or as the living nodes allow."""
        return self._asked or self.room()

    def room(self) -> int:
        """Return how many tasks would run at a time if the cluster had nothing else to do."""
        wanted = {name: value for name, value in self._needs.items() if value}
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        return sum(
            int(min(node.get(name, 0) / value for name, value in wanted.items())) for node in nodes
        )

    def submit(self, task: Task) -> Any:
        """Hand a task to Ray, which starts it as soon as a node has room."""
        reference = self._carry.remote(task, self._folder, self._threads)
        self._open.append(reference)
        return reference

    def poll(self, reference: Any) -> Ending | None:
        """Return how a task was over; None while it waits or runs."""
        if not ray.wait([reference], timeout=0)[0]:
            return None
        self._open.remove(reference)
        try:
            ending: Ending = ray.get(reference)
        except ray.exceptions.RayTaskError as error:
            return Ending("crashed", str(error).strip().rpartition("\n")[2])
        except ray.exceptions.RayError as error:
            kinds = (CAUSES[kind] for kind in CAUSES if isinstance(error, kind))
            return Ending(*next(kinds, ("lost", first_line(error))))
        return ending

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or as soon as a task is over."""
        if self._open:
            ray.wait(self._open, timeout=seconds)
        else:
            time.sleep(seconds)

    def cancel(self, reference: Any) -> None:
        """End a task: its process dies with Ray's worker."""
        ray.cancel(reference, force=True)

    def close(self) -> None:
        """Leave the cluster, ending what is left of this sweep; one of its own ends, too."""
        ray.shutdown()


def carry(task: Task, folder: str, threads: int) -> Ending:
    """Carry a task out in a process of its own, and return how it ended; this is Ray's worker.

    Args:
        task: what to do.
        folder: that relative paths begin at, on every node.
        threads: of the process.
    """
    os.chdir(folder)
    here = processes(threads)
    process = here.submit(task, os.environ.get("CUDA_VISIBLE_DEVICES"))
    while (ending := here.poll(process)) is None:
        here.wait(WATCH_SECONDS)
    return ending


@cache
def processes(threads: int) -> LocalProcesses:
    """Return what starts processes on this node; it has imported everything after the first."""
    return LocalProcesses(threads, slots=1)


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its name."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
