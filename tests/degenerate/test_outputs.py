"""Outputs first, nothing replaced, and an erasure that no reader, full disk or signal changes."""

import errno
import json
import os
import pty
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dan_bench.degenerate import outputs as outputs_module
from dan_bench.degenerate.__main__ import main
from dan_bench.degenerate.outputs import Draft, Outputs
from dan_bench.degenerate.terminal import Stopped, stoppable, undisturbed

COMMAND = [sys.executable, "-m", "dan_bench.degenerate"]
DONE = (0, 3)
SIZE = 200_000


@pytest.fixture
def place(tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    plant(tmp_path / "secret")
    (work / "notes.txt").write_text("notes")
    return tmp_path


def plant(folder, files=3):
    folder.mkdir()
    for i in range(files):
        (folder / f"{i}").write_bytes(random.Random(i).randbytes(SIZE))


def untouched(folder, files=3):
    return all(
        (folder / f"{i}").read_bytes() == random.Random(i).randbytes(SIZE) for i in range(files)
    )


def overwritten(folder, files=3):
    return all(
        (folder / f"{i}").read_bytes()[:100] != random.Random(i).randbytes(SIZE)[:100]
        and (folder / f"{i}").stat().st_size == SIZE
        for i in range(files)
    )


def certificates():
    return sorted(path.name for path in Path().glob("*.json"))


# nothing is replaced


@pytest.mark.parametrize("taken", ["c.json", "c.txt", "c.json.sig"])
@pytest.mark.parametrize("how", ["file", "empty", "link to nothing", "folder"])
def test_no_file_is_replaced(place, taken, how, capsys, monkeypatch):
    monkeypatch.setattr("dan_bench.degenerate.issue.check_key", lambda *_: None)
    key = ["--sign", "key"] if taken.endswith("sig") else []
    there = Path(taken)
    if how == "link to nothing":
        there.symlink_to(place / "nothing")
    elif how == "folder":
        there.mkdir()
    else:
        there.write_text("mine" * (how == "file"))
    arguments = [str(place / "secret"), "--yes", "--certificate", "c.json", *key]
    assert main(arguments) == 2
    assert taken in capsys.readouterr().err
    assert untouched(place / "secret")
    assert sorted(os.listdir()) == sorted(["notes.txt", taken])
    assert how != "file" or there.read_text() == "mine"


def test_what_the_text_would_replace_is_the_erased_file_itself(place):
    assert main(["notes.txt", "--yes", "--certificate", "notes.json"]) == 2
    assert Path("notes.txt").read_text() == "notes"
    os.link("notes.txt", place / "doc.txt")
    arguments = ["notes.txt", "--hard-links", "--yes", "--certificate", str(place / "doc.json")]
    assert main(arguments) == 2
    assert Path("notes.txt").read_text() == "notes"


def test_runs_at_the_same_time_have_certificates_of_their_own(place):
    for i in range(4):
        plant(place / f"secret {i}", 1)
    runs = [
        subprocess.Popen([*COMMAND, place / f"secret {i}", "--yes"], stdout=subprocess.DEVNULL)
        for i in range(4)
    ]
    assert {run.wait() for run in runs} <= set(DONE)
    found = [json.loads(Path(name).read_text()) for name in certificates()]
    assert sorted(of["paths"][0] for of in found) == [str(place / f"secret {i}") for i in range(4)]
    assert len(list(Path().glob("certificate-*.txt"))) == 4


def test_a_name_that_is_taken_meanwhile_is_left_alone(tmp_path):
    with Outputs(tmp_path / "c.json", signed=True, room=1000) as made:
        for number, ending in enumerate([".json", ".txt", ".json.sig"]):
            name = "c" if number == 0 else f"c-{number + 1}"
            (tmp_path / f"{name}{ending}").write_text("mine")
        for draft in (made.json, made.text, made.signature):
            with draft.writer() as file:
                file.write(b"ours")
        assert [path.name for path in made.publish()] == ["c-4.json", "c-4.txt", "c-4.json.sig"]
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    mine = dict.fromkeys(["c.json", "c-2.txt", "c-3.json.sig"], "mine")
    assert found == mine | dict.fromkeys(["c-4.json", "c-4.txt", "c-4.json.sig"], "ours")


@pytest.fixture(params=["nameless", "hidden"])
def kind(request, monkeypatch):
    """Both ways of a draft: that of most file systems, and that of those without O_TMPFILE."""
    if request.param == "hidden":
        real = os.open

        def without(path, flags, *rest, **more):
            if flags & os.O_TMPFILE == os.O_TMPFILE:
                raise OSError(errno.EOPNOTSUPP, "Operation not supported")
            return real(path, flags, *rest, **more)

        monkeypatch.setattr(outputs_module.os, "open", without)
    return request.param


def test_what_is_not_published_is_not_there(tmp_path, kind):
    with Outputs(tmp_path / "c.json", signed=False, room=1000) as made:
        assert len(os.listdir(tmp_path)) == (0 if kind == "nameless" else 2)
        with made.json.writer() as file:
            file.write(b"ours")
    assert os.listdir(tmp_path) == []


def test_a_draft_takes_no_name_that_is_taken_and_keeps_what_was_written(tmp_path, kind):
    (tmp_path / "a").write_text("mine")
    draft = Draft(tmp_path, 5000)
    with draft.writer() as file:
        file.write(b"ours")
    assert draft.content() == b"ours"
    draft.finish()
    with pytest.raises(FileExistsError):
        draft.publish("a")
    draft.publish("b")
    draft.withdraw("b")
    draft.publish("c")
    draft.close()
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "mine", "c": "ours"}
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o666 & ~current_umask()


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


