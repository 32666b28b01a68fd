"""What a sweep shows while it runs: a screen to people, lines to logs, JSON to programs."""

import io
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from test_sweep import REPOSITORY, SMALL, Workplace
from test_tracking import inspect, of_type, summary_of

from dan_bench.run import WATCHED, Progress, watched
from dan_bench.sweep import board as boards
from dan_bench.sweep import jobs as sweeps
from dan_bench.sweep.board import Board, Job, Outcome, duration, speed
from dan_bench.sweep.compose import configure
from dan_bench.sweep.view.drawing import BLOCKS, cells, clock, cut, short, shorten, sparkline
from dan_bench.sweep.view.frame import Frame, Remains, lines_of
from dan_bench.sweep.view.json_lines import JsonLines
from dan_bench.sweep.view.plain import Plain
from dan_bench.sweep.view.quiet import Quiet
from dan_bench.sweep.view.screen import Screen
from dan_bench.sweep.view.time_left import makespan

TITLES = (
    "dan torus nonsaturating mnist seed={}",
    "entropydan torus relativistic fashion_mnist seed={}",
    "dan sigmoid nonsaturating danoise seed={}",
)
CURVE = "effective_dimensions"


class Sweep:
    """A sweep with a clock of its own."""

    def __init__(self, jobs: int, workers: int = 2, steps: int = 1000, **of_board: Any) -> None:
        self.time = 0.0
        found = [
            Job(i + 1, TITLES[i % 3].format(i // 3), TITLES[i % 3].split()[0], steps=steps)
            for i in range(jobs)
        ]
        self.board = Board(found, workers, clock=lambda: self.time)

    def begin(self, number: int) -> Job:
        job = self.board.jobs[number - 1]
        self.board.begin(job)
        return job

    def train(
        self,
        job: Job,
        to: int,
        seconds: float,
        curve: Callable[[float], float] = lambda share: share,
        name: str = CURVE,
    ) -> None:
        """Train from the beginning up to a step, in so many seconds, with 20 reports."""
        self.board.heard(job, Progress("training", 0, job.steps))
        for i in range(1, 21):
            self.time += seconds / 20
            metric = (name, curve(i / 20))
            self.board.heard(job, Progress("training", to * i // 20, job.steps, metric))

    def done(self, number: int, training: float = 50, rest: float = 30) -> None:
        job = self.begin(number)
        self.time += rest / 3
        if job.steps:
            self.train(job, job.steps, training)
        self.board.heard(job, Progress("c2st"))
        self.time += 2 * rest / 3
        headline = {CURVE: 0.9996, "c2st_accuracy": 0.5006, "percent_destroyed": 99.97}
        self.board.end(job, "done", "", headline)

    def fail(self, number: int, error: str) -> None:
        job = self.begin(number)
        self.time += 3
        self.board.end(job, "failed", error, {})


def busy(jobs: int = 12, failed: int = 1, done: int = 3, going: int = 2) -> Sweep:
    """A sweep in the middle: some failed, some are done, some run."""
    sweep = Sweep(jobs)
    for number in range(1, failed + 1):
        sweep.fail(number, f"RuntimeError: disk {number} is on fire, and the next one smoulders")
    for number in range(failed + 1, failed + done + 1):
        sweep.done(number)
    for number in range(failed + done + 1, failed + done + going + 1):
        sweep.train(sweep.begin(number), 500, 10, lambda x: 1 / (1 + math.exp(6 - 12 * x)))
    return sweep


def drawn(board: Board, width: int = 80, height: int = 24, what: Any = Frame) -> list[str]:
    """The lines of a terminal of that size."""
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None
    )
    console.print(what(board))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


# the state of the jobs, and the time left


def test_the_rate_is_that_of_the_last_reports() -> None:
    sweep = Sweep(1)
    job = sweep.begin(1)
    assert job.rate is None
    sweep.train(job, 500, 100)
    assert job.rate == pytest.approx(5)
    for step in range(500, 1001, 25):
        sweep.board.heard(job, Progress("training", step, 1000))
        sweep.time += 1
    assert job.rate == pytest.approx(25)


def test_a_run_that_goes_on_from_a_checkpoint_does_not_seem_fast() -> None:
    sweep = Sweep(1)
    job = sweep.begin(1)
    for step in (0, 650, 700, 750):
        sweep.board.heard(job, Progress("training", step, 1000))
        sweep.time += 10
    assert job.rate == pytest.approx(5)
    assert sweep.board.seconds_left() == pytest.approx(250 / 5)


def test_long_curves_are_thinned_out_and_keep_both_ends() -> None:
    sweep = Sweep(1, steps=10_000)
    job = sweep.begin(1)
    for step in range(1, 10_001):
        sweep.time += 0.01
        sweep.board.heard(job, Progress("training", step, 10_000, (CURVE, step / 10_000)))
    assert len(job.points) <= boards.MOST_POINTS
    assert (job.points[0].step, job.points[-1].step) == (1, 10_000)
    assert job.rate == pytest.approx(100)
    assert job.value == 1


def test_nothing_foretells_the_end_before_the_first_rate() -> None:
    sweep = Sweep(4)
    assert sweep.board.seconds_left() is None
    job = sweep.begin(1)
    sweep.board.heard(job, Progress("data"))
    sweep.board.heard(job, Progress("training", 0, 1000))
    assert sweep.board.seconds_left() is None
    assert "left" not in sweep.board.status()


def test_before_a_job_is_done_the_rate_of_those_that_run_tells_a_bound() -> None:
    sweep = Sweep(4, workers=2)
    sweep.train(sweep.begin(1), 500, 50)  # 10 steps a second
    # the one that runs has 50 s left, three have 100 s of training each: 2 x 100 s side by side
    assert sweep.board.seconds_left() == pytest.approx(200)
    assert sweep.board.status() == "0 of 4 jobs ended, over 3 min 20 s left"


def test_what_is_done_tells_how_long_the_rest_takes() -> None:
    sweep = Sweep(4, workers=1)
    sweep.done(1, training=50, rest=30)
    assert sweep.board.seconds_left() == pytest.approx(3 * (50 + 30), rel=0.05)
    job = sweep.begin(2)
    sweep.time += 10  # as long as the first took to begin
    sweep.train(job, 500, 25)
    assert sweep.board.seconds_left() == pytest.approx(25 + 20 + 2 * 80, rel=0.05)
    assert "about" in sweep.board.status()
    expected = sweep.board.outlook()
    assert expected is not None
    assert expected[2] == pytest.approx(25 + 20, rel=0.1)


def test_a_kind_takes_as_long_as_its_kind_took() -> None:
    sweep = Sweep(4, workers=1)  # dan, entropydan, dan, dan
    sweep.done(1, training=50)
    sweep.done(2, training=500)
    assert sweep.board.seconds_left() == pytest.approx(2 * 80, rel=0.05)


def test_jobs_without_training_take_as_long_as_the_rest_of_others() -> None:
    sweep = Sweep(2, workers=1)
    sweep.board.jobs[1].steps = 0
    sweep.done(1, training=50, rest=30)
    assert sweep.board.seconds_left() == pytest.approx(30, rel=0.1)


def test_what_failed_early_foretells_nothing() -> None:
    sweep = Sweep(3)
    sweep.fail(1, "RuntimeError")
    assert sweep.board.seconds_left() is None


def test_a_job_that_takes_longer_than_expected_ends_any_moment() -> None:
    sweep = Sweep(2, workers=1)
    sweep.done(1)
    sweep.begin(2)
    sweep.time += 1000
    assert sweep.board.seconds_left() == 0


def test_when_all_have_ended_nothing_is_left() -> None:
    sweep = Sweep(1)
    sweep.done(1)
    assert sweep.board.seconds_left() == 0
    assert sweep.board.status() == "1 of 1 jobs ended"


@pytest.mark.parametrize(
    ("running", "waiting", "workers", "expected"),
    [
        ([], [], 2, 0),
        ([10, 20], [], 2, 20),
        ([10], [], 2, 10),
        ([10], [5], 2, 10),
        ([10, 20], [15], 2, 25),
        ([10, 20], [15, 1, 1], 2, 25),
        ([], [3, 3, 3], 1, 9),
        ([], [3, 3, 3], 3, 3),
    ],
)
def test_the_last_job_ends_when_it_does_in_a_queue(
    running: list[float], waiting: list[float], workers: int, expected: float
) -> None:
    assert makespan(running, waiting, workers) == expected


@given(
    st.lists(st.floats(0, 1e4), max_size=4),
    st.lists(st.floats(0, 1e4), max_size=20),
    st.integers(4, 8),
)
def test_a_queue_takes_no_less_than_its_work_and_no_more_than_one_worker(
    running: list[float], waiting: list[float], workers: int
) -> None:
    found, work = makespan(running, waiting, workers), sum(running) + sum(waiting)
    assert max([work / workers, *running, *waiting]) <= found * (1 + 1e-9) + 1e-9
    assert found <= work * (1 + 1e-9)


def test_the_curve_that_is_watched_is_the_plainest_there_is() -> None:
    point = {"step": 5.0, "degenerator_loss": 1.0, **dict.fromkeys(WATCHED, 0.5)}
    for name in WATCHED:
        assert watched([{}, point]) == (name, 0.5)
        del point[name]
    assert watched([point]) is None
    assert watched([]) is None


def test_a_progress_carries_the_whole_point_of_its_step(tmp_path: Path) -> None:
    """Convergence adds to a point after the module has made it; the callback comes after both."""
    from dan_bench.run import run

    told: list[Progress] = []
    config = configure([*SMALL, "logger=none", f"runtime.results={tmp_path}"])
    record = run(config, "", told.append)
    training = [one for one in told if one.doing == "training"]
    assert training[0] == Progress("training", 0, 30)
    assert [one.step for one in training[1:]] == [5, 10, 15, 20, 25, 30]
    curves = sweeps.Store(tmp_path).curves(record.key)
    assert curves is not None
    assert [one.metric for one in training[1:]] == [(CURVE, x) for x in curves[CURVE]]


# lines, bars and words


def test_a_sparkline_is_the_whole_curve_and_ends_with_its_latest_value() -> None:
    assert sparkline([], 8, 0, 1) == ""
    assert sparkline([0.0, 0.5, 1.0], 8, 0, 1) == "▁▅█"
    assert sparkline([i / 800 for i in range(800)], 8, 0, 1) == BLOCKS
    assert sparkline([i / 800 for i in range(800)], 8, None, None) == BLOCKS
    assert sparkline([3.0, 3.0], 8, None, None) == "▁▁"
    assert sparkline([-1.0, 0.4, 7.0], 8, 0, 1) == "▁▄█"
    assert sparkline([None, math.nan, 1.0, math.inf], 8, 0, 1) == "··█·"


@pytest.mark.parametrize(
    ("values", "width", "expected"),
    [
        ([sys.float_info.max, -sys.float_info.max], 2, "█▁"),
        ([sys.float_info.max] * 7 + [0.0], 2, "█▁"),
        ([5e-324, 0.0], 2, "▁▁"),
    ],
)
def test_a_sparkline_takes_every_float(values: list[float], width: int, expected: str) -> None:
    assert sparkline(values, width, None, None) == expected


@given(st.lists(st.none() | st.floats(), max_size=50), st.integers(1, 20))
def test_a_sparkline_never_is_wider_than_its_place(values: list[float | None], width: int) -> None:
    assert len(sparkline(values, width, None, None)) == min(width, len(values))


@given(st.lists(st.floats(0, 1), max_size=5), st.integers(1, 60))
def test_the_parts_of_a_bar_fit_in_it(shares: list[float], width: int) -> None:
    found = cells(shares, width)
    assert all(count >= 0 for count in found)
    assert sum(found) <= width
    assert sum(found) == pytest.approx(min(width, sum(shares) * width), abs=1)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (37, "dan torus nonsaturating mnist seed=0"),
        (30, "dan torus … mnist seed=0"),
        (20, "dan torus … seed=0"),
        (10, "dan torus…"),
        (1, "…"),
    ],
)
def test_of_a_title_the_middle_is_left_out(width: int, expected: str) -> None:
    assert shorten("dan torus nonsaturating mnist seed=0", width) == expected.ljust(width)


@given(st.text(max_size=40), st.integers(1, 30))
def test_what_is_cut_fits(text: str, width: int) -> None:
    for found in (shorten(text, width), cut(text, width)):
        assert cell_len(found) == width


def test_numbers_and_times_as_they_are_shown() -> None:
    values = (0.0, 6.04e-4, 0.0305, 0.9996, 7.9998, 62.34, 99.998, 100.0, 1234.5, -1.386, math.nan)
    assert [short(value) for value in values] == [
        *("0.000", "6e-04", "0.030", "1.000", "8.000", "62.34", "100.00", "100.0", "1234"),
        *("-1.386", "nan"),
    ]
    assert [clock(t) for t in (0, 59.6, 754, 39662)] == ["0:00", "1:00", "12:34", "11:01:02"]
    assert [duration(t) for t in (5, 724, 39662)] == ["5 s", "12 min 04 s", "11 h 01 min"]
    assert [speed(x) for x in (0.25, 9.94, 62.4)] == ["0.2", "9.9", "62"]


# the screen


def test_before_anything_runs_the_screen_says_how_much_there_is() -> None:
    lines = drawn(Sweep(12).board)
    assert len(lines) == 1
    assert re.search(r"─{20,}  0 done · 12 waiting · 0 s$", lines[0])


def test_the_screen_shows_how_far_how_fast_and_the_curve() -> None:
    lines = drawn(busy().board)
    assert re.search(r"━+─+  3 done · 1 failed · 2 running · 6 waiting · .*left$", lines[0])
    assert lines[2].startswith(" running")
    assert lines[2].endswith("eff. dims")
    row = r"^  5  entropydan torus … seed=1 +━━━─── +500/1000    50/s  ▁▁▂▄▆███  0\.998$"
    assert re.match(row, lines[3]), lines[3]
    assert lines[2].index("eff. dims") + len("eff. dims") == len(lines[3])


def test_a_job_that_measures_keeps_its_curve_and_says_what_it_does() -> None:
    sweep = busy()
    sweep.board.heard(sweep.board.jobs[4], Progress("reconstruction_attack"))
    (line,) = [line for line in drawn(sweep.board, 120) if "reconstruction attack" in line]
    assert "█" in line
    assert "/s" not in line
    assert line.endswith("0.998")


def test_what_failed_stays_on_the_screen_with_its_reason() -> None:
    sweep = busy(jobs=40, failed=2, done=30)
    lines = drawn(sweep.board, 100)
    at = lines.index(" failed")
    assert "RuntimeError: disk 1 is on fire" in lines[at + 1]
    assert "RuntimeError: disk 2 is on fire" in lines[at + 2]


def test_the_last_that_are_done_are_shown_with_their_final_figures() -> None:
    sweep = busy(jobs=60, failed=0, done=50)
    lines = drawn(sweep.board)
    (at,) = [i for i, line in enumerate(lines) if line.startswith(" done")]
    assert lines[at].split() == ["done", "eff.", "dims", "c2st", "acc.", "%_dd"]
    assert lines[at + 1] == " … and 34 more"
    assert lines[-1].split()[0] == "50"
    assert lines[-1].split()[-3:] == ["1.000", "0.501", "99.97"]


def test_curves_of_several_names_are_each_named() -> None:
    sweep = busy(going=1)
    sweep.train(sweep.begin(6), 500, 10, name="uniform_distance_bits")
    shown = "\n".join(drawn(sweep.board, 100))
    assert re.search(r"0\.998 eff\. dims", shown)
    assert re.search(r"1\.000 bits short", shown)


def test_a_curve_that_came_to_no_number_is_shown_as_one() -> None:
    sweep = busy(going=0)
    sweep.train(sweep.begin(5), 500, 10, lambda share: 0.9 if share < 0.5 else math.nan)
    (line,) = [line for line in drawn(sweep.board) if "/s" in line]
    assert re.search(r"██+·+ +X$", line)


@pytest.mark.parametrize("height", [3, 5, 8, 12, 24, 50])
@pytest.mark.parametrize("width", [20, 40, 60, 80, 81, 100, 140, 250])
@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 3, 2), (0, 4, 1), (30, 20, 16), (3, 90, 64)])
def test_the_screen_fits_every_terminal(
    counts: tuple[int, int, int], width: int, height: int
) -> None:
    failed, done, going = counts
    sweep = busy(200, failed, done, going)
    for job in sweep.board.jobs[::7]:
        job.title = "模型 " * 30 + "a" * 70 + " seed=0"
        job.error = job.error and "火 " * 200
    lines = lines_of(sweep.board, width, height)
    assert len(lines) <= height
    assert max(line.cell_len for line in lines) <= width
    assert len(drawn(sweep.board, width, height)) == len(lines)  # none is wrapped
    if height >= 24 and width >= 80:
        shown = "\n".join(line.plain for line in lines)
        for count, state in zip(counts, ("failed", "done", "running"), strict=True):
            assert (f"\n {state}" in shown) == (count > 0) or state == "done"


