"""The samples themselves: after training, and through it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dan_bench.interfaces import Bytes, Results, RunRecord
from dan_bench.report.figures.figure import Figure, joined, not_shown, one_data_set
from dan_bench.report.figures.grid import PlottedMethod, grid
from dan_bench.report.figures.pictures import SCALE, SheetItem, mosaic, shape_of, sheet
from dan_bench.results.left_out import without_rows
from dan_bench.results.select import KINDS

TILES = 2
MOST = 11
"""Methods that are drawn: models first, then untrained networks, then controls."""
COLUMNS = 3
LABEL, BETWEEN = 112, 8
"""Pixels."""
CAPTION = (
    "Samples of {data}: the data themselves, and what each method's first seed makes of the first "
    "{tiles} held-out rows. A picture is worth what its viewer is: see the figure collapse for "
    "what cannot be seen here."
)


def samples(records: Sequence[RunRecord], results: Results) -> Figure | None:
    """Draw a few samples of each method of one data set, the data first."""
    shown, others = grid(records)
    kept = [(one, of) for one in shown if (of := strip(one, results, "samples")) is not None]
    if not kept:
        return None
    section, elsewhere = one_data_set([one.section for one, _ in kept])
    here = [(one, of) for one, of in kept if one.section == section]
    here.sort(key=lambda pair: (-KINDS.index(pair[0].kind), pair[0].name))
    members = here[:MOST]
    first = members[0][0]
    data = strip(first, results, "inputs")
    blocks = {} if data is None else {section: data}
    blocks |= {one.name: rows for one, rows in members}
    shape = shape_of(first.runs[0], members[0][1].shape[1])
    assert shape is not None
    pictures = {name: mosaic(rows, shape, TILES) for name, rows in blocks.items()}
    high, wide = (SCALE * max(p.shape[i] for p in pictures.values()) for i in (0, 1))
    lines = -(-len(blocks) // COLUMNS)

    def items() -> Iterator[SheetItem]:
        for i, (name, picture) in enumerate(pictures.items()):
            left, top = i // lines * (LABEL + wide) + LABEL, i % lines * (high + BETWEEN)
            said = name.replace(" ", "\n")
            yield SheetItem(said, left - 6, top + high // 2, align="right", baseline="middle")
            yield SheetItem(picture, left, top)

    width, height = COLUMNS * (LABEL + wide), lines * (high + BETWEEN) - BETWEEN
    more = joined(not_shown("Not shown", [one.name for one, _ in here[MOST:]]), unkept(shown))
    caption = CAPTION.format(data=section, tiles=TILES)
    return Figure(
        sheet(list(items()), width, height),
        joined(caption, more, elsewhere, others),
        tuple(one.runs[0] for one, _ in members),
        f"{len(members[0][1])} held-out rows",
    )


def unkept(methods: Sequence[PlottedMethod]) -> str:
    """Return a sentence on methods whose rows are the user's own; empty where there are none."""
    bare = [f"{one.section} {one.name}" for one in methods if without_rows(one.runs[0])]
    return not_shown("Rows of the user's own data are not kept, unless asked for", bare)


def strip(one: PlottedMethod, results: Results, part: str) -> Bytes | None:
    """Return a few rows of the first seed; None where none were kept or they are no pictures."""
    rows = results.array(one.runs[0].key, part)
    if rows is None or rows.ndim != 2 or shape_of(one.runs[0], rows.shape[1]) is None:
        return None
    return np.asarray(rows[:TILES])


MOST_STEPS, MOST_MODELS = 4, 4
STEP, HEADING = 76, 24
"""Pixels."""
THROUGH = (
    "Samples through training on {data}: downwards the steps, across the models, each with its "
    "last output layer in the order of their names; in each cell what the first {tiles} held-out "
    "rows (for a model that is given no data: as many draws of noise) become. One seed each, none "
    "chosen."
)
Snapshots = dict[int, tuple[Any, tuple[int, ...]]]
"""Rows and their shape, by step."""


def training_samples(records: Sequence[RunRecord], results: Results) -> Figure | None:
    """Draw snapshots of the first seeds of a few models, a line a step."""
    shown, others = grid([r for r in records if r.config["model"]["kind"] == "learned"])
    kept = [(one, of) for one in shown if (of := snapshots(one.runs[0], results))]
    if not kept:
        return None
    section, elsewhere = one_data_set([one.section for one, _ in kept])
    here = [(one, of) for one, of in kept if one.section == section]
    last = {one.model: (one, of) for one, of in here}
    members = [last[model] for model in sorted(last)][:MOST_MODELS]
    every = sorted({step for _, of in members for step in of})
    spaced = np.linspace(0, len(every) - 1, min(MOST_STEPS, len(every))).round().astype(int)
    steps = [every[i] for i in spaced]
    tiles = min(TILES, *(len(rows) for _, of in members for rows, _ in of.values()))
    pictures = [column(of, steps, tiles) for _, of in members]
    high, wide = (SCALE * size for size in pictures[0].shape[:2])

    def items() -> Iterator[SheetItem]:
        for i, ((one, _), picture) in enumerate(zip(members, pictures, strict=True)):
            left = STEP + i * (wide + BETWEEN)
            yield SheetItem(one.name, left, 0, "heading")
            yield SheetItem(picture, left, HEADING)
        for i, step in enumerate(steps):
            middle = HEADING + round(high * (i + 0.5) / len(steps))
            yield SheetItem(f"step {step:,}", STEP - 8, middle, align="right", baseline="middle")

    width = STEP + len(members) * (wide + BETWEEN) - BETWEEN
    drawn = {one.name for one, _ in members}
    missing = [one.name for one, _ in here if one.name not in drawn]
    more = joined(not_shown("Not shown", missing), unkept(shown))
    caption = THROUGH.format(data=section, tiles=tiles)
    return Figure(
        sheet(list(items()), width, HEADING + high),
        joined(caption, more, elsewhere, others),
        tuple(one.runs[0] for one, _ in members),
        f"{tiles} held-out rows",
    )


def column(of: Snapshots, steps: Sequence[int], tiles: int) -> Any:
    """Return one model's pictures, a line a step; a step that it has not is left empty."""
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
