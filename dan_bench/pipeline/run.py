"""One run, from a config to a record."""

import time
import traceback
from pathlib import Path
from typing import Any

from dan_bench.config.schema import RunConfig
from dan_bench.interfaces import Progress, ProgressCallback, RunRecord, Sink
from dan_bench.pipeline.methods import RunOutcome
from dan_bench.pipeline.own_data import identify
from dan_bench.pipeline.plan import PlannedRun, plan, prepare
from dan_bench.results.claim import ClaimLost
from dan_bench.results.provenance import code_of, provenance
from dan_bench.results.record import Store, key_of


def run(config: RunConfig, group: str, progress: ProgressCallback = lambda _: None) -> RunRecord:
    """Carry out one run and leave its record; what was done before is not done again.

    Returns:
        The record. A run that fails leaves its traceback in one, with status "failed".

    Raises:
        ConfigError: before any work.
        ForeignRecord: the key's folder holds another config.
    """
    task = plan(identify(config))
    progress(Progress("data"))
    prepare(task)
    config, scientific = task.config, task.config.scientific()
    store, key = Store(config.runtime.results, config.part), key_of(scientific)
    while True:
        try:
            with store.claim(key, lambda who: progress(Progress(f"waiting for {who}"))) as claim:

                def told(how_far: Progress) -> None:
                    claim.check()
                    progress(how_far)

                record = store.get(key, scientific)
                if record is not None and record.status == "done":
                    return record
                sink, record = task.open_sink(key, group), None
                try:
                    record = attempt(task, store.folder(key), scientific, sink, told)
                    claim.check()
                    store.put(record)
                finally:
                    if sink is not None:
                        sink.close(record, store.folder(key))
                return record
        except ClaimLost as lost:  # its new owner does the work; there is a record when it is done
            progress(Progress("waiting", warning=str(lost)))


def attempt(
    task: PlannedRun,
    folder: Path,
    scientific: dict[str, Any],
    sink: Sink | None,
    progress: ProgressCallback,
) -> RunRecord:
    """Do the work; whatever goes wrong goes into the record."""
    started = time.perf_counter()
    code = code_of(scientific)
    try:
        outcome = task.perform(folder, sink, progress)
    except Exception:
        outcome = RunOutcome(traceback=traceback.format_exc())
    return RunRecord(
        folder.name,
        "done" if outcome.traceback is None else "failed",
        scientific,
        outcome.metrics,
        outcome.costs | {"seconds": time.perf_counter() - started - outcome.waited},
        provenance() | code | outcome.provenance,
        outcome.traceback,
    )