def test_markup_in_a_reason_is_text() -> None:
    sweep = busy(failed=0)
    sweep.fail(6, "KeyError: [red]x[/red]")
    assert any("KeyError: [red]x[/red]" in line for line in drawn(sweep.board))


def test_what_is_left_behind_has_every_reason_in_full_and_what_was_cut_off() -> None:
    sweep = busy(jobs=60, failed=30, done=3)
    lines = drawn(sweep.board, what=Remains)
    said = " ".join(" ".join(lines).split())
    for number in range(1, 31):
        assert f"RuntimeError: disk {number} is on fire, and the next one smoulders" in said
    assert said.count("cut off: ") == 2
    assert re.search(r"cut off: .* training 500/1000, 50 steps/s", said)


def test_the_screen_gives_the_terminal_back_and_leaves_the_end_on_it() -> None:
    written, stray = io.StringIO(), io.StringIO()
    console = Console(file=written, force_terminal=True, width=80, height=24, _environ={})
    before = signal.getsignal(signal.SIGTERM)
    sweep = busy()
    screen = Screen(console)

    def interrupted() -> None:
        with screen:
            screen.tick(sweep.board)
            print("a warning of another's")
            screen.changed(sweep.board, sweep.board.jobs[0])
            raise KeyboardInterrupt

    with redirect_stderr(stray), pytest.raises(KeyboardInterrupt):
        interrupted()
    text = written.getvalue()
    into, out_of, visible = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
    assert text.index(into) < text.index(out_of)
    assert text.rindex(visible) > text.rindex("\x1b[?25l")
    assert "cut off" in text[text.index(out_of) :]
    assert "disk 1 is on fire" in text[text.index(out_of) :]
    assert stray.getvalue() == "a warning of another's\n"
    assert signal.getsignal(signal.SIGTERM) == before


