"""`assess --format csv, --lane, --bits, --together, --segment, --advise, --ais31` as a command."""

import hashlib
import json

import numpy as np
import pytest

from dan_bench.assess import __main__ as command
from dan_bench.assess.options import lanes_of
from dan_bench.assess.reading import Layout, UnusableInput, read, symbols_of

ADC = np.random.default_rng(0).integers(0, 4096, 6000)


def symbols(path, **options):
    return np.concatenate(list(symbols_of([str(path)], Layout(**options), 1000))).tolist()


def text(tmp_path, data):
    path = tmp_path / "data"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def assessed(capsys, *arguments):
    code = command.main([*map(str, arguments), "--json"])
    (found,) = json.loads(capsys.readouterr().out)
    return code, found


@pytest.mark.parametrize("bits", [1, 3, 8, 11, 16])
def test_packed_bits_and_digits_are_the_same_symbols(tmp_path, bits):
    data = np.random.default_rng(bits).bytes(3001)
    string = "".join(format(byte, "08b") for byte in data)
    whole = len(string) // bits * bits
    expected = [int(string[k : k + bits], 2) for k in range(0, whole, bits)]
    assert symbols(text(tmp_path, data), form="bits", bits=bits) == expected
    assert symbols(text(tmp_path, string), form="ascii01", bits=bits) == expected


@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize(("column", "heading"), [("adc", True), ("2", True), ("2", False)])
def test_a_column_is_read_by_name_or_number(tmp_path, between, column, heading):
    rows = [f'"a{between}b"{between}{value}' for value in ADC]
    head = [f"t{between}adc"] * heading
    path = text(tmp_path, "\r\n".join([*head, *rows, ""]))
    assert symbols(path, form=f"csv:{column}", bits=12) == ADC.tolist()


@pytest.mark.parametrize(
    ("column", "data", "said"),
    [
        ("x", "t,adc\n1,2\n", "no column 'x': there are t, adc"),
        ("2", "1,2\n3\n", "line 2 ends before column 2"),
        ("2", "1,2\n3,4.5\n", r"line 2 has '4\.5' there, no whole number"),
        ("2", f"1,2\n3,{1 << 64}\n", "line 2 has '18446744073709551616' there, no whole number"),
        ("2", f"1,{1 << 64}\n", "line 1 has '18446744073709551616' there, no whole number"),
    ],
)
def test_rows_that_are_none_are_named(tmp_path, column, data, said):
    with pytest.raises(UnusableInput, match=said):
        symbols(text(tmp_path, data), form=f"csv:{column}")


def test_lanes_of_words_are_taken(tmp_path):
    path = text(tmp_path, (ADC << 8).astype("<u4").tobytes())
    assert symbols(path, form="u32le", lanes=(8, 9, 19)) == ((ADC & 3) | (ADC >> 11) << 2).tolist()


def test_wide_symbols_are_mapped_down_and_it_is_said(tmp_path, capsys):
    path = text(tmp_path, (ADC >> 4 << 4).astype("<u2").tobytes())
    found = assessed(capsys, path, "--format", "u16le", "--bits", 12)[1]
    assert (found["lanes"], found["bits_per_symbol"]) == (list(range(4, 12)), 8)
    assert found["bytes"] == len(ADC)


def test_several_files_are_one_stream(tmp_path):
    data = np.random.default_rng(1).bytes(5000)
    names = []
    for k, part in enumerate((data[:1234], data[1234:])):
        names.append(str(tmp_path / f"{k}.bin"))
        (tmp_path / f"{k}.bin").write_bytes(b"head" + part)
    found = read(names, Layout(limit=4000, skip=4))
    assert found.name == " + ".join(names)
    assert found.windows[0].symbols.tobytes() == data[:4000]
    (tmp_path / "0.bin").write_bytes(b"")
    with pytest.raises(UnusableInput, match=r"0\.bin holds no symbols"):
        read(names, Layout(skip=4))


