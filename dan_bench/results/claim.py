"""The claim on a run: one process at a time works in a run's folder, on any shared file system.

No lock of the operating system is needed, which network file systems lack or keep for the dead.
Claims are numbered files, `.claim.1`, `.claim.2` and so on. Each is made by exclusive creation, the
highest is the one that counts, and who follows on it, because it was let go or its owner is dead,
creates the next: of several exactly one does. The highest is never removed, so that whoever comes
late to a number that is past finds a higher one beside its own, and withdraws.
"""

import contextlib
import json
import os
import re
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from dan_bench.cli import InputError
from dan_bench.files import lent
from dan_bench.results.reading import DAMAGES, shown

BEAT_SECONDS = 10.0
"""Between two signs of life, the time stamp of the claim's file."""
DEAD_SECONDS = 120.0
"""Without a sign of life, by the clock of the file system: so long an owner on another machine is
waited for. On the same machine it is looked for among the processes."""
POLLS = (0.05, 2.0)
"""Seconds between two looks at somebody else's claim, first and at last."""
FREE_BEFORE = 1e9
"""Time stamp, of 2001: that of a claim that was let go is older."""
NAME = re.compile(r"\.claim\.([1-9][0-9]{0,17})")
MOST_BYTES = 4096


class ClaimLost(BaseException):
    """Somebody else has taken the run over, because this process gave no sign of life.

    It is no `Exception`, since it is no failure of the run.
    """


@dataclass(frozen=True)
class Owner:
    """A process that no other on any machine is taken for."""

    host: str
    pid: int
    place: str
    """The running kernel and its space of process numbers."""
    started: str
    """When it was started, in ticks since the machine was."""

    def alive(self) -> bool:
        """Return whether it still runs, where it is of this place."""
        return self.started == start_of(self.pid)


def start_of(pid: int) -> str:
    """Return when a process of this machine was started; empty where it is none, or a zombie."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return ""
    return "" if state in "ZX" else fields[18]


def this_process() -> Owner:
    """Return this process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        place = f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        place = socket.gethostname()
    return Owner(socket.gethostname(), os.getpid(), place, start_of(os.getpid()))


class RunClaim:
    """A claim that this process holds, or once held."""

    def __init__(self, folder: Path, number: int, handle: int) -> None:
        self.folder, self.number = folder, number
        self._handle = handle
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, name="claim", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise `ClaimLost` if somebody else has taken over."""
        if highest(self.folder) != self.number:
            raise ClaimLost(f"{self.folder} was taken over")

    def let_go(self) -> None:
        """Have the next one follow at once. It needs no room on the device."""
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            os.utime(self._handle, (0, 0))  # of this very file, whoever has taken over meanwhile
        os.close(self._handle)

    def _live(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):
                os.utime(self._handle)  # by the clock of the file system


@contextmanager
def claimed(folder: Path, waiting: Callable[[str], None]) -> Iterator[RunClaim]:
    """Hold the claim on a folder; wait for it, and let it go at the end.

    Args:
        folder: of the run; it is there.
        waiting: told whom it waits for, again and again.
    """
    claim = acquire(folder, waiting)
    try:
        yield claim
    finally:
        claim.let_go()


def acquire(folder: Path, waiting: Callable[[str], None]) -> RunClaim:
    """Wait for the claim on a folder, and return it."""
    pause, longest = POLLS
    while True:
        last = highest(folder)
        try:
            holder = held_by(folder, last) if last else None
        except FileNotFoundError:  # another has followed, and cleared it away
            continue
        if holder is None:
            claim = follow(folder, last)
            if claim is not None:
                return claim
        else:
            waiting(holder)
            time.sleep(pause)
            pause = min(2 * pause, longest)


def follow(folder: Path, last: int) -> RunClaim | None:
    """Create the claim after the last one; None where somebody else was faster."""
    path = path_of(folder, last + 1)
    if not NAME.fullmatch(path.name):  # nobody would see it, and all would try for ever
        raise InputError(f"{shown(str(path_of(folder, last)))}: no claim can follow it; delete it")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        return None
    try:
        os.write(handle, json.dumps(asdict(this_process())).encode())
        if highest(folder) != last + 1:  # others had gone on from there meanwhile
            path.unlink(missing_ok=True)
            os.close(handle)
            return None
    except BaseException:
        with contextlib.suppress(OSError):
            os.utime(handle, (0, 0))
        os.close(handle)
        raise
    for number in numbers(folder):
        if number < last + 1:
            path_of(folder, number).unlink(missing_ok=True)
    return RunClaim(folder, last + 1, handle)


def in_use(folder: Path, but: Owner | None = None) -> bool:
    """Return whether somebody, but for this one, holds the claim, as far as can be seen."""
    with contextlib.suppress(OSError):
        last = highest(folder)
        return last > 0 and held_by(folder, last, but) is not None
    return False


def held_by(folder: Path, number: int, but: Owner | None = None) -> str | None:
    """Say who holds a claim; None where it was let go, or its owner is dead or this one.

    Raises:
        FileNotFoundError: it is past.
    """
    # opened, since NFS asks its server then; a pipe is not waited for
    with lent(os.open(path_of(folder, number), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)) as it:
        text, beat = os.read(it, MOST_BYTES), os.fstat(it).st_mtime
    if beat < FREE_BEFORE:
        return None
    try:
        owner = Owner(**json.loads(text))
        if owner == but:
            return None
        here = bool(owner.started) and owner.place == this_process().place
        name = shown(f"{owner.host}:{owner.pid}")
    except DAMAGES:  # its owner has created it, and not yet written to it
        here, name = False, "a process that has not said its name"
    silent = clock(folder) - beat  # less than none where that clock was set back since
    dead = not owner.alive() if here else abs(silent) > DEAD_SECONDS
    return None if dead else f"{name}, heartbeat {max(0.0, silent):.0f} s ago"


def clock(folder: Path) -> float:
    """Return the time by the clock of the folder's file system: that of a new file."""
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_mtime


def highest(folder: Path) -> int:
    """Return the number of the claim that counts; 0 where there was none."""
    return max(numbers(folder), default=0)


def numbers(folder: Path) -> list[int]:
    """Return the numbers of all claims: a folder this small is listed by one call, as it is."""
    return [int(found[1]) for name in os.listdir(folder) if (found := NAME.fullmatch(name))]


def path_of(folder: Path, number: int) -> Path:
    """Return the file of the claim of a number."""
    return folder / f".claim.{number}"
