"""What learned attackers recover, against how much fresh noise they have seen."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import altair as alt

from dan_bench.interfaces import Results, RunRecord
from dan_bench.report.figures.figure import Figure, joined, measured, not_shown, one_data_set
from dan_bench.report.figures.grid import grid
from dan_bench.report.figures.style import dash, ends, interval, marks, numbers, series
from dan_bench.statistics import t_interval

POINT = "share@"
"""Before the number of examples, in the details of an attack."""
WIDTH, HEIGHT = 190, 200
MOST = 7
"""Methods that are shown: there are so many colours."""
CAPTION = (
    "How long an attacker has to look. Share of the attackers' own validation inputs that is "
    "recovered, against the fresh pairs of input and output that the attacker learned from, on "
    "{data}; a panel for each learned attack. No pair is seen twice. An attacker takes twice as "
    "many for as long as that recovers a point more; an open mark at the end of a line is one that "
    "was stopped by its cap while that still helped, so what it names is a lower bound on what is "
    "there. Means over training seeds, with 95 % t intervals."
)


def attackers(records: Sequence[RunRecord], _: Results) -> Figure | None:
    """Draw the curve of each learned attack on the methods of one data set, a panel an attack."""
    methods, others = grid([record for record in records if curves(record)])
    if not methods:
        return None
    data, elsewhere = one_data_set([method.section for method in methods])
    names = {method.name: method for method in methods if method.section == data}
    # those of which most comes back, and of which there is most to see
    order = sorted(names, key=lambda name: -most_recovered(names[name].runs))
    shown = sorted(order[:MOST])
    rows = [row for name in shown for row in points(name, names[name].runs)]
    attacks = list(dict.fromkeys(str(row["attack"]) for row in rows))
    chart = alt.hconcat(
        *(panel(attack, shown, first=attack == attacks[0]) for attack in attacks),
        data=numbers(rows),
    )
    runs = tuple(run for name in shown for run in names[name].runs)
    less = not_shown("Methods of which less comes back are not shown", order[MOST:])
    said = joined(CAPTION.format(data=data), elsewhere, less, others)
    return Figure(chart, said, runs, "the attackers' validation inputs")


def curves(record: RunRecord) -> dict[str, dict[int, float]]:
    """Return, by attack, the share recovered after each number of examples."""
    found: dict[str, dict[int, float]] = {}
    for name, estimate in record.metrics.items():
        if estimate is None or not name.endswith("_recovered"):
            continue
        of = {
            int(detail.removeprefix(POINT)): share
            for detail, share in estimate.details.items()
            if detail.startswith(POINT)
        }
        if of:
            found[name.removesuffix("_recovered")] = dict(sorted(of.items()))
    return found


def most_recovered(runs: Sequence[RunRecord]) -> float:
    """Return the largest share on any curve of the runs."""
    return max(max(of.values()) for run in runs for of in curves(run).values())


def points(name: str, runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """Return the points of a method's curves; of the last of each, whether one was still rising."""
    shares: dict[tuple[str, int], list[float]] = defaultdict(list)
    rising: dict[str, bool] = defaultdict(bool)
    for run in runs:
        for attack, of in curves(run).items():
            estimate = measured(run, f"{attack}_recovered")
            rising[attack] |= bool(estimate.details.get("still_rising"))
            for examples, share in of.items():
                shares[attack, examples].append(100 * share)
    last = dict(sorted(shares))
    return [
        {
            "method": name,
            "attack": attack,
            "examples": examples,
            **ends("recovered", t_interval(of)),
            "seeds": len(of),
            "rising": int(rising[attack] and last[attack] == examples),
        }
        for (attack, examples), of in sorted(shares.items())
    ]


def panel(attack: str, names: Sequence[str], first: bool) -> Any:
    """Return the curves of one attack."""
    x = alt.X(
        "examples:Q",
        title="fresh pairs seen",
        scale=alt.Scale(type="log", base=2),
        axis=alt.Axis(format="~s", tickCount=5),
    )
    scale = alt.Scale(domain=[-2, 102], nice=False)
    y = alt.Y("recovered:Q", title="recovered (%)" if first else None, scale=scale)
    base = alt.Chart().transform_filter(alt.datum.attack == attack).encode(x=x, y=y)
    look = {"color": series(names, orient="bottom", columns=2), "strokeDash": dash(names)}
    return alt.layer(
        base.mark_line(strokeWidth=1.5).encode(**look),
        interval(base, names, y=alt.Y("recovered low:Q", scale=scale), y2="recovered high:Q"),
        marks(base, names, alt.value(45), "datum.rising == 0"),
    ).properties(width=WIDTH, height=HEIGHT, title=attack)
