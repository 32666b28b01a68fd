"""After the paper's Figure 7: DAN after 24 epochs, beside Python's random."""

from collections.abc import Sequence

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures.drawn import DrawnFigure, basis
from dan_bench.report.figures.paper import snapshot_at
from dan_bench.report.figures.tiles import (
    NOISE_SEED,
    columns_for,
    foot,
    label,
    mosaic,
    place,
    python_noise,
    sheet,
)

EPOCHS = 24
SCALE = 4
TITLE, BETWEEN = 30, 36
"""Pixels."""
CAPTION = (
    "The paper's Figure 7: Python's random (left, random.Random({seed}).randbytes) beside what "
    "{model} makes of held-out digits after {epochs} epochs (right, step {step:,}), the first "
    "{count} of each, none chosen. {measured}"
)
MEASURED = {
    "shannon_bits": ("{:.2f} bits a byte", 1),
    "effective_dimensions": ("{:.1f} % of the effective dimensions of noise", 100),
}


def python_or_dan(records: Sequence[RunRecord], results: Results) -> DrawnFigure | None:
    """Draw as many pictures of either, side by side."""
    found = snapshot_at(records, results, EPOCHS)
    if found is None:
        return None
    count, width = found.rows.shape
    model = found.run.config["model"]["name"]
    panels = {
        "Python's random": python_noise(count, width),
        f"{model.upper()}, {EPOCHS} epochs": found.rows,
    }
    pictures = [mosaic(rows, found.shape, columns_for(count)) for rows in panels.values()]
    high, wide = (SCALE * size for size in pictures[0].shape[:2])
    figure = sheet(2 * wide + BETWEEN, TITLE + high)
    for i, (title, picture) in enumerate(zip(panels, pictures, strict=True)):
        left = i * (wide + BETWEEN)
        label(figure, title, left, 0, va="top", fontsize=9, fontweight="bold")
        place(figure, picture, left, TITLE, SCALE)
    n = f"{count} rows each"
    foot(figure, basis([found.run], n))
    caption = CAPTION.format(
        seed=NOISE_SEED,
        model=f"{model} ({found.run.config['output']})",
        epochs=EPOCHS,
        step=found.step,
        count=count,
        measured=measured(found.run),
    )
    return DrawnFigure(figure, caption.strip(), (found.run,), n)


def measured(run: RunRecord) -> str:
    """Return what the metrics say of the same run; empty where there are none."""
    said = [
        form.format(scale * estimate.value)
        for name, (form, scale) in MEASURED.items()
        if (estimate := run.metrics.get(name)) is not None
    ]
    whole = f"Can you tell? Measures can: all of the held-out sample has {' and '.join(said)}."
    return whole if said else ""
