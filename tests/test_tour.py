"""`python -m dan_bench.tour`: it says what was measured, whatever that is."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from dan_bench.data.mnist import Mnist
from dan_bench.interfaces import Estimate, Progress
from dan_bench.results.record import Store
from dan_bench.tour import SHOWN, finding, main, pictures, watching

REPOSITORY = Path(__file__).resolve().parents[1]
RUN = (sys.executable, "-m", "dan_bench.tour")
LOST = ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


def surroundings(scratch):
    """Where there is no terminal, with temporary files of its own."""
    kept = {name: text for name, text in os.environ.items() if name not in LOST}
    return kept | {"TMPDIR": str(scratch), "OMP_NUM_THREADS": "1"}


def left_behind(scratch):
    return [path.name for path in scratch.iterdir() if path.name.startswith("dan_bench")]


# findings: figures in, a claim out


def figures(bits=7.99, dims=0.12, dd=63.0):
    """The estimates that a finding is made from."""
    return {
        "shannon_bits": Estimate(bits),
        "effective_dimensions": Estimate(dims),
        "percent_destroyed": Estimate(dd, details={"label": 100 - dd, "dictionary": 0.0}),
    }


COLLAPSE, NOISE = figures(), figures(bits=8.0, dims=1.0, dd=99.9)


@pytest.mark.parametrize(
    ("dims", "claim"),
    [
        (0.12, "It has collapsed: its effective dimensions are 0.120"),
        (0.8, "It has not collapsed, but falls short of noise: "),
        (0.99, "It has not collapsed: "),
    ],
)
def test_a_collapse_is_called_one_and_noise_is_not(dims, claim):
    said = finding(figures(dims=dims), figures(dims=dims))
    assert said.startswith(claim)
    assert "its bytes hold 7.99 of 8 bits" in said


def test_a_cure_is_claimed_only_after_a_collapse_and_only_where_it_worked():
    assert finding(NOISE, COLLAPSE).startswith("That is the cure. It has not collapsed: ")
    for before, after in ((NOISE, NOISE), (COLLAPSE, COLLAPSE), (COLLAPSE, figures(dims=0.9))):
        assert "cure" not in finding(after, before)


def test_the_best_attack_is_named_with_what_it_recovered():
    assert "The best of 2 attacks (label) recovered 37.0 % of the data." in finding(
        COLLAPSE, COLLAPSE
    )
    assert "(label) recovered 0.1 %" in finding(NOISE, COLLAPSE)


def test_a_character_of_a_picture_holds_two_pixels():
    rows = np.zeros((3, 784), np.uint8)
    rows[1].reshape(28, 28)[2::2] = 200
    picture = pictures(rows)
    lines = picture.split()
    assert [len(line) for line in lines] == [3 * 24] * 12
    styles = {line.spans[24].style for line in lines}
    assert styles == {"rgb(200,200,200) on rgb(0,0,0)"}
    assert lines[0].spans[0].style == "rgb(0,0,0) on rgb(0,0,0)"


# the tour


@pytest.fixture(scope="module")
def short(tmp_path_factory, mnist):
    """A tour of few steps through a pipe: what it printed, and its records."""
    results, scratch = (tmp_path_factory.mktemp(name) for name in ("results", "scratch"))
    command = [*RUN, "--steps", "25", "--results", results, "--datasets", mnist.root]
    ended = subprocess.run(
        command, capture_output=True, text=True, env=surroundings(scratch), check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert left_behind(scratch) == []
    return ended.stdout, Store(results).all()[0], results


def by_title(records):
    """The records of a tour by what distinguishes them."""
    found = {}
    for one in records:
        config = one.config
        if config["model"]["name"] == "one_time_pad":
            found["pad"] = one
        else:
            found["fixed" if config["noise_dim"] == 0 else config["output"]] = one
    return found


def test_it_says_what_its_records_say(short):
    said, records, _ = short
    found = by_title(records)
    assert found.keys() == {"sigmoid", "torus", "fixed", "pad"}
    flat = " ".join(said.split())
    values = {title: one.metrics for title, one in found.items()}
    before = {"sigmoid": "sigmoid", "torus": "sigmoid", "fixed": "torus", "pad": "fixed"}
    for title, earlier in before.items():
        assert finding(values[title], values[earlier]) in flat
    table = said[said.index("The verdicts") :]
    for title, record in found.items():
        name = {"fixed": "no noise", "pad": "one-time pad"}.get(title, title)
        assert name in " ".join(table.split())
        assert f"{record.costs['noise_bits']:,.0f}" in table
        for row in SHOWN:
            assert f"{row.scale * record.metrics[row.name].value:.4g}" in table


def test_through_a_pipe_it_is_plain_text_of_80_columns(short):
    said, _, _ = short
    assert "\x1b" not in said
    assert "\r" not in said
    assert max(map(len, said.splitlines())) <= 80


def test_a_second_tour_reads_the_records_and_says_so(short, mnist, capsys, monkeypatch):
    _, records, results = short
    monkeypatch.setattr("dan_bench.pipeline.plan.Plan.perform", None)  # nothing is to be worked
    arguments = ["--steps", "25", "--results", str(results), "--datasets", str(mnist.root)]
    assert main(arguments) == 0
    again = capsys.readouterr().out
    assert again.count("done before") == len(records)
    assert "its effective dimensions are" in " ".join(again.split())


def test_without_mnist_it_says_what_to_do(tmp_path, monkeypatch, capsys):
    def no_network(scratch, names):
        raise OSError("no network")

    monkeypatch.setattr(Mnist, "servers", lambda _: {"mirror": no_network})
    assert main(["--datasets", str(tmp_path / "none"), "--steps", "1"]) == 2
    said = capsys.readouterr().err
    assert "no network" in said
    assert "--data danoise" in said


def test_a_run_that_fails_ends_it_with_its_reason(tmp_path, monkeypatch, capsys):
    def work(*_):
        raise RuntimeError("the discriminator has resigned")

    monkeypatch.setattr("dan_bench.pipeline.plan.Plan.perform", work)
    assert main(["--data", "danoise", "--results", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "the discriminator has resigned" in said
    assert "the run of 'DAN, sigmoid' failed" in said


@pytest.mark.parametrize(
    "arguments", [["--steps", "0"], ["--seed", "-1"], ["--data", "cats"], ["--results", __file__]]
)
def test_what_makes_no_sense_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_stopped_it_leaves_nothing_behind(tmp_path):
    command = [*RUN, "--data", "danoise", "--steps", "1000000"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings(tmp_path),
    )
    for line in process.stdout:
        if line.startswith("1. DAN"):
            break
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("dan_bench*/runs/*")) and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(1)  # some way into the training
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.startswith("stopped")
    assert "Traceback" not in errors
    assert left_behind(tmp_path) == []


def test_nobody_has_to_read_on(tmp_path):
    command = [*RUN, "--data", "danoise", "--steps", "25"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=surroundings(tmp_path)
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
    assert left_behind(tmp_path) == []


def test_help_waits_for_nothing_heavy():
    check = (
        "import runpy, sys; sys.argv = ['tour', '--help']\n"
        "try: runpy.run_module('dan_bench.tour', run_name='__main__')\n"
        "except SystemExit as ended: assert ended.code == 0\n"
        "print({'torch', 'pytorch_lightning', 'hydra', 'wandb', 'pandas'} & sys.modules.keys())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[-1] == "set()"


@pytest.mark.slow
def test_the_whole_tour_shows_the_collapse_and_the_cure(tmp_path, mnist):
    results = tmp_path / "results"
    command = [*RUN, "--results", results, "--datasets", mnist.root]
    began = time.monotonic()
    ended = subprocess.run(
        command, capture_output=True, text=True, env=surroundings(tmp_path), check=True
    )
    found = by_title(Store(results).all()[0])
    sigmoid, torus, fixed = (found[name].metrics for name in ("sigmoid", "torus", "fixed"))
    assert sigmoid["shannon_bits"].value > 7.9
    assert sigmoid["effective_dimensions"].value < 0.2
    assert torus["effective_dimensions"].value > 0.95
    assert torus["percent_destroyed"].value > 99
    assert fixed["effective_dimensions"].value > 0.95
    assert fixed["percent_destroyed"].value < 1
    said = " ".join(ended.stdout.split())
    assert "It has collapsed" in said
    assert "That is the cure" in said
    assert "recovered 100.0 %" in said
    print(f"the tour took {time.monotonic() - began:.0f} s")


def test_an_interrupt_that_is_lost_on_the_way_is_raised_again():
    before = signal.getsignal(signal.SIGINT)
    with watching(Console(file=io.StringIO()), "title") as show:
        show(Progress("first"))
        with suppress(KeyboardInterrupt):  # as where a destructor was running
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            show(Progress("second"))
    assert signal.getsignal(signal.SIGINT) is before


def test_on_a_terminal_a_bar_shows_step_and_curve():
    written = io.StringIO()
    terminal = Console(file=written, force_terminal=True, width=100, color_system=None, _environ={})
    with watching(terminal, "DAN") as show:
        show(Progress("training", 20, 25, ("effective_dimensions", 0.25)))
        time.sleep(0.5)
    assert re.search(r"DAN: training ━+.*20/25 eff\. dims 0\.250", written.getvalue())
