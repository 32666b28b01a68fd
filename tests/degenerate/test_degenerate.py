"""`python -m dan_bench.degenerate`: what it does when told to, and everything that it does not do.

All of it happens in folders that pytest made.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from base_install import run_module
from erasing import listed, overwritten

from dan_bench.config.compose import configure
from dan_bench.degenerate.__main__ import main
from dan_bench.degenerate.certificate import CLAIM
from dan_bench.degenerate.source import found_by, network_noise
from dan_bench.pipeline.algorithm1 import NetworkNoise
from dan_bench.pipeline.load import NoDegenerator, find, load
from dan_bench.pipeline.run import run
from dan_bench.results.record import Store
from dan_bench.results.select import OLD

DONE = (0, 3)
"""All was overwritten; which of them depends on the file system that tests run on."""
COMMAND = [sys.executable, "-m", "dan_bench.degenerate"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to be erased with a canary beside it, and a working folder of our own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    target = tmp_path / "secret"
    (target / "deep").mkdir(parents=True)
    for i, name in enumerate(("a.txt", "deep/b.bin", "deep/odd\nname")):
        (target / name).write_bytes(random.Random(i).randbytes(5000 + i))
    (tmp_path / "canary").write_bytes(b"sing" * 1000)
    (target / "link").symlink_to(tmp_path / "canary")
    (tmp_path / "note.txt").write_text("neither a target nor a certificate")
    return tmp_path


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def certificate_in(folder):
    (path,) = folder.glob("certificate-*.json")
    return json.loads(path.read_text()), path.with_suffix(".txt").read_text()


# what it does not do


def never(question):
    raise AssertionError(f"asked: {question}")


@pytest.mark.parametrize(
    ("arguments", "ask", "code"),
    [
        (["--dry-run"], never, 0),
        ([], lambda _: "", 4),
        ([], lambda _: "Secret", 4),
        ([], lambda _: "secret ", 4),
        ([], None, 4),
    ],
    ids=["dry run", "empty answer", "wrong case", "blank behind", "no terminal"],
)
def test_without_a_yes_it_lists_and_touches_nothing(
    place, arguments, ask, code, capsys, monkeypatch
):
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115
    before = contents(place)
    assert main([str(place / "secret"), *arguments], ask) == code
    assert contents(place) == before
    said = capsys.readouterr().out
    assert "15,003  bytes in 3 files would be overwritten" in said
    assert "odd\\nname" in said
    assert "a symbolic link" in said
    assert "nothing was touched" in said


def test_end_of_input_is_a_no(place):
    def gone(_):
        raise EOFError

    before = contents(place)
    assert main([str(place / "secret")], gone) == 4
    assert contents(place) == before


REFUSED = {
    "no such path": (["nowhere"], "nowhere"),
    "the root": (["/"], "root of the file system"),
    "above the working folder": (["."], "working folder"),
    "certificate within": (["secret", "--certificate", "secret/c.json"], "certificate"),
    "certificate of another kind": (["secret", "--certificate", "c.pdf"], ".json"),
    "certificate whose text is the file": (["note.txt", "--certificate", "note.json"], "note.txt"),
    "certificate whose text is another's": (["secret", "--certificate", "note.json"], "note.txt"),
    "certificate nowhere": (["secret", "--certificate", "no/c.json"], "no folder"),
    "journal within": (["secret", "--journal", "secret/j"], "journal"),
    "journal that is none": (["secret", "--journal", "canary"], "canary"),
    "no such source": (["secret", "--with", "nonsense"], "model=dan"),
    "a folder that is no run": (["secret", "--with", "secret"], "record.json"),
    "a link": (["secret/link"], "link"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_wrong_is_refused_and_nothing_is_touched(place, arguments, words, capsys):
    before = contents(place)
    assert main([*arguments, "--yes"]) == 2
    assert words in capsys.readouterr().err
    after = contents(place)
    after = {name: data for name, data in after.items() if name.parts[0] != "state"}
    assert after == before


def test_an_empty_folder_has_nothing_to_overwrite(place, capsys):
    (place / "empty").mkdir()
    assert main([str(place / "empty"), "--yes"]) == 4
    assert "nothing to overwrite" in capsys.readouterr().out


def test_opposite_flags_are_refused(place):
    with pytest.raises(SystemExit) as ended:
        main([str(place / "secret"), "--yes", "--dry-run"])
    assert ended.value.code == 2


# what it does


@pytest.mark.parametrize("source", ["fast", "python_random", "urandom"])
def test_told_yes_it_overwrites_all_of_it_and_nothing_else(place, source):
    before = contents(place / "secret")
    assert main([str(place / "secret"), "--yes", "--with", source]) in DONE
    after = contents(place / "secret")
    assert after.keys() == before.keys()
    for name, old in before.items():
        new = after[name]
        assert len(new) == len(old)
        same = np.mean(np.frombuffer(new, np.uint8) == np.frombuffer(old, np.uint8))
        assert same < 0.02  # 1/256 is expected; six standard errors above it
    assert (place / "canary").read_bytes() == b"sing" * 1000
    assert list((place / "state" / "dan_bench").iterdir()) == []


def test_the_typed_name_is_as_good_as_a_yes(place):
    asked = []

    def answer(question):
        asked.append(question)
        return "secret"

    before = contents(place / "secret")
    assert main([str(place / "secret")], answer) in DONE
    assert len(asked) == 1
    assert all(contents(place / "secret")[name] != old for name, old in before.items())


def test_the_certificate_says_what_was_seen(place):
    assert main([str(place / "secret"), "--yes"]) in DONE
    found, text = certificate_in(place)
    assert found["claim"] == CLAIM
    assert "Clear" in text
    assert "800-88" in text
    assert found["total"]["vouched"] is True
    assert found["paths"] == [str(place / "secret")]
    assert {entry["status"] for entry in overwritten(found)} == {"overwritten"}
    assert [e["path"] for e in listed(found) if e["status"] == "passed over"] == [
        str(place / "secret" / "link")
    ]
    ends = found["total"]["destroyed"]
    assert 0 <= ends["at_least"] <= ends["at_most"] <= 100
    for entry in listed(found):
        for reason in entry["doubts"]:
            assert f"UNVERIFIED: {reason}" in text


def test_asked_to_it_removes_what_it_has_overwritten(place):
    assert main([str(place / "secret"), "--yes", "--remove"]) in DONE
    assert contents(place / "secret") == {}
    assert (place / "canary").read_bytes() == b"sing" * 1000
    assert all(entry["removed"] for entry in overwritten(certificate_in(place)[0]))


def test_a_file_with_another_name_is_left_alone_unless_it_is_asked_for(place):
    os.link(place / "secret" / "a.txt", place / "other name")
    old = (place / "other name").read_bytes()
    assert main([str(place / "secret"), "--yes"]) == 3
    assert (place / "other name").read_bytes() == old
    for path in place.glob("certificate-*"):
        path.unlink()
    assert main([str(place / "secret"), "--yes", "--hard-links"]) in DONE
    assert (place / "other name").read_bytes() != old


@pytest.mark.parametrize("after", [0.0, 0.05, 0.3])
def test_killed_at_any_moment_it_goes_on_and_never_says_more_than_was_done(place, after):
    target = place / "secret"
    for i in range(12):
        (target / f"{i}.bin").write_bytes(random.Random(i).randbytes(2_000_000))
    before = contents(target)
    command = [*COMMAND, str(target), "--yes", "--with", "python_random"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list((place / "state").rglob("*.journal")):
        time.sleep(0.005)
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if process.returncode == -signal.SIGKILL:
        assert not list(place.glob("certificate-*"))
    ended = subprocess.run(command, check=False, capture_output=True)
    assert ended.returncode in (0, 3)  # of a file that was cut off, nothing can be compared
    now = contents(target)
    assert all(now[name] != old and len(now[name]) == len(old) for name, old in before.items())
    found = json.loads(sorted(place.glob("certificate-*.json"))[-1].read_text())
    assert {entry["path"] for entry in overwritten(found)} == {str(target / n) for n in before}
    assert {entry["status"] for entry in overwritten(found)} == {"overwritten"}
    assert (place / "canary").read_bytes() == b"sing" * 1000


# a trained degenerator

RUN = [
    "data=danoise",
    "data.shape=[12,10]",
    "data.train_size=200",
    "data.test_size=200",
    "noise_dim=120",
    "evaluation=minimal",
    "evaluation.samples=100",
    "evaluation.known=100",
    "trainer.batch_size=8",
    "trainer.max_steps=5",
    "logger=none",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Two finished runs, of a dan and of an untrained network."""
    results = tmp_path_factory.mktemp("results")
    for model in ("dan", "untrained"):
        config = configure([*RUN, f"model={model}", "output=torus", f"runtime.results={results}"])
        assert run(config, "test").status == "done"
    return results


