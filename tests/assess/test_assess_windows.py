"""`--windows`: which windows, one p-value over all of them, false alarms, what is seen."""

import json
import os
import subprocess
import sys
from concurrent.futures import CancelledError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dan_bench.assess import __main__ as command
from dan_bench.assess.assessment import FamilyResult, assess
from dan_bench.assess.reading import Stream, Window, read
from dan_bench.assess.windows import WindowedAssessment, combined, evenly, every, fisher
from dan_bench.randomness.tally import Tally

PART = 4096


def ideal(seed, n):
    return np.frombuffer(np.random.default_rng([20, seed]).bytes(n), np.uint8)


def alone(data):
    """Assess bytes as one window."""
    tally = Tally()
    tally.add(data)
    return assess(Stream("one", tally, [Window(0, data)]))


def together(data, size=PART):
    """Assess bytes in windows of that size."""
    tally = Tally()
    tally.add(data)
    windows = [Window(at, data[at : at + size]) for at in range(0, len(data), size)]
    with WindowedAssessment(8) as windowed:
        for window in windows:
            windowed.add(window)
        return windowed.ended(Stream("stream", tally, windows[:1]))


# which windows


@given(n=st.integers(1, 700), count=st.integers(1, 12))
def test_windows_are_spread_over_a_stream_of_unknown_length(n, count):
    size = 10
    data = np.arange(n).astype(np.uint8)
    blocks = (data[at : at + size] for at in range(0, n, size))
    found = evenly(count)(blocks, size)
    places = [window.offset for window in found]
    assert places == sorted(set(places))
    assert len(found) == min(count, len(places)) >= 1
    whole = -(-n // size)
    if whole <= count:
        assert len(found) == whole
    else:
        assert len(found) == count
        assert all(len(window.symbols) == size for window in found[:-1])
    for window in found:
        end = min(n, window.offset + size)
        assert np.array_equal(window.symbols, data[window.offset : end])
    if count > 2 and whole > count:
        steps = np.diff(places)
        assert steps.max() <= 4 * whole * size / count


def test_few_windows_are_held_of_a_long_stream():
    held = []

    def blocks():
        for number in range(1000):
            held.append(number)
            yield np.full(1, number % 256, np.uint8)

    assert len(evenly(3)(blocks(), 1)) == 3
    assert len(held) == 1000


@pytest.mark.parametrize("n", [1, PART, PART + 1, 3 * PART, 3 * PART + 77])
def test_all_is_every_symbol_once(n, tmp_path):
    path, data, taken = tmp_path / "a.bin", ideal(n, n), []
    path.write_bytes(data.tobytes())
    stream = read(str(path), window=PART, choose=every(taken.append))
    assert np.array_equal(np.concatenate([window.symbols for window in taken]), data)
    assert [window.offset for window in taken] == list(range(0, n, PART))
    assert stream.windows[0] is taken[0]


# one p-value of many


def results(p_values):
    return [FamilyResult("family", p, 1.0, 0.0, 2.0, "detail") for p in p_values]


def test_one_odd_window_is_seen_among_many():
    p_values = [0.5] * 100
    p_values[42] = 1e-9
    found = combined("family", results(p_values), list(range(0, 1000, 10)))
    assert found.p_value == pytest.approx(2e-7)
    assert found.detail == "detail, window at 420"


def test_a_weak_defect_in_all_of_them_is_seen():
    """No one of them would be odd: 64 times 0.05 is above 1."""
    found = combined("family", results([0.05] * 64), list(range(64)))
    assert found.p_value < 1e-12
    assert found.detail == "detail, all windows together"


def test_windows_that_could_not_be_judged_are_left_out():
    found = [FamilyResult("family", needs="more"), *results([0.3])]
    assert combined("family", found, [0, 9]).p_value == 0.3
    assert combined("family", found[:1], [0]).needs == "more"


def test_zero_is_no_error():
    assert combined("family", results([0.0, 1.0]), [0, 1]).p_value == 0


@pytest.mark.parametrize("law", ["uniform", "short by 5 %", "one sub-test of 20", "steps"])
def test_ideal_p_values_raise_no_alarm(law):
    """300 windows, 2,000 times: at most 1 %, and four standard errors."""
    rng = np.random.default_rng(1)
    p = rng.random((2000, 300))
    if law == "short by 5 %":  # what the spectral test of SP 800-22 does
        from scipy import special

        p = 2 * special.ndtr(-np.abs(1.026 * rng.normal(size=p.shape)))
    elif law == "one sub-test of 20":
        p = np.minimum(1, 20 * rng.random((2000, 300, 20)).min(axis=2))
    elif law == "steps":
        p = np.exp2(-np.floor(-np.log2(p)))
    slack = 1.6 if law == "short by 5 %" else 1.25
    wrong = [min(1, 2 * min(300 * row.min(), fisher(row, slack))) < 0.01 for row in p]
    assert np.mean(wrong) < 0.01 + 4 * (0.01 / len(wrong)) ** 0.5


# a whole stream


def test_ideal_streams_are_told_to_be_none_rarely():
    """Eight windows of 4,096 bytes: more than 3 of 40 would have a chance of 0.001."""
    wrong = [bool(together(ideal(seed, 8 * PART)).against) for seed in range(40)]
    assert sum(wrong) <= 3


def test_every_family_is_there_and_a_hole_is_seen_where_it_is():
    data = ideal(50, 32 * PART).copy()
    data[20 * PART + 100 : 20 * PART + 356] = 0
    found = together(data)
    assert {f.family for f in found.findings} == {f.family for f in alone(data).findings}
    details = {f.family: f.detail for f in found.against}
    assert details["min-entropy"].endswith(f"window at {20 * PART:,}")
    assert found.worst.window.offset == 20 * PART
    assert [w.offset for w in found.seen] == list(range(0, len(data), PART))


def test_a_window_s_p_values_are_those_that_it_has_alone():
    data = ideal(60, 3 * PART)
    found = together(data)
    for one in found.seen:
        findings = alone(data[one.offset : one.offset + one.length]).findings
        p_values = {f.family: f.p_value for f in findings if f.family in one.p_values}
        assert one.p_values == p_values
    assert len(found.seen) == 3


# as a command


def test_a_window_is_left_at_its_next_test_after_a_ctrl_c():
    windowed = WindowedAssessment(8, workers=1)
    windowed.add(Window(0, ideal(3, 1 << 20)))
    windowed.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    with pytest.raises(CancelledError):
        windowed._running[0].result(timeout=300)


def test_windows_from_a_pipe_are_those_of_a_file(tmp_path, capsys):
    data = ideal(70, (1 << 20) + 50_000).tobytes()
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    run = [sys.executable, "-m", "dan_bench.assess", "--json", "--windows", "all"]
    piped = subprocess.run([*run, "-"], input=data, capture_output=True, check=False)
    filed = subprocess.run([*run, str(path)], capture_output=True, check=False)
    assert (piped.stderr, piped.returncode) == (b"", 0)
    (a,), (b,) = json.loads(piped.stdout), json.loads(filed.stdout)
    assert a.pop("file") == "-"
    assert b.pop("file") == str(path)
    assert a == b
    assert [(w["offset"], w["bytes"]) for w in a["windows"]] == [(0, 1 << 20), (1 << 20, 50_000)]
    assert set(a["windows"][0]) == {"offset", "bytes", "p_values"}
    assert "min-entropy" in a["windows"][0]["p_values"]


@pytest.mark.parametrize("asked", ["0", "-1", "some", "4097", "1.5"])
def test_other_numbers_of_windows_are_refused(asked, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main([os.devnull, "--windows", asked])
    assert ended.value.code == 2
    assert "must be 1 to 4,096, or all" in capsys.readouterr().err


def test_a_column_of_a_generator_has_no_windows(capsys):
    with pytest.raises(SystemExit):
        command.main([os.devnull, "--windows", "3", "--against", "urandom"])
    assert "--against" in capsys.readouterr().err


def test_the_table_says_how_many_windows(tmp_path, capsys):
    path = tmp_path / "a.bin"
    path.write_bytes(ideal(80, 20_000).tobytes())
    assert command.main([str(path), "--windows", "2"]) == 0
    said = capsys.readouterr().out.splitlines()[1]
    assert said.endswith("everything else: of 1 window; 20,000 symbols (1 of all)")
