"""The board as lines of text that fit a terminal, whatever its size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from dan_bench.sweep.board import Job, SweepState, duration
from dan_bench.sweep.view.drawing import FULL, REST, STYLES, cells, clock
from dan_bench.sweep.view.ended import EndedLayout
from dan_bench.sweep.view.running import RunningLayout


def status(board: SweepState, width: int) -> Text:
    """One line on the whole: a bar over the jobs, how many are in which state, and the time."""
    counts = {state: len(board.of(state)) for state in STYLES}
    shown = [state for state in STYLES if counts[state] or state == "done"]
    long, brief = (
        ", ".join([say(board.seconds()), *filter(None, [board.left(say)])])
        for say in (duration, clock)
    )
    for time, words in ((long, True), (brief, True), (brief, False)):
        said = Text()
        for state in shown:
            word = f" {state}" if words else state[0]
            said.append(f"{counts[state]}{word}", STYLES[state]).append(" · ", "dim")
        said.append(time)
        bar = min(width - said.cell_len - 3, 60)
        if bar >= 10:
            break
    line = Text(" ")
    if bar >= 4:
        line.append_text(stacked(board, bar)).append("  ")
    line.append_text(said)
    line.truncate(width)
    return line


def stacked(board: SweepState, width: int) -> Text:
    """Draw a bar over all jobs: those done, those that failed, and how far the others are."""
    under_way = sum(job.now.step / job.now.steps for job in board.of("running") if job.now.steps)
    total = max(1, len(board.jobs))
    parts = [len(board.of("done")) / total, len(board.of("failed")) / total, under_way / total]
    line = Text()
    for state, count in zip(STYLES, cells(parts, width), strict=False):
        line.append(FULL * count, STYLES[state])
    return line.append(REST * (width - line.cell_len), "dim")


def section(
    heading: Text, jobs: Sequence[Job], room: int, draw: Callable[[Job], Text]
) -> list[Text]:
    """Return an empty line, a heading and as many of the latest jobs as fit under it."""
    if not jobs or room < 3:
        return []
    space = room - 2
    shown = jobs if len(jobs) <= space else jobs[len(jobs) - max(space - 1, 0) :]
    lines = [Text(), heading, *map(draw, shown)]
    if len(shown) < len(jobs):
        lines.insert(2, Text(f" … and {len(jobs) - len(shown)} more", "dim"))
    return lines


def lines_of(board: SweepState, width: int, height: int) -> list[Text]:
    """Return the board as at most `height` lines, none wider than `width`."""
    going, fallen, over = (board.of(state) for state in ("running", "failed", "done"))
    fallen, over = (
        sorted(jobs, key=lambda job: job.started + job.seconds) for jobs in (fallen, over)
    )
    going_in = RunningLayout.of(going, len(board.jobs), width)
    ended_in = EndedLayout.of(fallen + over, len(board.jobs), width)
    lines = [status(board, width)]
    # what failed keeps some lines, however many run
    kept = min(len(fallen), 4) + 2 if fallen and height > 10 else 0
    lines += section(going_in.heading(), going, height - 1 - kept, going_in.line)
    lines += section(
        Text(" failed", STYLES["failed"]), fallen, height - len(lines), ended_in.failed
    )
    lines += section(ended_in.heading(), over, height - len(lines), ended_in.done)
    for line in lines:
        line.truncate(width)
    return lines[:height]


@dataclass(frozen=True)
class Frame:
    """The board as it is when it is drawn, in the place that there then is."""

    board: SweepState

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from lines_of(self.board, options.max_width, options.height or options.size.height)


@dataclass(frozen=True)
class FinalFrame:
    """What is left of the board when it is taken away: what failed, in full, and what was cut off.

    Those that are done are not in it: a table of them follows.
    """

    board: SweepState

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield status(self.board, options.max_width)
        for job in self.board.of("failed"):
            yield Text(f"failed: {job.title}: {job.error}", "red")
        for job in self.board.of("running"):
            yield Text(f"cut off: {job.title}: {job.describe()}", "yellow")
