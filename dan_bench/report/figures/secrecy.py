"""Is it gone? %_dd against the fresh randomness that a sample was given, under Shannon's bound."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dan_bench.interfaces import Estimate, Results, RunRecord
from dan_bench.metrics.destruction import shannon_bound
from dan_bench.report.figures import style
from dan_bench.report.figures.drawn import DrawnFigure, basis
from dan_bench.report.figures.grid import left_out, most_common
from dan_bench.report.figures.points import span
from dan_bench.report.html.subjects import short_names
from dan_bench.results.select import group_methods
from dan_bench.statistics import t_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ATTACKS = ("dictionary_recovered", "rehearsal_recovered")
"""Those that name one candidate among K; only records that faced both are drawn."""
CAPTION = (
    "Looks like noise is not is gone: the percentage of data destroyed, %_dd, against the fresh "
    "random bits that a sample was given. Attackers name the input among {candidates:,} "
    "candidates from the output; the better of two attacks counts. The dashed line is Shannon's "
    "bound for the {information:g} bits of that name: what keeps its inputs apart cannot lie in "
    "the shade. A network's hollow dots are what one would have said without the attacker who "
    "rehearses with noise of his own. Bars are 95 % t intervals over training seeds."
)


@dataclass(frozen=True)
class SecrecyPoint:
    """One subject at one amount of randomness, over its seeds."""

    noise_bits: float
    destroyed: Estimate
    """By the better attack of each run."""
    by_dictionary: float
    """What would have been said without the rehearsal."""


def secrecy(records: Sequence[RunRecord], _: Results) -> DrawnFigure | None:
    """Draw %_dd by dictionary attacks over fresh random bits, a panel a data set."""
    faced = [
        record
        for record in records
        if "noise_bits" in record.costs and all(record.metrics.get(name) for name in ATTACKS)
    ]
    attacked = most_common(faced, lambda record: repr(record.config.get("evaluation")))
    if not attacked:
        return None
    panels: dict[str, list[RunRecord]] = defaultdict(list)
    for record in attacked:
        panels[record.config["data"]["name"]].append(record)
    figure, axes = style.canvas(len(panels), 1, 3.6 * len(panels))
    for panel, (data, members) in zip(axes[:, 0], sorted(panels.items()), strict=True):
        draw_bound(panel, members)
        found = subjects(members)
        called = short_names([name for _, name in found])
        for i, ((is_network, name), points) in enumerate(sorted(found.items())):
            draw(panel, (is_network, called[name]), points, i)
        panel.set_xscale("symlog", linthresh=1)
        panel.set(xlim=(-0.25, None), ylim=(-5, 106), title=data)
        panel.set(xlabel="fresh random bits a sample", ylabel="data destroyed, %_dd")
        style.legend(panel, loc="center left", bbox_to_anchor=(1.01, 0.5))
    information = asked(attacked)
    n = f"{queries(attacked)} outputs to be named"
    style.note(figure, basis(attacked, n))
    said = CAPTION.format(candidates=round(2**information), information=information)
    others = left_out(faced, attacked, "")
    return DrawnFigure(figure, f"{said} {others}".strip(), tuple(attacked), n)


def asked(records: Sequence[RunRecord]) -> float:
    """Return the bits that name one candidate."""
    found = records[0].metrics[ATTACKS[0]]
    assert found is not None
    return found.details["of_bits"]


def queries(records: Sequence[RunRecord]) -> str:
    """Return how many inputs each attack was asked to name."""
    sizes = {e.n for record in records if (e := record.metrics[ATTACKS[0]]) and e.n is not None}
    return " or ".join(f"{size:,}" for size in sorted(sizes))


def subjects(records: Sequence[RunRecord]) -> dict[tuple[bool, str], list[SecrecyPoint]]:
    """Points of each subject, by whether it is a network and by its name without noise_dim."""
    groups: dict[tuple[bool, str], dict[float, list[RunRecord]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for method in group_methods(records):
        name = " ".join(v for axis, v in method.axes.items() if axis not in ("data", "noise_dim"))
        for record in method.runs:
            is_network = record.config["model"]["kind"] != "control"
            groups[is_network, name][record.costs["noise_bits"]].append(record)
    return {
        subject: [
            SecrecyPoint(
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


def draw_bound(axes: "Axes", records: Sequence[RunRecord]) -> None:
    """Shannon's bound for the bits that name one candidate; nothing one-to-one lies above it."""
    information = asked(records)
    most = max(information, *(record.costs["noise_bits"] for record in records))
    bits = np.concatenate([np.linspace(0, information, 200), [2 * most]])
    bound = [shannon_bound(h, information) for h in bits]
    label = f"Shannon's bound: {information:g} bits\nname one of {2**information:,.0f}"
    axes.plot(bits, bound, color=style.theme().ink, lw=1.2, ls="--", label=label)
    axes.fill_between(bits, bound, 106, color=style.theme().faint, lw=0, zorder=0)


def draw(axes: "Axes", subject: tuple[bool, str], points: Sequence[SecrecyPoint], i: int) -> None:
    """One subject; hollow and alone for a control, a line for a network."""
    is_network, name = subject
    bits = [point.noise_bits for point in points]
    axes.errorbar(
        bits,
        [point.destroyed.value for point in points],
        yerr=list(zip(*(within(point.destroyed) for point in points), strict=True)),
        fmt=style.marker(i) + ("-" if is_network else ""),
        color=style.colour(i),
        ms=5 if is_network else 11 - 2 * (i % 4),  # nested, where controls share a place
        mfc=None if is_network else "none",
        mew=1.2,
        clip_on=False,
        label=name,
    )
    if is_network:
        alone = [point.by_dictionary for point in points]
        label = f"{name},\nwithout rehearsal"
        axes.plot(bits, alone, "o", color=style.colour(i), mfc="none", ms=5, label=label)


def within(estimate: Estimate) -> tuple[float, float]:
    """How far the interval reaches on either side, as far as a percentage can."""
    below, above = span(estimate)
    return min(below, max(0.0, estimate.value)), min(above, max(0.0, 100 - estimate.value))
