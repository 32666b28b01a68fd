"""The screen of a sweep."""

import io
import math
import re
import signal
import sys
from contextlib import redirect_stderr

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from view_sweeps import Sweep, busy, drawn

from dan_bench.interfaces import Progress
from dan_bench.sweep.screen import BLOCKS, Screen, clock, shorten, sparkline
from dan_bench.sweep.state import duration, speed


def test_before_anything_runs_the_screen_says_how_much_there_is() -> None:
    (line,) = drawn(Sweep(12).state)
    assert re.search(r"0 done · 12 waiting · 0:00:00$", line)


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_shows_how_far_how_fast_and_the_curve(width: int) -> None:
    lines = drawn(busy().state, width)
    assert re.match(
        r" ━+.*3 done · 1 failed · 2 running · 6 waiting · 0:\d\d:\d\d, about", lines[0]
    )
    assert lines[0].endswith(" left")
    row = rf"^ +5  entropydan .*seed=1 +━+ +500/1000  50/s  ▁▁[{BLOCKS}]+██ 0\.998 eff\. dims$"
    assert re.match(row, lines[2]), lines[2]


def test_a_job_that_measures_keeps_its_curve_and_says_what_it_does() -> None:
    sweep = busy()
    sweep.state.update(sweep.state.jobs[4], Progress("reconstruction_attack"))
    (line,) = [line for line in drawn(sweep.state, 120) if "reconstruction attack" in line]
    assert "█ 0.998 eff. dims" in line
    assert "/s" not in line


def test_what_failed_stays_on_the_screen_with_its_reason() -> None:
    shown = "\n".join(drawn(busy(jobs=40, failed=2, done=30).state, 100))
    assert re.search(r"1  dan .*failed +0:00:03  RuntimeError: disk 1 is on fire", shown)
    assert "RuntimeError: disk 2 is on fire" in shown


def test_the_last_that_are_done_are_shown_with_their_final_figures() -> None:
    lines = drawn(busy(jobs=60, failed=0, done=50).state, 130)
    assert lines[4].split()[0] == "50"
    figures = "effective dims 0.9996 · c2st accuracy 0.5006 · at most %_dd 99.97"
    assert re.search(f"done +0:01:20  {figures}$", lines[4])
    assert lines[-1] == " … and 31 more"


def test_each_curve_is_named() -> None:
    sweep = busy(going=1)
    sweep.train(sweep.begin(6), 500, 10, name="uniform_distance_bits")
    shown = "\n".join(drawn(sweep.state, 130))
    assert "0.998 eff. dims" in shown
    assert "1.000 bits short" in shown


def test_a_curve_that_came_to_no_number_is_shown_as_one() -> None:
    sweep = busy(going=0)
    sweep.train(sweep.begin(5), 500, 10, lambda share: 0.9 if share < 0.5 else math.nan)
    (line,) = [line for line in drawn(sweep.state, 100) if "/s" in line]
    assert re.search(r"██+·+ +X eff. dims", line)


@pytest.mark.parametrize("height", [3, 5, 8, 12, 24, 50])
@pytest.mark.parametrize("width", [20, 40, 60, 80, 81, 100, 140, 250])
@pytest.mark.parametrize("counts", [(0, 0, 0), (1, 3, 2), (0, 4, 1), (30, 20, 16), (3, 90, 64)])
def test_the_screen_fits_every_terminal(
    counts: tuple[int, int, int], width: int, height: int
) -> None:
    failed, done, going = counts
    sweep = busy(200, failed, done, going)
    for job in sweep.state.jobs[::7]:
        job.title = "模型 " * 30 + "a" * 70 + " seed=0"
        job.error = job.error and "火 " * 200
    lines = drawn(sweep.state, width, height)
    assert len(lines) <= max(height, 4)
    assert max(map(cell_len, lines)) <= width
    rows = [line for line in lines if re.match(r" +\d+  ", line)]
    assert len(rows) == min(sum(counts), max(1, height - 3))  # none is wrapped
    if height >= 24 and width >= 80:
        shown = "\n".join(rows)
        assert ("failed" in shown) == (failed > 0)
        assert bool(re.search(r"━ .*/s", shown)) == (going > 0)


def test_markup_in_a_reason_is_text() -> None:
    sweep = busy(failed=0)
    sweep.fail(6, "KeyError: [red]x[/red]")
    assert any("KeyError: [red]x[/red]" in line for line in drawn(sweep.state))


def left_behind(sweep: Sweep) -> tuple[str, str]:
    """What an interrupted screen writes: to the terminal, and to standard error."""
    written, stray = io.StringIO(), io.StringIO()
    console = Console(file=written, force_terminal=True, width=80, height=24, _environ={})
    screen = Screen(console)

    def interrupted() -> None:
        with screen:
            screen.tick(sweep.state)
            print("a warning of another's")
            screen.changed(sweep.state, sweep.state.jobs[0])
            raise KeyboardInterrupt

    with redirect_stderr(stray), pytest.raises(KeyboardInterrupt):
        interrupted()
    return written.getvalue(), stray.getvalue()


def test_what_is_left_behind_has_every_reason_in_full_and_what_was_cut_off() -> None:
    text, _ = left_behind(busy(jobs=60, failed=30, done=3))
    left = text[text.index("\x1b[?1049l") :]
    for number in range(1, 31):
        reason = f"RuntimeError: disk {number} is on fire, and the next one smoulders"
        assert f"{reason} (log: " in left
    assert left.count("cut off: ") == 2
    assert re.search(r"cut off: .* training 500/1000, 50 steps/s", left)


def test_the_screen_gives_the_terminal_back_and_leaves_the_end_on_it() -> None:
    before = signal.getsignal(signal.SIGTERM)
    text, stray = left_behind(busy())
    into, out_of, visible = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
    assert text.index(into) < text.index(out_of)
    assert text.rindex(visible) > text.rindex("\x1b[?25l")
    assert "cut off" in text[text.index(out_of) :]
    assert "disk 1 is on fire" in text[text.index(out_of) :]
    assert stray == "a warning of another's\n"
    assert signal.getsignal(signal.SIGTERM) == before


# curves, titles and numbers


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


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (37, "dan torus nonsaturating mnist seed=0"),
        (30, "dan torus … mnist seed=0"),
        (20, "dan torus … seed=0"),
        (12, "dan … seed=0"),
        (10, "dan torus "),
    ],
)
def test_of_a_title_the_middle_is_left_out(width: int, expected: str) -> None:
    assert shorten("dan torus nonsaturating mnist seed=0", width) == expected


def test_the_seed_is_kept_where_a_title_has_nothing_to_leave_out() -> None:
    assert shorten("one_time_pad mnist seed=0", 20) == "one_time_pad… seed=0"
    assert shorten("one_time_pad mnist seed=12", 16) == "one_tim… seed=12"


@pytest.mark.parametrize("width", [40, 64])
def test_a_narrow_headline_keeps_the_time_that_is_left(width: int) -> None:
    assert re.match(r" .*about \d+:\d\d:\d\d left · 3 done", drawn(busy(200).state, width)[0])


def test_numbers_and_times_as_they_are_shown() -> None:
    assert [clock(t) for t in (0, 59.6, 754, 39662)] == [
        "0:00:00",
        "0:01:00",
        "0:12:34",
        "11:01:02",
    ]
    assert [duration(t) for t in (5, 724, 39662)] == ["5 s", "12 min 04 s", "11 h 01 min"]
    assert [speed(x) for x in (0.25, 9.94, 62.4)] == ["0.2", "9.9", "62"]
