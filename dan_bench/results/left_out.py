"""What the provenance of a run says of what it did not measure, or did not keep."""

from collections.abc import Sequence

from dan_bench.interfaces import RunRecord

NEEDS_ROWS = "needs_rows"
"""Metrics that were not measured, each with the least number of rows that it needs."""
ROWS_KEPT = "rows_kept"
"""False where no rows of the data were kept, nor what became of them."""
NO_ROWS = (
    "neither rows of the data nor what becomes of them is kept, logged or shown; "
    "runtime.keep_inputs=true asks for that"
)


def needs(runs: Sequence[RunRecord], metric: str) -> str:
    """Return `needs 1,024`, where runs have too few rows for a metric; else nothing."""
    told = [run.provenance.get(NEEDS_ROWS) for run in runs if run.metrics.get(metric) is None]
    found = [of.get(metric) for of in told if isinstance(of, dict)]
    most = max((least for least in found if isinstance(least, int)), default=0)
    return f"needs {most:,}" if most else ""


def without_rows(run: RunRecord) -> bool:
    """Return whether a run kept no rows because nobody asked for them."""
    return run.provenance.get(ROWS_KEPT) is False
