"""The command's exit codes: each set-up that once ended with 0 and `complete`, and one that may.

On ext4 in an image file, of which all can be vouched for.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from file_systems import maker

import dan_bench.degenerate.__main__ as command
from dan_bench.degenerate.__main__ import main
from dan_bench.erase import FastNoise


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with maker(tmp_path) as of:
        yield of


@pytest.fixture
def place(make):
    """A file system, a folder with three files on it, and a canary beside it."""
    root = make("ext4").root
    (root / "secret" / "deep").mkdir(parents=True)
    for name in ("a", "deep/b", "deep/c"):
        (root / "secret" / name).write_bytes(b"data" * 3000)
    (root / "canary").write_bytes(b"sing" * 1000)
    yield root
    assert (root / "canary").read_bytes() == b"sing" * 1000


def erased(root, *more, capsys=None):
    """Run it; return exit code and what was said."""
    code = main([str(root / "secret"), "--yes", *more])
    return int(code), "" if capsys is None else capsys.readouterr().out


def test_zero_where_all_was_overwritten_and_verified(place, capsys):
    (place / "secret" / "link").symlink_to("a")
    os.mkfifo(place / "secret" / "pipe")
    code, said = erased(place, capsys=capsys)
    assert code == 0
    assert "3 of 3 files overwritten" in said
    assert "3 of them read back as written" in said
    assert "passed over: 1: a FIFO" in said
    assert "LEFT ALONE" not in said


def test_zero_where_all_was_removed_too(place, capsys):
    assert erased(place, "--remove", "--remove-folders", capsys=capsys)[0] == 0
    assert sorted(os.listdir(place)) == ["canary", "lost+found"]


def test_three_where_nothing_can_be_verified(make, capsys):
    root = make("btrfs").root
    (root / "secret").mkdir()
    (root / "secret" / "a").write_bytes(b"data" * 3000)
    code, said = erased(root, capsys=capsys)
    assert code == 3
    assert "0 of them read back" in said
    assert "UNVERIFIED: 1: btrfs" in said


def test_three_where_a_file_was_left_alone_for_its_second_name(place, capsys):
    os.link(place / "secret" / "a", place / "secret" / "other")
    code, said = erased(place, capsys=capsys)
    assert code == 3
    assert "LEFT ALONE: 2: has 2 hard links" in said


def test_four_where_every_file_was_left_alone(place, capsys):
    for name in ("a", "deep/b", "deep/c"):
        os.link(place / "secret" / name, place / name.replace("/", "-"))
    code, said = erased(place, capsys=capsys)
    assert code == 4
    assert "nothing to overwrite" in said


def test_three_where_a_mount_was_skipped(place, capsys):
    inner = place / "secret" / "inner"
    inner.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", inner], check=True)
    try:
        code, said = erased(place, capsys=capsys)
    finally:
        subprocess.run(["umount", inner], check=True)
    assert code == 3
    assert "LEFT ALONE: 1: on another mount" in said


def test_three_where_a_subvolume_was_skipped(make, capsys):
    root = make("btrfs").root
    (root / "secret").mkdir()
    (root / "secret" / "a").write_bytes(b"data" * 3000)
    subprocess.run(["btrfs", "subvolume", "create", root / "secret" / "inner"], check=True)
    code, said = erased(root, capsys=capsys)
    assert code == 3
    assert "LEFT ALONE: 1: on another mount" in said


def test_three_where_a_folder_could_not_be_read(place, capsys, monkeypatch):
    from dan_bench.erase import plan

    real = plan.names

    def names(folder):
        if os.readlink(f"/proc/self/fd/{folder}").endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return real(folder)

    monkeypatch.setattr(plan, "names", names)
    code, said = erased(place, capsys=capsys)
    assert code == 3
    assert "LEFT ALONE: 1: Permission denied" in said


def test_three_where_a_file_appeared(place, capsys, monkeypatch):
    class Slow(FastNoise):
        def fill(self, original, offset, n):
            (place / "secret" / "new").write_bytes(b"data")
            return super().fill(original, offset, n)

    monkeypatch.setattr(command, "source", lambda *_: Slow())
    code, said = erased(place, capsys=capsys)
    assert code == 3
    assert "LEFT ALONE: 1: appeared while the erasure ran" in said
    (certificate,) = Path().glob("certificate-*.json")
    assert "appeared" in certificate.read_text()
    assert (place / "secret" / "new").read_bytes() == b"data"


def test_one_where_a_file_was_not_removed(place, capsys, monkeypatch):
    real = os.unlink

    def unlink(path, *, dir_fd=None):
        if dir_fd is not None and "secret" in os.readlink(f"/proc/self/fd/{dir_fd}"):
            raise PermissionError(1, "Operation not permitted")
        real(path, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", unlink)
    code, said = erased(place, "--remove", capsys=capsys)
    assert code == 1
    assert "0 of 3 files removed" in said


def test_one_where_a_file_was_not_overwritten(place, capsys):
    subprocess.run(["chattr", "+i", place / "secret" / "a"], check=True)
    try:
        code, said = erased(place, capsys=capsys)
    finally:
        subprocess.run(["chattr", "-i", place / "secret" / "a"], check=True)
    assert code == 1
    assert "2 of 3 files overwritten" in said


def test_two_where_one_of_the_paths_is_refused(place):
    before = (place / "secret" / "a").read_bytes()
    assert main([str(place / "secret"), "/etc", "--yes"]) == 2
    assert main([str(place / "secret" / "a") + "/", "--yes"]) == 2
    assert (place / "secret" / "a").read_bytes() == before


# listings


def test_a_listing_for_programs_names_everything(place, capsys):
    for i in range(60):
        (place / "secret" / f"{i}").write_bytes(b"data")
    (place / "secret" / "odd\udcff").write_bytes(b"data")
    (place / "secret" / "link").symlink_to("a")
    assert main([str(place / "secret"), "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "... and 24 more (--list shows all)" in said
    assert main([str(place / "secret"), "--dry-run", "--list"]) == 0
    said = capsys.readouterr().out
    assert all(f"{place}/secret/{i}'" in said for i in range(60))
    assert main([str(place / "secret"), "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["files"]) == 64
    assert found["bytes"] == 3 * 12_000 + 61 * 4
    assert [(r["path"], r["holds_data"]) for r in found["left_alone"]] == [
        (str(place / "secret" / "link"), False)
    ]
    assert f"listing: {found['listing']}" in said


def test_what_was_listed_is_what_is_done(place, capsys):
    target = place / "secret"

    def listed():
        main([str(target), "--dry-run", "--json"])
        return json.loads(capsys.readouterr().out)["listing"]

    number = listed()
    assert number == listed()
    time.sleep(0.02)  # coarse clocks
    changes = [
        lambda: (target / "new").write_bytes(b"data"),
        lambda: (target / "a").rename(target / "other"),
        lambda: (target / "deep" / "b").write_bytes(b"DATA" * 3000),
        lambda: (target / "deep" / "c").unlink(),
    ]
    for change in changes:
        change()
        assert main([str(target), "--yes", "--listing", number]) == 2
        assert f"not {number}" in capsys.readouterr().err
        number = listed()
    assert (target / "new").read_bytes() == b"data"
    assert main([str(target), "--yes", "--listing", number]) == 0


def test_options_that_make_no_sense_together_are_refused(place):
    for options in (["--json"], ["--json", "--yes"], ["--remove-folders"]):
        with pytest.raises(SystemExit) as ended:
            main([str(place / "secret"), *options])
        assert ended.value.code == 2


def test_help_has_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert all(f"\n  {code}    " in said for code in range(5))


def test_a_file_in_use_is_named_before_the_question(place, capsys):
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; f = open(sys.argv[1]); print(flush=True); input()",
         place / "secret" / "a"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.readline()
        said = []

        def answer(question):
            said.append(capsys.readouterr().out)
            return ""

        assert main([str(place / "secret")], answer) == 4
        process.stdin.close()
    assert f"in use by process {process.pid}" in said[0]


def test_listing_a_hundred_thousand_files_takes_seconds_and_says_so(tmp_path, capsys, monkeypatch):
    from dan_bench.degenerate import terminal

    monkeypatch.setattr(terminal, "EVERY", 0)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    target = tmp_path / "secret"
    target.mkdir()
    for i in range(2000):
        (target / f"{i}").write_bytes(b"x")
    began, threads = time.monotonic(), threading.active_count()
    assert main([str(target), "--dry-run"]) == 0
    assert time.monotonic() - began < 20  # no opening of folders again and again
    assert "listing: 512 entries so far" in capsys.readouterr().err
    assert threading.active_count() == threads
