"""One run in a process of its own, so that nothing leaks from one run to the next."""

import os
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path

from dan_bench.config.schema import RunConfig
from dan_bench.pipeline.run import run


def work(config: RunConfig, group: str, log: Path, progress: Connection) -> None:
    """Carry out one run with its output in `log`, reporting progress to the parent."""
    threading.Thread(target=die_with_parent, daemon=True).start()
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)  # a link there is not followed
    with log.open("x", buffering=1) as written, open(os.devnull) as nothing:
        for stream, target in ((sys.stdin, nothing), (sys.stdout, written), (sys.stderr, written)):
            stream.flush()
            os.dup2(target.fileno(), stream.fileno())
        run(config, group, progress.send)
        progress.close()
        written.flush()
        os._exit(0)  # the record is written, and an orderly exit of torch takes a second


def die_with_parent() -> None:
    """End this process as soon as the sweep's process ends, for whatever reason."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
