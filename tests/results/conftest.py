"""A run with all its files, and a folder to read it from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from archive_records import made

from dan_bench.interfaces import RunRecord
from dan_bench.results.record import Store


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a folder in which nothing may be made."""
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    yield
    assert list(working.iterdir()) == []


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    """A run with all its files."""
    store, record = Store(tmp_path), made(0)
    store.put(record)
    folder = store.folder(record.key)
    pd.DataFrame({"step": [1.0, 2.0], "loss": [0.5, 0.25]}).to_parquet(folder / "curves.parquet")
    for name in ("samples", "inputs"):
        np.save(folder / f"{name}.npy", np.arange(8, dtype=np.uint8).reshape(2, 4))
    return record
