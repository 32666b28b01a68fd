"""An erasure that is killed goes on, and claims nothing that is not so."""

import errno
import json
import os
import time
from pathlib import Path

import pytest
from erasing import SIZES, failing_write, files_of, plant

import dan_bench.erase.eraser as eraser
import dan_bench.erase.overwrite as overwriting
import dan_bench.erase.removal as removal
import dan_bench.erase.small as small
from dan_bench.erase import (
    ErasureRefused,
    FastNoise,
    Outcome,
    erase,
    plan_erasure,
)
from dan_bench.erase.copies import SealedCopy
from dan_bench.erase.small import SMALL


@pytest.fixture
def tree(tmp_path):
    return plant(tmp_path)


# killed and resumed


OPTIONS = {"evidence": True, "verify": True, "remove": False}


def entries(journal):
    return [json.loads(line[9:]) for line in journal.read_text().splitlines()]


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


def test_a_file_copied_back_after_a_kill_is_erased_anew(tree, tmp_path, monkeypatch):
    """Its size and times are as before, as cp -p puts them back."""
    journal, victim = tmp_path / "journal", tree / "inner" / "of 70000"
    old, times = victim.read_bytes(), victim.stat()
    hide = removal.hide

    def killed(found, *args):
        if found.path == str(victim):
            raise KeyboardInterrupt
        hide(found, *args)

    with monkeypatch.context() as patch:
        patch.setattr(removal, "hide", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(plan_erasure([tree]), FastNoise(), journal=journal, remove=True)
    time.sleep(0.02)  # coarse clocks
    victim.write_bytes(old)
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
    other = tmp_path / "other name"
    os.link(victim, other)
    plan = plan_erasure([tree], hard_links=True)
    report = erase(plan, FastNoise(), journal=journal, remove=True)
    assert report.outcome is not Outcome.FAILED
    assert not victim.exists()
    assert other.read_bytes() != old


def test_what_an_earlier_attempt_doubted_is_still_in_doubt(tree, tmp_path):
    journal, victim = tmp_path / "journal", tree / "inner" / "of 70000"
    os.setxattr(victim, "user.secret", b"a secret")
    erase(plan_erasure([victim]), FastNoise(), journal=journal)
    time.sleep(0.02)  # coarse clocks
    victim.chmod(0o600)
    (result,) = erase(plan_erasure([victim]), FastNoise(), journal=journal).files
    assert not result.earlier
    assert any("user.secret" in doubt for doubt in result.survey.unverified)


def test_a_file_that_failed_is_taken_up_again_without_a_claim(tree, tmp_path, monkeypatch):
    """After a failure its first part is noise, so that no comparison says anything."""
    journal = tmp_path / "journal"
    victim = tree / "inner" / "of 70000"
    with monkeypatch.context() as patched:
        failing_write(patched, errno.ENOSPC)
        (failed,) = erase(plan_erasure([victim]), FastNoise(), journal=journal).files
    assert failed.status == "failed"
    (result,) = erase(plan_erasure([victim]), FastNoise(), journal=journal).files
    assert (result.status, result.read_back, result.earlier) == ("overwritten", True, False)
    assert result.survey.destroyed is None
    assert "interrupted" in result.survey.unverified[0]


def test_removed_files_are_still_in_the_report_of_a_second_run(tree, tmp_path):
    journal = tmp_path / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal, remove=True)
    report = erase(plan_erasure([tree]), FastNoise(), journal=journal, remove=True)
    assert len(report.files) == len(SIZES)
    assert all(result.earlier and result.removed for result in report.files)


def test_the_journal_of_another_command_is_refused(tree, tmp_path):
    """One that takes evidence must not take the results of one that takes none."""
    journal = tmp_path / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal, evidence=False)
    before = files_of(tree)
    for other in ({"remove": True, "evidence": False}, {}):
        with pytest.raises(ErasureRefused, match=r"other options.*evidence=False.*name another"):
            erase(plan_erasure([tree]), FastNoise(), journal=journal, **other)
    assert files_of(tree) == before


def test_a_line_that_was_cut_short_counts_as_not_written(tree, tmp_path):
    journal = tmp_path / "journal"
    for cut in (1, 20, 60):
        journal.unlink(missing_ok=True)
        erase(plan_erasure([tree]), FastNoise(), journal=journal)
        whole = journal.read_bytes()
        last = whole.rfind(b"\n", 0, whole.rfind(b'"e":"done"')) + 1
        journal.write_bytes(whole[: last + cut])
        report = erase(plan_erasure([tree]), FastNoise(), journal=journal)
        anew = [result for result in report.files if not result.earlier]
        lost = json.loads(whole[last + 9 :].split(b"\n")[0])["f"]
        assert sorted(result.path for result in anew) == sorted(path for path, *_ in lost)
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
    (failed,) = [result for result in report.files if result.size > SMALL]
    assert "no evidence can be kept" in failed.error
    large = Path(failed.path)
    assert large.read_bytes() == before[large]


def test_a_journal_of_another_erasure_or_in_use_is_refused(tree, tmp_path):
    journal = tmp_path / "journal"
    erase(plan_erasure([tree / "inner"]), FastNoise(), journal=journal)
    with pytest.raises(ErasureRefused, match="another erasure"):
        erase(plan_erasure([tree]), FastNoise(), journal=journal)
    with (
        eraser.Journal(journal, plan_erasure([tree / "inner"]), OPTIONS, "noise"),
        pytest.raises(ErasureRefused, match="running"),
    ):
        erase(plan_erasure([tree / "inner"]), FastNoise(), journal=journal)


@pytest.mark.parametrize("way", ["together", "streamed"])
def test_killed_while_the_slack_made_the_file_longer(tree, tmp_path, way):
    """The next attempt knows what size the file had, and gives it back."""
    journal, victim = tmp_path / "journal", tree / "inner" / "of 70000"
    child = os.fork()
    if child == 0:
        if way == "streamed":
            eraser.SMALL = 0
        small.sync = overwriting.os.fdatasync = lambda *_: os._exit(9)
        erase(plan_erasure([victim]), FastNoise(), journal=journal)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    longer = victim.stat().st_size
    assert longer in (70_000, 73_728)  # the file system has no say in blocks of its own
    (result,) = erase(plan_erasure([victim]), FastNoise(), journal=journal).files
    assert result.status == "overwritten"
    assert result.size == victim.stat().st_size == 70_000
    assert result.survey.destroyed is None
