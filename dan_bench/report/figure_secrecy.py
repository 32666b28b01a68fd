"""Is it gone? %_dd against the fresh randomness that a sample was given, under Shannon's bound."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dan_bench.metrics.destruction import shannon_bound
from dan_bench.metrics.statistics import Estimate, t_interval
from dan_bench.records import RunRecord, Store
from dan_bench.report.leaderboard import name_rows
from dan_bench.report.palette import COLOURS, MARKERS

ATTACKS = ("dictionary_recovered", "rehearsal_recovered")
"""Those that name one candidate among K; only records that faced both are drawn."""


@dataclass(frozen=True)
class Point:
    """One subject at one amount of randomness, over its seeds."""

    noise_bits: float
    destroyed: Estimate
    """By the better attack of each run."""
    by_dictionary: float
    """What would have been said without the rehearsal."""


def secrecy(records: Sequence[RunRecord], _: Store) -> Figure | None:
    """%_dd by dictionary attacks over fresh random bits, a panel a data set."""
    attacked = [
        record
        for record in records
        if "noise_bits" in record.costs and all(record.metrics.get(name) for name in ATTACKS)
    ]
    if not attacked:
        return None
    panels: dict[str, list[RunRecord]] = defaultdict(list)
    for record in attacked:
        panels[record.config["data"]["name"]].append(record)
    figure, axes = plt.subplots(
        1, len(panels), figsize=(7.2 * len(panels), 4.6), squeeze=False, layout="constrained"
    )
    for place, (data, members) in zip(axes[0], sorted(panels.items()), strict=True):
        draw_bound(place, members)
        for i, (name, points) in enumerate(sorted(subjects(members).items())):
            draw(place, name, points, i)
        place.set_xscale("symlog", linthresh=1)
        place.set(xlim=(-0.25, None), ylim=(-5, 106), title=data)
        place.set(xlabel="fresh random bits a sample", ylabel="data destroyed, %_dd")
        place.legend(fontsize=7, loc="center right")
    return figure


def subjects(records: Sequence[RunRecord]) -> dict[tuple[bool, str], list[Point]]:
    """Points of each subject, by whether it is a network and by its name without noise_dim."""
    groups: dict[tuple[bool, str], dict[float, list[RunRecord]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for record, axes in zip(records, name_rows(records, None), strict=True):
        name = " ".join(v for axis, v in axes.items() if axis not in ("data", "noise_dim"))
        is_network = record.config["model"]["kind"] != "control"
        groups[is_network, name][record.costs["noise_bits"]].append(record)
    return {
        subject: [
            Point(
                bits,
                t_interval([min(destroyed(run, name) for name in ATTACKS) for run in runs]),
                float(np.mean([destroyed(run, ATTACKS[0]) for run in runs])),
            )
            for bits, runs in sorted(by_bits.items())
        ]
        for subject, by_bits in groups.items()
    }


def destroyed(record: RunRecord, attack: str) -> float:
    """%_dd by one attack."""
    share = record.metrics[attack]
    assert share is not None
    return 100 * (1 - share.value)


def draw_bound(place: Axes, records: Sequence[RunRecord]) -> None:
    """Shannon's bound for the bits that name one candidate; nothing one-to-one lies above it."""
    found = records[0].metrics[ATTACKS[0]]
    assert found is not None
    information = found.details["of_bits"]
    most = max(information, *(record.costs["noise_bits"] for record in records))
    bits = np.concatenate([np.linspace(0, information, 200), [2 * most]])
    bound = [shannon_bound(h, information) for h in bits]
    label = f"Shannon's bound: {information:g} bits name one of {2**information:.0f}"
    place.plot(bits, bound, color="black", lw=1.2, ls="--", label=label)
    place.fill_between(bits, bound, 106, color="black", alpha=0.08, lw=0)


def draw(place: Axes, subject: tuple[bool, str], points: Sequence[Point], i: int) -> None:
    """One subject; hollow and alone for a control, a line for a network."""
    is_network, name = subject
    bits = [point.noise_bits for point in points]
    heights = [point.destroyed.value for point in points]
    ends = [(p.destroyed.low, p.destroyed.high) for p in points]
    spans = [
        (0.0, 0.0) if low is None or high is None else (y - low, high - y)
        for y, (low, high) in zip(heights, ends, strict=True)
    ]
    colour = COLOURS[i % len(COLOURS)]
    place.errorbar(
        bits,
        heights,
        yerr=np.array(spans).T,
        fmt=MARKERS[i % len(MARKERS)] + ("-" if is_network else ""),
        color=colour,
        ms=5 if is_network else 13 - 2 * (i % 4),  # nested, where controls share a place
        mfc=None if is_network else "none",
        clip_on=False,
        label=name,
    )
    if is_network:
        alone = [point.by_dictionary for point in points]
        label = f"{name}, without rehearsal"
        place.plot(bits, alone, "o", color=colour, mfc="none", ms=5, label=label)
