"""One task in a process of its own, so that nothing leaks from one run to the next."""

import os
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path

from dan_bench.cli import FAILED, OK, explained, say
from dan_bench.pipeline.many import run_many
from dan_bench.pipeline.run import run
from dan_bench.results.claim import in_use
from dan_bench.sweep.executor import Task, folder_of
from dan_bench.sweep.progress import Reporter
from dan_bench.sweep.state import STARTING


def work(task: Task) -> None:
    """Carry out a task, with all output of this process in its log.

    Each run leaves its record, and tells how far it is in its own folder.
    """
    reporters: dict[str, Reporter] = {}
    for key, config in task.configs.items():
        folder = folder_of(key, config)
        folder.mkdir(parents=True, exist_ok=True)
        reporters[key] = Reporter(folder, task.name)
        reporters[key](STARTING)
    # another sweep may be at work on the run, whose output it is
    redirect(task.log, task.number > 1 or in_use(task.log.parent))
    try:
        if len(task.configs) > 1:
            run_many(task.configs, task.group, reporters)
        else:
            for key, config in task.configs.items():
                run(config, task.group, reporters[key])
    finally:
        for reporter in reporters.values():
            reporter.flush()


def redirect(log: Path, keep: bool) -> None:
    """Have the output of this process go to a file from now on, and its input come from nowhere.

    Args:
        log: the file.
        keep: whether what it holds is kept.
    """
    if not keep:
        log.unlink(missing_ok=True)
    create = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW  # a link there is not followed
    written, nothing = os.open(log, create, 0o666), os.open(os.devnull, os.O_RDONLY)
    for stream, target in ((sys.stdin, nothing), (sys.stdout, written), (sys.stderr, written)):
        stream.flush()
        os.dup2(target, stream.fileno())
    os.close(written)
    os.close(nothing)


def work_alone(task: Task, alive: Connection, gpus: str | None = None) -> None:
    """Carry out a task in a process that was started for it, and end the process.

    Args:
        task: what to do.
        alive: is held until then, so that its other end shows whether this process lives.
        gpus: the CUDA_VISIBLE_DEVICES to have; None: as it was started.
    """
    if gpus is not None:  # torch is imported here, but asks for GPUs when it first uses one
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus
    threading.Thread(target=die_with_parent, daemon=True).start()
    code = FAILED
    try:
        work(task)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        code = OK
    except OSError as error:  # no record could be written, nor perhaps the log
        say(explained(error))
    alive.close()
    os._exit(code)  # an orderly exit of torch takes a second


def die_with_parent() -> None:
    """End this process as soon as the sweep's process ends, for whatever reason."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
