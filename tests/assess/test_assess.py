"""`python -m dan_bench.assess`: verdicts, exit codes, JSON, pictures, edges."""

import json
import math
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dan_bench.assess import __main__ as command
from dan_bench.assess.assessment import (
    LEVEL,
    Assessment,
    FamilyResult,
    assess,
    of_lags,
    of_lines,
    of_python,
)
from dan_bench.assess.reading import Stream, Window
from dan_bench.assess.render import MEANING
from dan_bench.randomness import min_entropy
from dan_bench.randomness.sp800_22 import sp800_22
from dan_bench.randomness.tally import Tally

RUN = (sys.executable, "-m", "dan_bench.assess")
KEYS = {
    *("file", "bytes", "bits_per_symbol", "verdict", "level", "families", "shannon_bits"),
    *("min_entropy", "sp800_22", "linear_complexity", "baseline"),
}
LITERAL = {"most_common_value", "t_tuple", "lrs", "multi_mcw", "lag", "multi_mmc", "lz78y"}
BITS_ONLY = {"collision", "markov", "compression"}


def ideal(seed, n, bits=8):
    rng = np.random.Generator(np.random.Philox(seed))
    return rng.integers(0, 1 << bits, n, dtype=np.uint8)


def stream_of(symbols, name="stream"):
    tally = Tally()
    tally.add(symbols)
    return Stream(name, tally, [Window(0, symbols)])


@pytest.fixture
def noise(tmp_path):
    path = tmp_path / "noise.bin"
    path.write_bytes(ideal(0, 20_000).tobytes())
    return path


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(Path(__file__).read_bytes())
    return path


