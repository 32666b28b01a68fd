"""One run in a process of its own: nothing leaks from one run to the next."""

import os
import sys
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path

from dan_bench.config.schema import RunConfig
from dan_bench.interfaces import Progress
from dan_bench.pipeline.run import run


def work(config: RunConfig, group: str, log: Path, progress: Connection) -> None:
    """Carry out one run, its output in `log`, and tell the parent how far it is."""
    threading.Thread(target=die_with_parent, daemon=True).start()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", buffering=1) as written, open(os.devnull) as nothing:
        for stream, target in ((sys.stdin, nothing), (sys.stdout, written), (sys.stderr, written)):
            stream.flush()
            os.dup2(target.fileno(), stream.fileno())

        def tell(event: Progress) -> None:
            progress.send(event)

        run(config, group, tell)
        progress.close()
        written.flush()
        os._exit(0)  # the record is written; taking torch and Lightning apart takes a second


def die_with_parent() -> None:
    """End this process as soon as the sweep's ends, however that was."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