# lines and nothing


def test_plain_lines_say_begin_end_reason_and_now_and_then_the_whole() -> None:
    sweep, said = busy(), io.StringIO()
    plain = Plain(every=0)
    with redirect_stdout(said), plain:
        plain.changed(sweep.board, sweep.board.jobs[4])
        plain.changed(sweep.board, sweep.board.jobs[0])
        plain.tick(sweep.board)
    first, second, third = said.getvalue().splitlines()
    assert first == "[5/12] entropydan torus relativistic fashion_mnist seed=1: running"
    assert "seed=0: failed after 3 s: RuntimeError: disk 1 is on fire" in second
    assert re.match(r"4 of 12 jobs ended, 1 failed, about .* left \| job 5 training 500/1", third)
    assert "50 steps/s, effective_dimensions 0.998" in third


OUTCOME = Outcome(2, 1, 2, [("a job", "an error")], "THE TABLE\n", {"report": Path("r.md")}, 1)


def test_quiet_says_what_failed_on_standard_error_and_nothing_else() -> None:
    sweep, out, err = busy(), io.StringIO(), io.StringIO()
    quiet = Quiet()
    with redirect_stdout(out), redirect_stderr(err), quiet:
        quiet.ready(2, 1, ["data"])
        for job in sweep.board.jobs:
            quiet.changed(sweep.board, job)
            quiet.tick(sweep.board)
        quiet.over(OUTCOME)
    assert out.getvalue() == ""
    assert err.getvalue().count("\n") == 1
    assert err.getvalue().startswith(f"failed: {sweep.board.jobs[0].title}: RuntimeError: disk 1")


