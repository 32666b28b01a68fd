"""What `assess` reads, and what it says meanwhile: pipes, windows, devices, names, progress."""

import json
import os
import pty
import re
import subprocess
import sys

import numpy as np
import pytest
from base_install import run_module
from hypothesis import given, settings
from hypothesis import strategies as st

from dan_bench.assess import __main__ as command
from dan_bench.assess.reading import Layout, UnusableInput, read
from dan_bench.randomness.tally import Tally
from dan_bench.tables import one_line

RUN = (sys.executable, "-m", "dan_bench.assess")
ODD = b"\xff $a$\n\x1b[31m\xe2\x82\xac.bin"


def ideal(seed, n):
    rng = np.random.Generator(np.random.Philox(seed))
    return rng.integers(0, 256, n, dtype=np.uint8)


@pytest.fixture
def noise(tmp_path):
    path = tmp_path / "noise.bin"
    path.write_bytes(ideal(0, 20_000).tobytes())
    return path


def refusal(name, bits=8, limit=None):
    with pytest.raises(UnusableInput) as refused:
        read(str(name), Layout(bits, limit=limit))
    return str(refused.value)


# windows


@settings(max_examples=80)
@given(n=st.integers(1, 400), window=st.integers(1, 40), piped=st.booleans())
def test_a_stream_is_counted_whole_and_seen_in_windows(tmp_path_factory, n, window, piped):
    """A file and a pipe alike."""
    data = ideal(n, n)
    path = tmp_path_factory.getbasetemp() / "windows.bin"
    path.write_bytes(data.tobytes())
    if piped:
        reader, writer = os.pipe()
        os.write(writer, data.tobytes())
        os.close(writer)
        found = read(f"/dev/fd/{reader}", window=window)
        os.close(reader)
    else:
        found = read(str(path), window=window)
    whole = Tally()
    whole.add(data)
    assert np.array_equal(found.tally.pairs, whole.pairs)
    assert found.tally.odd == whole.odd
    spans = [(w.offset, w.offset + len(w.symbols)) for w in found.windows]
    for (start, end), one in zip(spans, found.windows, strict=True):
        assert np.array_equal(one.symbols, data[start:end])
        assert end - start == min(window, n)
    assert (spans[0][0], spans[-1][1]) == (0, n)
    if n <= 2 * window:
        assert len(spans) == (1 if n <= window else 2)
        assert spans[-1][0] <= spans[0][1]  # nothing is left out
    if n >= 3 * window:
        assert len(spans) == 3
        assert spans[0][1] <= spans[1][0]
        assert spans[1][1] <= spans[2][0]
        assert n / 5 < spans[1][0] <= n / 2


def test_all_windows_are_looked_at(tmp_path, capsys):
    """A megabyte of text's worth of zeros at the end of noise is not missed."""
    path = tmp_path / "tail.bin"
    path.write_bytes(ideal(1, 1_100_000).tobytes() + bytes(100_000))
    assert command.main([str(path), "--json"]) == 1
    (found,) = json.loads(capsys.readouterr().out)
    windows = found["windows"]
    assert [(one["offset"], one["bytes"]) for one in windows] == [
        (0, 1 << 20),
        (1_200_000 - (1 << 20), 1 << 20),
    ]
    worst = min(windows, key=lambda one: one["min_entropy"]["assessed"])
    assert worst is windows[1]
    for name in ("min_entropy", "sp800_22", "linear_complexity"):
        assert found[name] == worst[name]


# pipes, limits, widths


def test_standard_input_is_read_as_a_file_is(noise):
    """Both in processes of their own: what else was imported can change the last digit."""
    data = noise.read_bytes()
    ended = subprocess.run([*RUN, "-", "--json"], input=data, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    read = subprocess.run([*RUN, str(noise), "--json"], capture_output=True, check=True)
    (piped,), (filed,) = json.loads(ended.stdout), json.loads(read.stdout)
    assert (piped.pop("file"), filed.pop("file")) == ("-", str(noise))
    assert piped == filed


def test_no_value_depends_on_how_many_threads_numpy_may_have(tmp_path):
    """Its dot product sums in as many parts as there are threads, on a machine of several cores."""
    path = tmp_path / "noise.bin"
    path.write_bytes(ideal(1, 100_000).tobytes())
    free = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    run = [*RUN, str(path), "--json"]
    found = [
        subprocess.run(run, capture_output=True, check=True, env=env).stdout
        for env in (free, free | {"OMP_NUM_THREADS": "1"})
    ]
    assert found[0] == found[1]


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (7000, 7000), (10**9, 20_000)])
def test_no_more_than_the_limit_is_read(noise, limit, expected):
    found = read(str(noise), Layout(limit=limit))
    assert found.tally.n == expected
    assert np.array_equal(found.windows[0].symbols, ideal(0, 20_000)[:expected])


def test_a_limit_tames_a_device():
    assert read("/dev/zero", Layout(limit=5000)).tally.n == 5000
    assert "say --limit BYTES" in refusal("/dev/zero")
    assert "say --limit BYTES" in refusal("/dev/urandom")


