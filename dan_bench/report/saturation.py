"""`python -m dan_bench.report saturation`: does the gradient vanish as the discriminator learns?

Of runs with a frozen degenerator and `runtime.log_gradients=true`, which `+experiment=saturation`
makes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from dan_bench.cli import InputError
from dan_bench.interfaces import DataFrame, Estimate, Results, RunRecord
from dan_bench.report.inputs import read, results_parser
from dan_bench.report.runs import span
from dan_bench.results.select import group_methods
from dan_bench.statistics import t_interval
from dan_bench.tables import MISSING, Column, Table, render

LEVELS = (0.6, 0.9, 0.99)
GRADIENTS = {"sample_gradient": "at the sample", "parameter_gradient": "at the parameters"}

MEANING = (
    "Gradient of the degenerator's loss over its value at the first logging step, where the "
    "discriminator's accuracy on a batch first reaches a level, and at the end: geometric "
    "mean [95 % t interval of the logarithm over training seeds]; "
    f"{MISSING} = level never reached."
)

Curves = Mapping[str, Sequence[DataFrame]]
"""For each objective, the curves of its seeds."""


def gradient_curves(records: Sequence[RunRecord], store: Results) -> dict[str, list[DataFrame]]:
    """Return the curves with gradients of the runs whose degenerator was frozen, by objective.

    Those of one name differ in nothing but the seed: where the runs are of several data sets,
    outputs or other settings, these stand with the objective's name.
    """
    frozen = [
        record
        for record in records
        if record.status == "done" and record.config.get("trainer", {}).get("freeze_degenerator")
    ]
    methods = group_methods(frozen)
    axes = dict.fromkeys(["output", "data", *(axis for one in methods for axis in one.axes)])
    differ = [axis for axis in axes if len({one.axes.get(axis) for one in methods}) > 1]
    order = ["objective", *(axis for axis in differ if axis != "objective")]
    found: dict[str, list[DataFrame]] = {}
    for one in methods:
        runs = [store.curves(record.key) for record in one.runs]
        kept = [run for run in runs if run is not None and set(GRADIENTS) <= set(run.columns)]
        if kept:
            found[" ".join(one.axes[axis] for axis in order if axis in one.axes)] = kept
    return dict(sorted(found.items()))


def at_level(points: DataFrame, gradient: str, level: float | None) -> float | None:
    """Return a gradient over its value at the first logging step.

    Args:
        points: curves of one run.
        gradient: which.
        level: discriminator accuracy at whose first reaching it is read; None at the end.

    Returns:
        The ratio; None where the accuracy was never reached or the gradient began at 0.
    """
    share = points[gradient].to_numpy() / points[gradient].iloc[0]
    reached = (
        [len(points) - 1]
        if level is None
        else np.flatnonzero(points["discriminator_accuracy"].to_numpy() >= level)
    )
    return float(share[reached[0]]) if len(reached) and np.isfinite(share[0]) else None


def geometric_interval(values: ArrayLike) -> Estimate:
    """Geometric mean with the t interval of the logarithms: ratios are multiplied, not added."""
    with np.errstate(divide="ignore"):
        logs = np.log10(np.asarray(values, dtype=np.float64))
    if not np.isfinite(logs).all():
        return Estimate(0.0, n=logs.size)  # a gradient of exactly 0: it has vanished altogether
    of_logs = t_interval(logs)
    low, high = (None if end is None else 10**end for end in (of_logs.low, of_logs.high))
    return Estimate(10**of_logs.value, low, high, of_logs.n)


def cell(values: Sequence[float | None], seeds: int) -> str:
    """Geometric mean and interval, and over how many runs where it is not all of them."""
    there = [value for value in values if value is not None]
    if not there:
        return MISSING
    said = span(geometric_interval(there), 2)
    return said if len(there) == seeds else f"{said} ({len(there)} of {seeds})"


def tables_of(curves: Curves) -> list[Table]:
    """Return one table a gradient."""
    headings = ["seeds", "at first", *(f"at {level:g}" for level in LEVELS)]
    headings += ["at the end", "accuracy at the end"]
    columns = [Column("objective", "left"), *map(Column, headings)]
    tables = []
    for gradient, where in GRADIENTS.items():
        rows = []
        for name, runs in curves.items():
            n = len(runs)
            last = t_interval([run["discriminator_accuracy"].iloc[-1] for run in runs])
            levels = [
                cell([at_level(run, gradient, level) for run in runs], n)
                for level in (*LEVELS, None)
            ]
            first = cell([run[gradient].iloc[0] for run in runs], n)
            rows.append([name, str(n), first, *levels, f"{last.value:.3f}"])
        tables.append(Table(columns, rows, f"gradient {where}"))
    return [*tables[:-1], replace(tables[-1], notes=[MEANING])]


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 0 where there were any, 2 where not."""
    parser = results_parser(
        "saturation", "Print how much gradient is left as the discriminator learns."
    )
    parser.add_argument("--format", choices=("table", "markdown", "latex"), default="table")
    asked = parser.parse_args(arguments)
    store, records = read(asked.results)
    curves = gradient_curves(records, store)
    if not curves:
        makes = "`python -m dan_bench.train -m +experiment=saturation` makes some"
        raise InputError(
            f"no finished runs with gradients under {asked.results.absolute()}; {makes}"
        )
    print(render(asked.format, tables_of(curves)), end="")
    return 0