@pytest.mark.parametrize("left_to_view", ["plain", "screen"])
def test_the_end_has_the_table_and_where_everything_lies(left_to_view: str) -> None:
    out = io.StringIO()
    with redirect_stdout(out):
        (Plain() if left_to_view == "plain" else Screen()).over(OUTCOME)
    assert "THE TABLE" in out.getvalue()
    assert "1 done, 2 run, 1 failed" in out.getvalue()
    assert "report: r.md" in out.getvalue()
    # a screen has left the reasons behind already
    assert ("failed: a job: an error" in out.getvalue()) == (left_to_view == "plain")


def test_the_view_is_chosen_by_name_and_by_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    assert type(boards.view("quiet")) is Quiet
    assert type(boards.view("json")) is JsonLines
    assert type(boards.view("auto")) is Plain
    monkeypatch.setattr(sys, "stdout", Terminal())
    for term, expected in (("xterm", Screen), ("dumb", Plain), ("", Screen)):
        monkeypatch.setenv("TERM", term)
        assert type(boards.view("auto")) is expected
    monkeypatch.delenv("TERM")
    assert type(boards.view("auto")) is Plain
    assert type(boards.view("plain")) is Plain


def test_json_has_null_for_what_is_no_number() -> None:
    sweep, said = busy(going=0), io.StringIO()
    sweep.train(sweep.begin(5), 500, 10, lambda _: math.nan)
    view = JsonLines()
    with redirect_stdout(said):
        view.tick(sweep.board)
        view.tick(sweep.board)  # nothing new
    (line,) = said.getvalue().splitlines()
    assert json.loads(line)["metric"] == {"name": CURVE, "value": None}
    assert "NaN" not in line


