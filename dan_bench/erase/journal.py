"""The journal that lets a killed erasure continue, and certify what its earlier attempts did."""

import fcntl
import json
import os
import stat
import struct
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dan_bench.erase.handles import AnyPath, DirectoryEntry, ErasureRefused
from dan_bench.erase.plan import ErasurePlan
from dan_bench.erase.records import KIND, OTHER, Begun, Done, JournalState, Key, read, values_of
from dan_bench.erase.result import Attempt
from dan_bench.files import Closing, lent, sync

ENCODER = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
FILE_SYSTEM_UUID = 0x80111500  # FS_IOC_GETFSUUID (Linux 6.9): linux/fs.h
SAFE = "keep the journal in a folder of your own (mode 0700)"


class Journal(Closing):
    """A file of lines, append-only; each is on the device before what it permits is done.

    A line is JSON behind a check sum over all lines so far; one cut short by a crash counts as not
    written. One process at a time holds a journal, and it belongs to one command. With no path it
    is kept in memory only.

    Args:
        path: of the file, outside of what is erased.
        plan: what is to be erased.
        options: of the command; a journal of another command is refused.
        noise: name of the generator of this attempt.

    Raises:
        ErasureRefused: the path is in what is to be erased, others may write there, it holds
            something else, something damaged or another command's journal, or is held by another
            process. Nothing was touched.
    """

    def __init__(
        self, path: AnyPath | None, plan: ErasurePlan, options: dict[str, bool], noise: str
    ) -> None:
        self.told = JournalState()
        """Of earlier attempts."""
        self._file_systems: dict[int, str] = {}
        self._handle: int | None = None
        self._check = 0
        if path is not None:
            self._path = os.path.abspath(os.fsdecode(path))
            plan.refuse_inside(self._path, "the journal")
            self._handle = open_owned(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        try:
            if self._handle is not None:
                self._continue(self._handle, plan, options)
            now = time.time()
            self.attempt = Attempt(len(self.told.attempts) + 1, noise, now, now)
            self.attempts = (*self.told.attempts, self.attempt)
            files = max(self.told.planned, len(plan.files))
            self._write({"e": "attempt", "noise": noise, "t": now, "files": files})
        except BaseException:
            self.close()
            raise

    def begin(self, files: Iterable[tuple[Key, Begun]]) -> None:
        """Record that files are about to be overwritten; on the device when this returns."""
        self._write_files("begun", [(*key, *begun) for key, begun in files])

    def finish(self, files: Iterable[tuple[Key, Done]]) -> None:
        """Record what was done to files, and that nothing remains to be done."""
        rows = [(*key, *done[:-1], values_of(done.result)) for key, done in files]
        self._write_files("done", rows)

    def hide(self, files: Iterable[tuple[Key, str]]) -> None:
        """Record the names that files get before they are removed."""
        self._write_files("hidden", [(*key, name) for key, name in files])

    def removed(self, keys: Iterable[Key]) -> None:
        """Record that files are gone."""
        self._write_files("removed", list(keys))

    def file_system(self, handle: int, device: int) -> str:
        """Return what names a file system however often it is mounted; asked once a device."""
        if device not in self._file_systems:
            self._file_systems[device] = file_system_of(handle)
        return self._file_systems[device]

    def close(self) -> None:
        """Release it to other processes."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _continue(self, handle: int, plan: ErasurePlan, options: dict[str, bool]) -> None:
        """Read what an earlier attempt has left, or write the first line."""
        _lock(handle, self._path)
        roots = sorted(plan.paths)
        header = {"kind": KIND, "roots": roots, "options": options}
        self.told = told = read(handle, self._path)
        if told.header is None:
            os.ftruncate(handle, 0)
            self._write(header)
            sync(os.path.dirname(self._path))
            return
        refuse_another(self._path, told.header, roots, options)
        os.ftruncate(handle, told.end)
        self._check = told.check

    def _write_files(self, event: str, rows: Sequence[Sequence[object]]) -> None:
        """Append what happened to files, and when."""
        if rows:
            self.attempt.ended = now = time.time()
            self._write({"e": event, "t": now, "f": rows})

    def _write(self, content: dict[str, Any]) -> None:
        """Append a line, and wait until it is on the device."""
        if self._handle is None:
            return
        text = ENCODER.encode(content).encode("ascii") + b"\n"
        self._check = zlib.crc32(text, self._check)
        left = memoryview(b"%08x " % self._check + text)
        while left:
            left = left[os.write(self._handle, left) :]
        os.fsync(self._handle)


def pending(path: AnyPath, paths: Sequence[AnyPath]) -> JournalState | None:
    """Return what a journal tells of an erasure of `paths`; None where there is no journal.

    To be asked before "there is nothing to overwrite" is said: all may be overwritten and removed
    by now, and only the certificate be missing. Changes nothing.

    Raises:
        ErasureRefused: it is damaged, no journal, of other paths, or others may write to it.
    """
    if not os.path.lexists(path):
        return None
    with locked(path) as told:
        pass
    if told.header is None:
        return None
    roots = sorted(os.path.realpath(os.fsdecode(path)) for path in paths)
    refuse_another(os.path.abspath(os.fsdecode(path)), told.header, roots, told.header["options"])
    return told


@contextmanager
def locked(path: AnyPath) -> Iterator[JournalState]:
    """Read a journal, and keep others from it; raises ErasureRefused as `Journal` does."""
    whole = os.path.abspath(os.fsdecode(path))
    with lent(open_owned(whole, os.O_RDONLY)) as handle:
        _lock(handle, whole)
        yield read(handle, whole)


def _lock(handle: int, path: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ErasureRefused(f"{path!r} is held by an erasure that is running") from error


def refuse_another(
    path: str, header: dict[str, Any], roots: list[str], options: dict[str, bool]
) -> None:
    """Refuse the journal of another command; roots that were removed since need not be named."""
    gone = [root for root in header["roots"] if root not in roots and not os.path.lexists(root)]
    if sorted([*roots, *gone]) != sorted(header["roots"]):
        raise ErasureRefused(
            f"{path!r} is the journal of another erasure, of {header['roots']}; finish that one "
            "by the command that began it, or name another file"
        )
    if options != header["options"]:
        asked = ", ".join(f"{name}={value}" for name, value in header["options"].items())
        raise ErasureRefused(
            f"{path!r} is the journal of an erasure with other options ({asked}); finish that one "
            f"by the command that began it, or {OTHER}"
        )


def open_owned(path: str, flags: int) -> int:
    """Open a regular file that none but its owner, who is the caller, can write or could have put.

    Raises:
        ErasureRefused: it is anything else.
        OSError: it cannot be opened.
    """
    where, name = os.path.split(path)
    me = os.geteuid()
    with lent(os.open(where, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as folder:
        status = os.fstat(folder)
        others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if status.st_uid not in (me, 0) or (others and not status.st_mode & stat.S_ISVTX):
            raise ErasureRefused(
                f"{where!r} may be written by others, who could forge a journal: {SAFE}"
            )
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            handle = os.open(name, flags, 0o600, dir_fd=folder)
        except OSError as error:
            raise type(error)(error.errno, error.strerror, path) from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise ErasureRefused(f"{path!r} is no regular file; name another for the journal")
        if status.st_uid != me or status.st_mode & 0o077 or status.st_nlink != 1:
            raise ErasureRefused(
                f"{path!r} is not yours alone (owner {status.st_uid}, mode "
                f"{status.st_mode & 0o777:o}, {status.st_nlink} names): {SAFE}"
            )
    except BaseException:
        os.close(handle)
        raise
    return handle


def key_of(found: DirectoryEntry) -> Key:
    """Return what identifies a file in a journal."""
    return found.path, found.status.st_ino


def file_system_of(handle: int) -> str:
    """Return the UUID of a handle's file system, or what statvfs(3) gives for its id."""
    answer = bytearray(struct.calcsize("B16s"))
    try:
        fcntl.ioctl(handle, FILE_SYSTEM_UUID, answer, True)
        return answer[1 : 1 + answer[0]].hex()
    except OSError:
        return f"{os.fstatvfs(handle).f_fsid:x}"
