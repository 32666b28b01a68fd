"""What happens to a file while it is erased: others swap it, fill the disk, write to it."""

import errno
import json
import os
import time

import pytest
from erasing import failing_write, files_of, plant

import dan_bench.erase.direct as direct
import dan_bench.erase.eraser as eraser
import dan_bench.erase.overwrite as overwriting
import dan_bench.erase.removal as removal
import dan_bench.erase.small as small
from dan_bench.erase import (
    DirectoryEntry,
    FastNoise,
    Outcome,
    erase,
    plan_erasure,
)
from dan_bench.erase.afterwards import second_look
from dan_bench.erase.small import SMALL


@pytest.fixture
def tree(tmp_path):
    return plant(tmp_path)


@pytest.fixture(params=["together", "streamed"])
def path_taken(request, monkeypatch):
    """Small files are dealt with in batches, large ones piece by piece: the tests' are either."""
    if request.param == "streamed":
        monkeypatch.setattr(eraser, "SMALL", 0)
    return request.param


@pytest.fixture
def streamed(monkeypatch):
    monkeypatch.setattr(eraser, "SMALL", 0)


# a swap between the look and the opening: the canary is whatever took the place


def swaps(tree):
    """Ways to put a canary where a planned file was."""
    victim, canary = tree / "inner" / "of 70000", tree.parent / "canary"
    canary.write_bytes(b"canary" * 100)
    away = tree.parent / "away"

    def link():
        victim.rename(away)
        victim.symlink_to(canary)

    def hard_link():
        victim.unlink()
        os.link(canary, victim)

    def moved_in():
        victim.unlink()
        canary.rename(victim)

    def folder():
        inside = tree.parent / "elsewhere"
        inside.mkdir()
        canary.rename(inside / victim.name)
        victim.parent.rename(away)
        victim.parent.symlink_to(inside)

    def real_folder():
        inside = tree.parent / "elsewhere"
        inside.mkdir()
        canary.rename(inside / victim.name)
        victim.parent.rename(away)
        inside.rename(victim.parent)

    def one_more_name():
        os.link(victim, canary.with_name("one more"))

    def fifo():
        victim.unlink()
        os.mkfifo(victim)

    def written_to():
        with victim.open("ab") as file:
            file.write(b"canary" * 100)

    return {
        f.__name__: f
        for f in (link, hard_link, moved_in, folder, real_folder, one_more_name, fifo, written_to)
    }


SWAPS = ["link", "hard_link", "moved_in", "folder", "real_folder", "one_more_name", "fifo"]


@pytest.mark.parametrize("way", [*SWAPS, "written_to"])
def test_a_file_swapped_between_look_and_opening_is_skipped(tree, way, path_taken):
    plan = plan_erasure([tree / "inner"])
    swaps(tree)[way]()
    canaries = {
        path: data for path, data in files_of(tree.parent).items() if data.endswith(b"canary")
    }
    report = erase(plan, FastNoise())
    (failed,) = [r for r in report.files if r.path.endswith("of 70000")]
    assert failed.status == "failed"
    assert failed.error
    assert failed.written == 0
    assert failed.survey is None
    assert report.outcome is not Outcome.DONE
    assert all(path.read_bytes() == data for path, data in canaries.items())
    others = [r for r in report.files if r is not failed]
    if "folder" not in way:
        assert {r.status for r in others} == {"overwritten"}


def test_it_would_be_seen_if_files_were_not_told_apart(tree, monkeypatch):
    """The mutation check of the one above: without its guards, the canary is lost."""
    plan = plan_erasure([tree / "inner"])
    swaps(tree)["moved_in"]()
    monkeypatch.setattr(DirectoryEntry, "is_same", lambda *_: True)
    monkeypatch.setattr(eraser, "_check_unchanged", lambda *_: None)
    assert all(
        result.status == "overwritten"
        for result in erase(plan, FastNoise()).files
        if "of 70000" in result.path
    )
    assert not any(b"canary" in data for data in files_of(tree.parent).values())


