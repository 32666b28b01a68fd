"""The journal that lets a killed erasure continue."""

import fcntl
import json
import os
import stat
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from dan_bench.erase.handles import AnyPath, DirectoryEntry, ErasureRefused
from dan_bench.erase.plan import ErasurePlan, refuse_inside
from dan_bench.erase.result import Attempt, FileResult, Survey
from dan_bench.files import sync_folder
from dan_bench.interfaces import Estimate

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
    digest: str | None


class Journal:
    """A file of JSON lines, append-only; each is on the device before what it permits is done.

    A line cut short by a crash counts as not written. One process at a time holds a journal. With
    no path it is kept in memory only.

    Raises:
        ErasureRefused: the path is in what is to be erased, holds something else or another
            erasure's journal, or is held by another process. Nothing was touched.
    """

    def __init__(self, path: AnyPath | None, plan: ErasurePlan) -> None:
        self.begun: dict[Key, JournalEntry] = {}
        self.done: dict[Key, tuple[int, FileResult]] = {}
        """With the time of the file's last change of any kind, as it was left."""
        self._handle: int | None = None
        if path is None:
            return
        self._path = os.path.abspath(os.fsdecode(path))
        refuse_inside(self._path, plan.roots, "the journal")
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self._handle = os.open(self._path, flags, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(self._handle).st_mode):
                raise ErasureRefused(
                    f"{self._path!r} is no regular file; name another for the journal"
                )
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._read(self._handle, sorted(root.path for root in plan.roots))
        except BlockingIOError as error:
            self.close()
            raise ErasureRefused(f"{self._path!r} is held by an erasure that is running") from error
        except BaseException:
            self.close()
            raise

    def begin(self, found: DirectoryEntry, begun: JournalEntry) -> None:
        """Record that a file is about to be overwritten; on the device when this returns."""
        self._write({"event": "begun", "key": key_of(found), **asdict(begun)})
        self.begun[key_of(found)] = begun

    def finish(self, found: DirectoryEntry, changed_ns: int, result: FileResult) -> None:
        """Record what was done to a file, and that nothing remains to be done."""
        self._write(
            {"event": "done", "key": key_of(found), "at": changed_ns, "result": asdict(result)}
        )
        self.done[key_of(found)] = (changed_ns, result)
        self.begun.pop(key_of(found), None)

    def close(self) -> None:
        """Release it to other processes."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, handle: int, roots: list[str]) -> None:
        with open(handle, "rb", closefd=False) as file:
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            lines = [json.loads(line) for line in whole.splitlines()]
            header = lines[0] if lines else None
            if content and (header is None or header["kind"] != KIND):
                raise ErasureRefused(f"{self._path!r} is no erasure journal; name another file")
            if header is not None and header["roots"] != roots:
                raise ErasureRefused(
                    f"{self._path!r} is the journal of another erasure, of {header['roots']}; "
                    "name another file"
                )
            for line in lines[1:]:
                self._load(line)
        except ErasureRefused:
            raise
        except (ValueError, TypeError, KeyError) as error:
            raise ErasureRefused(f"{self._path!r} is damaged, or no journal: {error}") from error
        os.ftruncate(handle, len(whole))
        if header is None:
            self._write({"kind": KIND, "roots": roots})
            sync_folder(os.path.dirname(self._path))

    def _load(self, line: dict[str, Any]) -> None:
        path, device, inode = line.pop("key")
        key = (path, device, inode)
        if line.pop("event") == "begun":
            self.begun[key] = JournalEntry(**line)
        else:
            self.done[key] = (line["at"], replace(_result_of_json(line["result"]), earlier=True))
            self.begun.pop(key, None)

    def _write(self, line: dict[str, Any]) -> None:
        if self._handle is None:
            return
        text = json.dumps(line, allow_nan=False).encode("ascii") + b"\n"
        while text:
            text = text[os.write(self._handle, text) :]
        os.fsync(self._handle)


def key_of(found: DirectoryEntry) -> Key:
    """Return what identifies a file in a journal."""
    return found.path, *found.identity


def _result_of_json(values: dict[str, Any]) -> FileResult:
    """The result that `dataclasses.asdict` and JSON made these values of."""
    survey = values["survey"]
    if survey is not None:
        destroyed = survey["destroyed"]
        survey |= {
            "destroyed": None if destroyed is None else Estimate(**destroyed),
            "unverified": tuple(survey["unverified"]),
        }
    values["bad"] = tuple((start, end) for start, end in values["bad"])
    values["attempt"] = Attempt(**values["attempt"])
    return FileResult(**values | {"survey": None if survey is None else Survey(**survey)})
