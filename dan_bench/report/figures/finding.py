"""The finding as a picture: what a collapsed network makes of the data, beside true noise."""

from collections.abc import Sequence

import numpy as np

from dan_bench.interfaces import Bytes, Results, RunRecord
from dan_bench.report.figures.figure import Figure
from dan_bench.report.figures.pictures import mosaic, python_noise, shape_of, side_by_side
from dan_bench.report.headline import DIMENSIONS, ENTROPY, Headline, headline, name_of, value

TILES, COLUMNS = 6, 3
BETWEEN = 32
"""Pixels."""
CAPTION = (
    "Where collapse hides: the first {count} held-out rows of {data}, what {method} makes of them, "
    "and as much of Python's random, none chosen. Look for the same texture twice."
)
Panels = dict[str, tuple[str, Bytes]]
"""What is measured of some rows, and the rows, by their title."""


def pictures_of(
    found: Headline | None, results: Results
) -> tuple[Panels, tuple[int, ...], RunRecord] | None:
    """Return data, output of the collapsed network, and noise; their shape; and the run.

    None where no network collapsed, or its rows were not kept or are no pictures.
    """
    collapsed = None if found is None else found.collapsed
    if found is None or collapsed is None:
        return None
    run = collapsed.runs[0]
    parts = [results.array(run.key, name) for name in ("inputs", "samples")]
    if any(rows is None or rows.ndim != 2 for rows in parts):
        return None
    given, made = (np.asarray(rows[:TILES]) for rows in parts if rows is not None)
    shape = shape_of(run, made.shape[1])
    if shape is None or given.shape != made.shape:
        return None
    measured = (
        f"{value(collapsed, ENTROPY):.2f} bits a byte, "
        f"{100 * value(collapsed, DIMENSIONS):.1f} % of noise's dimensions"
    )
    shown = {
        found.section: ("what goes in", given),
        name_of(collapsed): (measured, made),
        "Python's random": ("8 bits a byte, 100 % of noise's dimensions", python_noise(made.shape)),
    }
    return shown, shape, run


def finding(records: Sequence[RunRecord], results: Results) -> Figure | None:
    """Draw data, collapsed output and noise side by side."""
    found = pictures_of(headline(records), results)
    if found is None:
        return None
    of, shape, run = found
    pictures = {name: mosaic(rows, shape, COLUMNS) for name, (_, rows) in of.items()}
    count = len(next(iter(of.values()))[1])
    data, method, _ = of
    caption = CAPTION.format(count=count, data=data, method=method)
    chart = side_by_side(pictures, BETWEEN, [measured for measured, _ in of.values()])
    return Figure(chart, caption, (run,), f"{count} held-out rows")