def test_a_root_that_was_swapped_is_not_entered(tree):
    plan = plan_erasure([tree])
    tree.rename(tree.parent / "away")
    tree.mkdir()
    (tree / "of 0").write_bytes(b"canary")
    report = erase(plan, FastNoise())
    assert {r.status for r in report.files} == {"failed"}
    assert (tree / "of 0").read_bytes() == b"canary"


def test_unlinking_takes_no_name_that_another_file_has_got(tree, monkeypatch):
    victim = tree / "inner" / "of 70000"

    def swap_first(found, name, folder):
        victim.unlink()
        victim.write_bytes(b"canary")
        return real(found, name, folder)

    real = removal.hide
    monkeypatch.setattr(removal, "hide", swap_first)
    (result,) = erase(plan_erasure([victim]), FastNoise(), remove=True).files
    assert not result.removed
    assert "left alone" in result.error
    assert victim.read_bytes() == b"canary"
    assert os.listdir(victim.parent).count("of 70000") == 1
    assert not [name for name in os.listdir(victim.parent) if name.startswith(".")]


# errors are the file's own


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_write_error_is_reported_and_the_rest_goes_on(tree, monkeypatch, number, path_taken):
    failing_write(monkeypatch, number)
    report = erase(plan_erasure([tree]), FastNoise())
    failed = [r for r in report.files if r.status == "failed"]
    assert [r.error for r in failed] == [os.strerror(number)]
    assert failed[0].written == 8192
    share = 100 * 8192 / failed[0].survey.data
    assert failed[0].survey.destroyed.value == pytest.approx(share, rel=0.02)
    assert report.outcome is not Outcome.DONE


@pytest.mark.parametrize("way", ["grow", "shrink"])
def test_a_file_that_changes_its_size_meanwhile_is_reported(tree, monkeypatch, way, streamed):
    monkeypatch.setattr(overwriting, "PIECE", 8192)
    victim = tree / "inner" / "of 70000"

    def change(_):
        size = victim.stat().st_size
        os.truncate(victim, size + 10 if way == "grow" else size - 10)

    (result,) = erase(plan_erasure([victim]), FastNoise(), progress=change).files
    assert result.status == "failed"
    assert "grew" in result.error if way == "grow" else "shrank" in result.error
    assert result.survey.destroyed.value < 50


def test_what_others_append_is_never_cut_off(tree, monkeypatch, path_taken):
    victim = tree / "inner" / "of 70000"

    def append(_):
        with victim.open("ab") as file:
            file.write(b"new")

    (result,) = erase(plan_erasure([victim]), FastNoise(), progress=append).files
    assert result.status == "failed"
    assert victim.read_bytes().endswith(b"new")


def test_a_device_that_gives_back_something_else_is_reported(tree, monkeypatch, path_taken):
    def stuck(real):
        def read(reader, n, start):
            return memoryview(bytes(byte ^ 1 for byte in real(reader, n, start)))

        return read

    for kind in (direct.DeviceReader, direct.EmptiedCache):
        monkeypatch.setattr(kind, "read", stuck(kind.read))
    report = erase(plan_erasure([tree / "inner"]), FastNoise())
    assert report.outcome is not Outcome.DONE
    assert {r.read_back for r in report.files if r.size > 100} == {False}
    assert all("give back" in r.error for r in report.files if r.size > 100)


def test_reading_back_sees_a_single_wrong_bit_which_is_mended(tree, monkeypatch, path_taken):
    victim = tree / "inner" / "of 70000"

    def flip(*synced):
        if len(synced) == 1:
            real_one(*synced)
        else:
            assert real_many(*synced) == []
        if flipped:
            return []
        flipped.append(True)
        with victim.open("r+b") as file:
            byte = os.pread(file.fileno(), 1, 12_345)
            os.pwrite(file.fileno(), bytes([byte[0] ^ 1]), 12_345)
        return []

    flipped = []
    real_one, real_many = os.fdatasync, small.sync
    monkeypatch.setattr(overwriting.os, "fdatasync", flip)
    monkeypatch.setattr(small, "sync", flip)
    mended, real_mend = [], eraser.mend
    monkeypatch.setattr(eraser, "mend", lambda *given: mended.append(1) or real_mend(*given))
    (result,) = erase(plan_erasure([victim]), FastNoise()).files
    assert mended == [1]
    assert (result.status, result.read_back) == ("overwritten", True)


