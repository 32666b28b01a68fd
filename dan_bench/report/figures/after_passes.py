"""After the paper's Figures 8 and 9: what becomes of the data after one pass and after fifteen."""

from collections.abc import Sequence
from functools import partial

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures.drawn import DrawnFigure, basis
from dan_bench.report.figures.paper import TILES, snapshot_at
from dan_bench.report.figures.tiles import foot, mosaic, place, sheet

SCALE = 4
CAPTION = (
    "The paper's Figure {number}: what {model} makes of the first {count} held-out digits after "
    "{passes} over the training images (step {step:,}), none chosen. {remark}"
)


def after_passes(
    records: Sequence[RunRecord], results: Results, passes: int, number: int, remark: str
) -> DrawnFigure | None:
    """Draw what a run made of held-out rows after so many passes over its data.

    Args:
        records: of any runs.
        results: where their arrays are.
        passes: over the training set.
        number: of the paper's figure.
        remark: what to look at.
    """
    found = snapshot_at(records, results, passes)
    if found is None:
        return None
    picture = mosaic(found.rows, found.shape, min(TILES, len(found.rows)))
    figure = sheet(picture.shape[1] * SCALE, picture.shape[0] * SCALE)
    place(figure, picture, 0, 0, SCALE)
    n = f"{len(found.rows)} held-out rows"
    times = "one pass" if passes == 1 else f"{passes} passes"
    foot(figure, f"after {times}, step {found.step:,}; {basis([found.run], n)}")
    caption = CAPTION.format(
        number=number,
        model=f"{found.run.config['model']['name']} ({found.run.config['output']})",
        count=len(found.rows),
        passes=times,
        step=found.step,
        remark=remark,
    )
    return DrawnFigure(figure, caption, (found.run,), n)


after_one_pass = partial(
    after_passes,
    passes=1,
    number=8,
    remark="The digits are gone to the eye, and noise has not arrived.",
)
after_fifteen_passes = partial(
    after_passes,
    passes=15,
    number=9,
    remark="Byte by byte it may pass for noise by now; look for the same texture twice.",
)
