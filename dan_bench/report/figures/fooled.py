"""After the paper's Figure 4: a network fooled, or a person too?"""

from collections.abc import Sequence
from typing import Any

import altair as alt

from dan_bench.interfaces import Estimate, Results, RunRecord
from dan_bench.report.figures.figure import Figure, rows_of
from dan_bench.report.figures.style import constants, ends, interval, marks, numbers, series
from dan_bench.report.leaderboard import Row, leaderboard

FIXED = "classifier_accuracy"
PROXIES = ("fresh_classifier_accuracy", "structural_similarity")
STRENGTH = "epsilon"
"""Setting of a model that attacks the classifier: the largest change of a pixel."""
SIDE = 255
SIZES = [30, 190]
"""Square pixels of the weakest and the strongest attack."""
CAPTION = (
    "The paper's Figure 4: who is fooled? Across, the share of held-out digits that a fixed "
    "classifier gets wrong. Up, two stand-ins for a person, since no person was harmed: a fresh "
    "classifier, trained on the outputs themselves, which gets wrong what cannot be read any more "
    "(left; the dotted lines are guessing among ten), and structural similarity to the original "
    "(right; 1 is untouched). Attacks on the network, whose marks grow with the largest change of "
    "a pixel{strengths}, leave the digit; where it is gone, everybody is fooled. Hollow marks were "
    "not trained to destroy. Bars are 95 % intervals, over training seeds where there are several."
)


def fooled(records: Sequence[RunRecord], _: Results) -> Figure | None:
    """Draw a fixed classifier's errors against each stand-in for a person, a row a data set."""
    metrics = (FIXED, *PROXIES)
    compared = [r for r in records if all(r.metrics.get(name) for name in metrics)]
    rows = [row for row in leaderboard(compared, metrics) if row.runs]
    if not rows:
        return None
    attacks = {row.axes["model"] for row in rows if STRENGTH in row.runs[0].config["model"]}
    drawn = [point(row, row.axes["model"] in attacks) for row in rows]
    drawn.sort(key=lambda one: (one["role"] == "attack", one["method"], one["strength"]))
    names = list(dict.fromkeys(one["method"] for one in drawn))
    sections = sorted({row.section for row in rows})
    lines = [panels(section, names, len(sections) > 1) for section in sections]
    used = sorted({one["strength"] for one in drawn if one["role"] == "attack"})
    said = f" ({', '.join(f'{one:g}' for one in used)} of white)" if used else ""
    chart = alt.vconcat(*lines, data=numbers(drawn))
    return Figure(chart, CAPTION.format(strengths=said), tuple(compared), rows_of(compared))


def point(row: Row, is_attack: bool) -> dict[str, Any]:
    """Return what is drawn of a row."""
    role = "attack" if is_attack else row.kind
    return {
        "data": row.section,
        "method": f"{row.axes['model']} {row.axes.get('output', '')}".strip(),
        "role": role,
        "strength": float(row.runs[0].config["model"].get(STRENGTH, 0)),
        "seeds": row.seeds,
        **ends("fixed", errors(row, FIXED)),
        **ends("fresh", errors(row, PROXIES[0])),
        **ends("similarity", row.cells[PROXIES[1]].estimate),
    }


def errors(row: Row, metric: str) -> Estimate:
    """Return the share that a classifier got wrong, in percent."""
    found = row.cells[metric].estimate
    low, high = (None if end is None else 100 - end for end in (found.high, found.low))
    return Estimate(100 - found.value, low, high, found.n)


def panels(section: str, names: Sequence[str], several: bool) -> Any:
    """Return the two panels of a data set."""
    percent = alt.Scale(domain=[-5, 108], nice=False)
    x = alt.X("fixed:Q", title="fixed classifier fooled (%)", scale=percent)
    fresh = alt.Y("fresh:Q", title="fresh classifier fooled (%)", scale=percent)
    like = alt.Y(
        "similarity:Q",
        title="structural similarity",
        scale=alt.Scale(domain=[-0.08, 1.08], nice=False),
    )
    guess = alt.Chart(constants(wrong=90)).mark_rule(style="optimum")
    guesses = [guess.encode(x=alt.X("wrong:Q")), guess.encode(y=alt.Y("wrong:Q"))]
    left = alt.layer(*guesses, *layers(x, fresh, "fresh", names))
    right = alt.layer(*layers(x, like, "similarity", names))
    left, right = (
        one.transform_filter(alt.datum.data == section).properties(width=SIDE, height=SIDE)
        for one in (left, right)
    )
    return alt.hconcat(left, right, **({"title": section} if several else {}))


def layers(x: alt.X, y: alt.Y, field: str, names: Sequence[str]) -> list[Any]:
    """Return one stand-in: the strengths of an attack are joined by a line, and grow."""
    base = alt.Chart()
    place = base.encode(x=x, y=y)
    joined = place.transform_filter("datum.role == 'attack'").mark_line(strokeWidth=0.9)
    size = alt.Size(
        "strength:Q", scale=alt.Scale(range=SIZES), title="attack's strength", legend=None
    )
    return [
        joined.encode(color=series(names), order="strength:Q"),
        interval(base, names, x=alt.X("fixed low:Q"), x2="fixed high:Q", y=y),
        interval(base, names, x=x, y=alt.Y(f"{field} low:Q"), y2=f"{field} high:Q"),
        marks(place, names, size, "datum.role == 'learned'"),
    ]
