"""One file on its way through an erasure, and what is put on the device for many at once."""

import os
import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from dan_bench.erase.attributes import erase_attributes
from dan_bench.erase.evidence import FileEvidence
from dan_bench.erase.filesystem import Extent, FileSystems, Span, length, union
from dan_bench.erase.handles import DirectoryEntry
from dan_bench.erase.overwrite import Blocks
from dan_bench.erase.records import Begun, Done, Key
from dan_bench.erase.result import Attempt, FileResult, Survey
from dan_bench.erase.status import found_in_libc, shared

SYNCED_AT_ONCE = ("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs")
"""File systems of which syncfs(2) writes all data, and asks the device to."""
INTERRUPTED = "an earlier attempt was interrupted: no whole original was left to compare with"
SPARE_BLOCKS = (
    "bytes could not be read before: where the device has put a spare block in their place, the "
    "old one keeps them"
)


@dataclass(slots=True)
class ErasureTask:
    """One open file that is to be erased."""

    found: DirectoryEntry
    key: Key
    handle: int
    file_system: str
    begun: Begun
    blocks: Blocks
    mapped: list[Extent] | None
    resumed: bool = False
    """Whether an earlier attempt has overwritten a part of it."""
    evidence: FileEvidence | None = None
    """None where none is taken, or no whole original was left."""
    noise: list[tuple[int, bytes]] = field(default_factory=list)
    """What was written over a small file."""
    written: int = 0
    error: str | None = None
    suspect: bool = False
    """Whether the device reported a bad block in it."""
    read_back: bool | None = None
    survey: Survey | None = None
    unwritable: list[Span] = field(default_factory=list)
    result: FileResult | None = None
    earlier: FileResult | None = None
    """Of an attempt since which the file was changed in some way: what it doubted still holds."""

    def restore_times(self) -> None:
        """Give the file the times that it had."""
        with suppress(OSError):  # a file that is not ours may be written to, but not dated
            os.utime(self.handle, ns=(self.begun.accessed_ns, self.begun.modified_ns))

    def erase_attributes(self) -> None:
        """Overwrite and remove its extended attributes; those that are left are in doubt."""
        left = erase_attributes(self.handle)
        if left and self.survey is not None:
            doubts = (*self.survey.unverified, *left)
            self.survey = replace(self.survey, unverified=doubts)
        elif left:
            self.error = self.error or left[0]

    def conclude(self, attempt: Attempt) -> FileResult:
        """Return, and keep, what has come of it."""
        if self.read_back is False and self.error is None:
            self.error = "the device does not give back what was written"
        unreadable = self.evidence.unreadable if self.evidence is not None else []
        bad = union(unreadable + self.unwritable)
        survey = self.survey
        if survey is not None and unreadable:
            lost = length(unreadable)
            survey = replace(survey, unverified=(*survey.unverified, f"{lost} {SPARE_BLOCKS}"))
        if survey is not None and self.earlier is not None and self.earlier.survey is not None:
            doubts = (*survey.unverified, *self.earlier.survey.unverified)
            survey = replace(survey, unverified=tuple(dict.fromkeys(doubts)))
        error = self.error
        if bad and error is None:
            error = "bad blocks: bytes " + ", ".join(f"{a} to {b}" for a, b in bad[:8])
            error += f" and {len(bad) - 8} more places" if len(bad) > 8 else ""
        self.result = FileResult(
            self.key[0],
            shared(self.begun.size),
            "overwritten" if error is None else "partly" if self.error is None else "failed",
            shared(self.written),
            attempt,
            self.read_back,
            survey,
            error,
            bad=tuple(bad),
            digest=self.begun.digest,
        )
        return self.result

    def done(self, result: FileResult) -> Done:
        """Return what the journal is told of it when it is finished."""
        status = os.fstat(self.handle)
        return Done(
            self.file_system,
            self.found.status.birth_ns,
            status.st_ctime_ns,
            status.st_mtime_ns,
            result,
        )


def sync(tasks: Sequence[ErasureTask], systems: FileSystems) -> list[tuple[ErasureTask, OSError]]:
    """Wait until the device has all files of a batch; return what failed.

    Of many files on one file system it is that which is synced, others' data and all; where this
    reports an error, or is not known to suffice, each file is.
    """
    failed = []
    by_mount: dict[tuple[int, int | None], list[ErasureTask]] = {}
    for task in tasks:
        by_mount.setdefault((task.found.status.st_dev, task.found.mount), []).append(task)
    for (device, mount), together in by_mount.items():
        at_once = len(together) > 1 and systems.of(mount, device).kind in SYNCED_AT_ONCE
        if at_once and _synced(together[0].handle):
            continue
        for task in together:
            try:
                os.fsync(task.handle)
            except OSError as error:
                failed.append((task, error))
    return failed


def _synced(handle: int) -> bool:
    """Sync the file system of a handle; whether it is known to have worked."""
    if _syncfs is None or _syncfs(handle) != 0:
        return False
    try:
        os.fsync(handle)  # has the device empty its cache, whether or not there was a commit
    except OSError:
        return False
    return True


def _found_syncfs() -> Callable[[int], int] | None:
    """The C library's syncfs, where the kernel (5.8) reports errors by it; else None."""
    release = platform.release().split(".")
    try:
        reports = (int(release[0]), int(release[1])) >= (5, 8)
    except (ValueError, IndexError):
        return None
    return found_in_libc("syncfs") if reports else None


_syncfs = _found_syncfs()
