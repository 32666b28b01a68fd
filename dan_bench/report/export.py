"""`python -m dan_bench.report export FILE`: every number of every run, as a tidy frame."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from dan_bench.cli import user_path
from dan_bench.interfaces import RunRecord
from dan_bench.report.leaderboard import flattened
from dan_bench.results.archive import open_results


def tidy(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Return one row for each metric of each run.

    Columns: key, status, one for each setting of the config (dotted names), metric, value, low,
    high, n. A failed run has one row without a metric.
    """
    rows: list[dict[str, object]] = []
    settings = flattened(record.config for record in records)
    for record, flat in zip(records, settings, strict=True):
        base: dict[str, object] = {"key": record.key, "status": record.status}
        base |= flat
        if not record.metrics:
            rows.append({**base, "metric": None})
        for name, estimate in record.metrics.items():
            numbers = {"value": None, "low": None, "high": None, "n": None}
            if estimate is not None:
                numbers = {field: getattr(estimate, field) for field in numbers}
            rows.append({**base, "metric": name, **numbers})
    frame = pd.DataFrame(rows)
    last = ["metric", "value", "low", "high", "n"]
    return frame.reindex(columns=[*(name for name in frame.columns if name not in last), *last])


def main(arguments: list[str] | None) -> int:
    """Write the frame; 0 where there was something to write, 2 where not."""
    parser = argparse.ArgumentParser(
        prog="python -m dan_bench.report export",
        description="Write every metric of every run as a tidy table.",
    )
    parser.add_argument(
        "file", type=user_path, metavar="FILE", help="its name ends in .csv or .parquet"
    )
    parser.add_argument("--results", type=user_path, default=Path("results"), metavar="DIR")
    asked = parser.parse_args(arguments)
    if asked.file.suffix not in (".csv", ".parquet"):
        parser.error(f"{asked.file}: the name must end in .csv or .parquet")
    if not asked.file.absolute().parent.is_dir():
        parser.error(f"{asked.file}: there is no folder {asked.file.absolute().parent}")
    records, _ = open_results(asked.results).all()
    if not records:
        print(f"no runs under {asked.results}; `make sweep` makes some", file=sys.stderr)
        return 2
    frame = tidy(records)
    if asked.file.suffix == ".csv":
        frame.to_csv(asked.file, index=False)
    else:
        frame.to_parquet(asked.file, index=False)
    print(f"{asked.file}: {len(frame):,} rows of {frame['key'].nunique():,} runs")
    return 0
