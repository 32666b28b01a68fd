"""Runs configs side by side, a process each, and survives the death of any of them."""

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess

from dan_bench.config.schema import RunConfig
from dan_bench.interfaces import RunRecord
from dan_bench.results.record import Store, provenance
from dan_bench.sweep.state import Job, SweepState, reason
from dan_bench.sweep.view import Quiet

TICK_SECONDS = 0.25


def start_server(threads: int) -> ForkServerContext:
    """Start the process that imports everything and from which the workers are forked.

    Importing Lightning and torch takes five seconds; this way it is done once, and while the
    caller still checks its configs.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dan_bench.sweep.worker"])
    forkserver.ensure_running()
    return context


def carry_out(configs: Mapping[str, RunConfig], group: str, workers: int, view: Quiet) -> None:
    """Run every config, `workers` at a time, those that train first; each leaves its record.

    A worker that dies silently gets a record that says so; the others go on.

    Args:
        configs: what to run, by key.
        group: name of the sweep, for the loggers.
        workers: number of processes at a time.
        view: shows the progress.
    """
    from dan_bench.sweep.worker import work  # imports torch: not needed if nothing is left to run

    trained_first = sorted(configs, key=lambda key: not configs[key].steps)
    jobs = [new_job(number, key, configs[key]) for number, key in enumerate(trained_first, 1)]
    context = start_server(configs[jobs[0].key].runtime.threads)
    state, waiting = SweepState(jobs, workers), deque(jobs)
    running: dict[Connection, tuple[ForkServerProcess, Job]] = {}
    with view:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    job = waiting.popleft()
                    ours, theirs = context.Pipe(duplex=False)
                    arguments = (configs[job.key], group, job.log, theirs)
                    process = context.Process(target=work, args=arguments)
                    process.start()
                    theirs.close()
                    state.begin(job)
                    running[ours] = (process, job)
                    view.changed(state, job)
                for ready in wait(list(running), timeout=TICK_SECONDS):
                    assert isinstance(ready, Connection)
                    process, job = running[ready]
                    try:
                        progress = ready.recv()
                        if progress.warning:
                            print(f"warning: {job.title}: {progress.warning}", file=sys.stderr)
                        state.update(job, progress)
                    except EOFError:
                        del running[ready]
                        process.join()
                        record = settle(job, configs[job.key], process.exitcode)
                        found = {n: e.value for n, e in record.metrics.items() if e is not None}
                        state.end(job, record.status, reason(record), found)
                        view.changed(state, job)
                view.tick(state)
        finally:
            for process, _ in running.values():
                process.kill()
                process.join()


def new_job(number: int, key: str, config: RunConfig) -> Job:
    """Return the job of a config."""
    log = Store(config.runtime.results, config.part).folder(key) / "log.txt"
    return Job(number, config.title(), config.kind, key, config.steps, log)


def settle(job: Job, config: RunConfig, exit_code: int | None) -> RunRecord:
    """Return a run's record; if its process died without one, write one that says so."""
    store, scientific = Store(config.runtime.results, config.part), config.scientific()
    record = store.get(job.key, scientific)
    if record is not None and (record.status == "done" or exit_code == 0):
        return record
    last = job.log.read_text(errors="replace")[-4000:] if job.log.is_file() else ""
    code = exit_code or 0
    died = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    record = RunRecord(
        job.key,
        "failed",
        scientific,
        provenance=provenance(),
        traceback=f"Its output:\n{last}\nThe process ended with {died}, leaving no record.",
    )
    store.put(record)
    return record
