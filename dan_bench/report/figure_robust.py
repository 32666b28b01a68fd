"""Figure `robust_classifier`, after the paper's Figure 4: a network fooled, or a person too?"""

from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from dan_bench.records import RunRecord, Store
from dan_bench.report.columns import column
from dan_bench.report.leaderboard import Row, leaderboard
from dan_bench.report.palette import COLOURS, MARKERS

FIXED = "classifier_accuracy"
PROXIES = ("fresh_classifier_accuracy", "structural_similarity")


def robust_classifier(records: Sequence[RunRecord], _: Store) -> Figure | None:
    """Accuracy of the fixed classifier against each proxy of a person, one point a subject."""
    metrics = (FIXED, *PROXIES)
    compared = [r for r in records if all(r.metrics.get(name) for name in metrics)]
    rows = leaderboard(compared, metrics)
    if not rows:
        return None
    sections = sorted({row.section for row in rows})
    figure, axes = plt.subplots(
        len(sections), 2, figsize=(11, 4.4 * len(sections)), squeeze=False, layout="constrained"
    )
    for line, section in zip(axes, sections, strict=True):
        members = [row for row in rows if row.section == section]
        for place, proxy in zip(line, PROXIES, strict=True):
            for i, row in enumerate(members):
                x, low, high = bounds(row, FIXED)
                y, bottom, top = bounds(row, proxy)
                place.errorbar(
                    x,
                    y,
                    xerr=[[x - low], [high - x]],
                    yerr=[[y - bottom], [top - y]],
                    fmt=MARKERS[i % len(MARKERS)],
                    color=COLOURS[i % len(COLOURS)],
                    mfc="none" if row.kind == "control" else None,
                    label=f"{row.label} ({row.seeds} seeds)",
                )
            place.set(xlabel=f"{section}: {column(FIXED).heading}", ylabel=column(proxy).heading)
        line[0].text(2, 101, "fools the network only", fontsize=8, va="bottom")
        line[0].text(2, -4, "fools both", fontsize=8, va="top")
        line[0].set(xlim=(-4, 104), ylim=(-10, 109))
        line[1].legend(fontsize=7, loc="center left", bbox_to_anchor=(1.02, 0.5))
    return figure


def bounds(row: Row, metric: str) -> tuple[float, float, float]:
    """Value and interval of a cell; the value itself where there is no interval."""
    found = row.cells[metric].estimate
    low, high = (found.value if end is None else end for end in (found.low, found.high))
    return found.value, low, high
