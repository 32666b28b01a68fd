"""Algorithm 1's last step: the data are overwritten, looked for, and on request removed."""

import os
import resource
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

from dan_bench.cli import uncollected
from dan_bench.erase.copies import MemoryCopy, SealedCopy
from dan_bench.erase.direct import DeviceReader
from dan_bench.erase.evidence import KEEP, FileEvidence, why_doubted
from dan_bench.erase.filesystem import FileSystems, difference, extents, length
from dan_bench.erase.handles import AnyPath, ConcurrentChange, DirectoryEntry, Folders, Identity
from dan_bench.erase.journal import Journal, key_of
from dan_bench.erase.overwrite import (
    BAD_BLOCK,
    PIECE,
    Blocks,
    Overwriter,
    digest_of,
    mend,
    noise_for,
    read_back,
)
from dan_bench.erase.plan import ErasurePlan, error_text
from dan_bench.erase.records import Begun, Key
from dan_bench.erase.removal import hidden_paths, is_gone, remove
from dan_bench.erase.result import ErasureReport, FileResult, Survey
from dan_bench.erase.small import SMALL, look_again, overwrite_batch
from dan_bench.erase.task import INTERRUPTED, ErasureTask
from dan_bench.interfaces import NoiseSource

TOGETHER = 256
"""Files in a batch, at most; each takes a handle. All of their bytes are in memory, twice:"""
BATCH = 8 << 20
SPARE_HANDLES = 128
LOST = "begun by an earlier attempt, and not there now: a part of its data may be left"


def erase(
    plan: ErasurePlan,
    noise: NoiseSource,
    *,
    journal: AnyPath | None = None,
    evidence: bool = True,
    remove: bool = False,
    keep: int = KEEP,
    progress: Callable[[int], None] = lambda _: None,
    digest_key: bytes | None = None,
) -> ErasureReport:
    """Overwrite every file of a plan in place; the result of each says what went wrong with it.

    A file is opened without truncation and only if it still is the very file that the plan saw,
    with the same size, time and no more names. Every byte that it holds a block for is overwritten,
    bad blocks excepted, up to the end of its last block; holes stay holes. Then the device is
    waited for, and the file is read back through a fresh handle. Size and times are as before.
    Small files are dealt with in batches.

    Args:
        plan: what to erase, as `plan_erasure` returned it.
        noise: what to write.
        journal: file outside of what is erased that lets a killed run continue: what it has
            finished is not done again, what it had begun is done from the start. None keeps none.
            Its folder must be the user's own.
        evidence: whether each file's %_dd is measured; takes up to `keep` bytes of room in the
            temporary folder, for one large file at a time.
        remove: whether what was overwritten without error is cut to nothing and unlinked.
        keep: bytes of a file that are compared for its %_dd; of larger ones, a sample.
        progress: called with the number of further bytes that are done, each time some are. What
            it raises because it cannot print stops nothing.
        digest_key: key of an HMAC-SHA256 of each original; without one, none is made.

    Raises:
        ErasureRefused: the journal or the temporary folder is not usable; nothing was touched.
        OSError: the journal cannot be written.
        ValueError: the noise source gave too few or too many bytes.
    """
    if evidence:
        plan.refuse_inside(tempfile.gettempdir(), "the temporary folder")
    # every file is read back; the journals of earlier versions say so too
    options = {"evidence": evidence, "verify": True, "remove": remove}
    with (
        Journal(journal, plan, options, noise.name) as book,
        closing(_Erasure(book, noise, evidence, remove, keep, progress, digest_key)) as erasure,
    ):
        with uncollected():  # of all results, looked at again and again, none is a cycle
            results = [result for batch in batches(plan.files) for result in erasure.erase(batch)]
        results += erasure.of_earlier_attempts()
        results += erasure.of_lost_roots(plan, len(results))
        return ErasureReport(tuple(results), plan.refused, book.attempts, remove)


