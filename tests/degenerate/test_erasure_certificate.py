"""The certificate: its form, what it adds up to, and what it does not give away."""

import hmac
import json
import os
import subprocess
from pathlib import Path

import pytest
from certificates import ATTEMPT, Leaky, many, report, result, some, written
from erasing import listed
from jsonschema import Draft202012Validator

from dan_bench.degenerate.__main__ import main
from dan_bench.degenerate.certificate import CLAIM, NOT_KNOWN
from dan_bench.degenerate.device import devices
from dan_bench.degenerate.form import Document, schema
from dan_bench.erase import Attempt, FastNoise, UrandomNoise

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "certificate.schema.json"


@pytest.fixture
def validator():
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))
    return Draft202012Validator(json.loads(SCHEMA.read_text()))


def test_the_schema_in_the_docs_is_that_of_the_code():
    assert json.loads(SCHEMA.read_text()) == schema()


def test_a_real_certificate_is_of_the_schema(tmp_path, monkeypatch, validator):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a").write_bytes(b"a" * 5000)
    os.symlink("a", tmp_path / "secret" / "l")
    options = [
        "--yes",
        "--certificate",
        "c.json",
        "--operator",
        "A. B.",
        "--contact",
        "a@b.example",
    ]
    assert main(["secret", *options]) in (0, 3)  # 3: where /tmp cannot be vouched for
    document = json.loads((tmp_path / "c.json").read_text())
    assert list(validator.iter_errors(document)) == []
    assert (document["operator"], document["contact"]) == ("A. B.", "a@b.example")
    assert document["devices"]
    assert document["claim"] == CLAIM
    assert document["not_known"] == list(NOT_KNOWN)
    text = (tmp_path / "c.txt").read_text()
    assert "A. B." in text
    assert all(known in text for known in NOT_KNOWN)


def test_all_kinds_of_outcomes_are_of_the_schema_and_their_sums_are_right(tmp_path, validator):
    _, document = written(tmp_path)
    assert list(validator.iter_errors(document)) == []
    Document.model_validate_json((tmp_path / "c.json").read_bytes(), strict=True)
    total = document["total"]
    assert [total[n] for n in ("overwritten", "partly", "failed")] == [7, 1, 1]
    assert [total[n] for n in ("left_alone", "passed_over", "doubted")] == [1, 1, 2]
    assert total["bytes"] == 4 * 4096 + 6  # the twin is counted once
    assert total["vouched"] is False
    weights = {"plain": 4096, "moved": 4096, "moved too": 4096, "bad": 20_000, "failed": 4096}
    data = sum(weights.values()) + 4096 + 6
    least = ((data - 6) * 99.8 + 6 * 54.2862) / data
    assert total["on_disk"]["at_least"] == pytest.approx(least, abs=1e-4)
    names = [entry["path"] for entry in listed(document)]
    assert "/x/é\\xff\\\\n" in names
    assert sum(of["count"] for of in document["outcomes"]) == len(names) == 11


def test_numbers_in_a_doubt_make_no_new_outcome(tmp_path):
    _, document = written(tmp_path)
    found = [of for of in document["outcomes"] if of["doubts"]]
    assert [(of["doubts"], of["count"]) for of in found] == [
        (["{} of {} bytes lie in other blocks now"], 2)
    ]
    text = (tmp_path / "c.txt").read_text()
    assert (
        "moved': 4,096 bytes, overwritten; read back as written; UNVERIFIED: 4096 of 8192" in text
    )
    assert "UNVERIFIED: 12 of 99 bytes lie in other blocks now" in text


def test_text_and_json_say_the_same(tmp_path):
    _, document = written(tmp_path)
    text = (tmp_path / "c.txt").read_text()
    total = document["total"]
    ends = total["destroyed"]
    assert f"at least {ends['at_least']:.4f}, at most {ends['at_most']:.4f} %_dd" in text
    assert f"{total['overwritten']} of 9 overwritten, {total['bytes']:,} bytes" in text
    assert document["chain"]["head"] in text
    for entry in listed(document):
        usual = entry["status"] == "overwritten" and not entry["doubts"]
        assert (entry["path"].replace("\n", "\\n") + "'" in text) is not usual
    assert not any(line.startswith("ner/") for line in text.splitlines())


def test_a_name_forges_no_line_of_the_text(tmp_path):
    name = "/x/a\ndestroyed:    at least 100.0000\u202e\x1b[2K"
    written(tmp_path, report([result(name, status="failed", error="no\nvouched for:  yes")]))
    lines = (tmp_path / "c.txt").read_text().splitlines()
    assert sum(line.startswith(("destroyed:", "vouched for:")) for line in lines) == 2
    assert not any("\x1b" in line or "\u202e" in line for line in lines)


# what the noise leaves


