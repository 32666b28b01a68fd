"""`python -m dan_bench.tour`: what it says is what was measured, whatever came out."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from dan_bench.data.mnist import Mnist
from dan_bench.interfaces import Estimate, RunRecord
from dan_bench.results.record import Store
from dan_bench.tour import words
from dan_bench.tour.__main__ import main
from dan_bench.tour.pictures import RAMP, most_alike, strip
from dan_bench.tour.watch import interruptible

REPOSITORY = Path(__file__).resolve().parents[1]
RUN = (sys.executable, "-m", "dan_bench.tour")
LOST = ("FORCE_COLOR", "NO_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


def surroundings(scratch):
    """Where there is no terminal, with temporary files of its own."""
    kept = {name: text for name, text in os.environ.items() if name not in LOST}
    return kept | {"TMPDIR": str(scratch), "OMP_NUM_THREADS": "1"}


def left_behind(scratch):
    return [path.name for path in scratch.iterdir() if path.name.startswith("dan_bench")]


# words: a record in, a claim out


def record(bits=7.99, joint=4.97, dims=0.12, c2st=0.97, dd=63.0, named=1.0):
    """A record with these figures, and intervals that are narrow."""

    def near(value, half, n=1000, **details):
        return Estimate(value, value - half, value + half, n, details)

    return RunRecord(
        "key",
        "done",
        {"evaluation": {"samples": 2000}},
        {
            "shannon_bits": Estimate(bits, n=2000 * 784),
            "joint_bits": Estimate(joint, n=2000),
            "effective_dimensions": Estimate(
                dims, n=2000, details={"dimensions": 563.5 * dims, "expected": 563.5}
            ),
            "c2st_accuracy": near(c2st, 0.02),
            "percent_destroyed": near(dd, 0.3, label=100 - dd, dictionary=0.0),
            "dictionary_recovered": near(1.0, 0.0, n=256, named=named, candidates=1024.0),
        },
        costs={"noise_bits": 6272.0},
    )


COLLAPSE = record()
NOISE = record(bits=8.0, joint=7.998, dims=1.0, c2st=0.5, dd=99.99)


def test_a_collapse_is_called_one_and_noise_is_not():
    said = words.of_rows(COLLAPSE)
    assert "It has collapsed all the same" in said
    assert "68 directions" in said
    assert "563" in said or "564" in said
    assert "at most 4.97 bits" in said
    assert "has not collapsed:" in words.of_rows(NOISE)
    assert "falls short" in words.of_rows(record(dims=0.8))
    assert "all the same" not in words.of_rows(record(bits=5.0))


@pytest.mark.parametrize(
    ("bits", "claim"),
    [
        (8.0, "as ideal noise does"),
        (7.993, "7.993 of 8 bits: all but perfect"),
        (7.3, "7.30 of 8 bits: nearly noise"),
        (5.0, "Not even its bytes"),
    ],
)
def test_bytes_are_called_what_they_are(bits, claim):
    assert claim in words.of_bytes(record(bits=bits))


def test_a_cure_is_claimed_only_after_a_collapse_and_only_where_it_worked():
    assert words.of_cure(COLLAPSE, NOISE).startswith("That is the cure: ")
    assert "nothing measured here tells it" in words.of_cure(COLLAPSE, NOISE)
    told_apart = replace(
        NOISE, metrics=NOISE.metrics | {"c2st_accuracy": record().metrics["c2st_accuracy"]}
    )
    assert "some measure still tells it" in words.of_cure(COLLAPSE, told_apart)
    assert "no collapse to cure" in words.of_cure(NOISE, NOISE)
    assert "No cure this time" in words.of_cure(COLLAPSE, COLLAPSE)
    assert "0.120 before, 1.000 now" in words.of_cure(COLLAPSE, NOISE)


@pytest.mark.parametrize(
    ("dd", "claim"),
    [
        (99.9, "is gone from it, for all that was tried"),
        (99.0, "is unclear: the best of 2 attackers (label) recovered between 0.7 and 1.3 %"),
        (63.0, "still in there: the best of 2 attackers (label) recovered 37 %"),
    ],
)
def test_what_was_recovered_decides_whether_it_is_gone(dd, claim):
    assert claim in words.of_data(record(dd=dd), "digit")


def test_the_dictionary_and_the_pad_say_what_was_measured():
    fixed = replace(NOISE, metrics=NOISE.metrics | {"percent_destroyed": Estimate(0.0)})
    assert "right 100.0 % of 256 times: %_dd is 0.0. Scrambled" in words.of_dictionary(
        fixed, "digit"
    )
    assert words.of_dictionary(fixed, "digit").startswith("It still looks like noise.")
    lossy = words.of_dictionary(record(dd=40.0, named=0.7), "digit")
    assert lossy.startswith("It does not quite look like noise.")
    assert "right 70.0 %" in lossy
    assert "Scrambled" not in lossy
    assert "6,272 fresh random bits" in words.of_pad(NOISE, "digit")
    assert "needs no measuring" in words.of_pad(NOISE, "digit")
    assert "leaves room for 62.7" in words.of_pad(record(), "digit")


def test_classifiers_guess_or_do_not():
    assert "right 97.0 %" in words.of_classifiers(COLLAPSE)
    assert "cannot tell" in words.of_classifiers(NOISE)


def test_pictures_are_called_alike_by_their_correlation():
    claims = {0.9: "one texture, twice", 0.5: "kin", 0.14: "No texture comes twice"}
    for alike, claim in claims.items():
        said = words.of_pictures(alike, 0.15, 256)
        assert claim in said
        assert f"{alike:.2f}" in said


# pictures


def test_the_two_rows_most_alike_are_found():
    rows = np.random.default_rng(0).integers(0, 256, (20, 784), dtype=np.uint8)
    rows[13] = rows[4] // 2 + 30
    rows[7] = 50  # no variance: like no other
    first, second, alike = most_alike(rows)
    assert {first, second} == {4, 13}
    assert alike == pytest.approx(np.corrcoef(rows[4], rows[13])[0, 1])
    assert most_alike(np.full((3, 5), 9, np.uint8))[2] == 0


def console(**arguments):
    return Console(file=io.StringIO(), highlight=False, **arguments)


def drawn(pictures, on):
    on.print(strip(pictures, ["caption"] * len(pictures), on))
    return on.file.getvalue().splitlines()


def test_without_a_terminal_pictures_are_plain_characters_within_the_width():
    ramp = np.repeat(np.linspace(0, 255, 28).astype(np.uint8)[:, None], 28, axis=1)
    lines = drawn([ramp] * 5, console(width=80))
    assert max(map(len, lines)) <= 80
    assert "".join(lines).isascii()
    assert lines[-1].count("caption") == 3
    brightness = [RAMP.index(line[0]) for line in lines[:-1]]
    assert brightness == sorted(brightness)
    assert brightness[0] <= 1
    assert brightness[-1] >= len(RAMP) - 2
    assert drawn([ramp] * 5, console(width=30))[-1].count("caption") == 1


def test_on_a_terminal_a_character_holds_two_pixels():
    picture = np.zeros((28, 28), np.uint8)
    picture[2::2] = 200
    colours = console(width=80, force_terminal=True, color_system="truecolor")
    colours._environ = {}
    line = drawn([picture], colours)[0]
    assert "38;2;200;200;200" in line
    assert "48;2;0;0;0" in line
    plain = console(width=80, force_terminal=True, no_color=True)
    assert "\N{UPPER HALF BLOCK}" not in "".join(drawn([picture], plain))


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
    return ended.stdout, Store(results).all()[0]


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
    said, records = short
    found = by_title(records)
    assert found.keys() == {"sigmoid", "torus", "fixed", "pad"}
    flat = " ".join(said.split())
    for name in ("sigmoid", "torus", "fixed"):
        for row in words.table(found[name]):
            assert " ".join(row) in flat
    assert words.of_bytes(found["sigmoid"]) in flat
    assert words.of_rows(found["sigmoid"]) in flat
    assert words.of_data(found["sigmoid"], "digit") in flat
    assert words.of_cure(found["sigmoid"], found["torus"]) in flat
    assert words.of_dictionary(found["fixed"], "digit") in flat
    assert words.of_pad(found["pad"], "digit") in flat
    assert "step 25 of 25 effective dims" in flat
    assert "one-time pad 6,272" in flat


def test_through_a_pipe_it_is_plain_text_of_80_columns(short):
    said, _ = short
    assert "\x1b" not in said
    assert "\r" not in said
    pathless = [line for line in said.splitlines() if "--results" not in line]
    assert max(map(len, pathless)) <= 80


def test_a_second_tour_reads_the_records_and_says_so(short, mnist, capsys, monkeypatch):
    said, records = short
    results = re.search(r"--results (\S+)", said)[1]
    monkeypatch.setattr("dan_bench.pipeline.plan.Plan.perform", None)  # nothing is to be worked
    arguments = ["--steps", "25", "--results", results, "--datasets", str(mnist.root)]
    assert main(arguments) == 0
    again = capsys.readouterr().out
    assert again.count("done before") == len(records)
    assert words.of_rows(by_title(records)["sigmoid"]) in " ".join(again.split())


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
        if line.startswith("While it trains"):
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
    ended = subprocess.run(
        command, capture_output=True, text=True, env=surroundings(tmp_path), check=True
    )
    found = by_title(Store(results).all()[0])
    sigmoid, torus, fixed = (found[name] for name in ("sigmoid", "torus", "fixed"))
    assert words.value(sigmoid, "shannon_bits") > 7.9
    assert words.value(sigmoid, "effective_dimensions") < 0.2
    assert words.value(torus, "effective_dimensions") > 0.95
    assert words.value(torus, "percent_destroyed") > 99
    assert words.value(fixed, "effective_dimensions") > 0.95
    assert words.value(fixed, "percent_destroyed") < 1
    said = " ".join(ended.stdout.split())
    assert "It has collapsed all the same" in said
    assert "That is the cure" in said
    assert "Scrambled, not destroyed" in said
    seconds = re.search(r"That took (\d+) seconds\.", said)
    assert seconds
    print(f"the tour took {seconds[1]} s")


def test_an_interrupt_that_is_lost_on_the_way_is_raised_again():
    told = []
    before = signal.getsignal(signal.SIGINT)
    with interruptible(told.append) as tell:
        tell("first")
        with suppress(KeyboardInterrupt):  # as where a destructor was running
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            tell("second")
    assert told == ["first"]
    assert signal.getsignal(signal.SIGINT) is before
