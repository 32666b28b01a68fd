"""EntropyDAN's dial: the entropy that it was asked for, and the entropy that came out."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import altair as alt

from dan_bench.interfaces import Estimate, Results, RunRecord
from dan_bench.metrics.catalogue import metric
from dan_bench.report.figures.figure import Figure, measured, rows_of
from dan_bench.report.figures.style import dash, ends, interval, marks, numbers, series
from dan_bench.results.select import group_methods
from dan_bench.statistics import t_interval

METRICS = ("shannon_bits", "joint_bits")
WIDTH, HEIGHT = 285, 240
CAPTION = (
    "EntropyDAN's dial: noise in the strength that the user ordered. Asked is for a trueness t, "
    "and the dashed line, 8t bits, is what was ordered; drawn is what was served, byte by byte "
    "(left) and with all bytes of a row together (right). Bars are 95 % t intervals over training "
    "seeds, and mostly narrower than the marks. A network before its first step serves whatever "
    "it has."
)


def dial(records: Sequence[RunRecord], _: Results) -> Figure | None:
    """Draw measured entropies over requested trueness, beside 8t."""
    turned = [record for record in records if record.metrics.get("dial") is not None]
    if not turned:
        return None
    groups = dict(sorted(by_method(turned).items()))
    rows = [
        {"method": name, "asked": asked, "metric": one, **ends("bits", bits), "seeds": bits.n}
        for one in METRICS
        for name, runs in groups.items()
        for asked, bits in settings(runs, one)
    ]
    panels = [panel(one, list(groups)) for one in METRICS]
    return Figure(alt.hconcat(*panels, data=numbers(rows)), CAPTION, tuple(turned), rows_of(turned))


def panel(of: str, names: Sequence[str]) -> Any:
    """Return what was served, by one measure of entropy."""
    x = alt.X("asked:Q", title="trueness asked for, t")
    y = alt.Y("bits:Q", title=metric(of).axis, scale=alt.Scale(domain=[-0.3, 8.5], nice=False))
    ordered = alt.Chart(alt.InlineData([{"asked": 0, "bits": 0}, {"asked": 1, "bits": 8}]))
    note = alt.Chart(alt.InlineData([{"asked": 0.85, "bits": 6.2}]))
    base = alt.Chart().transform_filter(alt.datum.metric == of).encode(x=x, y=y)
    look = {"color": series(names, orient="bottom", columns=3), "strokeDash": dash(names)}
    return alt.layer(
        ordered.mark_line(style="bound").encode(x=x, y=y),
        note.mark_text(style="hint", align="left", text="8t, as ordered").encode(x=x, y=y),
        base.mark_line().encode(**look),
        interval(base, names, y=alt.Y("bits low:Q"), y2="bits high:Q"),
        marks(base, names, alt.value(45)),
    ).properties(width=WIDTH, height=HEIGHT)


def by_method(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Return the runs of each method, by a name as short as tells them apart."""
    methods = group_methods(records)
    axes = [method.axes for method in methods]
    several = len({of.get("data") for of in axes}) > 1
    short = [
        " ".join(of[axis] for axis in ("data", "model", "output")[not several :] if axis in of)
        for of in axes
    ]
    full = [" ".join(of.values()) for of in axes]
    names = short if len({*short}) == len({*full}) else full
    return {name: list(method.runs) for name, method in zip(names, methods, strict=True)}


def settings(runs: Sequence[RunRecord], of: str) -> list[tuple[float, Estimate]]:
    """Return each setting of the dial and what was measured there, over the runs."""
    found: dict[float, list[float]] = defaultdict(list)
    for run in runs:
        for name, bits in measured(run, "dial").details.items():
            entropy, _, asked = name.partition("@")
            if entropy == of:
                found[float(asked)].append(bits)
    return [(asked, t_interval(bits)) for asked, bits in sorted(found.items())]
