"""`assess --format` and `--skip`, and the hints that name them."""

import base64
import gzip
import io
import json
import subprocess
import sys
import wave
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dan_bench.assess import __main__ as command
from dan_bench.assess.forms import FORMS, NAMED, MalformedInput, form_of
from dan_bench.assess.hints import hint_of
from dan_bench.assess.reading import Layout, UnusableInput, read
from dan_bench.randomness.bit_selection import take_lanes


def ideal(seed, n, top=256):
    return np.random.default_rng(seed).integers(0, top, n)


RAW = ideal(0, 3000).astype(np.uint8).tobytes()
BITS = "".join(format(byte, "08b") for byte in RAW)
ADC = ideal(1, 3000, 4096)
SIGNED = ADC - 2048
FLOATS = np.random.default_rng(2).random(3000)


def hint(data, bits=8):
    symbols = np.frombuffer(data, np.uint8)
    return hint_of(symbols, np.bincount(symbols, minlength=256), bits)


def decoded(form, data, bits=8, cut=7):
    chunks = [data[i : i + cut] for i in range(0, len(data), cut)]
    values = form_of(form).values(chunks, bits)
    return b"".join(take_lanes(part, range(bits)).tobytes() for part in values)


def lines(values, end="\n"):
    return "".join(f"{value}{end}" for value in values).encode()


def saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def sound():
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(RAW)
    return file.getvalue()


def packed():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("a", RAW)
    return file.getvalue()


LOW = (ADC & 255).astype(np.uint8).tobytes()
READ_BY = {
    "0 and 1": (BITS.encode(), "--format ascii01", RAW),
    "0 and 1 a line": (lines(BITS, "\r\n"), "--format ascii01", RAW),
    "a mark and 0 and 1": (b"\xef\xbb\xbf" + BITS.encode(), "--format ascii01", RAW),
    "hex": (RAW.hex().encode(), "--format hex", RAW),
    "hex in lines": (RAW.hex(" ", 16).upper().replace(" ", "\n").encode(), "--format hex", RAW),
    "base64": (base64.b64encode(RAW), "--format base64", RAW),
    "base64 in lines": (base64.encodebytes(RAW[:2000]), "--format base64", RAW[:2000]),
    "a bit a byte": (bytes(byte & 1 for byte in RAW), "--bits 1", None),
    "half bytes": (bytes(byte & 15 for byte in RAW), "--bits 4", None),
    "numbers": (lines(RAW), "--format decimal", RAW),
    "numbers and commas": (lines(RAW, ", "), "--format decimal", RAW),
    "wide numbers": (lines(ADC), "--format decimal", LOW),
    "signed numbers": (lines(SIGNED), "--format decimal", LOW),
    "floats": (lines(FLOATS), "--format float", np.floor(FLOATS * 256).astype(np.uint8).tobytes()),
    **{
        f"12 bits in {form}": (ADC.astype(dtype).tobytes(), f"--format {form}", LOW)
        for form, dtype in (
            *(("u16le", "<u2"), ("u16be", ">u2"), ("u32le", "<u4")),
            *(("u32be", ">u4"), ("u64le", "<i8"), ("u64be", ">i8")),
        )
    },
    "signed 16": (SIGNED.astype(">i2").tobytes(), "--format u16be", LOW),
    "signed 32": (SIGNED.astype("<i4").tobytes(), "--format u32le", LOW),
    "24 bits in 32": (ideal(3, 900, 1 << 24).astype("<u4").tobytes(), "--format u32le", None),
    "15 bits in 16": (ideal(4, 900, 1 << 15).astype("<u2").tobytes(), "--format u16le", None),
    "a high byte of 128": (
        (ideal(5, 900) + 0x8000).astype("<u2").tobytes(),
        "--format u16le",
        None,
    ),
    "NumPy": (saved(np.frombuffer(RAW, np.uint8)), "--skip 128", None),
    "NumPy of words": (saved(ADC.astype(">u2")), "--skip 128 --format u16be", None),
    "WAV": (sound(), "--skip 44 --format u16le", None),
    "gzip": (gzip.compress(RAW), "gzip -dc FILE", None),
    "ZIP": (packed(), "unzip -p FILE", None),
    "PNG": (b"\x89PNG\r\n\x1a\n" + RAW, "like a PNG file: --skip BYTES", None),
    "text": ("Größe und Straße, naïve — ".encode() * 20, "UTF-8 text", None),
    "words": (b"hello\r\nWorld\r\n" * 40, "UTF-8 text", None),
    "decimal digits": (b"3141592653589793" * 50, "UTF-8 text", None),
    "fractions": (lines(8 * FLOATS), "scaled to [0, 1), --format float", None),
}


