"""What an erasure has begun and finished, so that it can be killed at any moment and go on."""

import fcntl
import json
import os
import stat
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from dan_bench.erase.guard import Refused, refuse_inside
from dan_bench.erase.handles import DirectoryEntry
from dan_bench.erase.plan import ErasurePlan, Path
from dan_bench.erase.result import FileResult, result_of_json

KIND = "dan_bench erasure journal, version 1"

Key = tuple[str, int, int]
"""Path, device, inode."""


@dataclass(frozen=True)
class JournalEntry:
    """A file as it was just before its first byte was overwritten."""

    size: int
    end: int
    """To where its slack reaches: the size that it may have for a moment."""
    accessed_ns: int
    modified_ns: int
    sha256: str | None


class Journal:
    """A file of JSON lines that are only ever added to, each on the device before what it allows.

    A line that a crash cut short counts as not written. One process at a time holds a journal.

    Raises:
        Refused: the path is in what is to be erased, holds something else or another erasure's
            journal, or is held by another process. Nothing was touched.
    """

    def __init__(self, path: Path, plan: ErasurePlan) -> None:
        self.path = os.path.abspath(os.fsdecode(path))
        refuse_inside(self.path, plan.roots, "the journal")
        self.begun: dict[Key, JournalEntry] = {}
        self.done: dict[Key, tuple[int, FileResult]] = {}
        """With the time of the file's last change of any kind, as it was left."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._handle = os.open(self.path, flags, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(self._handle).st_mode):
                raise Refused(f"{self.path!r} is no regular file; name another for the journal")
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read(sorted(root.path for root in plan.roots))
        except BlockingIOError as error:
            self.close()
            raise Refused(f"{self.path!r} is held by an erasure that is running") from error
        except BaseException:
            self.close()
            raise

    def begin(self, found: DirectoryEntry, begun: JournalEntry) -> None:
        """Note that a file is about to be overwritten; on the device when this returns."""
        self._write({"event": "begun", "key": key_of(found), **asdict(begun)})
        self.begun[key_of(found)] = begun

    def finish(self, found: DirectoryEntry, changed_ns: int, result: FileResult) -> None:
        """Note what was done to a file, and that no more is to be done."""
        self._write(
            {"event": "done", "key": key_of(found), "at": changed_ns, "result": asdict(result)}
        )
        self.done[key_of(found)] = (changed_ns, result)
        self.begun.pop(key_of(found), None)

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, roots: list[str]) -> None:
        with open(self._handle, "rb", closefd=False) as file:
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            lines = [json.loads(line) for line in whole.splitlines()]
            header = lines[0] if lines else None
            if content and (header is None or header["kind"] != KIND):
                raise Refused(f"{self.path!r} is not an erasure's journal; name another file")
            if header is not None and header["roots"] != roots:
                raise Refused(
                    f"{self.path!r} is the journal of another erasure, of {header['roots']}; "
                    "name another file"
                )
            for line in lines[1:]:
                self._take(line)
        except (ValueError, TypeError, KeyError) as error:
            if isinstance(error, Refused):
                raise
            raise Refused(f"{self.path!r} is damaged, or no journal: {error}") from error
        os.ftruncate(self._handle, len(whole))
        if header is None:
            self._write({"kind": KIND, "roots": roots})
            above = os.open(os.path.dirname(self.path), os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(above)
            finally:
                os.close(above)

    def _take(self, line: dict[str, Any]) -> None:
        path, device, inode = line.pop("key")
        key = (path, device, inode)
        if line.pop("event") == "begun":
            self.begun[key] = JournalEntry(**line)
        else:
            self.done[key] = (line["at"], replace(result_of_json(line["result"]), earlier=True))
            self.begun.pop(key, None)

    def _write(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, allow_nan=False).encode("ascii") + b"\n"
        while text:
            text = text[os.write(self._handle, text) :]
        os.fsync(self._handle)


def key_of(found: DirectoryEntry) -> Key:
    """Return what a journal knows a file by."""
    return found.path, found.status.st_dev, found.status.st_ino
