"""A second walk once an erasure is over: what has appeared meanwhile, or was written to again."""

import os
import stat
from collections.abc import Collection, Iterator

from dan_bench.erase.handles import ConcurrentChange, DirectoryEntry, Root
from dan_bench.erase.plan import ErasurePlan, Remark, error_text, holds_data, walk
from dan_bench.erase.result import FileResult
from dan_bench.erase.status import status_of

AGAIN = "run it again for that"


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
    known = planned.keys() | {remark.path for remark in plan.refused}
    removed = {result.path for result in results if result.removed}
    overwritten = {result.path for result in results if result.status == "overwritten"} - removed
    found = []
    for met in _entries(plan):
        if isinstance(met, Remark):
            if met.path not in known:
                found.append(met)
            continue
        now, reason = met
        before = planned.get(now.path)
        if stat.S_ISDIR(now.status.st_mode) and reason is None:
            continue
        if before is None or not before.is_same(now.status) or now.path in removed:
            if now.path not in known or before is not None:
                text = f"appeared while the erasure ran ({reason or AGAIN})"
                found.append(Remark(now.path, text, holds_data(now)))
        elif now.path in overwritten and _written_to(before, now, began_ns):
            found.append(Remark(now.path, f"was written to after it was overwritten ({AGAIN})"))
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