def test_what_is_read_back_is_what_was_trained(trained):
    record = find("dan", trained)
    folder = trained / "runs" / record.key
    inputs, sample = np.load(folder / "inputs.npy"), np.load(folder / "samples.npy")
    degenerator = load(record, folder, record.config["seed"])
    assert np.array_equal(degenerator(inputs, np.arange(len(inputs))), sample)


def test_a_run_is_found_by_its_folder_its_key_and_its_model(trained):
    record = find("dan", trained)
    assert find(record.key[:6], trained) == record
    assert find(str(trained / "runs" / record.key), Path("elsewhere")) == record
    (other,) = [r for r in Store(trained).all()[0] if r.key != record.key]
    with pytest.raises(NoDegenerator, match="untrained"):
        find(str(trained / "runs" / other.key), trained)
    with pytest.raises(NoDegenerator, match="there are: dan"):
        find("infodan", trained)


def test_a_files_bytes_are_the_networks_input_and_its_output_takes_their_place(place, trained):
    before = contents(place / "secret")
    arguments = ["--yes", "--with", "dan", "--leaky", "--results", str(trained)]
    assert main([str(place / "secret"), *arguments]) == 3
    assert all(contents(place / "secret")[name] != old for name, old in before.items())
    found, _ = certificate_in(place)
    assert find("dan", trained).key in found["sources"][0]["name"]


