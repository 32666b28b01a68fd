"""One subject carried out, and the record that it leaves."""

import re
import time
import traceback
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from dan_bench.erase import Survey
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.report.table1 import ALBUM, TRAINING
from dan_bench.results.provenance import provenance
from dan_bench.results.record import Store, key_of
from dan_bench.table1.album import Album
from dan_bench.table1.measure import EntryMeasurement, destroyed, measure
from dan_bench.table1.preset import EntryRun
from dan_bench.table1.subject import RunContext


def finished(job: EntryRun, store: Store) -> RunRecord | None:
    """Return the record of a job that was done before, if there is one."""
    record = store.get(key_of(job.config), job.config)
    return record if record is not None and record.status == "done" else None


def carry_out(
    job: EntryRun, album: Album, store: Store, scratch_parent: Path, given: RunContext
) -> RunRecord:
    """Run one subject and leave its record, curves.parquet and files.parquet in its folder.

    Whatever goes wrong goes into the record, with status "failed"; what was done before is not
    done again.
    """
    key, started = key_of(job.config), time.perf_counter()
    with store.claim(key):
        if (kept := finished(job, store)) is not None:
            return kept
        measured, failure = None, None
        try:
            measured = measure(job.subject, job.training_set, album, scratch_parent, given)
            failure = measured.traceback
        except Exception:
            failure = traceback.format_exc()
        if measured is not None:
            keep_tables(measured, store.folder(key))
        outcome = measured.outcome if measured is not None else None
        costs = dict(outcome.costs) if outcome is not None else {}
        record = RunRecord(
            key,
            "done" if failure is None else "failed",
            job.config,
            metrics_of(measured),
            costs | {"seconds": time.perf_counter() - started},
            provenance()
            | {
                "title": job.title,
                "position": job.position,
                "stand_in": job.training_set.stands_for is not None,
                "notes": [
                    note
                    for note in (job.training_set.stands_for, job.subject.note, album.note)
                    if note is not None
                ],
                "unverified": reasons(measured),
            },
            failure,
        )
        store.put(record)
    return record


def metrics_of(measured: EntryMeasurement | None) -> dict[str, Estimate | None]:
    """Return both columns and the subject's own scores."""
    if measured is None:
        return {TRAINING: None, ALBUM: None}
    scores = measured.outcome.scores if measured.outcome is not None else {}
    return {
        TRAINING: destroyed(measured.training),
        ALBUM: destroyed(measured.album),
        **scores,
    }


def reasons(measured: EntryMeasurement | None) -> list[str]:
    """Return why any file's destruction could not be verified, each reason once.

    How many bytes of each file it is about stands in files.parquet.
    """
    surveys = [] if measured is None else measured.training + measured.album
    found = {reason for survey in surveys for reason in survey.unverified}
    return sorted({re.sub(r"^\d+ of \d+ bytes", "bytes", reason) for reason in found})


def keep_tables(measured: EntryMeasurement, folder: Path) -> None:
    """Write the loss curves, and what was found of every single file."""
    if measured.outcome is not None and measured.outcome.curves:
        pd.DataFrame(measured.outcome.curves).to_parquet(folder / "curves.parquet")
    rows = [row(survey) for survey in measured.training + measured.album]
    pd.DataFrame(rows).to_parquet(folder / "files.parquet")


def row(survey: Survey) -> dict[str, object]:
    """One file as a row of a table."""
    flat = asdict(survey)
    found = survey.destroyed
    flat["destroyed"] = None if found is None else found.value
    flat["destroyed_low"] = None if found is None else found.low
    flat["destroyed_high"] = None if found is None else found.high
    flat["unverified"] = "; ".join(survey.unverified)
    return flat
