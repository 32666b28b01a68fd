"""An erasure that is killed goes on, and claims nothing that is not so."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from erasing import SIZES, content, contents, failing_write, files_of, plant

import dan_bench.erase.eraser as eraser
import dan_bench.erase.overwrite as overwriting
from dan_bench.erase import (
    ErasureRefused,
    FastNoise,
    Outcome,
    erase,
    plan_erasure,
)
from dan_bench.erase.evidence import SealedCopy
from dan_bench.metrics.destruction import share_left


@pytest.fixture
def tree(tmp_path):
    return plant(tmp_path)


# killed and resumed


def entries(journal):
    return [json.loads(line) for line in journal.read_text().splitlines()]


def test_what_is_done_is_not_done_again_and_still_reported(tree, tmp_path):
    journal = tmp_path / "journal"
    first = erase(plan_erasure([tree]), FastNoise(), journal=journal)
    before = files_of(tree)
    second = erase(plan_erasure([tree]), FastNoise(), journal=journal)
    assert files_of(tree) == before
    assert all(result.earlier for result in second.files)
    key = [(r.path, r.survey, r.written) for r in first.files]
    assert [(r.path, r.survey, r.written) for r in second.files] == key
    assert journal.stat().st_mode & 0o777 == 0o600


def test_any_name_is_found_again_in_a_journal(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    for name in (b"\xff\xfe", b"line\nbreak", b'"', "Größe".encode()):
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"secret")
    for earlier in (False, True):
        report = erase(plan_erasure([root]), FastNoise(), journal=tmp_path / "journal")
        assert len(report.files) == 4
        assert all(result.earlier is earlier for result in report.files)


def test_a_file_that_got_new_data_since_is_erased_anew(tree, tmp_path):
    journal = tmp_path / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal)
    victim = tree / "inner" / "of 70000"
    times = victim.stat()
    time.sleep(0.02)  # coarse clocks
    with victim.open("r+b") as file:
        file.write(b"secret" * 100)
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
    report = erase(plan_erasure([tree]), FastNoise(), journal=journal)
    (anew,) = [result for result in report.files if not result.earlier]
    assert anew.path == str(victim)
    assert not victim.read_bytes().startswith(b"secret")


def test_a_file_that_failed_is_taken_up_again_without_a_claim(tree, tmp_path, monkeypatch):
    """After a failure its first part is noise, so that no comparison says anything."""
    journal = tmp_path / "journal"
    victim = tree / "inner" / "of 70000"
    with monkeypatch.context() as patched:
        failing_write(patched, errno.EIO)
        (failed,) = erase(plan_erasure([victim]), FastNoise(), journal=journal).files
    assert failed.status == "failed"
    report = erase(plan_erasure([victim]), FastNoise(), journal=journal)
    (result,) = report.files
    assert (result.status, result.read_back, result.earlier) == ("overwritten", True, False)
    assert result.survey.destroyed is None
    assert "interrupted" in result.survey.unverified[0]
    assert (report.destroyed.value, report.destroyed.high) == (0, 100)


def test_removed_files_are_still_in_the_report_of_a_second_run(tree, tmp_path):
    journal = tmp_path / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal, remove=True)
    report = erase(plan_erasure([tree]), FastNoise(), journal=journal, remove=True)
    assert len(report.files) == len(SIZES)
    assert all(result.earlier and result.removed for result in report.files)


def test_removal_can_be_asked_of_a_second_run(tree, tmp_path):
    journal = tmp_path / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal)
    report = erase(plan_erasure([tree]), FastNoise(), journal=journal, remove=True)
    assert all(result.earlier and result.removed for result in report.files)
    assert files_of(tree) == {}


def test_a_line_that_was_cut_short_counts_as_not_written(tree, tmp_path):
    journal = tmp_path / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal)
    whole = journal.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    for cut in (len(whole) - 1, last + 20, last + 1):
        journal.write_bytes(whole[:cut])
        report = erase(plan_erasure([tree]), FastNoise(), journal=journal)
        assert sum(not result.earlier for result in report.files) == 1
        assert report.outcome in (Outcome.DONE, Outcome.DOUBTED)
        assert entries(journal)[0]["roots"] == [str(tree)]


@pytest.mark.parametrize("text", [b"not a journal\n", b"{}\n", b"[1]\n", b"diary", b"1\n"])
def test_a_file_that_is_no_journal_is_not_touched(tree, tmp_path, text):
    (tmp_path / "diary").write_bytes(text)
    before = files_of(tmp_path)
    with pytest.raises(ErasureRefused, match="journal"):
        erase(plan_erasure([tree]), FastNoise(), journal=tmp_path / "diary")
    assert files_of(tmp_path) == before


def test_a_fifo_is_no_journal(tree, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ErasureRefused, match="no regular file"):
        erase(plan_erasure([tree]), FastNoise(), journal=tmp_path / "fifo")


def test_a_temporary_folder_without_room_is_named(tree, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = files_of(tree)
    monkeypatch.setattr(SealedCopy, "_cipher", full)
    report = erase(plan_erasure([tree]), FastNoise())
    errors = {result.error for result in report.files if result.size}
    assert all("no evidence can be kept" in error for error in errors)
    assert files_of(tree) == before


def test_a_journal_of_another_erasure_or_in_use_is_refused(tree, tmp_path):
    journal = tmp_path / "journal"
    erase(plan_erasure([tree / "inner"]), FastNoise(), journal=journal)
    with pytest.raises(ErasureRefused, match="another erasure"):
        erase(plan_erasure([tree]), FastNoise(), journal=journal)
    with (
        eraser.Journal(journal, plan_erasure([tree / "inner"])),
        pytest.raises(ErasureRefused, match="running"),
    ):
        erase(plan_erasure([tree / "inner"]), FastNoise(), journal=journal)


def test_killed_while_the_slack_made_the_file_longer(tree, tmp_path):
    """The next attempt knows what size the file had, and gives it back."""
    journal, victim = tmp_path / "journal", tree / "inner" / "of 70000"
    child = os.fork()
    if child == 0:
        overwriting.os.fdatasync = lambda _: os._exit(9)
        erase(plan_erasure([victim]), FastNoise(), journal=journal)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    longer = victim.stat().st_size
    assert longer in (70_000, 73_728)  # the file system has no say in blocks of its own
    (result,) = erase(plan_erasure([victim]), FastNoise(), journal=journal).files
    assert result.status == "overwritten"
    assert result.size == victim.stat().st_size == 70_000
    assert result.survey.destroyed is None


PROGRAM = """
import sys
from dan_bench.erase import FastNoise, erase, plan_erasure
from dan_bench.erase import overwrite
overwrite.PIECE = 1 << 14
print("ready", flush=True)
erase(plan_erasure([sys.argv[1]]), FastNoise(), journal=sys.argv[2])
print("finished", flush=True)
"""


def killed_until_it_ends(root, journal, rng, kills):
    """Run the program again and again, killing it at random moments; yield after each."""
    for attempt in range(kills + 1):
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, root, journal], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "ready\n"
            if attempt < kills:
                time.sleep(rng.uniform(0, 0.15))
                process.send_signal(signal.SIGKILL)
            finished = process.stdout.read() == "finished\n"
        yield finished
        if finished:
            return


def kill_and_check(tmp_path, seed, kills):
    rng = random.Random(seed)
    root = tmp_path / "root"
    root.mkdir()
    originals = {}
    for i in range(40):
        path = root / f"{i}"
        path.write_bytes(content(i, rng.choice([5, 4096, 5000, 70_000, 300_000])))
        originals[str(path)] = path.read_bytes()
    ends = []
    for ended in killed_until_it_ends(str(root), str(tmp_path / "journal"), rng, kills):
        ends.append(ended)
        lines = (tmp_path / "journal").read_bytes().split(b"\n")[1:-1]
        for line in map(json.loads, lines):
            if line["event"] == "done":
                path = line["key"][0]
                now = np.frombuffer(contents(path), np.uint8)
                old = np.frombuffer(originals[path], np.uint8)
                assert len(now) == len(old)
                assert share_left(int((now == old).sum()), len(old)) < 0.02 or len(old) == 5
    assert ends[-1]
    report = erase(plan_erasure([root]), FastNoise(), journal=tmp_path / "journal")
    assert report.outcome in (Outcome.DONE, Outcome.DOUBTED)
    assert all(result.earlier for result in report.files)
    for result in report.files:
        assert os.path.getsize(result.path) == len(originals[result.path]) == result.size


def test_a_killed_run_goes_on_and_claims_nothing_that_is_not_so(tmp_path):
    kill_and_check(tmp_path, seed=1, kills=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 10))
def test_many_killed_runs_go_on(tmp_path, seed):
    kill_and_check(tmp_path, seed, kills=15)
