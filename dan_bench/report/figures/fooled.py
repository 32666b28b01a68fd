"""After the paper's Figure 4: a network fooled, or a person too?"""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dan_bench.interfaces import Estimate, Results, RunRecord
from dan_bench.report.figures import points, style
from dan_bench.report.figures.drawn import DrawnFigure, basis, rows_of
from dan_bench.report.figures.points import Point
from dan_bench.report.leaderboard import Row, leaderboard
from dan_bench.results.select import group_methods

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIXED = "classifier_accuracy"
PROXIES = ("fresh_classifier_accuracy", "structural_similarity")
ATTACKS = ("fgsm", "pgd", "perturbation_generator")
LEAST, GROWTH = 1.5, 15
"""Points of a mark, and how much larger it is for each unit of an attack's strength."""
CAPTION = (
    "The paper's Figure 4: who is fooled? Across, the share of held-out digits that a fixed "
    "classifier gets wrong. Up, two stand-ins for a person, since no person was harmed: a fresh "
    "classifier, trained on the outputs themselves, which gets wrong what cannot be read any more "
    "(left; the dotted lines are guessing among ten), and structural similarity to the original "
    "(right; 1 is untouched). Attacks on the network, whose marks grow with the largest change of "
    "a pixel{strengths}, leave the digit; where it is gone, everybody is fooled. Hollow marks were "
    "not trained to destroy. Bars are 95 % intervals, over training seeds where there are several."
)


def fooled(records: Sequence[RunRecord], _: Results) -> DrawnFigure | None:
    """Draw a fixed classifier's errors against each stand-in for a person, a row a data set."""
    metrics = (FIXED, *PROXIES)
    compared = [r for r in records if all(r.metrics.get(name) for name in metrics)]
    rows = [row for row in leaderboard(compared, metrics) if row.seeds]
    if not rows:
        return None
    sizes = strengths(compared)
    strength = {id(row): sizes[tuple(row.axes.items())] for row in rows}
    sections = sorted({row.section for row in rows})
    figure, axes = style.canvas(len(sections), 2, 3.6 * len(sections))
    for line, section in zip(axes, sections, strict=True):
        members = [row for row in rows if row.section == section]
        members.sort(key=lambda row: strength[id(row)])
        marks = [LEAST + GROWTH * strength[id(row)] for row in members]
        fresh = [point(row, errors(row, PROXIES[0])) for row in members]
        line[0].set(xlim=(-5, 108), ylim=(-5, 108))
        draw_panel(line[0], members, fresh, marks)
        for guess in (line[0].axhline, line[0].axvline):
            guess(90, color=style.theme().muted, ls=":", lw=1, zorder=1)
        like = [point(row, row.cells[PROXIES[1]].estimate) for row in members]
        line[1].set(xlim=(-5, 108), ylim=(-0.08, 1.08))
        draw_panel(line[1], members, like, marks)
        name_attacks(line[1], members)
        line[0].set(title=section, ylabel="fresh classifier fooled (%)")
        line[1].set(ylabel="structural similarity")
        for panel in line:
            panel.set(xlabel="fixed classifier fooled (%)")
    n = rows_of(compared)
    style.note(figure, basis(compared, n))
    used = sorted({strength[id(row)] for row in rows if row.axes["model"] in ATTACKS})
    said = f" ({', '.join(f'{one:g}' for one in used)} of white)" if used else ""
    return DrawnFigure(figure, CAPTION.format(strengths=said), tuple(compared), n)


def errors(row: Row, metric: str) -> Estimate:
    """Return the share that a classifier got wrong, in percent."""
    found = row.cells[metric].estimate
    low, high = (None if end is None else 100 - end for end in (found.high, found.low))
    return Estimate(100 - found.value, low, high, found.n)


def point(row: Row, of_person: Estimate) -> Point:
    """Return a row as a point."""
    model = row.axes["model"]
    place = 1 + ATTACKS.index(model) if model in ATTACKS else style.place_of(model)
    name = f"{model} {row.axes.get('output', '')}".strip()
    return Point(name, errors(row, FIXED), of_person, place, hollow=row.kind == "control")


def draw_panel(
    axes: "Axes", rows: Sequence[Row], members: Sequence[Point], marks: Sequence[float]
) -> None:
    """One stand-in: an attack's strengths are joined by a line, and grow; the rest are named."""
    joined: dict[str, list[Point]] = defaultdict(list)
    rest = []
    for row, member, mark in zip(rows, members, marks, strict=True):
        model = row.axes["model"]
        if model in ATTACKS:
            joined[model].append(member)
            points.draw(axes, member, mark)
        else:
            rest.append(member)
            points.draw(axes, member)
    for line in joined.values():
        first = line[0].place
        axes.plot(
            [p.x.value for p in line],
            [p.y.value for p in line],
            color=style.colour(first),
            lw=0.9,
            zorder=2,
        )
    low, high = axes.get_ylim()
    size = high - low
    groups = points.together(rest, (2, 0.02 * size))
    right = [group for group in groups if group[0].x.value > 50]
    points.column(axes, right, 64, 0.06 * size, (low + 0.05 * size, low + 0.78 * size))
    for group in groups:
        if group not in right:
            points.beside(axes, group, (9, 0), "left")


def name_attacks(axes: "Axes", rows: Sequence[Row]) -> None:
    """Say which mark is whose."""
    from matplotlib.lines import Line2D

    there = [name for name in ATTACKS if any(row.axes["model"] == name for row in rows)]
    marks = [
        Line2D(
            [],
            [],
            color=style.colour(1 + ATTACKS.index(name)),
            marker=style.MARKS[1 + ATTACKS.index(name)],
            mfc="none",
            label=name.replace("_", " "),
        )
        for name in there
    ]
    if marks:
        axes.legend(handles=marks, loc="center left")


def strengths(records: Sequence[RunRecord]) -> dict[tuple[tuple[str, str], ...], float]:
    """Return by a row's axes the largest change that an attack makes to a pixel; else 0."""
    return {
        tuple(method.axes.items()): float(method.runs[0].config["model"].get("epsilon", 0))
        for method in group_methods(records)
    }
