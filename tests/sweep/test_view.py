"""What a sweep knows of its jobs while it runs, and the lines that it writes to logs."""

import io
import json
import math
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sweeps import SMALL
from view_sweeps import CURVE, Sweep, busy

from dan_bench.config.compose import configure
from dan_bench.interfaces import Progress
from dan_bench.pipeline.train import WATCHED, watched
from dan_bench.sweep import jobs as sweeps
from dan_bench.sweep.jobs import view_of
from dan_bench.sweep.screen import Screen
from dan_bench.sweep.state import Failure, SweepOutcome, makespan
from dan_bench.sweep.view import JsonLines, Plain, Quiet

# the state of the jobs, and the time left


def test_the_rate_is_that_of_the_last_reports() -> None:
    sweep = Sweep(1)
    job = sweep.begin(1)
    assert job.rate is None
    sweep.train(job, 500, 100)
    assert job.rate == pytest.approx(5)
    for step in range(500, 1001, 25):
        sweep.state.update(job, Progress("training", step, 1000))
        sweep.time += 1
    assert job.rate == pytest.approx(25)


def test_a_run_that_goes_on_from_a_checkpoint_does_not_seem_fast() -> None:
    sweep = Sweep(1)
    job = sweep.begin(1)
    for step in (0, 650, 700, 750):
        sweep.state.update(job, Progress("training", step, 1000))
        sweep.time += 10
    assert job.rate == pytest.approx(5)
    assert sweep.state.seconds_left() == pytest.approx(250 / 5)


def test_a_long_curve_keeps_both_ends() -> None:
    sweep = Sweep(1, steps=10_000)
    job = sweep.begin(1)
    for step in range(1, 10_001):
        sweep.time += 0.01
        sweep.state.update(job, Progress("training", step, 10_000, (CURVE, step / 10_000)))
    assert (job.points[0].step, job.points[-1].step) == (1, 10_000)
    assert job.rate == pytest.approx(100)
    assert job.value == 1


def test_nothing_foretells_the_end_before_the_first_rate() -> None:
    sweep = Sweep(4)
    assert sweep.state.seconds_left() is None
    job = sweep.begin(1)
    sweep.state.update(job, Progress("data"))
    sweep.state.update(job, Progress("training", 0, 1000))
    assert sweep.state.seconds_left() is None
    assert "left" not in sweep.state.status()


def test_before_a_job_is_done_the_rate_of_those_that_run_tells_a_bound() -> None:
    sweep = Sweep(4, workers=2)
    sweep.train(sweep.begin(1), 500, 50)  # 10 steps a second
    # the one that runs has 50 s left, three have 100 s of training each: 2 x 100 s side by side
    assert sweep.state.seconds_left() == pytest.approx(200)
    assert sweep.state.status() == "0 of 4 jobs ended, over 3 min 20 s left"


def test_what_is_done_tells_how_long_the_rest_takes() -> None:
    sweep = Sweep(4, workers=1)
    sweep.done(1, training=50, rest=30)
    assert sweep.state.seconds_left() == pytest.approx(3 * (50 + 30), rel=0.05)
    job = sweep.begin(2)
    sweep.time += 10  # as long as the first took to begin
    sweep.train(job, 500, 25)
    assert sweep.state.seconds_left() == pytest.approx(25 + 20 + 2 * 80, rel=0.05)
    assert "about" in sweep.state.status()
    expected = sweep.state.outlook()
    assert expected is not None
    assert expected[2] == pytest.approx(25 + 20, rel=0.1)


def test_a_kind_takes_as_long_as_its_kind_took() -> None:
    sweep = Sweep(4, workers=1)  # dan, entropydan, dan, dan
    sweep.done(1, training=50)
    sweep.done(2, training=500)
    assert sweep.state.seconds_left() == pytest.approx(2 * 80, rel=0.05)


def test_jobs_without_training_take_as_long_as_the_rest_of_others() -> None:
    sweep = Sweep(2, workers=1)
    sweep.state.jobs[1].steps = 0
    sweep.done(1, training=50, rest=30)
    assert sweep.state.seconds_left() == pytest.approx(30, rel=0.1)


def test_what_failed_early_foretells_nothing() -> None:
    sweep = Sweep(3)
    sweep.fail(1, "RuntimeError")
    assert sweep.state.seconds_left() is None


