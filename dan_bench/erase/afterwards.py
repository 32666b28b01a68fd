"""Once an erasure is over: a second walk, emptied folders, and what is left of removed names."""

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from dan_bench.erase.devices import IN_MEMORY, folder_of, mounted
from dan_bench.erase.handles import ConcurrentChange, DirectoryEntry, Root, identity_of
from dan_bench.erase.plan import ErasurePlan, Remark, error_text, holds_data, walk
from dan_bench.erase.result import FileResult
from dan_bench.erase.status import status_of
from dan_bench.files import lent, sync

AGAIN = "run it again for that"
IN_A_LOG = {
    "ext2": "the file system's journal",
    "ext3": "the file system's journal",
    "ext4": "the file system's journal",
    "xfs": "the file system's log",
    "btrfs": "earlier states of the file system's trees",
}
"""Where a raw device shows removed names. To rename a file again and again first, as `shred -u`
does, only adds further copies there: `tests/erase/test_erase_names.py` compares."""
WIPED = ("ext2", "ext3", "ext4")
"""Linux 5.13 and later wipe a name from its folder when it is removed ("ext4: wipe
ext4_dir_entry2 upon file deletion"); the same driver serves ext2."""


def second_look(
    plan: ErasurePlan, results: Collection[FileResult], began_ns: int
) -> tuple[Remark, ...]:
    """Return what lies at the named paths now that was not overwritten, and is in no plan.

    Args:
        plan: what was erased.
        results: of all its files.
        began_ns: when the erasure began, in nanoseconds since 1970. A file that was written to
            later, times having been put back by then, holds new data.
    """
    planned = {file.path: file for file in plan.files}
    left_alone = {remark.path for remark in plan.refused}
    done = {result.path: result for result in results if result.status == "overwritten"}
    found = []
    for met in _entries(plan):
        if isinstance(met, Remark):
            if met.path not in left_alone and met.path not in planned:
                found.append(met)
            continue
        now, reason = met
        path = now.path
        before, result = planned.get(path), done.get(path)
        if stat.S_ISDIR(now.status.st_mode) and reason is None:
            continue
        removed = result is not None and result.removed
        if before is None or removed or not before.is_same(now.status):
            if before is not None or path not in left_alone:
                text = f"appeared while the erasure ran ({reason or AGAIN})"
                found.append(Remark(path, text, holds_data(now)))
        elif result is not None and _written_to(before, now, began_ns):
            found.append(Remark(path, f"was written to after it was overwritten ({AGAIN})"))
    return tuple(found)


def _entries(plan: ErasurePlan) -> Iterator[tuple[DirectoryEntry, str | None] | Remark]:
    """Everything below the named folders, and the named files, as they are now."""
    for root in plan.roots:
        if isinstance(root, Root):
            yield from walk(root, None, plan.guard.why_not)
            continue
        try:
            with root.folder() as folder:
                yield (
                    DirectoryEntry(root.root, root.parts, *status_of(folder, root.parts[-1])),
                    None,
                )
        except FileNotFoundError:
            continue
        except (OSError, ConcurrentChange) as error:
            yield Remark(root.path, error_text(error))


def _written_to(before: DirectoryEntry, now: DirectoryEntry, began_ns: int) -> bool:
    """Whether a file has new data; none can be told of one whose times could not be put back."""
    if now.status.st_size != before.status.st_size:
        return True
    if now.status.st_mtime_ns <= began_ns:
        return False
    try:
        with now.folder() as folder:
            owner = os.stat(now.parts[-1], dir_fd=folder, follow_symlinks=False).st_uid
    except (OSError, ConcurrentChange):
        return True
    return os.geteuid() in (0, owner)


def names_left(plan: ErasurePlan) -> tuple[str, ...]:
    """Return where the names of removed files may still be read, a sentence a file system."""
    mounts = mounted()
    found: dict[str, None] = {}
    for mount, device in plan.mounts:
        of = mounts.get(mount) if mount is not None else None
        kind = "a file system of unknown kind" if of is None else of.kind
        if kind in IN_MEMORY or (kind in WIPED and not _has_journal(device)):
            continue
        where = IN_A_LOG.get(kind, "their folders")
        found[f"names of removed files may be read in {where} ({kind})"] = None
    return tuple(found)


def remove_folders(folders: Sequence[DirectoryEntry | Root]) -> tuple[int, tuple[Remark, ...]]:
    """Remove the folders of a plan that are empty now.

    Args:
        folders: each before those in it, as `ErasurePlan.folders`.

    Returns:
        How many were removed, and what keeps the others.
    """
    removed, kept = 0, []
    for folder in reversed(folders):
        try:
            _remove_folder(folder)
            removed += 1
        except FileNotFoundError:  # by an earlier attempt
            continue
        except (OSError, ConcurrentChange) as error:
            number = error.errno if isinstance(error, OSError) else None
            full = number in (errno.ENOTEMPTY, errno.EEXIST)
            # what keeps it is judged by itself
            text = f"folder not removed: {'not empty' if full else error_text(error)}"
            kept.append(Remark(folder.path, text, not full))
    return removed, tuple(kept)


def _remove_folder(folder: DirectoryEntry | Root) -> None:
    """Remove one folder if it still is the one that was planned, and empty."""
    if isinstance(folder, Root):
        above, name = os.path.split(folder.path)
        with lent(os.open(above, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)) as handle:
            _remove_entry(handle, name, folder)
    else:
        with folder.folder() as handle:
            _remove_entry(handle, folder.parts[-1], folder)


def _remove_entry(above: int, name: str, folder: DirectoryEntry | Root) -> None:
    status = os.stat(name, dir_fd=above, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode) or identity_of(status) != folder.identity:
        raise ConcurrentChange("another has taken its place since it was planned")
    os.rmdir(name, dir_fd=above)
    sync(".", dir_fd=above)


def _has_journal(device: int) -> bool:
    """Whether an ext file system has a journal, of its own or elsewhere."""
    try:
        task = Path(f"/sys/fs/ext4/{folder_of(device).name}/journal_task")
        return task.read_text().strip() != "<none>"
    except OSError:
        return True
