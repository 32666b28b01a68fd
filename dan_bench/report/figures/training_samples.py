"""Samples through training: what the same held-out rows become, step after step."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures import style
from dan_bench.report.figures.drawn import DrawnFigure, basis
from dan_bench.report.figures.grid import grid, rank
from dan_bench.report.figures.tiles import Picture, foot, label, mosaic, place, shape_of, sheet

FIRST = "mnist"
MOST = 4
MOST_STEPS = 4
TILES = 2
SCALE = 4
LEFT, TITLE, BETWEEN = 84, 26, 20
"""Pixels."""
Snapshots = dict[int, tuple[Any, tuple[int, ...]]]
"""By step, rows and their shape."""
CAPTION = (
    "Samples through training on {data}: downwards the steps, across the models, in each cell what "
    "the first {tiles} held-out rows (for gan: as many draws of noise) become. One seed each, none "
    "chosen."
)


def training_samples(records: Sequence[RunRecord], results: Results) -> DrawnFigure | None:
    """Draw snapshots of the first seeds of a few models, a line a step."""
    shown, others = grid([r for r in records if r.config["model"]["kind"] == "learned"])
    kept = [(s, of) for s in shown if (of := snapshots(s.runs[0], results))]
    sections = sorted({s.section for s, _ in kept}, key=lambda name: (name != FIRST, name))
    here = [(s, of) for s, of in kept if s.section == sections[0]]
    members = sorted(here, key=lambda pair: rank(pair[0]))[:MOST]
    if not members:
        return None
    every = sorted({step for _, of in members for step in of})
    spaced = np.linspace(0, len(every) - 1, min(MOST_STEPS, len(every))).round().astype(int)
    steps = [every[i] for i in spaced]
    tiles = min(TILES, *(len(rows) for _, of in members for rows, _ in of.values()))
    pictures = [column(of, steps, tiles) for _, of in members]
    high, wide = (SCALE * size for size in pictures[0].shape[:2])
    figure = sheet(LEFT + len(members) * (wide + BETWEEN) - BETWEEN, TITLE + high)
    for i, ((subject, _), picture) in enumerate(zip(members, pictures, strict=True)):
        left = LEFT + i * (wide + BETWEEN)
        label(figure, subject.name, left, 0, va="top", fontweight="bold")
        place(figure, picture, left, TITLE, SCALE)
    for i, step in enumerate(steps):
        middle = TITLE + round(high * (i + 0.5) / len(steps))
        look = {"ha": "right", "va": "center", "fontsize": style.SMALL}
        label(figure, f"step {step:,}", LEFT - 8, middle, **look)
    runs = tuple(subject.runs[0] for subject, _ in members)
    n = f"{tiles} held-out rows"
    foot(figure, basis(runs, n))
    caption = CAPTION.format(data=sections[0], tiles=tiles)
    more = [subject.name for subject, _ in here if subject.name not in {s.name for s, _ in members}]
    if more:
        caption += f" Not shown: {', '.join(more)}."
    if len(sections) > 1:
        caption += f" Other data sets are not shown: {', '.join(sections[1:])}."
    return DrawnFigure(figure, f"{caption} {others}".strip(), runs, n)


def column(of: Snapshots, steps: Sequence[int], tiles: int) -> Picture:
    """Return one subject's pictures, a line a step; a step that it has not is left empty."""
    rows, shape = next(iter(of.values()))
    empty = np.ma.masked_all((tiles, rows.shape[1]), dtype=np.uint8)
    lines = [of[step][0][:tiles] if step in of else empty for step in steps]
    return mosaic(np.ma.concatenate(lines), shape, tiles)


def snapshots(run: RunRecord, results: Results) -> Snapshots:
    """Return rows and shape of each snapshot by its step; none where a row is no picture."""
    steps, made = (results.array(run.key, name) for name in ("snapshot_steps", "snapshots"))
    if steps is None or made is None:
        return {}
    shape = shape_of(run, made.shape[2])
    if shape is None:
        return {}
    return {int(step): (np.asarray(rows), shape) for step, rows in zip(steps, made, strict=True)}
