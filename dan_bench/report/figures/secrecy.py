"""Is it gone? %_dd against the fresh randomness that a sample was given, under Shannon's bound."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from dan_bench.interfaces import Estimate, Results, RunRecord
from dan_bench.metrics.destruction import shannon_bound
from dan_bench.report.figures.figure import Figure, joined
from dan_bench.report.figures.grid import left_out, most_common, short_names
from dan_bench.report.figures.style import constants, ends, interval, marks, numbers, series
from dan_bench.results.select import group_methods
from dan_bench.statistics import t_interval

ATTACKS = ("dictionary_recovered", "rehearsal_recovered")
"""Those that name one candidate among K; only records that faced both are drawn."""
WIDTH, HEIGHT = 430, 280
TOP = 106
TICKS = [0, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000]
CAPTION = (
    "Looks like noise is not is gone: the percentage of data destroyed, %_dd, against the fresh "
    "random bits that a sample was given. Attackers name the input among {candidates:,} "
    "candidates from the output; the better of two attacks counts. The dashed line is Shannon's "
    "bound for the {information:g} bits of that name: what keeps its inputs apart cannot lie in "
    "the shade. A network's hollow dots are what one would have said without the attacker who "
    "rehearses with noise of his own. Bars are 95 % t intervals over training seeds."
)


def secrecy(records: Sequence[RunRecord], _: Results) -> Figure | None:
    """Draw %_dd by dictionary attacks over fresh random bits, a panel a data set."""
    faced = [
        record
        for record in records
        if "noise_bits" in record.costs and all(record.metrics.get(name) for name in ATTACKS)
    ]
    amounts: dict[str, set[float]] = defaultdict(set)
    for record in faced:
        amounts[evaluation_of(record)].add(record.costs["noise_bits"])
    widest = max(map(len, amounts.values()), default=0)
    # every default run whose noise is scarce was rehearsed, but few amounts make no curve
    attacked = most_common(
        [record for record in faced if len(amounts[evaluation_of(record)]) == widest],
        evaluation_of,
    )
    if not attacked:
        return None
    rows = [row for _, members in sorted(by_data(attacked).items()) for row in points(members)]
    names = list(dict.fromkeys(str(row["method"]) for row in rows))
    information = asked(attacked)
    most = max(information, *(record.costs["noise_bits"] for record in attacked))
    x = alt.X(
        "fresh bits:Q",
        title="fresh random bits a sample",
        scale=alt.Scale(type="symlog", constant=1, domain=[-0.25, 2 * most], nice=False),
        axis=alt.Axis(values=TICKS, format=",d"),
    )
    y = alt.Y(
        "destroyed:Q",
        title="data destroyed, %_dd",
        scale=alt.Scale(domain=[-4, TOP], nice=False),
    )
    base = alt.Chart().encode(x=x, y=y)
    network = base.transform_filter("datum.kind == 'network'")
    lines = network.mark_line().encode(color=series(names))
    without = network.mark_point(size=40, strokeWidth=1.3).encode(
        alt.Y("without rehearsal:Q"), color=series(names)
    )
    panel = alt.layer(
        *bound(information, 2 * most, x, y),
        lines,
        interval(base, names, y=alt.Y("destroyed low:Q"), y2="destroyed high:Q"),
        marks(base, names, alt.value(60), "datum.kind == 'network'"),
        without,
    ).properties(width=WIDTH, height=HEIGHT)
    chart = panel.facet(row=alt.Row("data:N"), data=numbers(rows))
    said = CAPTION.format(candidates=round(2**information), information=information)
    others = left_out(faced, attacked, "")
    n = f"{queries(attacked)} outputs to be named"
    return Figure(chart, joined(said, others), tuple(attacked), n)


def evaluation_of(record: RunRecord) -> str:
    """Return how a run was measured."""
    return repr(record.config.get("evaluation"))


def by_data(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Return the records of each data set."""
    groups: dict[str, list[RunRecord]] = defaultdict(list)
    for record in records:
        groups[record.config["data"]["name"]].append(record)
    return groups


def asked(records: Sequence[RunRecord]) -> float:
    """Return the bits that name one candidate."""
    found = records[0].metrics[ATTACKS[0]]
    assert found is not None
    return found.details["of_bits"]


def queries(records: Sequence[RunRecord]) -> str:
    """Return how many inputs each attack was asked to name."""
    sizes = {e.n for record in records if (e := record.metrics[ATTACKS[0]]) and e.n is not None}
    return " or ".join(f"{size:,}" for size in sorted(sizes))


def points(records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """Return the points of one data set: each method at each amount of randomness, over seeds.

    Methods are named without `noise_dim`, which is what their points differ in.
    """
    groups: dict[tuple[bool, str], dict[float, list[RunRecord]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for method in group_methods(records):
        name = " ".join(v for axis, v in method.axes.items() if axis not in ("data", "noise_dim"))
        for run in method.runs:
            is_network = run.config["model"]["kind"] != "control"
            groups[is_network, name][run.costs["noise_bits"]].append(run)
    called = short_names([name for _, name in groups])
    return [
        {
            "data": records[0].config["data"]["name"],
            "method": called[name],
            "kind": "network" if is_network else "control",
            "fresh bits": bits,
            "seeds": len(runs),
            **ends("destroyed", within(better_attack(runs))),
            "without rehearsal": float(np.mean([destroyed(run, ATTACKS[0]) for run in runs])),
        }
        for (is_network, name), by_bits in sorted(groups.items(), key=lambda item: item[0])
        for bits, runs in sorted(by_bits.items())
    ]


def destroyed(record: RunRecord, attack: str) -> float:
    """Return %_dd by one attack."""
    share = record.metrics[attack]
    assert share is not None
    return 100 * (1 - share.value)


def better_attack(runs: Sequence[RunRecord]) -> Estimate:
    """Return the mean over seeds of %_dd by the better attack of each run."""
    return t_interval([min(destroyed(run, name) for name in ATTACKS) for run in runs])


def within(estimate: Estimate) -> Estimate:
    """Return an estimate whose interval reaches no further than a percentage can."""
    if estimate.low is None or estimate.high is None:
        return estimate
    value = estimate.value
    low, high = max(estimate.low, min(0.0, value)), min(estimate.high, max(100.0, value))
    return Estimate(value, low, high, estimate.n)


def bound(information: float, most: float, x: alt.X, y: alt.Y) -> list[Any]:
    """Return Shannon's bound, drawn densely where the axis bends, and the shade above it."""
    bits = [*np.linspace(0, information, 60), most]
    line = [
        {"fresh bits": round(float(h), 3), "destroyed": round(shannon_bound(h, information), 3)}
        for h in bits
    ]
    base = alt.Chart(alt.InlineData(line)).encode(x=x, y=y)
    said = f"Shannon's bound:\n{information:g} bits name\none of {2**information:,.0f}"
    note = alt.Chart(constants(x=0, y=96, said=said)).mark_text(
        style="hint", align="left", baseline="top", dx=8, lineBreak="\n"
    )
    return [
        base.mark_area(style="shade").encode(y2=alt.datum(TOP)),
        base.mark_line(style="bound"),
        note.encode(x="x:Q", y="y:Q", text="said:N"),
    ]