def objects(capsys, *arguments):
    code = command.main([*map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


# verdicts and exit codes


def test_noise_passes_and_text_does_not(noise, text, capsys):
    assert command.main([str(noise)]) == 0
    said = capsys.readouterr().out
    assert "verdict: nothing speaks against noise" in said
    assert "AGAINST" not in said
    assert command.main([str(text)]) == 1
    said = capsys.readouterr().out
    assert "verdict: not noise" in said
    assert MEANING["symbol counts"] in said


def test_the_table_has_the_interval_of_noise_beside_each_value(noise, capsys):
    code, (found,) = objects(capsys, noise)
    command.main([str(noise)])
    lines = capsys.readouterr().out.splitlines()
    assert code == 0
    for family, finding in found["families"].items():
        line = next(line for line in lines if line.startswith(family + " "))
        if "needs" in finding:
            assert f"not judged, needs {finding['needs']}" in line
        else:
            assert f"{finding['value']:.4g}" in line.replace(",", "")
            assert " to " in line
            assert line.endswith("ok")
    of_lag = next(line for line in lines if line.startswith("lag "))
    assert of_lag.count(" to ") == 2


def test_a_bad_file_does_not_stop_the_others(noise, text, tmp_path, capsys):
    """And its exit code is the worst of all."""
    missing = tmp_path / "missing"
    assert command.main([str(noise), str(missing), str(text)]) == 2
    out, err = capsys.readouterr()
    assert "nothing speaks against noise" in out
    assert "not noise" in out
    assert err == f"{missing}: No such file or directory\n"
    code, found = objects(capsys, noise, missing, text)
    assert code == 2
    assert [one["file"] for one in found] == [str(noise), str(text)]


DEGENERATE = {
    "zeros": np.zeros(3000, np.uint8),
    "ones": np.full(3000, 255, np.uint8),
    "a constant byte": np.full(3000, 0xAA, np.uint8),
    "alternating": np.arange(3000).astype(np.uint8) % 2,
    "alternating bytes": 255 * (np.arange(3000).astype(np.uint8) % 2),
    "one other symbol": np.where(np.arange(3000) == 700, 1, 0).astype(np.uint8),
    "two values": ideal(5, 3000, 1),
    "a counter": np.arange(3000).astype(np.uint8),
}
HONEST = {"two values": {"autocorrelation", "spectrum"}, "a counter": {"bit balance"}}
"""A family that has looked and found nothing odd: random bits are not correlated."""


@pytest.mark.parametrize("kind", DEGENERATE)
def test_no_family_says_ok_of_what_it_cannot_judge(kind):
    """SP 800-22 is as its document has it: its frequency test passes what is merely balanced."""
    found = assess(stream_of(DEGENERATE[kind]))
    assert found.against
    passed = {f.family for f in found.findings if f.p_value is not None and f not in found.against}
    assert {f for f in passed if not f.startswith("SP 800-22")} <= HONEST.get(kind, set())
    needs = {f.family: f.needs for f in found.findings}
    assert needs["MT19937"].startswith("312 different words of 32 bits among 624, got ")
    if DEGENERATE[kind].min() == DEGENERATE[kind].max():
        assert needs["autocorrelation"] == needs["spectrum"] == "symbols that differ"


def test_a_window_of_zeros_does_not_hide_python_s_random_in_another():
    data = np.frombuffer(random.Random(1).randbytes(5000), np.uint8)
    windows = [Window(0, np.zeros(5000, np.uint8)), Window(5000, data)]
    found = {f.family: f for f in (of_python(windows, 8), of_lags(windows), of_lines(windows))}
    assert found["MT19937"].p_value == 0
    assert found["autocorrelation"].p_value is not None
    assert found["spectrum"].value > 1


def test_python_s_random_is_named(tmp_path, capsys):
    path = tmp_path / "random.bin"
    path.write_bytes(random.Random(1).randbytes(200_000))
    code, (found,) = objects(capsys, path)
    assert code == 1
    assert found["linear_complexity"] == 19_937
    odd = {f for f, one in found["families"].items() if one.get("p_value", 1) < found["level"]}
    assert odd == {"linear complexity", "MT19937"}
    assert found["families"]["MT19937"]["value"] == 1


def test_every_family_has_its_meaning_in_words():
    found = assess(stream_of(ideal(0, 3000)))
    assert {finding.family for finding in found.findings} == set(MEANING) - {"segments"}


def test_all_families_together_have_one_level():
    """Bonferroni over the families that could be judged."""
    findings = [FamilyResult("a", 0.004), FamilyResult("b", 0.9), FamilyResult("c", needs="more")]
    found = Assessment(stream_of(ideal(0, 10)), 8, findings, [], None)
    assert found.level == LEVEL / 2
    assert [finding.family for finding in found.against] == ["a"]
    assert found.verdict == "not noise"
    silent = Assessment(found.stream, 8, [FamilyResult("c", needs="more")], [], None)
    assert silent.verdict == "too short to say"


def test_ideal_streams_are_told_to_be_none_rarely():
    """1 % of them at most, by the level: more than 3 of 50 would have a chance of 0.002."""
    wrong = [bool(assess(stream_of(ideal(100 + seed, 5000))).against) for seed in range(50)]
    assert sum(wrong) <= 3


# JSON


@pytest.mark.parametrize("bits", [8, 5, 1])
def test_json_is_what_the_functions_return_to_the_last_digit(bits, tmp_path, capsys):
    symbols = ideal(1, 20_001, bits)
    path = tmp_path / "symbols.bin"
    path.write_bytes(symbols.tobytes())
    _, (found,) = objects(capsys, path, "--bits", bits)
    assert set(found) == KEYS
    assert (found["file"], found["bytes"]) == (str(path), 20_001)
    assert found["bits_per_symbol"] == bits
    assert found["min_entropy"] == min_entropy.assess(symbols, bits).to_json()
    string = "".join(format(symbol, f"0{bits}b") for symbol in symbols)
    battery = sp800_22(np.array([int(bit) for bit in string]))
    assert found["sp800_22"] == json.loads(json.dumps(battery.to_json()))
    for test in found["sp800_22"].values():
        assert {"p_values", "passed"} <= set(test)
    estimators = found["min_entropy"]["estimators"]
    if bits == 1:
        assert set(estimators["literal"]) == LITERAL | BITS_ONLY
        assert estimators["bitstring"] == {}
        assert "h_bitstring" not in found["min_entropy"]
    else:
        assert set(estimators["literal"]) == LITERAL
        assert set(estimators["bitstring"]) == LITERAL | BITS_ONLY
    laws = found["baseline"]
    assert {"shannon_bits", "assessed", "h_original"} <= set(laws)
    assert {f"literal.{name}" for name in estimators["literal"]} <= set(laws)
    for law in laws.values():
        assert law["low"] <= law["median"] <= law["high"]


def test_against_shows_a_generator_beside(noise, capsys):
    assert command.main([str(noise), "--against", "urandom"]) == 0
    assert " urandom " in capsys.readouterr().out.splitlines()[3]
    code, (found,) = objects(capsys, noise, "--against", "python_random")
    assert code == 0
    beside = found["against"]
    assert (beside["file"], beside["bytes"]) == ("python_random", 20_000)
    assert beside["families"]["MT19937"]["value"] == 1
    assert set(beside) == KEYS


def test_iid_says_whether_the_track_applies(noise, text, capsys):
    assert command.main([str(noise), "--iid"]) == 0
    assert "IID track: nothing speaks against it" in capsys.readouterr().out
    command.main([str(text), "--iid"])
    assert "IID track: does not apply (" in capsys.readouterr().out
    _, (found,) = objects(capsys, noise, "--iid")
    assert found["iid"]["iid"] is True
    assert found["iid"]["failed"] == []
    assert "chi_square_goodness_of_fit" in found["iid"]["tests"]
    assert "inapplicable" not in found["iid"]
    noise.write_bytes(bytes(5000))
    command.main([str(noise), "--iid"])
    assert "IID track: does not apply (every symbol is 0: " in capsys.readouterr().out
    _, (found,) = objects(capsys, noise, "--iid")
    assert (found["iid"]["iid"], found["iid"]["failed"]) == (False, [])
    assert found["iid"]["inapplicable"].startswith("every symbol is 0: SP 800-90B, section 5")


# what is refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "FILE"),
        (["x", "--bits", "9"], "--bits"),
        (["x", "--bits", "0"], "--bits"),
        (["x", "--limit", "0"], "--limit 0: must be at least 1"),
        (["x", "--against", "nature"], "--against"),
        (["-", "-"], "once only"),
        (["x", "y", "--plot", "a.png"], "one file"),
        (["x", "--plot", "a.bmp"], "must end in .png"),
        (["x", "--plot", "no/such/folder/a.png"], "there is no folder"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_any_work(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_picture_cannot_be_a_folder(tmp_path, capsys):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(SystemExit):
        command.main(["x", "--plot", str(tmp_path / "a.png")])
    assert "is a folder" in capsys.readouterr().err


# pictures


@pytest.mark.parametrize(("n", "bits"), [(20_000, 8), (100, 8), (5000, 1)])
def test_a_picture_is_drawn(n, bits, tmp_path, capsys):
    path, out = tmp_path / "a.bin", tmp_path / "a.PNG"
    path.write_bytes(ideal(2, n, bits).tobytes())
    assert command.main([str(path), "--bits", str(bits), "--plot", str(out)]) == 0
    picture = np.asarray(Image.open(out).convert("L"))
    assert picture.shape[0] > 500
    assert picture.shape[1] > 1000
    assert picture.std() > 20
    assert capsys.readouterr().err == ""


def test_a_picture_of_a_constant_is_drawn(tmp_path):
    path, out = tmp_path / "zeros", tmp_path / "a.svg"
    path.write_bytes(bytes(3000))
    assert command.main([str(path), "--plot", str(out)]) == 1
    assert out.stat().st_size > 10_000


def test_a_picture_that_cannot_be_written_is_said(noise, tmp_path, capsys):
    out = tmp_path / "full.png"
    out.symlink_to("/dev/full")
    assert command.main([str(noise), "--plot", str(out)]) == 2
    assert f"--plot {out}: No space left on device" in capsys.readouterr().err


# edges


@settings(max_examples=60)
@given(
    st.integers(1, 8),
    st.one_of(
        st.binary(min_size=1, max_size=40),
        st.binary(min_size=1, max_size=3).map(lambda unit: unit * 400),
        st.tuples(st.integers(0, 99), st.integers(41, 3000)).map(
            lambda made: ideal(*made).tobytes()
        ),
    ),
)
def test_no_stream_is_too_odd(bits, data):
    symbols = np.frombuffer(data, dtype=np.uint8) >> np.uint8(8 - bits)
    kept = symbols.copy()
    found = assess(stream_of(symbols), bits)
    assert np.array_equal(symbols, kept)
    assert len(found.findings) == len(MEANING) - 1  # segments, which were not asked for
    for finding in found.findings:
        if finding.p_value is None:
            assert finding.needs
        else:
            assert 0 <= finding.p_value <= 1
            assert math.isfinite(finding.value)
            assert not finding.needs
    from dan_bench.assess import render

    json.dumps(render.as_json(found, found), allow_nan=False)
    assert render.table(found, found).count("\n") > len(MEANING)


def test_one_byte_is_too_short_to_say(tmp_path, capsys):
    path = tmp_path / "one"
    path.write_bytes(b"x")
    code, (found,) = objects(capsys, path)
    assert (code, found["verdict"]) == (0, "too short to say")
    assert all("needs" in finding for finding in found["families"].values())
    assert found["linear_complexity"] is None
    assert found["sp800_22"]["frequency"]["passed"] is None


# as a command


def test_no_traceback_where_the_reader_has_gone(noise):
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run([*RUN, noise], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_interrupted_without_a_traceback():
    with subprocess.Popen(
        [*RUN, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # a shell that started the tests in the background has them ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        # the second megabyte is taken from the pipe by `read` only
        process.stdin.write(bytes(1 << 21))
        process.stdin.flush()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")


def test_help_imports_no_numbers_and_a_file_no_network(noise):
    check = (
        "import runpy, sys\n"
        "try: runpy.run_module('dan_bench.assess', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )

    def imported(*arguments):
        ended = subprocess.run(
            [sys.executable, "-c", check, *arguments], capture_output=True, text=True, check=True
        )
        return ended.stdout.splitlines()[-1]

    heavy = ("torch", "torchvision", "pytorch_lightning", "wandb", "hydra", "pandas", "altair")
    of_help, of_file = imported("--help"), imported(str(noise))
    assert not [name for name in (*heavy, "numba", "scipy", "numpy") if f"'{name}'" in of_help]
    assert "'scipy'" in of_file
    assert not [name for name in heavy if f"'{name}'" in of_file]
