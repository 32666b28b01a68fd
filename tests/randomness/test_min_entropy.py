"""SP 800-90B's assessment against NIST's own tool, and at its edges."""

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dan_bench.randomness.min_entropy import Estimates, assess
from dan_bench.randomness.min_entropy.symbols import bit_string

N = 1_000_000
NAMES = list(Estimates.__dataclass_fields__)


def shake(tag, n):
    return np.frombuffer(hashlib.shake_256(f"dan-bench/{tag}".encode()).digest(n), dtype=np.uint8)


def sticky():
    places = np.where(shake("sticky/coin", N) < 64, 0, np.arange(N))
    return shake("sticky/value", N)[np.maximum.accumulate(places)]


STREAMS = {
    "ideal": lambda: shake("ideal", N),
    "mt19937": lambda: random.Random(2017).randbytes(N),
    "biased": lambda: np.minimum(shake("biased/a", N), shake("biased/b", N)),
    "sticky": lambda: sticky(),
    "texture": lambda: np.resize(shake("texture", 784), N) ^ (shake("texture/flip", N) == 0),
    "short": lambda: shake("short", 10_000),
    "bits": lambda: np.unpackbits(shake("bits", N // 8)),
    "nibbles": lambda: shake("nibbles", N) & 15,
}
# what ea_non_iid 1.1 prints of them, in all its digits
NIST = json.loads((Path(__file__).parent / "golden" / "min_entropy.json").read_text())
QUICK = ("short", "bits", "ideal", "texture")


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in STREAMS]
)
def test_every_estimator_agrees_with_nists_tool(name):
    stream, known = STREAMS[name](), NIST[name]
    assert hashlib.sha256(stream).hexdigest() == known["sha256"]
    found = assess(stream, known["bits_per_symbol"], workers=2)
    for track in ("literal", "bitstring"):
        estimates = getattr(found.estimators, track).present()
        assert estimates == pytest.approx(known[track], rel=1e-9)
    assert found.h_original == pytest.approx(known["h_original"], rel=1e-9)
    bits = known["bitstring"]
    assert found.h_bitstring == (pytest.approx(min(bits.values()), rel=1e-9) if bits else None)
    assert found.assessed == pytest.approx(known["assessed"], rel=1e-9)
    assert not found.skipped


# edges


@given(st.lists(st.integers(0, 7), min_size=1, max_size=60), st.integers(3, 8))
@settings(max_examples=60, derandomize=True)
def test_any_short_stream_has_an_assessment(stream, width):
    found = assess(stream, width)
    tracks = {"literal": found.estimators.literal}
    distinct = len(set(stream))
    if distinct > 2:
        tracks["bitstring"] = found.estimators.bitstring
    else:
        assert found.h_bitstring is None
        assert found.estimators.bitstring == Estimates()
    for track, estimates in tracks.items():
        bits_only = {"collision", "markov", "compression"}
        expected = set(NAMES) - (bits_only if track == "literal" and distinct > 2 else set())
        missing = {k.split(".")[1] for k in found.skipped if k.startswith(track)}
        assert set(estimates.present()) | missing == expected
        assert not set(estimates.present()) & missing
        assert all(0 <= value <= width for value in estimates.present().values())
    assert all(reason.startswith("needs ") for reason in found.skipped.values())
    assert 0 <= found.assessed <= found.h_original <= width
    assert found.assessed == 0 if distinct == 1 else True


def test_what_is_too_short_for_one_estimator_is_left_to_the_others():
    found = assess(np.arange(100) % 5, 3)
    assert found.skipped["literal.multi_mcw"] == "needs 4096 symbols, got 100"
    assert found.skipped["bitstring.compression"] == "needs 6012 symbols, got 300"
    assert found.estimators.literal.lag is not None
    assert "literal.t_tuple" in assess([0, 1, 2, 3]).skipped


@pytest.mark.parametrize("symbol", [0, 1, 170, 255])
@pytest.mark.parametrize("n", [1, 2, 19, 7000])
def test_a_constant_has_no_entropy(symbol, n):
    found = assess(bytes([symbol]) * n)
    assert (found.assessed, found.h_original, found.h_bitstring) == (0, 0, None)
    assert set(found.estimators.literal.present().values()) <= {0.0}
    assert n < 7000 or len(found.estimators.literal.present()) == 10


def test_two_symbols_are_bits_whatever_they_are_called():
    """Then they are assessed as such only, as in NIST's tool: there is no bit string beside."""
    bits = np.unpackbits(shake("short", 2000))
    as_bits, as_bytes = assess(bits, 1), assess(np.where(bits == 1, 200, 3))
    assert as_bits.estimators == as_bytes.estimators
    assert as_bits.h_bitstring is None
    assert (
        as_bits.assessed == as_bits.h_original == min(as_bits.estimators.literal.present().values())
    )


