"""Algorithm 1's last step: the data are overwritten, and looked for afterwards."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace

from dan_bench.erase.evidence import KEEP, FileEvidence, Survey, sha256_of, why_doubted
from dan_bench.erase.extents import extents
from dan_bench.erase.guard import refuse_inside
from dan_bench.erase.handles import ConcurrentChange, DirectoryEntry
from dan_bench.erase.journal import Journal, JournalEntry, key_of
from dan_bench.erase.noise import NoiseSource
from dan_bench.erase.overwrite import Blocks, Progress, overwrite, read_back
from dan_bench.erase.plan import ErasurePlan, Path, error_text
from dan_bench.erase.removal import remove
from dan_bench.erase.result import ErasureReport, FileResult
from dan_bench.erase.vault import SealedCopy

INTERRUPTED = (
    "an earlier attempt was interrupted, so there was no whole original left to compare with"
)


@dataclass(frozen=True)
class Options:
    """How every file is dealt with."""

    evidence: bool = True
    verify: bool = True
    remove: bool = False
    keep: int = KEEP
    progress: Progress = field(default=lambda _: None)


def erase(
    plan: ErasurePlan,
    noise: NoiseSource,
    *,
    journal: Path | None = None,
    evidence: bool = True,
    verify: bool = True,
    remove: bool = False,
    keep: int = KEEP,
    progress: Progress = lambda _: None,
) -> ErasureReport:
    """Overwrite every file of a plan in place; what goes wrong with one is said in its result.

    A file is opened without truncation and only if it still is the very file that the plan saw,
    with the same size, time and no more names. Every byte that it holds a block for is overwritten,
    up to the end of its last block; holes stay holes. Then the device is waited for, and the file
    is read back through a fresh handle. Size and times are as before.

    Args:
        plan: what to erase, as `plan_erasure` returned it.
        noise: what to write.
        journal: file outside of what is erased that lets a killed run go on: what it has finished
            is not done again, what it had begun is done from the start. None keeps no such file.
        evidence: whether each file's %_dd is measured; takes up to `keep` bytes of room in the
            temporary folder, for one file at a time.
        verify: whether it is read back.
        remove: whether what was overwritten without error is cut to nothing and unlinked.
        keep: bytes of a file that are compared for its %_dd; of larger ones, a sample.
        progress: told of every so many bytes more that were written.

    Raises:
        Refused: the journal or the temporary folder is not usable; nothing was touched.
        OSError: the journal cannot be written.
        ValueError: the noise source gave too few or too many bytes.
    """
    options = Options(evidence, verify, remove, keep, progress)
    if evidence:
        refuse_inside(tempfile.gettempdir(), plan.roots, "the temporary folder")
    with ExitStack() as stack:
        book = stack.enter_context(Journal(journal, plan)) if journal is not None else None
        results: dict[tuple[str, int, int], FileResult] = {}
        if book is not None:
            results |= {key: result for key, (_, result) in book.done.items()}
        first: dict[tuple[int, int], DirectoryEntry] = {}
        for found in plan.files:
            twin = first.setdefault((found.status.st_dev, found.status.st_ino), found)
            known = results[key_of(twin)] if twin is not found else None
            results[key_of(found)] = _erase_file(found, noise, book, options, known)
    return ErasureReport(noise.name, tuple(results.values()), plan.refused)


def _erase_file(
    found: DirectoryEntry,
    noise: NoiseSource,
    book: Journal | None,
    options: Options,
    twin: FileResult | None,
) -> FileResult:
    """Erase one file, unless it was done before or under another name (`twin`)."""
    try:
        with found.folder() as folder, _opened(found, folder, os.O_RDWR) as handle:
            result = _done_before(found, handle, book, twin)
            if result is None:
                result = _overwritten(found, handle, noise, book, options)
                if book is not None and result.status == "overwritten":
                    book.finish(found, os.fstat(handle).st_ctime_ns, result)
            if not options.remove or result.status == "failed":
                return result
            try:
                remove(found, handle, folder)
            except (OSError, ConcurrentChange) as error:
                return replace(result, error=f"overwritten, but not removed: {error_text(error)}")
            result = replace(result, removed=True)
            if book is not None:
                book.finish(found, os.fstat(handle).st_ctime_ns, result)
            return result
    except (OSError, ConcurrentChange) as error:
        return FileResult(found.path, found.status.st_size, "failed", 0, error=error_text(error))


def _done_before(
    found: DirectoryEntry, handle: int, book: Journal | None, twin: FileResult | None
) -> FileResult | None:
    """Return the result of an earlier attempt, or of the same file's other name."""
    if twin is not None and twin.status == "overwritten":
        return replace(
            twin, path=found.path, written=0, survey=None, same_as=twin.path, removed=False
        )
    if book is not None and key_of(found) in book.done:
        changed_ns, result = book.done[key_of(found)]
        if changed_ns == os.fstat(handle).st_ctime_ns:
            return result
    return None


