"""Runs configs side by side, a process each, and survives the death of any of them."""

import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess

from dan_bench.config.schema import RunConfig
from dan_bench.interfaces import RunRecord
from dan_bench.results.provenance import provenance
from dan_bench.results.record import Store
from dan_bench.sweep.board import Job, SweepState, View, reason
from dan_bench.sweep.worker import work

TICK_SECONDS = 0.25


def start_server(threads: int) -> multiprocessing.context.ForkServerContext:
    """Start the process that has everything imported and from which the workers are forked.

    Lightning and torch take five seconds to import; this is paid once, and while the caller is
    still looking at its configs.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dan_bench.sweep.worker"])
    from multiprocessing import forkserver

    forkserver.ensure_running()
    return context


def carry_out(configs: Mapping[str, RunConfig], group: str, workers: int, view: View) -> None:
    """Run every config, the longest kind first, `workers` at a time; each leaves its record.

    A worker that dies without a word gets a record that says so; the others go on.

    Args:
        configs: what to run, by key.
        group: the sweep that they belong to, for the loggers.
        workers: processes at a time.
        view: what shows how it goes.
    """
    first = next(iter(configs.values()))
    context = start_server(first.runtime.threads)
    longest_first = sorted(configs.items(), key=lambda item: item[1].model.kind != "learned")
    waiting = deque(
        (key, config, new_job(number, key, config))
        for number, (key, config) in enumerate(longest_first, start=1)
    )
    board = SweepState([job for _, _, job in waiting], workers)
    running: dict[Connection, tuple[ForkServerProcess, str, RunConfig, Job]] = {}
    with view:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    key, config, job = waiting.popleft()
                    ours, theirs = context.Pipe(duplex=False)
                    log = Store(config.runtime.results).folder(key) / "log.txt"
                    process = context.Process(target=work, args=(config, group, log, theirs))
                    process.start()
                    theirs.close()
                    board.begin(job)
                    running[ours] = (process, key, config, job)
                    view.changed(board, job)
                for heard in wait(list(running), timeout=TICK_SECONDS):
                    assert isinstance(heard, Connection)
                    process, key, config, job = running[heard]
                    try:
                        progress = heard.recv()
                        if progress.warning:
                            print(f"warning: {job.title}: {progress.warning}", file=sys.stderr)
                        board.heard(job, progress)
                    except EOFError:
                        del running[heard]
                        process.join()
                        record = settle(key, config, process.exitcode)
                        board.end(job, record.status, reason(record), values_of(record))
                        view.changed(board, job)
                view.tick(board)
        finally:
            for process, *_ in running.values():
                process.kill()


def new_job(number: int, key: str, config: RunConfig) -> Job:
    """Return a run as the board is to see it."""
    steps = config.trainer.max_steps if config.model.kind == "learned" else 0
    kind = f"{config.model.name} {config.data.name}"
    return Job(number, config.title(), kind, key=key, steps=steps)


def values_of(record: RunRecord) -> dict[str, float]:
    """Return the final metrics that have a value."""
    return {name: found.value for name, found in record.metrics.items() if found is not None}


def settle(key: str, config: RunConfig, exit_code: int | None) -> RunRecord:
    """Return a run's record; where its process died without one, write one that says so."""
    store, scientific = Store(config.runtime.results), config.scientific()
    record = store.get(key, scientific)
    if record is not None and (record.status == "done" or exit_code == 0):
        return record
    log = store.folder(key) / "log.txt"
    last = log.read_text(errors="replace")[-4000:] if log.is_file() else ""
    code = exit_code or 0
    died = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    record = RunRecord(
        key,
        "failed",
        scientific,
        provenance=provenance(),
        traceback=f"Its output:\n{last}\nThe process ended with {died}, leaving no record.",
    )
    store.put(record)
    return record
