"""Many small files at once: in which order things reach the device, and what each file costs."""

import os
import stat
import subprocess
import sys

import pytest
from erasing import content, contents

import dan_bench.erase.eraser as eraser
import dan_bench.erase.overwrite as overwriting
import dan_bench.erase.status as status_module
import dan_bench.erase.task as task
from dan_bench.erase import FastNoise, erase, plan_erasure
from dan_bench.erase.journal import Journal
from dan_bench.erase.status import Status, mount_id, status_of

FILES = 600


@pytest.fixture
def many(tmp_path):
    for i in range(FILES):
        folder = tmp_path / "root" / f"{i % 40}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}").write_bytes(content(i, 1 + i * 37 % 9000))
    return tmp_path / "root"


@pytest.mark.parametrize("remove", [False, True])
def test_what_is_begun_is_noted_before_and_what_is_done_after(many, tmp_path, monkeypatch, remove):
    """Of each file: begun is on the device, the noise is, and only then is it called done."""
    steps = []

    def noted(real, name):
        def call(first, *more, **named):
            found = real(first, *more, **named)
            steps.append((name, first, more))
            return found

        return call

    def journaled(book, event, rows):
        real(book, event, rows)
        steps.append((event, None, [row[1] for row in rows]))

    def written(handle, piece, offset):
        steps.append(("write", os.fstat(handle).st_ino, ()))
        return real_write(handle, piece, offset)

    def unlinked(name, dir_fd):
        steps.append(("unlink", os.stat(name, dir_fd=dir_fd).st_ino, ()))
        return real_unlink(name, dir_fd=dir_fd)

    real, real_write, real_unlink = Journal._write_files, os.pwrite, os.unlink
    monkeypatch.setattr(Journal, "_write_files", journaled)
    monkeypatch.setattr(overwriting.os, "pwrite", written)
    monkeypatch.setattr(task.os, "unlink", unlinked)
    monkeypatch.setattr(task, "_synced", noted(task._synced, "sync"))
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    report = erase(plan_erasure([many]), FastNoise(), journal=state / "journal", remove=remove)
    assert {result.status for result in report.files} == {"overwritten"}
    begun, unsynced, done, hidden = set(), set(), set(), set()
    for name, inode, rows in steps:
        if name == "begun":
            begun |= set(rows)
        elif name == "write":
            assert inode in begun - done
            unsynced.add(inode)
        elif name == "sync":
            unsynced = set()
        elif name == "done":
            assert not unsynced & set(rows)
            done |= set(rows)
        elif name == "hidden":
            assert set(rows) <= done
            hidden |= set(rows)
        elif name == "unlink":
            assert inode in hidden
    assert len(done) == FILES
    syncs = sum(name == "sync" for name, *_ in steps)
    assert syncs <= 3 * (FILES // eraser.TOGETHER + 1)


def test_where_a_file_system_cannot_be_synced_each_file_is(many, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(task, "_syncfs", lambda _: -1)
    monkeypatch.setattr(task.os, "fsync", lambda handle: synced.append(handle) or real(handle))
    report = erase(plan_erasure([many]), FastNoise())
    assert {result.read_back for result in report.files} == {True}
    assert len(synced) >= FILES


def test_a_file_of_a_batch_that_fails_leaves_the_others_alone(many, monkeypatch):
    plan = plan_erasure([many])
    victims = [many / "3" / "3", many / "7" / "47"]
    victims[0].unlink()
    with victims[1].open("ab") as file:
        file.write(b"canary")
    report = erase(plan, FastNoise())
    failed = {result.path for result in report.files if result.status == "failed"}
    assert failed == set(map(str, victims))
    assert victims[1].read_bytes().endswith(b"canary")
    assert len(report.files) == FILES


def test_few_handles_are_enough(many):
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160))\n"
        "from dan_bench.erase import FastNoise, erase, plan_erasure\n"
        "report = erase(plan_erasure([sys.argv[1]]), FastNoise())\n"
        "print(len(report.files), {file.status for file in report.files})"
    )
    ended = subprocess.run([sys.executable, "-c", code, many], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == (f"{FILES} {{'overwritten'}}\n", "")


def test_what_another_process_has_mapped_is_read_from_the_device_all_the_same(many):
    """Mapped pages stay in the page cache, where a read that asks for them would find them."""
    import mmap

    path = many / "3" / "523"
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        assert mapped[0] is not None
        (result,) = erase(plan_erasure([path]), FastNoise()).files
    assert result.read_back is True


def test_what_is_kept_of_each_file_is_small(many):
    """Plan and result of one more file; tracemalloc counts what Python's objects take."""
    code = (
        "import gc, sys, tracemalloc\n"
        "from dan_bench.erase import FastNoise, erase, plan_erasure\n"
        "tracemalloc.start()\n"
        "sizes = []\n"
        "for path in sys.argv[1:]:\n"
        "    plan = plan_erasure([path])\n"
        "    report = erase(plan, FastNoise())\n"
        "    gc.collect()\n"
        "    sizes.append((tracemalloc.get_traced_memory()[0], len(report.files)))\n"
        "(few, n), (all, m) = sizes[1:]\n"
        "print((all - few) / (m - n))"
    )
    for i in range(FILES):  # as long as each other: %_dd is shared by those of the same counts
        (many / f"{i % 40}" / f"{i}").write_bytes(content(i, 4096))
    paths = [many, many / "3", many]
    ended = subprocess.run([sys.executable, "-c", code, *paths], capture_output=True, text=True)
    assert 300 < float(ended.stdout) < 1000, ended.stderr


# status


@pytest.mark.parametrize("way", ["statx", "the long way"])
def test_status_is_that_of_stat(tmp_path, monkeypatch, way):
    if way != "statx":
        monkeypatch.setattr(status_module, "_statx", None)
    (tmp_path / "file").write_bytes(content(1, 5000))
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    os.link(tmp_path / "file", tmp_path / "second")
    folder = os.open(tmp_path, os.O_PATH)
    try:
        for name in ("file", "link", "folder", "fifo", "second", b"caf\xe9"):
            if isinstance(name, bytes):
                name = os.fsdecode(name)
                (tmp_path / name).touch()
            found, mount = status_of(folder, name)
            known = os.lstat(tmp_path / name)
            for field in Status._fields[:-1]:
                assert getattr(found, field) == getattr(known, field)
            assert mount == mount_id(folder)
        with pytest.raises(FileNotFoundError):
            status_of(folder, "nothing")
        with (tmp_path / "file").open("rb") as file:
            assert status_of(file.fileno())[0].st_ino == os.stat(tmp_path / "file").st_ino
        assert stat.S_ISDIR(status_of(folder)[0].st_mode)
    finally:
        os.close(folder)
    assert len(contents(tmp_path / "second")) == 5000