# what cannot be written is known before


@pytest.fixture
def small(place):
    """A file system of half a megabyte to work in."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    folder = place / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_known_before(place, small, capsys):
    (small / "much").write_bytes(bytes(400_000))
    arguments = [str(place / "secret"), "--yes", "--certificate", str(small / "c.json")]
    assert main(arguments) == 2
    assert "No space left" in capsys.readouterr().err
    assert untouched(place / "secret")
    assert os.listdir(small) == ["much"]
    (small / "much").unlink()
    (small / "much").write_bytes(b"")
    subprocess.run(["mount", "-o", "remount,size=900k", small], check=True)
    assert main(arguments) in DONE
    assert overwritten(place / "secret")


def test_a_journal_without_room_is_known_before(place, small, capsys):
    (small / "much").write_bytes(bytes((512 << 10) - 4096))
    (small / "last").write_bytes(b"x")
    small.chmod(0o700)
    assert main([str(place / "secret"), "--yes", "--journal", str(small / "journal")]) == 2
    assert "which" in capsys.readouterr().err
    assert untouched(place / "secret")


def test_a_folder_that_cannot_be_written_is_known_before(place, small, capsys):
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    for arguments in (["--certificate", "c.json"], ["--journal", "journal"]):
        option, name = arguments
        assert main([str(place / "secret"), "--yes", option, str(small / name)]) == 2
        assert untouched(place / "secret")
    assert main([str(place / "secret"), "--yes", "--certificate", f"{'x' * 251}.json"]) == 2
    assert untouched(place / "secret")


# nobody listens


@pytest.mark.parametrize(
    "streams",
    [
        *(">&-", "2>&-", "<&-", ">&- 2>&- <&-", ">/dev/full", "2>/dev/full"),
        *(">/dev/full 2>/dev/full", ">&- 2>/dev/full", "| head -c 1", "2>&1 | head -c 1"),
    ],
)
def test_streams_that_are_closed_or_full_change_nothing(place, streams):
    os.mkfifo(place / "secret" / "pipe")
    script = f'set -o pipefail; "$@" {streams} >/dev/null; echo $? >code'
    if "|" not in streams:
        script = f'"$@" {streams}; echo $? >code'
    subprocess.run(["bash", "-c", script, "bash", *COMMAND, place / "secret", "--yes"])
    assert int(Path("code").read_text()) in DONE
    assert overwritten(place / "secret")
    (name,) = certificates()
    assert json.loads(Path(name).read_text())["total"]["overwritten"] == 3
    assert not list((place / "state").rglob("*.journal"))


def test_a_dry_run_that_cannot_tell_is_no_success(place):
    script = '"$@" --dry-run >/dev/full; echo $? >code'
    subprocess.run(["bash", "-c", script, "bash", *COMMAND, place / "secret"])
    assert int(Path("code").read_text()) == 2


# signals


def on_a_terminal(place, *more):
    """Start the command on a terminal; return its process number and the terminal."""
    number, terminal = pty.fork()
    if number == 0:
        as_in_the_foreground()
        os.execv(sys.executable, [*COMMAND, str(place / "secret"), *more])
    return number, terminal


def as_in_the_foreground():
    """Take signals as usual: a shell's background jobs ignore SIGINT."""
    for of in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(of, signal.SIG_DFL)


