"""Results that lie in several places, read as one."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from dan_bench.interfaces import Results, RunRecord


class JoinedResults:
    """Several results as one; a run that is in two of them is that of the first where it is done.

    Args:
        places: where the results are, the ones that count most first.
    """

    def __init__(self, places: Sequence[Results]) -> None:
        self._places = places

    def all(self) -> tuple[list[RunRecord], dict[Path, str]]:
        """Return every good record, by key, and what is wrong with each of the others."""
        damaged = {path: why for _, faults in self._read for path, why in faults.items()}
        return [self._found[key][0] for key in sorted(self._found)], damaged

    def curves(self, key: str) -> pd.DataFrame | None:
        """Return a run's curves, one row a logging step; None where it left none."""
        return self._found[key][1].curves(key) if key in self._found else None

    def array(self, key: str, name: str) -> NDArray[Any] | None:
        """Return an array that a run left; None where it left none."""
        return self._found[key][1].array(key, name) if key in self._found else None

    @cached_property
    def _read(self) -> list[tuple[list[RunRecord], dict[Path, str]]]:
        return [place.all() for place in self._places]

    @cached_property
    def _found(self) -> dict[str, tuple[RunRecord, Results]]:
        found: dict[str, tuple[RunRecord, Results]] = {}
        for place, (records, _) in zip(self._places, self._read, strict=True):
            for record in records:
                if record.key not in found or found[record.key][0].status != "done":
                    found[record.key] = record, place
        return found