def batches(files: Iterable[DirectoryEntry]) -> Iterator[list[DirectoryEntry]]:
    """Put small files together, in their order; every other file, and one of more names, alone."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    most = max(1, min(TOGETHER, (limit - SPARE_HANDLES) // 2))
    batch: list[DirectoryEntry] = []
    size = 0
    for found in files:
        held = max(found.status.st_size, found.status.st_blocks * 512)
        alone = held > SMALL or found.status.st_nlink > 1
        if batch and (alone or size + held > BATCH or len(batch) == most):
            yield batch
            batch, size = [], 0
        batch.append(found)
        size += held
        if alone:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _Erasure:
    """How each batch is treated; the arguments are those of `erase`."""

    def __init__(
        self,
        book: Journal,
        noise: NoiseSource,
        evidence: bool,
        remove: bool,
        keep: int,
        progress: Callable[[int], None],
        digest_key: bytes | None,
    ) -> None:
        self._book, self._told = book, book.told
        self._evidence, self._remove = evidence, remove
        self._keep, self._key = keep, digest_key
        self._tell = progress
        self._writer = Overwriter(noise, self._progress)
        self._folders = Folders()
        self._own_names = hidden_paths(self._told)
        self._met: set[Key] = set()
        self._twins: dict[Identity, FileResult] = {}

    def close(self) -> None:
        """Close the folders, and end the thread."""
        self._folders.close()
        self._writer.close()

    def _progress(self, n: int) -> None:
        try:
            self._tell(n)
        except (OSError, ValueError):  # nobody can be told, on a full disk or a closed terminal
            self._tell = lambda _: None

    def erase(self, batch: list[DirectoryEntry]) -> list[FileResult]:
        """Erase files, in their order, unless that was done before."""
        systems = FileSystems()
        outcome: list[ErasureTask | FileResult] = []
        with ExitStack() as held:
            for found in batch:
                try:
                    outcome.append(self._opened(found, held, systems))
                except (OSError, ConcurrentChange) as error:
                    outcome.append(self._failed(found, error))
            tasks = [task for task in outcome if isinstance(task, ErasureTask)]
            fresh = [task for task in tasks if task.result is None]
            self._book.begin([(task.key, task.begun) for task in fresh])
            if fresh and self._is_small(fresh[0]):
                self._overwrite_together(fresh)
            elif fresh:
                self._overwrite(*fresh)
            for task in fresh:
                if task.error is None:
                    task.erase_attributes()
            done = []
            for task in tasks:
                new = task.result is None
                result = task.result or task.conclude(self._book.attempt)
                if result.status != "failed" and (new or result.same_as is not None):
                    done.append((task.key, task.done(result)))
            self._book.finish(done)
            if self._remove:
                good = [t for t in tasks if t.result and t.result.status == "overwritten"]
                if good:
                    remove(good, self._book, self._folders, systems)
        results = [item.result if isinstance(item, ErasureTask) else item for item in outcome]
        for found, of in zip(batch, results, strict=True):
            if found.status.st_nlink > 1 and of is not None:
                self._twins.setdefault(found.identity, of)
        return [result for result in results if result is not None]

    def of_earlier_attempts(self) -> Iterator[FileResult]:
        """Yield the results of files that the plan no longer lists."""
        for key, done in self._told.done.items():
            if key not in self._met:
                gone = not done.result.removed and is_gone(key, done, self._told, self._book)
                yield replace(done.result, removed=done.result.removed or gone)
        for key, begun in self._told.begun.items():
            if key not in self._met:
                last = self._told.attempts[-1]
                yield FileResult(key[0], begun.size, "failed", 0, last, error=LOST)

    def of_lost_roots(self, plan: ErasurePlan, reported: int) -> Iterator[FileResult]:
        """Yield a failure for each root that is gone, if not all was erased before it went."""
        missing = self._told.planned - reported
        if self._told.header is not None and missing > 0:
            for path in {*self._told.header["roots"]} - {root.path for root in plan.roots}:
                text = f"it is gone, and up to {missing} files were never overwritten: mounted?"
                yield FileResult(path, 0, "failed", 0, self._book.attempt, error=text)

    def _failed(self, found: DirectoryEntry, error: Exception) -> FileResult:
        path, size = found.path, found.status.st_size
        self._met.add(key_of(found))
        return FileResult(path, size, "failed", 0, self._book.attempt, error=error_text(error))

    def _is_small(self, task: ErasureTask) -> bool:
        return max(task.begun.size, task.found.status.st_blocks * 512) <= SMALL

    def _opened(self, found: DirectoryEntry, held: ExitStack, systems: FileSystems) -> ErasureTask:
        """Open a file and look at it; its result is there if nothing needs to be done."""
        handle = found.open(self._folders.of(found), os.O_RDWR)
        held.callback(os.close, handle)
        status = os.fstat(handle)
        key = key_of(found)
        key = self._own_names.get(key, key) if self._own_names else key
        file_system = self._book.file_system(handle, status.st_dev)
        times = (status.st_atime_ns, status.st_mtime_ns)
        begun = Begun(file_system, found.status.birth_ns, status.st_size, 0, *times, None)
        task = ErasureTask(found, key, handle, file_system, begun, Blocks([], 0, []), None)
        if self._told.header is not None:
            task.result = self._done_before(task, status)
            if task.result is None:
                self._take_up(task, status)
        twin = self._twins.get(found.identity) if self._twins else None
        if twin is not None and twin.status == "overwritten":
            task.result = replace(
                twin, path=key[0], written=0, survey=None, same_as=twin.path, removed=False
            )
        if task.result is not None:
            self._progress(found.held)
            return task
        _check_unchanged(found, status)
        task.mapped = extents(handle)
        task.blocks = Blocks.of(handle, task.begun.size, task.mapped)
        task.begun = task.begun._replace(end=task.blocks.end)
        self._keep_original(task, held, systems)
        return task

    def _done_before(self, task: ErasureTask, status: os.stat_result) -> FileResult | None:
        """The result of an earlier attempt, if nothing was done to the file since."""
        done = self._told.done.get(task.key)
        if done is None or done.result.removed:
            return None
        if (done.file_system, done.birth_ns) != (task.file_system, task.found.status.birth_ns):
            return None
        self._met.add(task.key)
        emptied = task.key in self._told.hidden and status.st_size == 0  # on its way to be removed
        if emptied or status.st_ctime_ns == done.changed_ns:
            return done.result
        # size and time are no proof: whoever copies a file back may put back those too (cp -p)
        task.earlier = done.result
        return None

    def _take_up(self, task: ErasureTask, status: os.stat_result) -> None:
        """Go on with a file that an earlier attempt had begun, and give it back its size."""
        begun = self._told.begun.get(task.key)
        births = (begun.birth_ns if begun else None, task.found.status.birth_ns)
        if begun is None or (None not in births and births[0] != births[1]):
            return  # another file has got its inode
        self._met.add(task.key)
        task.resumed = True
        longer = begun.size < status.st_size <= begun.end and status.st_size % 512 == 0
        if status.st_size == begun.size or longer:
            task.begun = begun
            if longer:
                os.ftruncate(task.handle, begun.size)
        # else it was written to since: what it holds now is dealt with

    def _keep_original(self, task: ErasureTask, held: ExitStack, systems: FileSystems) -> None:
        """Keep what the evidence is measured by, as far as there is a whole original."""
        if task.resumed:
            return
        if self._key is not None:
            digest = digest_of(task.handle, task.blocks.spans, self._key)
            task.begun = task.begun._replace(digest=digest)
        if self._evidence:
            small = self._is_small(task)
            copy = MemoryCopy() if small else held.enter_context(closing(SealedCopy()))
            keep = SMALL if small else self._keep
            task.evidence = FileEvidence(task.handle, task.found, task.mapped, copy, keep, systems)
            task.evidence.path = task.key[0]

    def _overwrite_together(self, tasks: list[ErasureTask]) -> None:
        overwrite_batch(tasks, self._writer.noise, FileSystems(), self._progress)
        suspects = [task for task in tasks if task.suspect and task.error is None]
        systems, left = FileSystems(), tasks
        for _ in range(2):
            for task in suspects:
                self._mend(task)
            if left:
                look_again(left, systems, self._folders)
            left = suspects = [t for t in left if t.read_back is False and not t.unwritable]
        for task in tasks:
            if self._evidence and task.resumed:
                task.survey = _without_original(task, systems)

    def _overwrite(self, task: ErasureTask) -> None:
        """Overwrite a large file, read it back and look for its old bytes."""

        def count(n: int) -> None:
            task.written += n
            self._progress(n)

        self._writer.progress = count
        try:
            sha256 = self._writer.overwrite(task.handle, task.blocks)
            task.restore_times()  # before it is read: what is written from then on has a later time
            with task.found.opened(os.O_RDONLY) as (fresh, _), DeviceReader(fresh) as reader:
                task.read_back = read_back(reader, task.blocks.spans) == sha256
        except ConcurrentChange as failure:
            task.error = error_text(failure)
        except OSError as failure:
            task.suspect = failure.errno in BAD_BLOCK
            task.error = None if task.suspect else error_text(failure)
        finally:
            self._writer.progress = self._progress
        if task.suspect or task.read_back is False:
            self._mend(task)
        systems = FileSystems()
        if task.evidence is not None:
            task.survey = task.evidence.survey(systems, task.unwritable)
        elif self._evidence:
            task.survey = _without_original(task, systems)

    def _mend(self, task: ErasureTask) -> None:
        """Overwrite a file with care, around bad blocks, if there is anything that is not bad."""
        kept = dict(task.noise)

        def noise_of(start: int, end: int) -> memoryview:
            if start in kept:
                return memoryview(kept[start])
            return noise_for(task.handle, self._writer.noise, start, end)

        try:
            with task.found.opened(os.O_RDONLY) as (fresh, _), DeviceReader(fresh, PIECE) as reader:
                task.unwritable = mend(task.handle, reader, task.blocks, noise_of)
            task.read_back = bool(difference(task.blocks.spans, task.unwritable))
        except (OSError, ConcurrentChange) as failure:
            task.error = error_text(failure)
        task.restore_times()


def _without_original(task: ErasureTask, systems: FileSystems) -> Survey:
    """Survey a file of which an earlier attempt has overwritten a part: nothing to compare with."""
    doubts = why_doubted(task.handle, task.found, extents(task.handle), systems)
    return Survey(
        task.key[0],
        task.begun.size,
        data=length(task.blocks.spans),
        compared=0,
        fate="there",
        destroyed=None,
        unverified=(INTERRUPTED, *doubts),
    )


def _check_unchanged(found: DirectoryEntry, status: os.stat_result) -> None:
    """Refuse a file that is no longer as the plan listed it."""
    if status.st_nlink > found.status.st_nlink:
        raise ConcurrentChange("it has got one more name (hard link) since it was planned")
    then = (found.status.st_size, found.status.st_mtime_ns)
    if (status.st_size, status.st_mtime_ns) != then:
        raise ConcurrentChange("it was written to since it was planned")