def _overwritten(
    found: DirectoryEntry, handle: int, noise: NoiseSource, book: Journal | None, options: Options
) -> FileResult:
    """Overwrite a file, read it back and look for what was there."""
    status = os.fstat(handle)
    begun = book.begun.get(key_of(found)) if book is not None else None
    _check_unchanged(found, status, begun)
    resumed, written = begun is not None, 0

    def count(n: int) -> None:
        nonlocal written
        written += n
        options.progress(n)

    with ExitStack() as stack:
        evidence = None
        if options.evidence and not resumed:
            vault = stack.enter_context(closing(SealedCopy()))
            evidence = stack.enter_context(closing(FileEvidence(found, vault, options.keep)))
        blocks = Blocks.of(handle, status.st_size if begun is None else begun.size)
        if begun is None:
            sha256 = evidence.sha256 if evidence is not None else None
            begun = JournalEntry(
                blocks.size, blocks.end, status.st_atime_ns, status.st_mtime_ns, sha256
            )
            if book is not None:
                book.begin(found, begun)
        elif status.st_size != begun.size:
            os.ftruncate(handle, begun.size)
        error, read = None, None
        try:
            noise_sha256 = overwrite(handle, blocks, noise, count, options.verify)
            if noise_sha256 is not None:
                read = _reads_back(found, blocks, noise_sha256)
        except (OSError, ConcurrentChange) as failure:
            error = error_text(failure)
        finally:
            with suppress(OSError):  # of a file that is not ours, we may write but not date it
                os.utime(handle, ns=(begun.accessed_ns, begun.modified_ns))
        if read is False:
            error = "the device does not give back what was written"
        survey = evidence.survey() if evidence is not None else None
        if options.evidence and resumed:
            survey = _survey_of_interrupted(found, handle, begun, blocks)
        return FileResult(
            found.path,
            begun.size,
            "overwritten" if error is None else "failed",
            written,
            read,
            survey,
            error,
        )


def _check_unchanged(
    found: DirectoryEntry, status: os.stat_result, begun: JournalEntry | None
) -> None:
    """Refuse a file that has become another matter than what the plan listed."""
    if status.st_nlink > found.status.st_nlink:
        raise ConcurrentChange("it has got one more name (hard link) since it was looked at")
    if begun is not None:
        if status.st_size not in (begun.size, begun.end):
            raise ConcurrentChange(
                f"it has {status.st_size} bytes; there were {begun.size} when it was first begun"
            )
    elif (status.st_size, status.st_mtime_ns) != (found.status.st_size, found.status.st_mtime_ns):
        raise ConcurrentChange("it was written to since it was looked at")


def _reads_back(found: DirectoryEntry, blocks: Blocks, expected: str) -> bool:
    """Whether the file at the path, reached anew, has the noise."""
    with found.folder() as folder, _opened(found, folder, os.O_RDONLY) as fresh:
        return read_back(fresh, blocks.spans) == expected


def _survey_of_interrupted(
    found: DirectoryEntry, handle: int, begun: JournalEntry, blocks: Blocks
) -> Survey:
    """What can be said of a file that an earlier attempt had overwritten in part."""
    reasons = (INTERRUPTED, *why_doubted(handle, found, extents(handle)))
    data = sum(end - start for start, end in blocks.spans)
    after = sha256_of(handle)
    return Survey(found.path, begun.size, data, 0, "there", None, reasons, begun.sha256, after)


@contextmanager
def _opened(found: DirectoryEntry, folder: int, flags: int) -> Iterator[int]:
    handle = found.open(folder, flags)
    try:
        yield handle
    finally:
        os.close(handle)
