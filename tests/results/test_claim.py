"""Claims: one process at a time, by exclusive creation; the dead are followed, by exactly one."""

import errno
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import dan_bench.results.claim as module
from dan_bench.cli import InputError
from dan_bench.results.claim import (
    DEAD_SECONDS,
    ClaimLost,
    RunClaim,
    acquire,
    follow,
    held_by,
    highest,
    in_use,
    start_of,
    this_process,
)

CONTEXT = multiprocessing.get_context("fork")


def written(folder: Path, silent: float = 0.0, number: int = 1, **of: Any) -> Path:
    """A claim as some process would have left it, so many seconds ago."""
    path = folder / f".claim.{number}"
    path.write_text(json.dumps({**vars(this_process()), **of}))
    now = time.time() - silent
    os.utime(path, (now, now))
    return path


def taken(folder: Path, within: float = 10.0) -> bool:
    """Whether the claim can be had; who is waited for is looked at no longer than that."""
    end = time.monotonic() + within

    class Waited(Exception):
        pass

    def waiting(_: str) -> None:
        if time.monotonic() > end:
            raise Waited

    try:
        acquire(folder, waiting).let_go()
    except Waited:
        return False
    return True


def test_what_was_let_go_is_had_at_once_and_one_file_stays(tmp_path: Path) -> None:
    for _ in range(5):
        claim = acquire(tmp_path, pytest.fail)
        claim.check()
        assert held_by(tmp_path, claim.number) is not None
        claim.let_go()
        assert held_by(tmp_path, claim.number) is None
    assert [path.name for path in tmp_path.iterdir()] == [".claim.5"]


def test_a_living_owner_is_named_with_its_last_sign_of_life(tmp_path: Path) -> None:
    claim = acquire(tmp_path, pytest.fail)
    told: list[str] = []

    def waiting(who: str) -> None:
        told.append(who)
        claim.let_go()

    acquire(tmp_path, waiting).let_go()
    assert told == [f"{socket.gethostname()}:{os.getpid()}, heartbeat 0 s ago"]


@pytest.mark.parametrize(
    ("of", "silent", "dead"),
    [
        ({}, 10 * DEAD_SECONDS, False),  # on this machine the process itself is looked for
        ({"started": "1"}, 0.0, True),  # another process with its number
        ({"pid": 1 << 22}, 0.0, True),  # Linux has no such number
        ({"place": "elsewhere"}, 0.0, False),
        ({"place": "elsewhere"}, DEAD_SECONDS / 2, False),
        ({"place": "elsewhere"}, DEAD_SECONDS + 5, True),
        ({"place": "elsewhere", "started": ""}, DEAD_SECONDS + 5, True),
        ({"place": "elsewhere"}, -DEAD_SECONDS / 2, False),  # its machine's clock is of no concern
        ({"place": "elsewhere"}, -DEAD_SECONDS - 5, True),  # that clock was set back since
        ({"started": ""}, 0.0, False),  # a system without /proc: by its signs of life
        ({"started": ""}, DEAD_SECONDS + 5, True),
    ],
)
def test_who_is_dead(tmp_path: Path, of: dict[str, Any], silent: float, dead: bool) -> None:
    written(tmp_path, silent, **of)
    assert taken(tmp_path, within=0.2) is dead


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 7}', '{"free": true}', "\0" * 300])
def test_a_claim_that_names_nobody_counts_while_it_is_fresh(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".claim.1"
    path.write_text(text)
    assert not taken(tmp_path, within=0.2)
    then = time.time() - DEAD_SECONDS - 5
    os.utime(path, (then, then))
    assert taken(tmp_path)


def test_in_use_is_what_somebody_holds_and_nothing_is_waited_for(tmp_path: Path) -> None:
    assert not in_use(tmp_path)
    claim = acquire(tmp_path, pytest.fail)
    assert in_use(tmp_path)
    claim.let_go()
    assert not in_use(tmp_path)
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / ".claim.1").symlink_to(written(tmp_path, number=7))
    assert not in_use(tmp_path / "link")
    os.mkfifo(tmp_path / ".claim.8")
    assert in_use(tmp_path)  # it has not said its name
    assert not in_use(tmp_path / "gone")


