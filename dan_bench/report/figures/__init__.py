"""The figures, in print and on the screen: `python -m dan_bench.report figures`.

Each is a pure function from records and their arrays to a `DrawnFigure`: figure, caption, and the
runs that it was drawn from. matplotlib is imported when something is drawn, and not before.
"""

from dan_bench.report.figures.command import main
from dan_bench.report.figures.drawn import DrawnFigure

__all__ = ["DrawnFigure", "main"]