# real sweeps


@dataclass
class Told:
    """A sweep of which one job fails, in JSON; and again, mended and under wandb, quiet."""

    place: Workplace
    as_json: tuple[int, str, str]
    quiet: tuple[int, str, str]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.as_json[1].splitlines()]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    place = Workplace(tmp_path_factory.mktemp("told"))
    (place.folder / "fail").write_text("fail")
    asked = ("-m", *place.obstructed, "model.obstacle=clear,fail", "runtime.workers=2")
    failing = place.train(*asked, "logger=none", progress="json")
    (place.folder / "fail").unlink()
    under_wandb = ("logger=wandb", "logger.artifacts=false", "logger.sample_steps=[]")
    return Told(place, failing, place.train(*asked, *under_wandb, progress="quiet"))


def test_json_tells_the_life_of_every_job_and_nothing_else(told: Told) -> None:
    code, _, err = told.as_json
    assert (code, err) == (1, "")
    assert told.events[0] == {
        "event": "sweep", "state": "ready", "jobs": 2, "done_before": 0, "to_run": 2,
        "data": told.events[0]["data"],
    }  # fmt: skip
    fields = {
        *("event", "job", "key", "title", "state", "doing", "step", "steps", "metric", "rate"),
        *("seconds", "seconds_left", "error"),
    }
    records = {record.key: record for record in told.place.by_obstacle().values()}
    for number in (1, 2):
        life = [event for event in told.events if event.get("job") == number]
        assert [life[0]["event"], life[-1]["event"]] == ["begin", "end"]
        assert {event["event"] for event in life[1:-1]} == {"progress"}
        assert all(event.keys() - {"metrics"} == fields for event in life)
        assert "metrics" in life[-1]
        assert {event["key"] for event in life} <= records.keys()
        assert len({(event["key"], event["title"]) for event in life}) == 1
        steps = [event["step"] for event in life]
        assert steps == sorted(steps)
        assert {event["steps"] for event in life} == {30}
        assert life[-1]["seconds"] > 0
        assert {event["doing"] for event in life} >= {"starting", "data", "training"}
        assert [event["metric"]["name"] for event in life if event["metric"]][:1] == [CURVE]
        assert life[-1]["seconds_left"] == 0


