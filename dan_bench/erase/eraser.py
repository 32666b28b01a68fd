"""Algorithm 1's last step: the data are overwritten, looked for, and on request removed."""

import os
import secrets
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace

from dan_bench.erase.evidence import (
    KEEP,
    FileEvidence,
    SealedCopy,
    why_doubted,
)
from dan_bench.erase.filesystem import FileSystems, extents, length
from dan_bench.erase.handles import AnyPath, ConcurrentChange, DirectoryEntry
from dan_bench.erase.journal import Journal, JournalEntry, key_of
from dan_bench.erase.overwrite import Blocks, overwrite, read_back
from dan_bench.erase.plan import ErasurePlan, error_text, refuse_inside
from dan_bench.erase.result import Attempt, ErasureReport, FileResult, Survey
from dan_bench.files import sync_folder
from dan_bench.interfaces import NoiseSource

INTERRUPTED = "an earlier attempt was interrupted: no whole original was left to compare with"


def erase(
    plan: ErasurePlan,
    noise: NoiseSource,
    *,
    journal: AnyPath | None = None,
    evidence: bool = True,
    verify: bool = True,
    remove: bool = False,
    keep: int = KEEP,
    progress: Callable[[int], None] = lambda _: None,
) -> ErasureReport:
    """Overwrite every file of a plan in place; the result of each says what went wrong with it.

    A file is opened without truncation and only if it still is the very file that the plan saw,
    with the same size, time and no more names. Every byte that it holds a block for is overwritten,
    up to the end of its last block; holes stay holes. Then the device is waited for, and the file
    is read back through a fresh handle. Size and times are as before.

    Args:
        plan: what to erase, as `plan_erasure` returned it.
        noise: what to write.
        journal: file outside of what is erased that lets a killed run continue: what it has
            finished is not done again, what it had begun is done from the start. None keeps none.
        evidence: whether each file's %_dd is measured; takes up to `keep` bytes of room in the
            temporary folder, for one file at a time.
        verify: whether it is read back.
        remove: whether what was overwritten without error is cut to nothing and unlinked.
        keep: bytes of a file that are compared for its %_dd; of larger ones, a sample.
        progress: called with the number of further bytes written, each time some were.

    Raises:
        ErasureRefused: the journal or the temporary folder is not usable; nothing was touched.
        OSError: the journal cannot be written.
        ValueError: the noise source gave too few or too many bytes.
    """
    if evidence:
        refuse_inside(tempfile.gettempdir(), plan.roots, "the temporary folder")
    with Journal(journal, plan) as book:
        attempt = Attempt(1, noise.name, time.time(), time.time())
        erasure = _Erasure(noise, attempt, book, evidence, verify, remove, keep, progress)
        results = {key: result for key, (_, result) in book.done.items()}
        first: dict[tuple[int, int], DirectoryEntry] = {}
        for found in plan.files:
            twin = first.setdefault(found.identity, found)
            known = results[key_of(twin)] if twin is not found else None
            results[key_of(found)] = erasure.erase_file(found, known)
    return ErasureReport(noise.name, tuple(results.values()), plan.refused, (attempt,), remove)


def remove(found: DirectoryEntry, handle: int, folder: int) -> None:
    """Cut a file to nothing and unlink it; cut only where it has no other name.

    No system call unlinks "this file" rather than "whatever has this name". So the name is first
    moved to one that nobody can guess; only if that is the file is it unlinked, else the name is
    put back.

    Raises:
        ConcurrentChange: another file has the name now; it was put back.
    """
    name, hidden = found.parts[-1], f".{secrets.token_hex(16)}"
    os.rename(name, hidden, src_dir_fd=folder, dst_dir_fd=folder)
    if not found.is_same(os.stat(hidden, dir_fd=folder, follow_symlinks=False)):
        _put_back(hidden, name, folder)
        raise ConcurrentChange("another file has taken its name, and was left alone")
    if os.fstat(handle).st_nlink == 1:
        os.ftruncate(handle, 0)
        os.fsync(handle)
    os.unlink(hidden, dir_fd=folder)
    sync_folder(".", dir_fd=folder)


