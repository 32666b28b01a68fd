"""Lines of the screen on jobs that run: how far, how fast, and the curve that tells collapse."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from dan_bench.sweep.board import Job, speed
from dan_bench.sweep.view.drawing import FULL, REST, STYLES, cells, cut, short, shorten, sparkline

CURVES: dict[str, tuple[str, float | None, float | None]] = {
    "effective_dimensions": ("eff. dims", 0.0, 1.0),
    "uniform_distance_bits": ("bits short", 0.0, None),
    "held_out_accuracy": ("D right", 0.5, 1.0),
    "discriminator_accuracy": ("D right", 0.5, 1.0),
}
"""What a curve is called, and the values at the bottom and the top of its line."""
VALUE, LABEL, RATE = 6, 10, 6
"""Characters of a curve's latest value, of its name, and of a rate."""
SMALLEST = 12
"""Of a title; where there is not that much, curves are left out, and then rates."""


@dataclass(frozen=True)
class RunningLayout:
    """How the lines on jobs that run are laid out; what has no characters is left out."""

    number: int
    title: int
    bar: int
    steps: int
    rate: int
    spark: int
    label: int
    """0 where all jobs show the same curve: the heading names it."""
    curve: str

    @classmethod
    def of(cls, jobs: Sequence[Job], all_jobs: int, width: int) -> "RunningLayout":
        """Share out a line: the title may be cut, and what is over goes to bar and curve."""
        number = len(str(all_jobs))
        steps = max((2 * len(str(job.steps)) + 1 for job in jobs), default=3)
        longest = max((cell_len(job.title) for job in jobs), default=SMALLEST)
        curves = sorted({job.curve for job in jobs if job.curve})
        bar, spark, rate = 6, 8, RATE
        label = LABEL + 1 if len(curves) > 1 else 0
        # a margin, the columns, two spaces between each two, one before steps and value
        room = width - (1 + number + bar + 1 + steps + rate + spark + 1 + VALUE + label + 4 * 2)
        if room < min(longest, SMALLEST):
            room, spark, label = room + spark + 1 + VALUE + label + 2, 0, 0
        if room < min(longest, SMALLEST):
            room, rate = room + rate + 2, 0
        title = max(min(longest, room), 1)
        over = max(0, room - title)
        if spark:
            bar, spark = bar + min(over // 3, 14), spark + min(over - over // 3, 32)
        only = CURVES.get(curves[0], (plain(curves[0]),))[0] if len(curves) == 1 else ""
        return cls(number, title, bar, steps, rate, spark, label, only)

    def heading(self) -> Text:
        """Head the lines; the name of the curve ends where its values do."""
        line = Text(" running", STYLES["running"])
        if self.spark and self.curve:
            end = 1 + self.number + 2 + self.title + 2 + self.bar + 1 + self.steps
            end += 2 + self.rate + 2 + self.spark + 1 + VALUE
            line.append(f"{self.curve:>{max(0, end - line.cell_len)}}", "not bold dim")
        return line

    def line(self, job: Job) -> Text:
        """One line on a job."""
        line = Text(f" {job.number:>{self.number}}  ", "dim")
        line.append(shorten(job.title, self.title) + "  ", "not dim")
        if job.now.steps:
            (full,) = cells([job.now.step / job.now.steps], self.bar)
            line.append(FULL * full, "not dim cyan").append(REST * (self.bar - full), "dim")
            line.append(f" {f'{job.now.step}/{job.now.steps}':>{self.steps}}", "not dim")
        else:
            line.append(cut(plain(job.now.doing), self.bar + 1 + self.steps), "not dim cyan")
        if self.rate:
            rate = f"{speed(job.rate)}/s" if job.rate and job.now.steps else ""
            line.append(f"  {rate:>{self.rate}}", "not dim")
        if self.spark and job.curve:
            label, low, high = CURVES.get(job.curve, (plain(job.curve), None, None))
            drawn = sparkline([point.value for point in job.points], self.spark, low, high)
            line.append(f"  {drawn:<{self.spark}}", "not dim magenta")
            value = short(job.value) if job.value is not None else "X"
            line.append(f" {value:>{VALUE}}", "not dim bold")
            line.append(f" {cut(label, LABEL)}" if self.label else "")
        return line


def plain(name: str) -> str:
    """Return a name of the program's as a person writes it."""
    return name.replace("_", " ")