@pytest.mark.parametrize("kind", READ_BY)
def test_a_form_is_named_and_read(kind):
    data, option, symbols = READ_BY[kind]
    said = hint(data)
    assert option in said
    assert "\n" not in said
    assert len(said) < 160
    if symbols is not None:
        form = option.removeprefix("--format ")
        assert decoded(form, data) == symbols
        assert decoded(form, data, cut=1) == symbols
        assert decoded(form, data, bits=3, cut=len(data))[:50] == (
            decoded("ascii01", BITS.encode(), 3)[:50]
            if form == "ascii01"
            else bytes(s >> 5 if form == "float" else s & 7 for s in symbols)[:50]
        )


@pytest.mark.parametrize(("n", "streams"), [(16, 3000), (33, 3000), (500, 3000), (1 << 20, 12)])
def test_noise_is_given_no_hint(n, streams):
    for seed in range(streams):
        assert hint(np.random.default_rng([n, seed]).bytes(n)) == ""


@pytest.mark.parametrize(
    "data",
    [
        *(bytes(3000), b"\xff" * 3000, bytes(range(256)) * 10, b"\x00\xff" * 900),
        *(b"\xef\xbb\xbf", bytes(9000) + b"\1", bytes(4000) + b"\5\1\0\0" + bytes(400)),
        *(b"01", b"a1b2", b"TWFu", b"12 13", b"hello", b"\x00\x01\x00\x02", b"\x1f\x8b", b"PK"),
    ],
)
def test_what_is_too_short_or_of_no_form_is_given_none(data):
    assert hint(data) == ""


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(min_size=1, max_size=200),
        st.text("01 \n,.-+eEfF=AZaz9:\ufeff", min_size=1, max_size=200).map(str.encode),
        st.tuples(st.binary(min_size=1, max_size=6), st.integers(1, 90)).map(lambda x: x[0] * x[1]),
    )
)
def test_any_bytes_have_at_most_one_line(data):
    assert "\n" not in hint(data)


@pytest.mark.parametrize("bits", range(1, 9))
def test_ideal_symbols_of_any_width_are_given_none(bits):
    """Evidence is counted in the symbols that there can be, not in bytes."""
    for n in (5, 7, 8, 9, 10, 12, 30, 32, 40):
        rows = ideal(bits, 2000 * n, 1 << bits).astype(np.uint8).reshape(-1, n)
        assert {hint(row.tobytes(), bits) for row in rows} == {""}


@pytest.mark.parametrize("byte", [b"\0", b"0", b"A", b" ", b"z", b"\xff"])
@pytest.mark.parametrize("rest", [b"", b"1"])
def test_what_is_nearly_constant_is_of_no_form(byte, rest):
    assert hint(byte * 5000 + rest) == ""


@pytest.mark.parametrize("begins", [b"PK\x03\x04", b"OggS", b"II*\x00", b"\x7fELF"])
def test_four_symbols_of_seven_bits_are_no_header(begins):
    """28 binary digits of evidence, of which there are several kinds; in bytes there are 32."""
    rest = np.asarray(ideal(5, 1000, 128), dtype=np.uint8).tobytes()
    assert "it begins like" in hint(begins + rest)
    assert hint(begins + rest, bits=7) == ""
    assert "it begins like" in hint(begins + b"\xff" + rest, bits=7)  # refused as 7 bits: bytes


def test_symbols_as_wide_as_was_asked_for_are_given_none():
    assert "--bits 1" in hint(bytes([0, 1, 1, 0] * 100), 4)
    assert hint(bytes([0, 1, 1, 0] * 100), 1) == ""


# what is no such form


