"""Figure `dial`: the entropy that EntropyDAN was asked for, and the entropy that came out."""

from collections import defaultdict
from collections.abc import Sequence

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from dan_bench.metrics.statistics import Estimate, t_interval
from dan_bench.records import RunRecord, Store
from dan_bench.report.leaderboard import name_rows
from dan_bench.report.palette import COLOURS, MARKERS

METRICS = {"shannon_bits": "byte entropy (bits)", "joint_bits": "joint entropy (bits a byte)"}


def dial(records: Sequence[RunRecord], _: Store) -> Figure | None:
    """Measured entropies over requested trueness, with intervals over seeds, beside 8t."""
    turned = [record for record in records if record.metrics.get("dial") is not None]
    if not turned:
        return None
    groups: dict[str, list[RunRecord]] = defaultdict(list)
    for record, axes in zip(turned, name_rows(turned, None), strict=True):
        groups[" ".join(axes.values())].append(record)
    figure, axes_ = plt.subplots(1, len(METRICS), figsize=(11, 4), layout="constrained")
    for place, (metric, label) in zip(axes_, METRICS.items(), strict=True):
        place.plot([0, 1], [0, 8], color="black", lw=1, ls="--", label="8t, what was asked for")
        for i, (name, runs) in enumerate(sorted(groups.items())):
            asked, estimates = zip(*settings(runs, metric), strict=True)
            spans = [0 if e.high is None else e.high - e.value for e in estimates]
            place.errorbar(
                asked,
                [e.value for e in estimates],
                yerr=spans,
                fmt=f"{MARKERS[i % len(MARKERS)]}-",
                ms=4,
                lw=1,
                color=COLOURS[i % len(COLOURS)],
                label=f"{name} ({len(runs)} seeds)",
            )
        place.set(xlabel="requested trueness t", ylabel=label, ylim=(-0.3, 8.5))
    axes_[0].legend(fontsize=7, loc="upper left")
    return figure


def settings(runs: Sequence[RunRecord], metric: str) -> list[tuple[float, Estimate]]:
    """Each setting of the dial and what was measured there, over the runs."""
    found: dict[float, list[float]] = defaultdict(list)
    for run in runs:
        estimate = run.metrics["dial"]
        assert estimate is not None
        for name, bits in estimate.details.items():
            of, _, asked = name.partition("@")
            if of == metric:
                found[float(asked)].append(bits)
    return [(asked, t_interval(bits)) for asked, bits in sorted(found.items())]