def read_until(terminal, text):
    said = b""
    while text not in said:
        assert select.select([terminal], [], [], 60)[0], said
        said += os.read(terminal, 10_000)
    return said


@pytest.mark.parametrize("how", ["ctrl-C", "TERM", "HUP", "wrong name", "end"])
def test_at_the_prompt_nothing_is_touched_and_nothing_left_behind(place, how):
    number, terminal = on_a_terminal(place)
    read_until(terminal, b"This cannot be undone")
    time.sleep(0.5)  # until it waits for an answer: a signal just before is noticed after it
    if how in ("TERM", "HUP"):
        os.kill(number, getattr(signal, f"SIG{how}"))
    else:
        os.write(terminal, {"ctrl-C": b"\x03", "wrong name": b"secrets\n", "end": b"\x04"}[how])
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    os.close(terminal)
    assert code == {"ctrl-C": 130, "TERM": 143, "HUP": 129}.get(how, 4)
    assert untouched(place / "secret")
    assert os.listdir() == ["notes.txt"]
    assert not list((place / "state").rglob("*.journal"))


def test_the_name_typed_at_the_prompt_is_a_yes(place):
    number, terminal = on_a_terminal(place)
    read_until(terminal, b"This cannot be undone")
    os.write(terminal, b"secret\n")
    read_until(terminal, b"certificate:")
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) in DONE
    os.close(terminal)
    assert overwritten(place / "secret")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
@pytest.mark.parametrize("more", [[], ["--remove"]], ids=["keep", "remove"])
def test_cut_off_by_a_signal_the_same_command_finishes(place, name, more):
    target = place / "many"
    plant(target, 60)
    command = [*COMMAND, target, "--yes", "--with", "python_random", "--certificate", "c.json"]
    with subprocess.Popen(
        [*command, *more], stdout=subprocess.PIPE, preexec_fn=as_in_the_foreground
    ) as process:
        while not list((place / "state").rglob("*.journal")):
            time.sleep(0.002)
        time.sleep(0.1)
        process.send_signal(getattr(signal, name))
        process.stdout.read()
    number = getattr(signal, name)
    ended = process.returncode
    if ended not in DONE:  # it was faster
        assert ended == (-number if name == "SIGKILL" else 128 + number)
        assert sorted(os.listdir()) == ["notes.txt"]
        again = subprocess.run([*command, *more], capture_output=True)
        assert again.returncode in DONE, again.stderr
    found = json.loads(Path("c.json").read_text())
    assert found["total"]["overwritten"] == 60
    assert not more or not list(target.iterdir())
    assert sorted(os.listdir()) == ["c.json", "c.txt", "notes.txt"]
    assert not list((place / "state").rglob("*.journal"))


def test_a_single_file_that_is_gone_already_is_certified_by_the_same_command(place, monkeypatch):
    """Killed after the last file was removed, and before the certificate was published."""
    victim = place / "secret" / "0"
    with monkeypatch.context() as patched:

        def full(self):
            raise OSError(errno.ENOSPC, "No space left on device")

        patched.setattr(Outputs, "publish", full)
        assert main([str(victim), "--yes", "--remove"]) == 1
    assert not victim.exists()
    assert certificates() == []
    assert main([str(victim), "--yes", "--remove"]) in DONE
    (name,) = certificates()
    assert json.loads(Path(name).read_text())["total"]["removed"] == 1
    assert main([str(victim), "--yes", "--remove"]) == 2  # now there is nothing of it


def test_signals_wait_while_a_certificate_is_written():
    with stoppable():
        with undisturbed():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(os.getpid(), number)
            time.sleep(0.01)
        with pytest.raises(Stopped) as stopped:
            signal.raise_signal(signal.SIGTERM)
        assert stopped.value.number == signal.SIGTERM