@pytest.mark.parametrize(
    ("form", "data", "said"),
    [
        ("ascii01", b"01 2", "character 3 is '2', neither 0 nor 1"),
        ("hex", b"0\nxf", "character 2 is 'x', no hexadecimal digit"),
        ("hex", b"abc", "odd"),
        ("base64", b"TW-u", "character 2 is '-'"),
        ("base64", b"TWFuT", "no whole group"),
        ("base64", b"TQ==TQ==", "goes on|does not decode"),
        ("base64", b"TQ==\nTQ==", "goes on|does not decode"),
        ("decimal", b"1 2\n3.5", "number 2 is '3.5', no whole number"),
        (
            "decimal",
            b"18446744073709551615 18446744073709551621",
            "number 1 is '18446744073709551621",
        ),
        (
            "decimal",
            b"-9223372036854775808 -9223372036854775809",
            "number 1 is '-9223372036854775809",
        ),
        ("decimal", b"9" * 100_000, r"number 0 is '99999999999999999999\.\.\.'"),
        ("float", b"0.5;1", "number 1 is '1', no number of at least 0 and below 1"),
        ("float", b"nan", "number 0 is 'nan'"),
        ("float", b"-0.1", "number 0 is '-0.1'"),
        ("u32le", b"12345", "no multiple of 4"),
    ],
)
@pytest.mark.parametrize("cut", [1, 2, 3, 100])
def test_what_is_not_of_the_form_is_named_with_its_place(form, data, said, cut):
    if len(data) > 1000 and cut < 100:
        cut *= 1000
    with pytest.raises(MalformedInput, match=said):
        decoded(form, data, cut=cut)


@settings(max_examples=200)
@given(st.sampled_from(sorted(FORMS)), st.binary(max_size=60), st.integers(1, 8))
def test_bytes_are_read_or_refused(form, data, bits):
    """Wherever they are cut."""
    found = []
    for cut in (1, 5, 60):
        try:
            found.append(decoded(form, data, bits, cut))
        except MalformedInput:
            found.append(None)
    assert found[0] == found[1] == found[2]


# as a command


def assessed(capsys, *arguments):
    code = command.main([*map(str, arguments), "--json"])
    (found,) = json.loads(capsys.readouterr().out)
    return code, found


def test_a_hint_is_shown_and_the_form_passes(tmp_path, capsys):
    path = tmp_path / "hex.txt"
    path.write_bytes(RAW.hex().encode())
    assert command.main([str(path)]) == 1
    assert "\nhint: hexadecimal text: --format hex" in capsys.readouterr().out
    code, found = assessed(capsys, path)
    assert (code, found["hint"].split(":")[0]) == (1, "hexadecimal text")
    assert "format" not in found
    code, found = assessed(capsys, path, "--format", "hex")
    assert (code, found["format"], found["bytes"]) == (0, "hex", 3000)
    assert "hint" not in found
    assert assessed(capsys, path, "--format", "hex", "--limit", 100)[1]["bytes"] == 100


def test_a_symbol_that_does_not_fit_is_refused_with_the_hint(tmp_path):
    path = tmp_path / "bits.txt"
    path.write_bytes(BITS.encode())
    with pytest.raises(UnusableInput, match=r"byte 0 of .* is 4[89], .*--format ascii01"):
        read(str(path), Layout(1))


@pytest.mark.parametrize("piped", [False, True])
def test_what_is_skipped_is_left_out(piped, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(RAW)
    if piped:
        script = (
            "import sys; from dan_bench.assess.reading import Layout, read; "
            "found = read('-', Layout(limit=50, skip=1000)); "
            "sys.stdout.buffer.write(found.windows[0].symbols.tobytes())"
        )
        ended = subprocess.run(
            [sys.executable, "-c", script], input=RAW, capture_output=True, check=True
        )
        found = ended.stdout
    else:
        found = read(str(path), Layout(limit=50, skip=1000)).windows[0].symbols.tobytes()
    assert found == RAW[1000:1050]


@pytest.mark.parametrize("skip", [3000, 3001, 10**30])
def test_nothing_left_is_said(skip, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(RAW)
    with pytest.raises(UnusableInput, match=f"holds no symbols after the first {skip:,} bytes"):
        read(str(path), Layout(skip=skip))
    with pytest.raises(SystemExit):
        command.main([str(path), "--skip", "-1"])


def test_a_form_that_there_is_not_is_refused_with_those_that_there_are(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main([str(tmp_path), "--format", "octal"])
    assert ended.value.code == 2
    assert f"--format octal: must be one of {', '.join(NAMED)}" in capsys.readouterr().err