def test_the_clock_is_that_of_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of this machine may be hours off."""
    written(tmp_path, place="elsewhere")
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert not taken(tmp_path, within=0.2)
    monkeypatch.setattr(module, "clock", lambda _: time.time_ns() / 1e9 + DEAD_SECONDS + 5)
    assert taken(tmp_path)


def test_a_zombie_is_dead(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert Path(f"/proc/{child.pid}/stat").exists()
        assert start_of(child.pid) == ""
    assert start_of(os.getpid()) != ""


def test_the_owner_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.02)
    claim = acquire(tmp_path, pytest.fail)
    path = tmp_path / ".claim.1"
    first, end = path.stat().st_mtime_ns, time.monotonic() + 20
    while path.stat().st_mtime_ns == first:
        assert time.monotonic() < end
        time.sleep(0.01)
    claim.let_go()
    assert path.stat().st_mtime == 0


def test_it_is_let_go_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    claim = acquire(tmp_path, pytest.fail)
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", full)
        patched.setattr(os, "write", full)
        claim.let_go()
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space"):
            acquire(tmp_path, pytest.fail)
    assert taken(tmp_path, within=0.2)


def test_who_was_taken_over_notices_and_harms_nobody(tmp_path: Path) -> None:
    late = acquire(tmp_path, pytest.fail)
    late.check()
    then = time.time() - DEAD_SECONDS - 5  # it stood still, on another machine
    written(tmp_path, DEAD_SECONDS + 5, place="elsewhere")
    os.utime(tmp_path / ".claim.1", (then, then))
    other = acquire(tmp_path, pytest.fail)
    with pytest.raises(ClaimLost):
        late.check()
    late.let_go()
    other.check()
    assert held_by(tmp_path, other.number) is not None
    other.let_go()


# --- races ----------------------------------------------------------------------------------------


@contextmanager
def stopped_at(call: str, number: int, meanwhile: Callable[[], None]) -> Iterator[None]:
    """Have `meanwhile` happen right before the call of that name and number in this thread."""
    real, left, thread = getattr(os, call), [number], threading.get_ident()

    def stopping(*arguments: Any, **options: Any) -> Any:
        if threading.get_ident() == thread and left[0] >= 0:
            left[0] -= 1
            if left[0] == -1:
                meanwhile()
        return real(*arguments, **options)

    setattr(os, call, stopping)
    try:
        yield
    finally:
        setattr(os, call, real)


@pytest.mark.parametrize("patience", [DEAD_SECONDS, -1000.0])
@pytest.mark.parametrize("rounds", [1, 2, 3])
@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("call", ["listdir", "open", "write", "unlink"])
def test_wherever_it_is_held_up_it_has_what_nobody_else_has(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    number: int,
    rounds: int,
    patience: float,
) -> None:
    """Others come meanwhile, one after the other, and the last holds on to what it could have.

    Without patience they also follow on whoever has not yet written down who it is.
    """
    monkeypatch.setattr(module, "DEAD_SECONDS", patience)
    written(tmp_path, 2 * DEAD_SECONDS, place="elsewhere")
    had: list[RunClaim] = []

    def meanwhile() -> None:
        for _ in range(rounds):
            if had:
                had.pop().let_go()
            last = highest(tmp_path)
            if held_by(tmp_path, last) is None and (claim := follow(tmp_path, last)) is not None:
                had.append(claim)

    with stopped_at(call, number, meanwhile):
        claim = follow(tmp_path, 1)
    (holding,) = [one for one in (claim, *had) if one is not None]
    holding.check()
    holding.let_go()


def rush(folder: Path, start: Any, kills: int, seed: int) -> None:
    """Ask for the claim again and again; now and then die with it, and never share it."""
    start.wait()
    for turn in range(20):
        claim = acquire(folder, lambda _: None)
        inside = os.open(folder / "inside", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        os.write(inside, str(os.getpid()).encode())
        os.close(inside)
        with (folder / "turns").open("a") as turns:
            turns.write("x")
        (folder / "inside").unlink()
        if turn == 19 - kills:
            os.kill(os.getpid(), signal.SIGKILL)  # the others find out by themselves
        claim.let_go()


def test_of_many_processes_one_at_a_time_is_inside(tmp_path: Path) -> None:
    """A second one inside would end with an error, and not with its signal."""
    start = CONTEXT.Event()
    several = [CONTEXT.Process(target=rush, args=(tmp_path, start, n % 4, n)) for n in range(12)]
    for one in several:
        one.start()
    start.set()
    for one in several:
        one.join(120)
    assert {one.exitcode for one in several} == {-signal.SIGKILL}
    assert len((tmp_path / "turns").read_text()) == sum(20 - n % 4 for n in range(12))


def take_over(folder: Path, start: Any, won: Any) -> None:
    start.wait()
    claim = follow(folder, 1)
    if claim is not None:
        won.put(claim.number)
        time.sleep(0.5)


def test_of_many_that_take_over_at_once_exactly_one_wins(tmp_path: Path) -> None:
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        written(folder, started="1")
        start, won = CONTEXT.Event(), CONTEXT.Queue()
        several = [CONTEXT.Process(target=take_over, args=(folder, start, won)) for _ in range(8)]
        for one in several:
            one.start()
        start.set()
        for one in several:
            one.join(60)
        assert won.get(timeout=5) == 2
        assert won.empty()
        assert highest(folder) == 2


HOLD = """
import sys
from pathlib import Path
import dan_bench.results.claim as module
module.BEAT_SECONDS = 0.02
claim = module.acquire(Path(sys.argv[1]), print)
print("holding", flush=True)
sys.stdin.readline()
try:
    claim.check()
except module.ClaimLost:
    print("lost", flush=True)
claim.let_go()
"""


def test_a_process_that_stood_still_finds_that_it_was_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As seen from another machine: a suspended owner gives no signs of life."""
    monkeypatch.setattr(module, "DEAD_SECONDS", 0.5)
    monkeypatch.setattr(
        module, "this_process", lambda: module.Owner("elsewhere", os.getpid(), "other", "1")
    )
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, bufsize=1) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "holding\n"
        assert not taken(tmp_path, within=1.5)  # it lives, and says so
        os.kill(process.pid, signal.SIGSTOP)
        claim = acquire(tmp_path, lambda _: None)
        os.kill(process.pid, signal.SIGCONT)
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == "lost\n"
    claim.check()
    claim.let_go()


def test_a_number_that_none_can_follow_is_refused_and_not_tried_for_ever(tmp_path: Path) -> None:
    path = written(tmp_path, silent=2 * DEAD_SECONDS, number=10**18 - 1, pid=0, started="")
    with pytest.raises(InputError, match="no claim can follow"):
        acquire(tmp_path, lambda _: None)
    assert list(tmp_path.iterdir()) == [path]
    path.unlink()
    assert taken(tmp_path)