def test_json_tells_how_each_job_ended(told: Told) -> None:
    ends = {event["state"]: event for event in told.events if event["event"] == "end"}
    assert ends.keys() == {"done", "failed"}
    assert ends["failed"]["error"] == "RuntimeError: the disk is on fire"
    assert ends["failed"]["metrics"] == {}
    assert ends["done"]["error"] is None
    assert ends["done"]["step"] == 30
    kept = told.place.by_obstacle()["clear"].metrics["shannon_bits"]
    assert kept is not None
    assert ends["done"]["metrics"]["shannon_bits"] == pytest.approx(kept.value, rel=1e-5)


def test_json_ends_with_what_came_out(told: Told) -> None:
    whole = [event for event in told.events if event["event"] == "sweep"]
    assert [whole[1][state] for state in ("to_run", "done", "failed")] == [2, 0, 0]
    assert [whole[-2][state] for state in ("waiting", "done", "failed")] == [0, 1, 1]
    last = told.events[-1]
    assert (last["state"], last["exit_code"]) == ("ended", 1)
    assert (last["jobs"], last["done"], last["ran"], last["failed"]) == (2, 1, 2, 1)
    assert [one["error"] for one in last["failures"]] == ["RuntimeError: the disk is on fire"]
    assert (told.place.folder / last["records"]).is_dir()
    assert (told.place.folder / last["report"]).is_file()


