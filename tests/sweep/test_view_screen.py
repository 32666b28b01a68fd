"""The screen of a sweep."""

import io
import math
import re
import signal
from contextlib import redirect_stderr

import pytest
from rich.console import Console
from view_sweeps import Sweep, busy, drawn

from dan_bench.interfaces import Progress
from dan_bench.sweep.view.frame import FinalFrame, lines_of
from dan_bench.sweep.view.screen import Screen


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
    lines = drawn(sweep.board, what=FinalFrame)
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