def test_a_byte_that_does_not_fit_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "wide.bin"
    path.write_bytes(bytes([1, 15, 0, 16, 3]))
    said = refusal(path, 4)
    assert said.startswith(f"byte 3 of {path} is 16, and 4 bits end at 15")
    assert "leave it out" in said
    assert read(str(path), Layout(5)).tally.n == 5
    assert read(str(path), Layout(4, limit=3)).tally.n == 3


# what is no file


def test_what_cannot_be_read_is_said(tmp_path):
    empty = tmp_path / "empty"
    empty.touch()
    assert refusal(empty) == f"{empty} is empty: there is nothing to assess"
    assert refusal(tmp_path) == f"{tmp_path} is a folder: name the files in it"
    assert refusal(tmp_path / "no") == f"{tmp_path / 'no'}: No such file or directory"
    assert "Not a directory" in refusal(empty / "in")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_said(noise):
    noise.chmod(0)
    assert refusal(noise) == f"{noise}: Permission denied"


@pytest.mark.parametrize(
    ("redirection", "said"),
    [
        ("<&-", b"-: Bad file descriptor\n"),
        ("</dev/null", b"- is a device and may never end: say --limit BYTES\n"),
    ],
)
def test_standard_input_that_is_none_is_refused(redirection, said):
    script = f"{sys.executable} -m dan_bench.assess - {redirection}"
    ended = subprocess.run(["sh", "-c", script], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr == said


# names


def test_any_name_is_shown_in_one_line_and_kept_in_json(tmp_path):
    path = os.fsencode(tmp_path) + b"/" + ODD
    with open(path, "wb") as file:
        file.write(ideal(2, 3000).tobytes())
    out = tmp_path / "a.png"
    run = (*RUN, path)
    ended = subprocess.run([*run, "--plot", out], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert rb"/\udcff $a$\n\x1b[31m" in ended.stdout.splitlines()[0]
    assert b"\x1b" not in ended.stdout
    assert out.stat().st_size > 10_000
    ended = subprocess.run([*run, "--json"], capture_output=True, check=False)
    assert os.fsencode(json.loads(ended.stdout)[0]["file"]) == path
    latin = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    ended = subprocess.run(run, capture_output=True, check=False, env=latin)
    assert (ended.returncode, ended.stderr) == (0, b"")


@given(st.text())
def test_what_is_shown_is_printable(name):
    assert one_line(name).isprintable()
    if name.isprintable():
        assert one_line(name) == name


# what is said meanwhile


def on_a_terminal(*arguments, **options):
    """Run the command with a terminal for standard error; return its exit code and what it saw."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*RUN, *arguments], stderr=theirs, **options) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                more = os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            seen += more
    os.close(ours)
    return process.returncode, seen.decode()


def test_progress_is_shown_on_a_terminal_and_taken_away(noise):
    code, seen = on_a_terminal(noise, stdout=subprocess.DEVNULL)
    assert code == 0
    for part in ("read 0 MB", "counts", "SP 800-90B literal: lz78y", "SP 800-22", "linear"):
        assert f"{noise}: {part}" in seen
    assert seen.endswith("\r\x1b[K")
    assert "\n" not in seen


def test_nothing_is_said_elsewhere(noise):
    ended = subprocess.run([*RUN, noise], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("terminal", [False, True])
def test_what_a_first_run_waits_for_is_said_on_a_line_of_its_own(terminal, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    progress = command.AssessmentProgress("x")
    progress("SP 800-22")
    progress.compiling("compiling: 3 of 9")
    progress.close()
    said = capsys.readouterr().err.replace("\r\x1b[K", "")
    assert said.removeprefix("x: SP 800-22 (0.0 s)") == "compiling: 3 of 9\n"


@pytest.mark.slow
def test_the_first_run_on_a_machine_says_how_far_it_is(noise, tmp_path):
    cold = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    run = [*RUN, noise, "--iid"]
    first = subprocess.run(run, capture_output=True, text=True, check=False, env=cold)
    said = re.findall(
        r"compiling, once on this machine: (\d+) of (\d+) functions, \d+ s\n", first.stderr
    )
    done = [int(one) for one, _ in said]
    assert first.stderr.count("\n") == len(said) > 1
    assert done == sorted(done)
    assert done[0] == 0 < done[-1] <= int(said[-1][1])
    again = subprocess.run(run, capture_output=True, text=True, check=False, env=cold)
    assert (again.returncode, again.stderr, again.stdout) == (0, "", first.stdout)


def test_the_base_installation_is_enough(noise, tmp_path):
    for arguments in ([], ["--json", "--iid"], ["--against", "urandom"]):
        ended = run_module("dan_bench.assess", str(noise), *arguments, cwd=tmp_path)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "nothing speaks against noise" in ended.stdout


# size


@pytest.mark.slow
def test_a_big_file_is_read_in_bounded_memory(tmp_path):
    """256 MB; what is kept of it are windows, so a larger file takes no more."""
    path = tmp_path / "big.bin"
    block = ideal(3, 1 << 24).tobytes()
    with path.open("wb") as file:
        for _ in range(16):
            file.write(block)
    watch = (
        "import resource, subprocess, sys\n"
        "ended = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, ended.returncode)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", watch, *RUN, str(path)], capture_output=True, text=True, check=True
    )
    kilobytes, code = map(int, ended.stdout.split())
    assert code in (0, 1)
    assert kilobytes < 600_000