def test_a_job_that_takes_longer_than_expected_ends_any_moment() -> None:
    sweep = Sweep(2, workers=1)
    sweep.done(1)
    sweep.begin(2)
    sweep.time += 1000
    assert sweep.state.seconds_left() == 0


def test_when_all_have_ended_nothing_is_left() -> None:
    sweep = Sweep(1)
    sweep.done(1)
    assert sweep.state.seconds_left() == 0
    assert sweep.state.status() == "1 of 1 jobs ended"


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
    from dan_bench.pipeline.run import run

    told: list[Progress] = []
    config = configure([*SMALL, "logger=none", f"runtime.results={tmp_path}"])
    record = run(config, "", told.append)
    training = [one for one in told if one.doing == "training"]
    assert training[0] == Progress("training", 0, 30)
    assert [one.step for one in training[1:]] == [5, 10, 15, 20, 25, 30]
    curves = sweeps.Store(tmp_path).curves(record.key)
    assert curves is not None
    assert [one.metric for one in training[1:]] == [(CURVE, x) for x in curves[CURVE]]


# lines and nothing


def test_plain_lines_say_begin_end_reason_and_now_and_then_the_whole() -> None:
    sweep, said = busy(), io.StringIO()
    plain = Plain(every=0)
    with redirect_stdout(said), plain:
        plain.changed(sweep.state, sweep.state.jobs[4])
        plain.changed(sweep.state, sweep.state.jobs[0])
        plain.tick(sweep.state)
    first, second, third = said.getvalue().splitlines()
    assert first == "[5/12] entropydan torus relativistic fashion_mnist seed=1: running"
    assert "seed=0: failed after 3 s: RuntimeError: disk 1 is on fire" in second
    assert re.match(r"4 of 12 jobs ended, 1 failed, about .* left \| job 5 training 500/1", third)
    assert "50 steps/s, effective_dimensions 0.998" in third


FAILURE = Failure("a job", "an error", Path("log.txt"))
OUTCOME = SweepOutcome(2, 1, 2, [FAILURE], "THE TABLE\n", {"report": Path("r.md")}, 1)


def test_quiet_says_what_failed_on_standard_error_and_nothing_else() -> None:
    sweep, out, err = busy(), io.StringIO(), io.StringIO()
    quiet = Quiet()
    with redirect_stdout(out), redirect_stderr(err), quiet:
        quiet.ready(2, 1, ["data"])
        for job in sweep.state.jobs:
            quiet.changed(sweep.state, job)
            quiet.tick(sweep.state)
        quiet.over(OUTCOME)
    assert out.getvalue() == ""
    assert err.getvalue().count("\n") == 1
    assert err.getvalue().startswith(f"failed: {sweep.state.jobs[0].title}: RuntimeError: disk 1")


@pytest.mark.parametrize("left_to_view", ["plain", "screen"])
def test_the_end_has_the_table_and_where_everything_lies(left_to_view: str) -> None:
    out = io.StringIO()
    with redirect_stdout(out):
        (Plain() if left_to_view == "plain" else Screen()).over(OUTCOME)
    assert "THE TABLE" in out.getvalue()
    assert "1 done, 2 run, 1 failed" in out.getvalue()
    assert "report: r.md" in out.getvalue()
    # a screen has left the reasons behind already
    assert ("failed: a job: an error (log: log.txt)" in out.getvalue()) == (left_to_view == "plain")


def test_the_view_is_chosen_by_name_and_by_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    assert type(view_of("quiet")) is Quiet
    assert type(view_of("json")) is JsonLines
    assert type(view_of("auto")) is Plain
    monkeypatch.setattr(sys, "stdout", Terminal())
    for term, expected in (("xterm", Screen), ("dumb", Plain), ("", Screen)):
        monkeypatch.setenv("TERM", term)
        assert type(view_of("auto")) is expected
    monkeypatch.delenv("TERM")
    assert type(view_of("auto")) is Plain
    assert type(view_of("plain")) is Plain


def test_json_has_null_for_what_is_no_number() -> None:
    sweep, said = busy(going=0), io.StringIO()
    sweep.train(sweep.begin(5), 500, 10, lambda _: math.nan)
    view = JsonLines()
    with redirect_stdout(said):
        view.tick(sweep.state)
        view.tick(sweep.state)  # nothing new
    (line,) = said.getvalue().splitlines()
    assert json.loads(line)["metric"] == {"name": CURVE, "value": None}
    assert "NaN" not in line