def test_a_quiet_sweep_that_does_well_says_nothing(told: Told) -> None:
    assert told.quiet == (0, "", "")


def test_at_the_end_of_a_sweep_wandb_has_its_tables(told: Told) -> None:
    (folder,) = told.place.folder.glob("results/wandb/offline-run-*-tables-*")
    records = inspect(folder)
    (opened,) = of_type(records, "run")
    assert (opened["project"], opened["job_type"]) == ("dan_bench", "tables")
    written = json.loads(
        (folder / "files" / summary_of(records)["leaderboard"]["path"]).read_text()
    )
    subjects = {row[1] for row in written["data"]}
    assert any("obstructed sigmoid nonsaturating" in subject for subject in subjects)


def test_tables_that_cannot_be_logged_fail_no_sweep(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("dan_bench.dashboard.tables.log_tables", refuse)
    sweeps.log_tables(configure(["logger=none"]))
    assert capsys.readouterr() == ("", "")
    sweeps.log_tables(configure(["logger=wandb"]))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "wandb did not get the tables: OSError: no space left on device\n"


TMUX = shutil.which("tmux")


class Terminal:
    """A shell in a terminal of its own, and what is on its screen."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        assert TMUX is not None
        self._tmux = [TMUX, "-S", str(folder / "tmux"), "-f", os.devnull]
        self._environment = {**environment, "TERM": "xterm-256color", "PS1": "$ "}
        self._tell("new-session", "-d", "-x", "80", "-y", "24", "sh")

    def _tell(self, *arguments: str) -> str:
        command = [*self._tmux, *arguments]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        ).stdout

    def type(self, *keys: str) -> None:
        self._tell("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        self._tell("resize-window", "-x", str(width), "-y", str(height))

    def screen(self) -> str:
        return self._tell("capture-pane", "-p")

    def everything(self) -> str:
        """What has scrolled away, too, with wrapped lines joined."""
        return self._tell("capture-pane", "-p", "-J", "-S", "-200")

    def is_sane(self) -> bool:
        """Whether it shows its first screen, and a cursor."""
        return self._tell("display", "-p", "#{alternate_on} #{cursor_flag}").split() == ["0", "1"]

    def until(self, happened: Callable[[str], object], seconds: float = 120) -> str:
        """The screen as soon as it shows this."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if happened(screen := self.screen()):
                return screen
            time.sleep(0.1)
        raise AssertionError(self.everything())

    def close(self) -> None:
        self._tell("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[tuple[Terminal, Workplace]]:
    place = Workplace(tmp_path)
    opened = Terminal(tmp_path, {**os.environ, "PYTHONPATH": str(tmp_path)})
    arguments = ["-m", *place.obstructed, "model.obstacle=wait,fail,clear", "logger=none"]
    arguments += ["runtime.workers=1"]
    command = [sys.executable, "-m", "dan_bench.train", *arguments]
    command += [f"runtime.datasets={REPOSITORY / 'datasets'}"]
    (tmp_path / "go").write_text(f"cd {tmp_path}; exec {' '.join(command)}\n")
    for obstacle in ("wait", "fail"):
        (tmp_path / obstacle).write_text(obstacle)
    opened.type(f"clear; sh {tmp_path}/go; echo code $?", "Enter")
    yield opened, place
    opened.close()


needs_tmux = pytest.mark.skipif(TMUX is None, reason="needs tmux, whose screens can be read")


@pytest.mark.slow
@needs_tmux
def test_in_a_terminal_a_sweep_is_a_screen_that_leaves_its_end_behind(
    terminal: tuple[Terminal, Workplace],
) -> None:
    opened, place = terminal
    row = re.compile(rf" 1  obstructed .* 20/30 +[\d.]+/s  [{BLOCKS}]{{4}} +[\d.]+$", re.M)
    shown = opened.until(row.search)
    assert "1 running · 2 waiting" in shown.splitlines()[0]
    for width, height in ((120, 40), (64, 12), (80, 24)):
        opened.resize(width, height)
        shown = opened.until(lambda screen: re.search("20/30", screen.splitlines()[3]))
        time.sleep(0.6)
        lines = opened.screen().rstrip("\n").splitlines()
        assert sum("20/30" in line for line in lines) == 1  # nothing is left of the former size
        assert len(lines) == 4
    (place.folder / "wait").unlink()
    opened.until(lambda screen: "code 1" in screen)
    assert opened.is_sane()
    left = opened.everything()
    assert re.search(r"━+  2 done · 1 failed · \d+ s", left)
    assert len(re.findall("failed: .*RuntimeError: the disk is on fire", left)) == 1
    assert "2 done, 3 run, 1 failed" in left
    assert left.index("3 jobs: 0 done before, 3 to run") < left.index("2 done · 1 failed")


@pytest.mark.slow
@needs_tmux
def test_ctrl_c_gives_the_terminal_back(terminal: tuple[Terminal, Workplace]) -> None:
    opened, _ = terminal
    opened.until(lambda screen: "20/30" in screen)
    opened.type("C-c")
    opened.until(lambda screen: "code 130" in screen)
    assert opened.is_sane()
    left = opened.everything()
    assert re.search(r"cut off: obstructed .* training 20/30", left)
    assert "interrupted: what is done is kept" in left
    assert "Traceback" not in left
    opened.type("echo still here", "Enter")
    opened.until(lambda screen: "\nstill here" in screen)
