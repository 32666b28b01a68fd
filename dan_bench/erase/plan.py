"""What would be lost: a look at folders and files that changes nothing."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dan_bench.erase.filesystem import why_unverifiable
from dan_bench.erase.guard import Guard, Refused, others
from dan_bench.erase.handles import ConcurrentChange, DirectoryEntry, Root, locate, look, names

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class Remark:
    """Something to be said of one path."""

    path: str
    text: str


@dataclass(frozen=True)
class ErasurePlan:
    """Every file that an erasure would overwrite, and all that it would leave alone."""

    roots: tuple[Root | DirectoryEntry, ...]
    """The folders and single files that were named."""
    files: tuple[DirectoryEntry, ...]
    refused: tuple[Remark, ...]
    """Left alone, each with the reason: links, devices, other mounts, folders not to be read."""
    warnings: tuple[Remark, ...]
    """To be read before anything is done: other names, sparse and unwritable files, file systems
    on which no erasure can be verified."""

    @property
    def size(self) -> int:
        """Bytes that would be lost."""
        return sum(file.status.st_size for file in self.files)


def plan_erasure(
    paths: Sequence[Path], *, cross_mounts: bool = False, hard_links: bool = False
) -> ErasurePlan:
    """Look at files and folders that are to be erased; opens no file, and changes nothing.

    Args:
        paths: files and folders; a folder stands for all regular files below it.
        cross_mounts: take in what is mounted below a folder.
        hard_links: take in files that have other names; those lose their data too.

    Raises:
        Refused: one of the paths is not to be erased at all.
    """
    if not paths:
        raise Refused("nothing to erase: name at least one file or folder")
    guard = Guard(cross_mounts, hard_links)
    named = [_locate(path) for path in paths]
    for root, file in named:
        guard.check_root(root, file)
    files: dict[str, DirectoryEntry] = {}
    refused: dict[str, Remark] = {}
    for root, file in named:
        for met in [(file, None)] if file is not None else walk(root, guard.why_not):
            if isinstance(met, Remark):
                refused[met.path] = met
                continue
            found, reason = met
            if reason is not None:
                refused[found.path] = Remark(found.path, reason)
            elif stat.S_ISREG(found.status.st_mode):
                files.setdefault(found.path, found)
    warnings = [remark for found in files.values() for remark in _of_file(found)]
    return ErasurePlan(
        tuple({(file or root).path: file or root for root, file in named}.values()),
        tuple(files.values()),
        tuple(refused.values()),
        (*_of_mounts(tuple(files.values())), *warnings),
    )


def walk(
    root: Root, why_not: Callable[[DirectoryEntry], str | None]
) -> Iterator[tuple[DirectoryEntry, str | None] | Remark]:
    """Go through everything below a folder, and not into what `why_not` has a reason against.

    Yields each entry with that reason, and a remark for each that could not be looked at. One
    folder is open at a time, however deep the tree.
    """
    top: list[DirectoryEntry | None] = [None]
    while top:
        inside = top.pop()
        parts = () if inside is None else inside.parts
        try:
            with root.folder(parts) as folder:
                if inside is not None and not inside.is_same(os.fstat(folder)):
                    raise ConcurrentChange(
                        "another folder has taken its place since it was looked at"
                    )
                listed = names(folder)
                entries = [_looked_at(root, parts, name, folder) for name in listed]
        except (OSError, ConcurrentChange) as error:
            yield Remark(os.path.join(root.path, *parts), error_text(error))
            continue
        for entry in entries:
            if isinstance(entry, Remark):
                yield entry
                continue
            reason = why_not(entry)
            yield entry, reason
            if reason is None and stat.S_ISDIR(entry.status.st_mode):
                top.append(entry)


def _looked_at(
    root: Root, parts: tuple[str, ...], name: str, folder: int
) -> DirectoryEntry | Remark:
    try:
        return DirectoryEntry(root, (*parts, name), *look(folder, name))
    except OSError as error:
        return Remark(os.path.join(root.path, *parts, name), error_text(error))


def _locate(path: Path) -> tuple[Root, DirectoryEntry | None]:
    try:
        return locate(path)
    except OSError as error:
        raise Refused(f"{os.fsdecode(path)!r}: {error_text(error)}; nothing was touched") from error
    except ValueError as error:
        raise Refused(str(error)) from error


def _of_file(found: DirectoryEntry) -> Iterator[Remark]:
    """What is to be said of a file before it is lost."""
    status = found.status
    if status.st_nlink > 1:
        yield Remark(found.path, f"{others(status.st_nlink)} of it will lose the same data")
    if status.st_blocks * 512 < status.st_size:
        yield Remark(found.path, "sparse or compressed: its holes hold no data and stay holes")
    try:
        with found.folder() as folder:
            writable = os.access(
                found.parts[-1], os.W_OK, dir_fd=folder, effective_ids=True, follow_symlinks=False
            )
    except (OSError, ConcurrentChange):
        writable = False
    if not writable:
        yield Remark(found.path, "cannot be written: read-only, immutable or not yours")


def _of_mounts(files: tuple[DirectoryEntry, ...]) -> Iterator[Remark]:
    """What is to be said of each file system, once."""
    for mount, found in {file.mount: file for file in reversed(files)}.items():
        for reason in why_unverifiable(mount, found.status.st_dev):
            yield Remark(found.root.path, reason)


def error_text(error: OSError | ConcurrentChange) -> str:
    """Return what went wrong, without the path, which the reader knows."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