@pytest.mark.parametrize("width", range(1, 9))
def test_the_bit_string_has_the_highest_bit_first(width):
    symbols = np.random.default_rng(width).integers(0, 1 << width, 50, dtype=np.uint8)
    text = "".join(f"{s:0{width}b}" for s in symbols)
    assert bit_string(symbols, width).tolist() == [int(c) for c in text]


@given(st.lists(st.integers(0, 8), min_size=40, max_size=400), st.permutations(range(9)))
@settings(max_examples=30, derandomize=True)
def test_names_of_symbols_do_not_matter_to_counts(stream, names):
    symbols = np.array(stream)
    before = assess(symbols).estimators.literal
    after = assess(np.array(names)[symbols]).estimators.literal
    for name in ("most_common_value", "t_tuple", "lrs", "lag"):
        assert getattr(before, name) == getattr(after, name)
    assert assess(symbols + 7).estimators.literal == before


def test_more_noise_is_more_entropy():
    rng = np.random.default_rng(5)
    coin, noise = rng.random(20_001), rng.integers(0, 256, 20_001, dtype=np.uint8)
    plain = np.resize(np.arange(7, dtype=np.uint8), 20_001)
    found = [assess(np.where(coin < share, noise, plain)) for share in (0, 0.2, 0.5, 0.8, 1)]
    for values in ([f.assessed for f in found], [f.h_original for f in found]):
        assert values == sorted(values)
        assert values[0] == pytest.approx(0, abs=1e-9)
        assert values[-1] > 4


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int64, np.bool_])
def test_any_integers_do_and_are_not_changed(dtype):
    stream = (shake("short", 3000) & 1).astype(dtype)[::2]
    kept = stream.copy()
    found = assess(stream, 1)
    assert np.array_equal(stream, kept)
    assert found == assess(bytes(stream.astype(np.uint8)), 1)
    assert found == assess(bytearray(stream.astype(np.uint8)), 1, workers=3)


@pytest.mark.parametrize(
    ("stream", "width", "error", "words"),
    [
        (b"", 8, ValueError, "an empty stream"),
        ([], 8, ValueError, "an empty stream"),
        ([0, 300], 8, ValueError, "300 is no symbol of 8 bits"),
        ([-1, 3], 8, ValueError, "-1 is no symbol"),
        ([0, 2], 1, ValueError, "2 is no symbol: symbols are 0 or 1"),
        ([0.5, 1.0], 8, TypeError, "float64"),
        (np.zeros((3, 3), np.uint8), 8, ValueError, "ravel it"),
        (np.broadcast_to(np.uint8(1), (1 << 27) + 1), 8, ValueError, "more than 2\\^30 bits"),
        (b"abc", 0, ValueError, "bits_per_symbol must lie between 1 and 8, got 0"),
        (b"abc", 9, ValueError, "got 9"),
    ],
)
def test_what_cannot_be_assessed_is_refused(stream, width, error, words):
    with pytest.raises(error, match=words):
        assess(stream, width)


def test_no_workers_are_refused():
    with pytest.raises(ValueError, match="workers must be 1 or more, got 0"):
        assess(b"abc", workers=0)


def test_plain_dictionaries_leave_out_what_is_absent():
    found = assess(np.arange(5000) % 7, 3)
    plain = found.to_json()
    assert set(plain) == {"assessed", "h_original", "h_bitstring", "estimators"}
    assert set(plain["estimators"]["literal"]) == set(NAMES) - {
        "collision",
        "markov",
        "compression",
    }
    assert set(plain["estimators"]["bitstring"]) == set(NAMES)
    assert set(assess(b"ab" * 50).to_json()) == {"assessed", "h_original", "estimators", "skipped"}


def test_progress_names_every_estimator():
    seen = []
    assess(np.arange(5000) % 7, 3, on_progress=seen.append)
    for track in ("literal", "bitstring"):
        assert {f"{track}: lag", f"{track}: t_tuple, lrs", f"{track}: multi_mmc"} <= set(seen)


def fresh(code, **environment):
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=os.environ | environment
    )


def test_importing_it_is_light():
    code = (
        "import sys, dan_bench.randomness.min_entropy;print({'numba', 'torch'} & set(sys.modules))"
    )
    assert fresh(code).stdout.strip() == "set()"


@pytest.mark.slow
def test_a_cold_call_says_how_far_compiling_is(tmp_path):
    code = "from dan_bench.randomness.min_entropy import assess; assess(bytes(range(9)) * 900)"
    cold, warm = (fresh(code, NUMBA_CACHE_DIR=str(tmp_path)).stderr for _ in range(2))
    lines = cold.splitlines()
    assert lines[0].startswith("compiling, once on this machine: 0 of ")
    assert all(line.startswith("compiling, once on this machine: ") for line in lines)
    assert warm == ""