def test_what_is_swapped_for_another_file_meanwhile_is_surveyed_by_its_handle(
    tree, monkeypatch, path_taken
):
    """The old bytes, put at the path again before the file is read back."""
    victim, copy = tree / "inner" / "of 70000", tree.parent / "copy"
    copy.write_bytes(victim.read_bytes())

    def swap(*arguments):
        os.replace(copy, victim)
        return real[path_taken](*arguments)

    real = {"streamed": overwriting.cut_back, "together": small.look_again}
    if path_taken == "streamed":
        monkeypatch.setattr(overwriting, "cut_back", swap)
    else:
        monkeypatch.setattr(eraser, "look_again", swap)
    (result,) = erase(plan_erasure([victim]), FastNoise()).files
    assert result.status == "failed"
    assert "another file" in result.error
    assert result.survey.fate == "replaced"
    assert result.survey.destroyed.value < 0.01


def as_nobody(work):
    """Run `work` in a child that has no rights; return what it returns, by way of JSON."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(write, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(write)
    with open(read) as answer:
        found = answer.read()
    os.waitpid(child, 0)
    return json.loads(found)


@pytest.fixture
def reachable(tree):
    """Let others through to the tree, as long as the test runs."""
    closed = [folder for folder in tree.parents if not folder.stat().st_mode & 0o001]
    modes = [(folder, folder.stat().st_mode) for folder in closed]
    for folder, mode in modes:
        folder.chmod(mode | 0o001)
    yield
    for folder, mode in modes:
        folder.chmod(mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="root gives its rights away")
def test_permission_denied_is_reported_and_the_rest_goes_on(tree, reachable):
    for path in files_of(tree):
        path.chmod(0o644)
    own = tree / "inner" / "of 70000"
    os.chown(own, 65534, 65534)
    (tree / "closed").mkdir(mode=0o700)
    before = files_of(tree)

    def work():
        plan = plan_erasure([tree])
        report = erase(plan, FastNoise(), evidence=False)
        return [
            [(r.path, r.status, r.error) for r in report.files],
            [(r.path, r.text) for r in plan.refused],
            [r.path for r in plan.warnings if "cannot be written" in r.text],
        ]

    results, refused, warned = as_nobody(work)
    for path, status, error in results:
        if path == str(own):
            assert status == "overwritten"
        else:
            assert (status, error) == ("failed", os.strerror(errno.EACCES))
    assert refused == [[str(tree / "closed"), os.strerror(errno.EACCES)]]
    assert sorted(warned) == sorted(str(path) for path in before if path != own)
    now = files_of(tree)
    assert {path for path in before if now[path] != before[path]} == {own}


def test_what_is_written_after_the_reading_back_shows_by_its_time(tmp_path, monkeypatch):
    """Of so large a file a sample alone is compared; then its times were put back too late."""
    victim = tmp_path / "root" / "file"
    victim.parent.mkdir()
    victim.write_bytes(bytes(SMALL + 1))
    plan, began = plan_erasure([victim.parent]), time.time_ns()
    time.sleep(0.02)  # coarse clocks
    read_back = eraser.read_back

    def and_then_written(*args):
        found = read_back(*args)
        with victim.open("r+b") as file:
            file.write(b"secret")
        return found

    monkeypatch.setattr(eraser, "read_back", and_then_written)
    (result,) = erase(plan, FastNoise(), keep=4096).files
    assert result.status == "overwritten"
    (remark,) = second_look(plan, [result], began)
    assert "written to after" in remark.text
