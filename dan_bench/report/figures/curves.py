"""Means of curves over training seeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dan_bench.interfaces import Results, RunRecord


@dataclass(frozen=True)
class Mean:
    """A curve's mean over seeds at each step, and the least and the most of them."""

    steps: NDArray[np.float64]
    mean: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]


def read(runs: Sequence[RunRecord], results: Results) -> list[pd.DataFrame]:
    """Return the curves of the runs that left any."""
    found = [results.curves(run.key) for run in runs]
    return [one for one in found if one is not None and len(one)]


def mean_of(curves: Sequence[pd.DataFrame], metric: str) -> Mean | None:
    """Return the mean of a metric over runs, by step; None where none of them has it."""
    having = [run.set_index("step")[metric].dropna() for run in curves if metric in run]
    if not any(map(len, having)):
        return None
    by_step = pd.concat(having).groupby(level=0)
    ends = (by_step.mean(), by_step.min(), by_step.max())
    steps = ends[0].index.to_numpy(dtype=np.float64)
    return Mean(steps, *(end.to_numpy(dtype=np.float64) for end in ends))
