"""`degenerate --verify`: what was altered is found, and named; nothing hostile gets further."""

import json
import os
import random
import shutil
import subprocess
import time

import pytest
from certificates import many, report, written

import dan_bench.degenerate.verify as verifying
from dan_bench.degenerate.__main__ import main
from dan_bench.degenerate.signature import NAMESPACE
from dan_bench.degenerate.verify import BadCertificate, verify

KEYGEN = shutil.which("ssh-keygen")
signs = pytest.mark.skipif(KEYGEN is None, reason="OpenSSH is not installed")


def key(folder, name="key"):
    path = folder / name
    subprocess.run([KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def test_a_certificate_as_written_is_good(tmp_path, capsys):
    path, document = written(tmp_path)
    assert main(["--verify", str(path)]) == 0
    said = capsys.readouterr().out
    assert document["chain"]["head"] in said
    assert "not signed" in said


def test_renamed_with_its_text_it_is_still_good(tmp_path):
    path, _ = written(tmp_path)
    path.with_suffix(".txt").rename(tmp_path / "d.txt")
    verify(path.rename(tmp_path / "d.json"))


def test_written_by_another_tool_it_is_still_good(tmp_path):
    path, document = written(tmp_path)
    path.write_text(json.dumps(document, indent=4, sort_keys=True, ensure_ascii=False))
    verify(path)


def set_in(document, where, value):
    *above, last = where
    for step in above:
        document = document[step]
    document[last] = value


ALTERED = {
    "a size": (["folders", 0, "files", 0, 1], 4097, "total.bytes"),
    "a size, and the sum": (None, None, "chain is broken"),
    "a name": (["folders", 0, "files", 0, 0], "other", "chain is broken"),
    "a folder": (["folders", 0, "folder"], "/y", "chain is broken"),
    "an outcome of a file": (["folders", 0, "files", 0, 2], 1, "outcomes.0.count"),
    "no such outcome": (["folders", 0, "files", 0, 2], 99, "no outcome 99"),
    "a doubt": (["outcomes", 1, "doubts"], [], "total.doubted"),
    "an error": (["outcomes", 2, "error"], "else", "chain is broken"),
    "the operator": (["operator"], "E. F.", "chain is broken"),
    "what the noise leaves": (["sources", 0, "at_least"], 1.0, "total.destroyed"),
    "a time": (["attempts", 0, 0], "2001-01-01T00:00:00+00:00", "chain is broken"),
    "the headline": (["total", "destroyed", "at_least"], 100.0, "total.destroyed"),
    "vouched": (["total", "vouched"], True, "total.vouched"),
    "%_dd the wrong way": (["folders", 0, "files", 0, 4], 1.0, "%_dd from 99.8 to 1.0"),
    "more data than bytes": (["folders", 0, "files", 0], ["a", 1, 0, 0, 1, {"data": 2}], "2 bytes"),
    "more compared than data": (
        ["folders", 0, "files", 0],
        ["a", 9, 0, 0, 1, {"compared": 10}],
        "10 bytes compared, of 9",
    ),
    "an error of what is overwritten": (["outcomes", 0, "error"], "no", "has no error"),
    "no error of what failed": (["outcomes", 3, "error"], None, "has no error"),
    "bad blocks of what is overwritten": (
        ["folders", 0, "files", 0],
        ["a", 9, 0, 0, 1, {"bad": [[0, 4]]}],
        "has no error",
    ),
    "bad blocks behind the end": (
        ["folders", 2, "files", 0, 5],
        {"bad": [[4096, 30_000]]},
        "bad blocks at [4096, 30000]",
    ),
    "noise that leaves less than nothing": (
        ["sources", 0],
        {"name": "x", "made_from_data": True, "reason": "", "at_least": 9.0, "at_most": 1.0},
        "at most is less",
    ),
    "a digest that is none": (["folders", 2, "files", 3, 5], {"digest": "1234"}, "files.3"),
    "no such source": (["outcomes", 0, "source"], 7, "outcomes.0.source"),
    "a link of the chain": (["chain", "links"], ["0" * 64], "chain is broken"),
    "a device": (
        ["devices"],
        [{"file_system": "x", "mounted_at": "", "layers": [], "remarks": []}],
        "chain",
    ),
    "a size that is none": (["folders", 0, "files", 0, 1], None, "no size"),
}


@pytest.mark.parametrize(("where", "value", "words"), ALTERED.values(), ids=ALTERED.keys())
def test_what_was_altered_is_found(tmp_path, where, value, words, capsys):
    path, document = written(tmp_path)
    path.with_suffix(".txt").unlink()
    if where is None:
        document["folders"][0]["files"][0][1] += 1
        document["total"]["bytes"] += 1
        size = document["total"]
        with pytest.raises(BadCertificate):
            verifying.check_entries(document)
        document["total"]["on_disk"] = size["on_disk"]
        sums = verifying.Sums(document["sources"], document["remove"])
        for of in document["folders"]:
            for entry in of["files"]:
                sums.add(of["folder"], entry, document["outcomes"][entry[2]])
        document["total"] = sums.total()
    else:
        set_in(document, where, value)
    path.write_text(json.dumps(document))
    assert main(["--verify", str(path)]) == 1
    assert words in capsys.readouterr().err


def test_the_place_of_a_break_is_named_to_a_thousand_files(tmp_path):
    path, document = written(tmp_path, report(many(3500)))
    document["folders"][22]["files"][5][0] = "another.jpg"  # file 2,206
    path.write_text(json.dumps(document))
    with pytest.raises(BadCertificate, match="files 2,001 to 3,000"):
        verify(path)


def test_files_that_change_places_break_the_chain(tmp_path):
    path, document = written(tmp_path, report(many(20)))
    files = document["folders"][0]["files"]
    files[3], files[4] = files[4], files[3]
    path.write_text(json.dumps(document))
    with pytest.raises(BadCertificate, match="chain is broken"):
        verify(path)


def test_a_text_that_says_otherwise_is_found(tmp_path):
    path, _ = written(tmp_path)
    text = path.with_suffix(".txt")
    text.write_text(text.read_text().replace("NO, not all of it", "yes, all of it"))
    with pytest.raises(BadCertificate, match=r"c\.txt does not say"):
        verify(path)


HOSTILE = {
    "empty": (b"", "no JSON"),
    "no JSON": (b"\xff\xfe{}", "no JSON"),
    "a number": (b"1", "no certificate"),
    "something else": (b'{"kind": "x"}', "no certificate"),
    "deep": (b"[" * 1_000_000, "no JSON"),
    "deep objects": (b'{"a":' * 1_000_000, "no JSON"),
    "of version 1": (b'{"kind": "dan_bench certificate of erasure, version 1"}', "version 1"),
    "nothing in it": (b'{"kind": "dan_bench certificate of erasure, version 2"}', "claim"),
    "a name twice": (b'{"kind": "a", "kind": "b"}', "twice"),
}


@pytest.mark.parametrize(("content", "words"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_certificate_is_refused(tmp_path, content, words, capsys):
    path = tmp_path / "c.json"
    path.write_bytes(content)
    assert main(["--verify", str(path)]) == 1
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [path]


REPLACED = {
    "NaN": ('"at_most": 100.0', '"at_most": NaN'),
    "Infinity": ('"at_most": 100.0', '"at_most": Infinity'),
    "beyond a float": ('"at_most": 100.0', '"at_most": 1e999'),
    "a huge number": ('"failed": 1', f'"failed": {"9" * 4000}'),
    "a negative number": ('"failed": 1', '"failed": -1'),
    "a text for a number": ('"failed": 1', '"failed": "1"'),
    "true for a number": ('"failed": 1', '"failed": true'),
    "a float for a number": ('"failed": 1', '"failed": 1.0'),
    "a name twice": ('"failed": 1', '"failed": 1, "failed": 1'),
    "a further name": ('"failed": 1', '"failed": 1, "__class__": "os.system"'),
    "null particulars": ('"same_as":"/x/plain"', '"same_as":null'),
    "no list": ('"folders": [', '"folders": {}, "x": ['),
    "a lone surrogate": ('"plain"', '"\\udcff"'),
    "an entry too short": ('["plain",4096,', '["plain",'),
}


@pytest.mark.parametrize(("old", "new"), REPLACED.values(), ids=REPLACED.keys())
def test_wrong_values_are_refused(tmp_path, old, new):
    path, _ = written(tmp_path)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(BadCertificate):
        verify(path)


def test_cut_or_damaged_anywhere_it_is_never_good_and_never_a_fault(tmp_path):
    path, _ = written(tmp_path)
    content = path.read_bytes()
    path.with_suffix(".txt").unlink()
    for at in range(0, len(content) - 3, 97):
        path.write_bytes(content[:at])
        with pytest.raises(BadCertificate):
            verify(path)
        if content[at : at + 1].isalnum():
            path.write_bytes(content[:at] + b"\x00" + content[at + 1 :])
            with pytest.raises(BadCertificate):
                verify(path)


ODD = [None, True, -1, 1.5, 1e308, 1 << 70, "", "x" * 50, [], {}, [[]], {"a": 1}, "\ud800"]


def places_in(value, above=()):
    """Yield where each part of a document is."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in pairs:
        yield (*above, name)
        if isinstance(inner, dict | list):
            yield from places_in(inner, (*above, name))


def test_nothing_put_anywhere_or_taken_out_is_accepted_or_a_fault(tmp_path):
    path, document = written(tmp_path)
    path.with_suffix(".txt").unlink()
    draw = random.Random(5)
    places = list(places_in(document))
    for _ in range(600):
        altered = json.loads(json.dumps(document))
        *above, last = draw.choice(places)
        part = altered
        for step in above:
            part = part[step]
        if draw.random() < 0.2:
            del part[last]
        else:
            part[last] = draw.choice(ODD)
        if json.dumps(altered) == json.dumps(document):
            continue
        path.write_text(json.dumps(altered))
        with pytest.raises(BadCertificate):
            verify(path)


def test_no_file_that_is_no_file_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", "/dev/zero", tmp_path):
        with pytest.raises((BadCertificate, OSError)):
            verify(type(tmp_path)(path))


@pytest.mark.parametrize("ending", ["", ".txt", ".json.sig"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_a_pipe_or_a_folder_in_place_of_a_file_is_not_good(tmp_path, ending, make, capsys):
    path, _ = written(tmp_path)
    if not ending:
        path = tmp_path / "d.json"
    beside = path.with_suffix(ending or ".json")
    beside.unlink(missing_ok=True)
    make(beside)
    assert main(["--verify", str(path)]) == 1
    assert "is no regular file" in capsys.readouterr().err


def test_one_without_end_is_refused_early(tmp_path, monkeypatch):
    monkeypatch.setattr(verifying, "LARGEST", 1 << 20)
    with (tmp_path / "c.json").open("wb") as file:
        file.truncate(1 << 40)
    began = time.monotonic()
    with pytest.raises(BadCertificate, match="more than"):
        verify(tmp_path / "c.json")
    assert time.monotonic() - began < 5


def test_what_is_not_there_is_an_error_of_the_input(tmp_path):
    assert main(["--verify", str(tmp_path / "none.json")]) == 2


def test_nothing_is_erased_beside(tmp_path):
    path, _ = written(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["--verify", str(path), str(tmp_path)])
    assert ended.value.code == 2


# signatures


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a").write_bytes(b"a" * 5000)
    return tmp_path


def signers_of(place, path, who="ann@example.org"):
    public = path.with_name(path.name + ".pub").read_text()
    (place / "signers").write_text(f'{who} namespaces="{NAMESPACE}" {public}')
    return ["--signers", "signers"]


@signs
def test_a_signature_holds_until_anything_is_altered(place, capsys):
    options = ["--yes", "--certificate", "c.json", "--sign", str(key(place))]
    assert main(["secret", *options]) in (0, 3)
    signers = signers_of(place, place / "key")
    assert main(["--verify", "c.json", *signers]) == 0
    assert "ann@example.org" in capsys.readouterr().out
    assert main(["--verify", "c.json"]) == 0
    content = (place / "c.json").read_text()
    (place / "c.json").write_text(content + "\n")
    assert main(["--verify", "c.json", *signers]) == 1
    assert main(["--verify", "c.json"]) == 1
    assert "signature is not good" in capsys.readouterr().err
    (place / "c.json").write_text(content)
    assert main(["--verify", "c.json", *signers]) == 0
    (place / "c.json.sig").unlink()
    assert main(["--verify", "c.json", *signers]) == 1
    assert "not signed" in capsys.readouterr().err


@signs
def test_the_signature_of_a_stranger_or_for_another_purpose_is_none(place):
    path, _ = written(place)
    key(place)
    key(place, "stranger")
    signers = signers_of(place, place / "key")
    for namespace, by in ((NAMESPACE, "stranger"), ("file", "key")):
        sign = [KEYGEN, "-q", "-Y", "sign", "-n", namespace, "-f", place / by, path]
        (place / "c.json.sig").unlink(missing_ok=True)
        subprocess.run(sign, check=True, capture_output=True)
        assert main(["--verify", str(path), *signers]) == 1
    for damage in (b"", b"-----BEGIN SSH SIGNATURE-----\n", b"x" * 100_000):
        (place / "c.json.sig").write_bytes(damage)
        assert main(["--verify", str(path)]) == 1


@pytest.mark.parametrize("fault", ["no key", "no private key", "no tool", "in the target"])
def test_what_cannot_sign_is_refused_before_anything_is_touched(place, fault, monkeypatch, capsys):
    (place / "key").write_text("no key")
    path = place / "key"
    if fault == "no key":
        path = place / "nowhere"
    elif fault == "no tool":
        monkeypatch.setenv("PATH", str(place))
    elif fault == "in the target":
        path = path.rename(place / "secret" / "key")
    before = (place / "secret" / "a").read_bytes()
    assert main(["secret", "--yes", "--sign", str(path)]) == 2
    assert "nothing was touched" in capsys.readouterr().err
    assert (place / "secret" / "a").read_bytes() == before
    assert not list(place.glob("certificate*"))
