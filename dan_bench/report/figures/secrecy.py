"""Is it gone? %_dd against the fresh randomness that a sample was given, under Shannon's bound."""

from collections import defaultdict
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import altair as alt
import numpy as np

from dan_bench.interfaces import Estimate, Results, RunRecord
from dan_bench.metrics.destruction import shannon_bound
from dan_bench.report.figures.figure import Figure, attackers, joined, measured
from dan_bench.report.figures.grid import left_out, short_names
from dan_bench.report.figures.style import constants, ends, interval, marks, numbers, series
from dan_bench.report.verdicts import DICTIONARIES, left_by
from dan_bench.results.select import by_evaluation, certificate_of, group_methods
from dan_bench.statistics import t_interval

WIDTH, HEIGHT = 430, 280
TOP = 106
TICKS = [0, 1, 10, 100, 1000, 10_000, 100_000, 1_000_000]
CAPTION = (
    "Looks like noise is not is gone: the percentage of data destroyed, %_dd, against the fresh "
    "random bits that a sample was given. Attackers name the input among {candidates:,} "
    "candidates from the output; marks are at most what the best of the attacks left. Pale bars "
    "reach down from there to what is certified against every attacker: what lies within one may "
    "be gone, or only hidden. The dashed line is Shannon's bound for the {information:g} bits of "
    "that name: what keeps its inputs apart cannot lie in the shade; what ignores its input can. A "
    "network's hollow dots are what one would have said after the learned attack alone. Whiskers "
    "are 95 % t intervals over training seeds."
)


def secrecy(records: Sequence[RunRecord], _: Results) -> Figure | None:
    """Draw %_dd by dictionary attacks over fresh random bits, a panel a data set.

    Of records that faced the first of these attacks and another.
    """
    faced = [
        record
        for record in records
        if "noise_bits" in record.costs and record.metrics.get(DICTIONARIES[0])
        and any(record.metrics.get(name) for name in DICTIONARIES[1:])
    ]  # fmt: skip
    if not faced:
        return None
    attacked = max(by_evaluation(faced).values(), key=reach)
    rows = points(attacked)
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
        title="data destroyed, %_dd: at least to at most",
        scale=alt.Scale(domain=[-4, TOP], nice=False),
    )
    base = alt.Chart().encode(x=x, y=y)
    network = base.transform_filter("datum.kind == 'network'")
    lines = network.mark_line().encode(color=series(names))
    certain = base.mark_rule(strokeWidth=7, opacity=0.25).encode(
        alt.Y("certified:Q"), y2="destroyed:Q", color=series(names)
    )
    without = network.mark_point(size=40, strokeWidth=1.3).encode(
        alt.Y("learned attack:Q"), color=series(names)
    )
    panel = alt.layer(
        *bound(information, 2 * most, x, y),
        certain,
        lines,
        interval(base, names, y=alt.Y("destroyed low:Q"), y2="destroyed high:Q"),
        marks(base, names, alt.value(60), "datum.kind == 'network'"),
        without,
    ).properties(width=WIDTH, height=HEIGHT)
    chart = panel.facet(row=alt.Row("data:N"), data=numbers(rows))
    said = CAPTION.format(candidates=round(2**information), information=information)
    others = left_out(faced, attacked, "")
    n = f"{queries(attacked)} outputs to be named"
    return Figure(chart, joined(said, attackers(attacked), others), tuple(attacked), n)


def reach(records: Sequence[RunRecord]) -> tuple[int, int, int]:
    """Return what is drawn first: the newest attacks, then the most amounts of randomness."""
    amounts = {record.costs["noise_bits"] for record in records}
    return records[0].schema_version, len(amounts), len(records)


def asked(records: Sequence[RunRecord]) -> float:
    """Return the bits that name one candidate."""
    return measured(records[0], DICTIONARIES[0]).details["of_bits"]


def queries(records: Sequence[RunRecord]) -> str:
    """Return how many inputs each attack was asked to name."""
    sizes = {n for record in records if (n := measured(record, DICTIONARIES[0]).n) is not None}
    return " or ".join(f"{size:,}" for size in sorted(sizes))


def points(records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """Return the points of each data set: each method at each amount of randomness, over seeds.

    Methods are named without `noise_dim`, which is what their points differ in.
    """
    groups: dict[tuple[str, bool, str, float], list[RunRecord]] = defaultdict(list)
    for method in group_methods(records):
        name = " ".join(v for axis, v in method.axes.items() if axis not in ("data", "noise_dim"))
        for run in method.runs:
            is_network = run.config["model"]["kind"] != "control"
            groups[method.section, is_network, name, run.costs["noise_bits"]].append(run)
    called = short_names([name for _, _, name, _ in groups])
    return [
        {
            "data": data,
            "method": called[name],
            "kind": "network" if is_network else "control",
            "fresh bits": bits,
            "seeds": len(runs),
            **ends("destroyed", within(t_interval(list(map(left_by, runs))))),
            "certified": float(np.mean([certain(run) for run in runs])),
            "learned attack": float(np.mean([left_by(run, DICTIONARIES[:1]) for run in runs])),
        }
        for (data, is_network, name, bits), runs in sorted(groups.items(), key=itemgetter(0))
    ]


def certain(record: RunRecord) -> float:
    """Return the percentage of the name that is certainly destroyed; 0 where nothing says so."""
    found = certificate_of(record)
    return 0.0 if found is None else found.details.get("naming", 0.0)


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
