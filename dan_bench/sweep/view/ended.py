"""Lines of the screen on jobs that have ended: final figures, or what went wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from dan_bench.metrics import catalogue
from dan_bench.sweep.board import Job, duration
from dan_bench.sweep.view.drawing import STYLES, cut, short, shorten

FIGURES = {
    "effective_dimensions": "eff. dims",
    "c2st_accuracy": "c2st acc.",
    "percent_destroyed": "%_dd",
    "joint_bits": "joint bits",
}
"""Final metrics shown of a job that is done, and their headings: is it noise, is it gone?"""
FIGURE, TIME = 11, 11
"""Characters of such a metric with the space before it, and of a time."""


@dataclass(frozen=True)
class EndedLayout:
    """How the lines on jobs that have ended are laid out."""

    number: int
    title: int
    figures: tuple[str, ...]
    """Final metrics that there is room for."""
    width: int

    @classmethod
    def of(cls, jobs: Sequence[Job], all_jobs: int, width: int) -> "EndedLayout":
        """Give each metric that any of them has a column, as long as titles can be read."""
        number = len(str(all_jobs))
        longest = max((cell_len(job.title) for job in jobs), default=0)
        figures = tuple(name for name in FIGURES if any(name in job.headline for job in jobs))
        room = width - 1 - number - 2 - 2 - TIME
        while figures and room - FIGURE * len(figures) < min(longest, 24):
            figures = figures[:-1]
        title = max(1, min(longest, room - FIGURE * len(figures)))
        return cls(number, title, figures, width)

    def begun(self, job: Job) -> Text:
        """Begin a line, with number and title."""
        line = Text(f" {job.number:>{self.number}}  ", "dim")
        return line.append(shorten(job.title, self.title) + "  ", "not dim")

    def heading(self) -> Text:
        """Head the lines on jobs that are done, with what each figure is."""
        line = Text(" done", STYLES["done"]).append(" " * (self.number + self.title + TIME))
        for name in self.figures:
            line.append(f"{FIGURES[name]:>{FIGURE}}", "dim")
        return line

    def done(self, job: Job) -> Text:
        """One line on a job that is done, with the figures that matter most."""
        line = self.begun(job).append(f"{duration(job.seconds):>{TIME}}", "dim")
        for name in self.figures:
            found = job.headline.get(name)
            said = "" if found is None else short(catalogue.metric(name).scale * found)
            line.append(f"{said:>{FIGURE}}", "not dim")
        return line

    def failed(self, job: Job) -> Text:
        """One line on a job that failed, and why."""
        line = self.begun(job)
        return line.append(cut(job.error, max(1, self.width - line.cell_len)), "not dim red")
