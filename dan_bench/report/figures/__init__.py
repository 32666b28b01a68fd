"""The figures of the results: `python -m dan_bench.report figures`, and the charts of the page.

Each is a pure function from records and their arrays to a `Figure`: an altair chart, its caption,
and the runs that it was drawn from. The same chart becomes SVG and PNG in two themes, and stands
on the HTML page. altair is imported when something is drawn, and not before.
"""

from dan_bench.report.figures.command import main

__all__ = ["main"]
