"""A package that somebody else has installed, with entry points of ours."""

from pathlib import Path

MODULE = '''
from dan_bench.interfaces import Estimate
from dan_bench.metrics.catalogue import MetricEntry, metric
from dan_bench.report.figures.catalogue import FigureEntry
from dan_bench.report.figures.figure import Figure, rows_of
from dan_bench.report.figures.grid import grid
from dan_bench.report.figures.style import numbers, series


def judge(estimate: Estimate, size):
    """P-value of a metric that is itself one."""
    return estimate.value


def draw(records, results):
    import altair as alt

    shown, _ = grid([record for record in records if record.metrics.get("mine")])
    if not shown:
        return None
    rows = [{"method": one.name, "mine": one.runs[0].metrics["mine"].value} for one in shown]
    x = alt.X("mine:Q", title=metric("mine").axis)
    names = [row["method"] for row in rows]
    chart = alt.Chart(numbers(rows)).mark_bar().encode(x=x, y="method:N", color=series(names))
    runs = tuple(run for one in shown for run in one.runs)
    return Figure(chart, "Mine.", runs, rows_of(runs))


METRIC = MetricEntry(
    "mine", "my metric", "My metric (furlongs)", "noise", True, ideal=1, judge=judge
)
FIGURE = FigureEntry(draw, "my figure", "make mine")
'''
METRIC = {"dan_bench.metrics": "mine = theirs:METRIC"}
FIGURE = {"dan_bench.figures": "drawn = theirs:FIGURE"}


def install(folder: Path, points: dict[str, str], module: str = MODULE) -> None:
    """Put the module `theirs` there, and the entry points of the distribution that it comes in."""
    (folder / "theirs.py").write_text(module)
    about = folder / "theirs-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    lines = [f"[{group}]\n{point}\n" for group, point in points.items()]
    (about / "entry_points.txt").write_text("\n".join(lines))