def _put_back(hidden: str, name: str, folder: int) -> None:
    """Give a name back, over nothing: where something has it by now, `hidden` stays."""
    try:
        os.link(hidden, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return
    except OSError:  # a folder, which has no second name; rename replaces no folder with content
        with suppress(OSError):
            os.rename(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(hidden, dir_fd=folder)


@dataclass(frozen=True)
class _Erasure:
    """How each file is treated; the fields are the arguments of `erase`."""

    noise: NoiseSource
    attempt: Attempt
    journal: Journal
    evidence: bool
    verify: bool
    remove: bool
    keep: int
    progress: Callable[[int], None]

    def erase_file(self, found: DirectoryEntry, twin: FileResult | None) -> FileResult:
        """Erase one file, unless it was done before or under another name (`twin`)."""
        try:
            with found.opened(os.O_RDWR) as (handle, folder):
                result = self._done_before(found, handle, twin)
                if result is None:
                    result = self._overwrite(found, handle)
                    if result.status == "overwritten":
                        self._finish(found, handle, result)
                if not self.remove or result.status == "failed":
                    return result
                try:
                    remove(found, handle, folder)
                except (OSError, ConcurrentChange) as error:
                    return replace(
                        result, error=f"overwritten, but not removed: {error_text(error)}"
                    )
                result = replace(result, removed=True)
                self._finish(found, handle, result)
                return result
        except (OSError, ConcurrentChange) as error:
            return FileResult(
                found.path,
                found.status.st_size,
                "failed",
                0,
                self.attempt,
                error=error_text(error),
            )

    def _finish(self, found: DirectoryEntry, handle: int, result: FileResult) -> None:
        self.journal.finish(found, os.fstat(handle).st_ctime_ns, result)

    def _done_before(
        self, found: DirectoryEntry, handle: int, twin: FileResult | None
    ) -> FileResult | None:
        """The result of an earlier attempt, or of the same file's other name."""
        if twin is not None and twin.status == "overwritten":
            return replace(
                twin, path=found.path, written=0, survey=None, same_as=twin.path, removed=False
            )
        changed_ns, result = self.journal.done.get(key_of(found), (None, None))
        return result if changed_ns == os.fstat(handle).st_ctime_ns else None

    def _overwrite(self, found: DirectoryEntry, handle: int) -> FileResult:
        """Overwrite a file, read it back and look for its old bytes."""
        status = os.fstat(handle)
        begun = self.journal.begun.get(key_of(found))
        _check_unchanged(found, status, begun)
        resumed, written = begun is not None, 0

        def count(n: int) -> None:
            nonlocal written
            written += n
            self.progress(n)

        with ExitStack() as stack:
            evidence = None
            if self.evidence and not resumed:
                copy = stack.enter_context(closing(SealedCopy()))
                evidence = stack.enter_context(closing(FileEvidence(found, copy, self.keep)))
            blocks = Blocks.of(handle, status.st_size if begun is None else begun.size)
            if begun is None:
                begun = JournalEntry(
                    blocks.size, blocks.end, status.st_atime_ns, status.st_mtime_ns, None
                )
                self.journal.begin(found, begun)
            elif status.st_size != begun.size:
                os.ftruncate(handle, begun.size)
            error, read = None, None
            try:
                noise_sha256 = overwrite(handle, blocks, self.noise, count, self.verify)
                if noise_sha256 is not None:
                    with found.opened(os.O_RDONLY) as (fresh, _):
                        read = read_back(fresh, blocks.spans) == noise_sha256
            except (OSError, ConcurrentChange) as failure:
                error = error_text(failure)
            finally:
                with suppress(OSError):  # a file that is not ours may be written to, but not dated
                    os.utime(handle, ns=(begun.accessed_ns, begun.modified_ns))
            if read is False:
                error = "the device does not give back what was written"
            survey = evidence.survey() if evidence is not None else None
            if self.evidence and resumed:
                survey = Survey(
                    found.path,
                    begun.size,
                    data=length(blocks.spans),
                    compared=0,
                    fate="there",
                    destroyed=None,
                    unverified=(
                        INTERRUPTED,
                        *why_doubted(handle, found, extents(handle), FileSystems()),
                    ),
                )
            return FileResult(
                found.path,
                begun.size,
                "overwritten" if error is None else "failed",
                written,
                self.attempt,
                read,
                survey,
                error,
            )


def _check_unchanged(
    found: DirectoryEntry, status: os.stat_result, begun: JournalEntry | None
) -> None:
    """Refuse a file that is no longer as the plan listed it."""
    if status.st_nlink > found.status.st_nlink:
        raise ConcurrentChange("it has got one more name (hard link) since it was planned")
    if begun is not None:
        if status.st_size not in (begun.size, begun.end):
            raise ConcurrentChange(
                f"it has {status.st_size} bytes; there were {begun.size} when it was first begun"
            )
    elif (status.st_size, status.st_mtime_ns) != (found.status.st_size, found.status.st_mtime_ns):
        raise ConcurrentChange("it was written to since it was planned")