def test_rows_are_cut_and_filled_up_and_no_noise_is_used_twice():
    seen = []

    class Spy:
        noise_bits = 8.0

        def __call__(self, data, rows):
            seen.append((data.copy(), rows.copy()))
            return 255 - data

    noise = NetworkNoise(Spy(), 4, "spy")
    assert bytes(noise.fill(b"\x01\x02\x03\x04\x05", 0, 5)) == bytes([254, 253, 252, 251, 250])
    assert bytes(noise.fill(b"\x09", 5, 1)) == bytes([246])
    assert seen[0][0].tolist() == [[1, 2, 3, 4], [5, 0, 0, 0]]
    assert [rows.tolist() for _, rows in seen] == [[0, 1], [2]]


def test_two_erasures_have_different_noise(trained):
    record = find("dan", trained)
    folder = trained / "runs" / record.key
    one, two = (bytes(network_noise(record, folder).fill(bytes(600), 0, 600)) for _ in range(2))
    assert one != two


def test_a_network_that_the_old_set_attacked_is_listed_so(trained):
    record = find("dan", trained)
    folder = trained / "runs" / record.key
    assert OLD not in network_noise(record, folder).name
    assert network_noise(replace(record, schema_version=1), folder).name.endswith(OLD)


@pytest.mark.parametrize("damage", ["missing", "text", "another network", "a pickle"])
def test_a_checkpoint_that_is_none_is_refused(place, trained, damage, tmp_path, capsys):
    record, source = found_by("dan", trained)
    folder = tmp_path / "copy" / record.key
    folder.mkdir(parents=True)
    for name in ("record.json", "samples.npy"):
        (folder / name).write_bytes((source / name).read_bytes())
    if damage == "text":
        (folder / "weights.pt").write_text("no checkpoint")
    elif damage == "another network":
        torch.save({"weights": {"a": torch.zeros(1)}, "data_mean": 0.5}, folder / "weights.pt")
    elif damage == "a pickle":
        torch.save(
            {"weights": Path("code that would run"), "data_mean": 0.5}, folder / "weights.pt"
        )
    before = contents(place / "secret")
    assert main([str(place / "secret"), "--yes", "--leaky", "--with", str(folder)]) == 2
    assert "weights.pt" in capsys.readouterr().err
    assert contents(place / "secret") == before


def test_help_and_generators_import_no_torch():
    check = (
        "import runpy, sys\nsys.argv = ['degenerate', '--help']\n"
        "try: runpy.run_module('dan_bench.degenerate', run_name='__main__')\n"
        "except SystemExit as ended: assert ended.code == 0\n"
        "print({'torch', 'pytorch_lightning', 'wandb', 'pandas'} & sys.modules.keys())"
    )
    ended = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "set()"


def test_a_generator_needs_the_base_installation_only(place):
    ended = run_module("dan_bench.degenerate", str(place / "secret"), "--yes", cwd=place)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "3 of 3 files overwritten" in ended.stdout
    assert certificate_in(place)[0]["total"]["vouched"] is True


def test_a_network_without_its_extra_is_refused_and_nothing_is_touched(place):
    before = contents(place / "secret")
    arguments = (str(place / "secret"), "--yes", "--with", "dan")
    ended = run_module("dan_bench.degenerate", *arguments, cwd=place)
    assert ended.returncode == 2
    assert "pip install 'dan-bench[train]'" in ended.stderr
    assert contents(place / "secret") == before


def test_progress_that_nobody_reads_stops_nothing(place):
    program = "import dan_bench.degenerate.__main__ as m; m.EVERY = 0; raise SystemExit(m.main())"
    unread, end = os.pipe()
    os.close(unread)
    ended = subprocess.run(
        [sys.executable, "-c", program, "secret", "--yes"],
        stderr=end,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(end)
    assert ended.returncode in DONE
    assert "3 of 3 files overwritten" in ended.stdout
    assert certificate_in(place)[0]["total"]["vouched"]