def test_drift_is_a_family_and_sets_the_exit_code(tmp_path, capsys):
    data = np.random.default_rng(2).integers(0, 256, 40_000, dtype=np.uint8)
    code, found = assessed(capsys, text(tmp_path, data.tobytes()), "--segment", 4000)
    assert (code, found["families"]["segments"]["value"]) == (0, 0)
    assert len(found["segments"]["segments"]) == 10
    data[20_000:] |= 1
    code, found = assessed(capsys, text(tmp_path, data.tobytes()), "--segment", 4000)
    assert code == 1
    assert found["families"]["segments"]["p_value"] < 1e-9


def test_advice_names_the_bits_that_carry(tmp_path, capsys):
    path = text(tmp_path, (ADC & 63).astype("<u2").tobytes())
    assert command.main([str(path), "--advise", "--format", "u16le"]) == 0
    assert capsys.readouterr().out.endswith("advice: --lane 0-5\n\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bits", "9"], "--format raw has values of 8 bits"),
        (["--lane", "8"], "a value has 8 bits, 0 to 7"),
        (["--lane", "x"], "bits of a value"),
        (["--lane", "3-1"], "each bit once"),
        (["--lane", "1,1"], "each bit once"),
        (["--lane", "0-16", "--format", "u32le"], "at most 16"),
        (["--format", "csv:"], "must be one of raw, bits"),
        (["--bits", "17"], "invalid choice"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(arguments, said, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(["x", *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert lanes_of("7,0-2", 8) == (0, 1, 2, 7)


def test_segments_that_do_not_fit_are_refused(tmp_path, capsys):
    assert command.main([str(text(tmp_path, bytes(5000))), "--segment", "3000"]) == 2
    assert "it has 1 whole segments of 3,000 symbols" in capsys.readouterr().err


def test_the_former_option_has_the_former_names(tmp_path, capsys):
    path = text(tmp_path, "01" * 4000)
    assert assessed(capsys, path, "--form", "bits")[1]["format"] == "ascii01"


def test_ais31_as_a_command(tmp_path, capsys):
    path = text(tmp_path, hashlib.shake_128(b"ais31").digest(1_000_000))
    code, found = assessed(capsys, path, "--ais31", "b")
    assert (code, found["ais31"]["B"]["verdict"]) == (0, "passed")
    assert len(found["ais31"]["B"]["rounds"][0]["tests"]) == 9
    assert command.main([str(path), "--ais31", "a"]) == 2
    assert "A: too short: procedure A takes 8,365,728 bits" in capsys.readouterr().out
    biased = np.random.default_rng(1).random(10_000_000) < 0.45
    path.write_bytes(np.packbits(biased).tobytes())
    assert command.main([str(path), "--ais31", "b"]) == 1
    assert "T6a: the bias exceeds 0.025" in capsys.readouterr().out


def test_a_value_of_more_bits_than_asked_for_is_refused_unless_lanes_are_chosen(tmp_path, capsys):
    words = (ADC % 4096).astype("<u2")
    words[17] = 5000
    path = text(tmp_path, words.tobytes())
    wide = [str(path), "--format", "u16le", "--bits", "12"]
    assert command.main(wide) == 2
    said = capsys.readouterr().err
    assert "value 17 of" in said
    assert "is 5000, and 12 bits end at 4095: --lane 0-11" in said
    assert command.main([*wide, "--lane", "0-11", "--advise"]) == 0
    strict = {"form": "u16le", "bits": 12, "strict": True}
    assert len(symbols(path, limit=17, **strict)) == 17
    with pytest.raises(UnusableInput, match="value 17 of"):
        symbols(path, limit=18, **strict)
    half_bytes = text(tmp_path, "0102030f10")
    assert symbols(half_bytes, form="hex", bits=4, limit=4) == [1, 2, 3, 15]
    with pytest.raises(UnusableInput, match="byte 4 of"):
        symbols(half_bytes, form="hex", bits=4, limit=5)


def test_no_trials_are_refused(capsys):
    assert command.main(["--health", "0.7", "--bits", "1", "--trials", "0"]) == 2
    assert "--trials 0: must be at least 1" in capsys.readouterr().err
