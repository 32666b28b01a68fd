"""Small files, many at once: one sync and one line of the journal for a batch, all in memory."""

import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress

from dan_bench.erase.direct import DeviceReader, EmptiedCache, Reader
from dan_bench.erase.evidence import at_path
from dan_bench.erase.filesystem import FileSystems, difference, union
from dan_bench.erase.handles import ConcurrentChange, Folders
from dan_bench.erase.overwrite import BAD_BLOCK, check_size, cut_back, noise_for, write
from dan_bench.erase.plan import error_text
from dan_bench.erase.result import Fate
from dan_bench.erase.task import ErasureTask, sync
from dan_bench.interfaces import NoiseSource

PAGE = 4096
AHEAD = 16 * PAGE
"""Bytes of the largest file that is read by way of the page cache, page by page."""
SMALL = 1 << 20
"""Bytes of the largest file that is dealt with in memory."""


def overwrite_batch(
    tasks: Sequence[ErasureTask],
    noise: NoiseSource,
    systems: FileSystems,
    progress: Callable[[int], None],
) -> None:
    """Overwrite files and wait for the device once for all; what failed is each file's own."""
    for task in tasks:
        reached = task.begun.size
        try:
            for start, end in task.blocks.pieces():
                made = noise_for(task.handle, noise, start, end)
                check_size(task.handle, reached)
                task.noise.append((start, bytes(made)))
                try:
                    write(task.handle, made, start)
                    task.written += len(made)
                except OSError as error:
                    if error.errno not in BAD_BLOCK:
                        raise
                    task.suspect = True
                reached = max(reached, end)
        except (OSError, ConcurrentChange) as error:
            task.error = error_text(error)
    progress(sum(task.written for task in tasks))
    for task, failure in sync(tasks, systems):
        task.suspect = failure.errno in BAD_BLOCK
        if not task.suspect:
            task.error = task.error or error_text(failure)
    shorter = []
    for task in tasks:
        try:
            if task.error is None and not task.suspect:
                ends = [start + len(piece) for start, piece in task.noise]
                check_size(task.handle, max([task.begun.size, *ends]))
        except ConcurrentChange as error:
            task.error = error_text(error)
        if task.blocks.behind and cut_back(task.handle, task.blocks):
            shorter.append(task)
    for task, failure in sync(shorter, systems):
        task.error = task.error or error_text(failure)
    for task in tasks:
        task.restore_times()


def look_again(tasks: Sequence[ErasureTask], systems: FileSystems, folders: Folders) -> None:
    """Read files back from the device: is it the noise, and is any of the old data in it?

    All are begun to be read before the first is waited for.
    """
    with ExitStack() as held:
        begun = []
        for task in tasks:
            handle, fate, other = _reopened(task, folders)
            for one in (handle, other):
                if one is not None:
                    held.callback(os.close, one)
            begun.append((task, _reader(task, handle), fate, other))
        for task, reader, fate, other in begun:
            try:
                with reader:
                    if task.error is None:
                        task.read_back = _is_noise(task, reader)
                    if task.evidence is not None:
                        task.survey = task.evidence.compared(
                            reader, fate, other, systems, task.unwritable
                        )
            except (OSError, ConcurrentChange) as error:
                task.error = task.error or error_text(error)


def _reopened(task: ErasureTask, folders: Folders) -> tuple[int, Fate, int | None]:
    """Open a file by its path once more; return the handle, and where else the path leads to."""
    try:
        return task.found.reopen(folders.of(task.found)), "there", None
    except (OSError, ConcurrentChange) as error:
        # its own handle still leads to it: what was lost is seen
        task.error = task.error or error_text(error)
        return os.dup(task.handle), *at_path(task.found)


def _reader(task: ErasureTask, handle: int) -> Reader:
    """Have the device begin to read a file, if the page cache has nothing of it any more.

    A read that may not wait (preadv2(2), RWF_NOWAIT) fails where a page is not there; and has it
    fetched. The last page comes first, since what follows a page may be fetched with it. What is
    still there, mapped by another process, is read past the cache.
    """
    if task.begun.size <= AHEAD and not _cached(task, handle):
        return EmptiedCache(handle)
    return DeviceReader(handle, max((end - start for start, end in task.blocks.spans), default=1))


def _cached(task: ErasureTask, handle: int) -> bool:
    """Drop a file from the page cache; whether anything of it may still be there."""
    one = bytearray(1)
    try:
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        for start, end in reversed(task.blocks.spans):
            for at in reversed(range(start, end, PAGE)):
                with suppress(BlockingIOError):
                    os.preadv(handle, [one], at, os.RWF_NOWAIT)
                    return True
    except OSError:  # not every file system has such reads
        return True
    return False


def _is_noise(task: ErasureTask, reader: Reader) -> bool:
    size, all_bad = task.begun.size, bool(task.blocks.spans)
    for start, piece in task.noise:
        if start >= size:
            break  # behind the end, and cut off again
        span = (start, min(start + len(piece), size))
        for low, high in difference([span], union(task.unwritable)) if task.unwritable else [span]:
            got = reader.read(high - low, low)
            if len(got) < high - low:
                raise ConcurrentChange(f"it ends at byte {low + len(got)}, where noise was written")
            if bytes(got) != piece[low - start : high - start]:
                return False
            all_bad = False
    return not all_bad