def test_what_a_network_leaves_is_in_the_headline(tmp_path):
    _, document = written(tmp_path, report([result("/x/a", attempt=ATTEMPT)]), Leaky(0.0, 48.0))
    assert document["sources"][0]["name"] == FastNoise.name  # by its name, not by the last source
    attempt = Attempt(1, Leaky.name, 1.7e9, 1.7e9)
    of = report([result("/x/a", low=99.9, attempt=attempt)], attempts=(attempt,))
    _, document = written(tmp_path, of, Leaky(0.0, 48.0))
    assert document["total"]["on_disk"] == {"at_least": 99.9, "at_most": 100.0}
    assert document["total"]["destroyed"] == {"at_least": 0.0, "at_most": 48.0}
    assert document["total"]["vouched"] is False
    text = (tmp_path / "c.txt").read_text()
    assert "destroyed:    at least 0.0000, at most 48.0000 %_dd" in text
    assert "made from the data" in text
    assert "measured on other data" in text
    _, document = written(tmp_path, of, Leaky(99.5, 99.7))
    assert document["total"]["destroyed"] == {"at_least": 99.4005, "at_most": 99.7}  # 99.9 x 99.5
    assert document["total"]["vouched"] is True
    _, document = written(tmp_path, of, Leaky(0.0, None))
    assert document["total"]["destroyed"] == {"at_least": 0.0, "at_most": None}
    assert "at most not measured" in (tmp_path / "c.txt").read_text()


def test_each_attempt_counts_by_its_own_noise(tmp_path):
    network, fast = Attempt(1, "run of a network", 1e9, 1e9), Attempt(2, FastNoise.name, 2e9, 2e9)
    files = [result("/x/a", attempt=network), result("/x/b", 3 * 4096, attempt=fast)]
    _, document = written(tmp_path, report(files, attempts=(network, fast)))
    assert [of["made_from_data"] for of in document["sources"]] == [True, False]
    assert document["total"]["destroyed"]["at_least"] == pytest.approx(0.75 * 99.8)
    assert document["total"]["destroyed"]["at_most"] is None
    assert [began[:4] for began, _ in document["attempts"]] == ["2001", "2033"]


def test_an_earlier_generator_is_known_by_its_name(tmp_path):
    attempts = Attempt(1, UrandomNoise.name, 1e9, 1e9), ATTEMPT
    files = [result("/x/a", attempt=attempts[0])]
    _, document = written(tmp_path, report(files, attempts=attempts))
    assert [of["at_least"] for of in document["sources"]] == [100.0, 100.0]


# what it does not give away, and how large it is


def test_there_is_no_hash_of_any_content(tmp_path):
    _, document = written(tmp_path)
    assert "sha256" not in json.dumps(document)
    assert [e["digest"] for e in listed(document) if "digest" in e] == ["ab" * 32]


def test_a_hundred_thousand_files_are_under_ten_megabytes(tmp_path):
    kept = report(
        many(100_000, doubts=("btrfs writes to a new place: the old one keeps the data",))
    )
    written(tmp_path, kept)
    assert (tmp_path / "c.json").stat().st_size < 10_000_000
    assert (tmp_path / "c.txt").stat().st_size < 20_000
    assert "and 99,950 more" in (tmp_path / "c.txt").read_text()


def test_failures_are_named_however_many_doubts_come_first(tmp_path):
    files = [
        *many(300, doubts=("it is not known",)),
        result("/x/last", status="failed", error="no"),
    ]
    written(tmp_path, report(files))
    assert "/x/last" in (tmp_path / "c.txt").read_text()


# devices


def test_the_device_of_a_file_is_that_of_the_machine(tmp_path):
    status = os.stat(tmp_path)
    (found,) = devices([(None, status.st_dev)] * 3)
    kind = subprocess.run(
        ["stat", "-f", "-c", "%T", tmp_path], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert found["file_system"] in (kind, "ext4", "ext3", "ext2", "overlay")
    Document.model_fields["devices"].annotation.__args__[0].model_validate(found)


def test_what_is_mounted_nowhere_is_said_to_be_unknown():
    assert devices([(None, os.makedev(200, 99))]) == [
        {"file_system": "not known", "mounted_at": "", "layers": [], "remarks": []}
    ]


def test_some_holds_what_these_tests_are_about():
    statuses = {file.status for file in some().files}
    assert statuses == {"overwritten", "partly", "failed"}


# digests


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "pin").write_bytes(b"4711")
    return tmp_path


def test_a_digest_is_of_the_key_and_only_if_asked_for(place):
    key = bytes(range(32))
    (place / "key").write_bytes(key)
    options = ["--yes", "--digest-key", "key", "--certificate", "c.json"]
    assert main(["secret", *options]) in (0, 3)
    (entry,) = listed(json.loads((place / "c.json").read_text()))
    span = (0).to_bytes(8, "little") + (4).to_bytes(8, "little")
    assert entry["digest"] == hmac.new(key, span + b"4711", "sha256").hexdigest()
    (place / "secret" / "pin").write_bytes(b"4712")
    assert main(["secret", "--yes", "--certificate", "d.json"]) in (0, 3)
    assert "digest" not in listed(json.loads((place / "d.json").read_text()))[0]


@pytest.mark.parametrize("key", [None, b"", b"fifteen bytes..", bytes(70_000), "in the target"])
def test_a_key_that_gives_the_content_away_is_refused(place, key, capsys):
    path = place / ("secret/key" if key == "in the target" else "key")
    if key is not None:
        path.write_bytes(bytes(32) if key == "in the target" else key)
    assert main(["secret", "--yes", "--digest-key", str(path)]) == 2
    assert "nothing was touched" in capsys.readouterr().err
    assert (place / "secret" / "pin").read_bytes() == b"4711"
