"""The samples themselves: what each subject's first seed makes of the same held-out rows."""

from collections.abc import Sequence

import numpy as np

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures import style
from dan_bench.report.figures.drawn import DrawnFigure, basis
from dan_bench.report.figures.grid import PlottedMethod, grid
from dan_bench.report.figures.tiles import Bytes, foot, label, mosaic, place, shape_of, sheet

FIRST = "mnist"
MOST = 11
"""Subjects that are drawn: models first, then untrained networks, then controls."""
TILES = 2
COLUMNS = 3
SCALE = 4
LEFT, BETWEEN = 124, 6
"""Pixels."""
CAPTION = (
    "Samples of {data}: the data themselves, and what each subject's first seed makes of the first "
    "{tiles} held-out rows. A picture is worth what its viewer is: see the figure collapse for "
    "what cannot be seen here."
)
TELLING = ("identity", "python_random", "shuffle")
"""Controls that are drawn before others."""
KINDS = ("learned", "untrained", "control")


def samples(records: Sequence[RunRecord], results: Results) -> DrawnFigure | None:
    """Draw a few samples of each subject of one data set, the data first."""
    shown, others = grid(records)
    kept = [(s, of) for s in shown if (of := strip(s, results, "samples")) is not None]
    sections = sorted({s.section for s, _ in kept}, key=lambda name: (name != FIRST, name))
    here = [(s, of) for s, of in kept if s.section == sections[0]]
    if not here:
        return None
    here.sort(key=lambda pair: place_of(pair[0]))
    members = here[:MOST]
    first = members[0][0]
    data = strip(first, results, "inputs")
    blocks = {} if data is None else {sections[0]: data}
    blocks |= {subject.name: rows for subject, rows in members}
    shape = shape_of(first.runs[0], members[0][1].shape[1])
    assert shape is not None
    pictures = {name: mosaic(rows, shape, TILES) for name, rows in blocks.items()}
    high, wide = (SCALE * max(p.shape[i] for p in pictures.values()) for i in (0, 1))
    lines = -(-len(blocks) // COLUMNS)
    figure = sheet(COLUMNS * (LEFT + wide), lines * (high + BETWEEN) - BETWEEN)
    for i, (name, picture) in enumerate(pictures.items()):
        left, top = i // lines * (LEFT + wide) + LEFT, i % lines * (high + BETWEEN)
        place(figure, picture, left, top, SCALE)
        said = name.replace(" ", "\n")
        look = {"ha": "right", "va": "center", "fontsize": style.SMALL}
        label(figure, said, left - 6, top + high // 2, **look)
    runs = tuple(subject.runs[0] for subject, _ in members)
    n = f"{len(members[0][1])} held-out rows"
    foot(figure, basis(runs, n))
    caption = CAPTION.format(data=sections[0], tiles=TILES)
    more = [subject.name for subject, _ in here[MOST:]]
    if more:
        caption += f" Not shown: {', '.join(more)}."
    if len(sections) > 1:
        caption += f" Other data sets are not shown: {', '.join(sections[1:])}."
    return DrawnFigure(figure, f"{caption} {others}".strip(), runs, n)


def place_of(subject: PlottedMethod) -> tuple[int, bool, str]:
    """Return what subjects are sorted by."""
    return KINDS.index(subject.kind), subject.name not in TELLING, subject.name


def strip(subject: PlottedMethod, results: Results, part: str) -> Bytes | None:
    """Return a few rows of the first seed; None where none were kept or they are no pictures."""
    rows = results.array(subject.runs[0].key, part)
    if rows is None or rows.ndim != 2 or shape_of(subject.runs[0], rows.shape[1]) is None:
        return None
    return np.asarray(rows[:TILES])
