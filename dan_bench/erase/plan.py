"""What would be lost, what is never erased and why; nothing here changes anything on disk."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from dan_bench.erase import protected
from dan_bench.erase.attributes import attribute_names
from dan_bench.erase.devices import mounted
from dan_bench.erase.filesystem import FileSystems
from dan_bench.erase.handles import (
    AnyPath,
    ConcurrentChange,
    DirectoryEntry,
    ErasureRefused,
    Folders,
    Identity,
    Root,
    locate,
    names,
)
from dan_bench.erase.status import status_of
from dan_bench.files import lent

KINDS = (
    (stat.S_ISLNK, "a symbolic link: links are never followed"),
    (stat.S_ISBLK, "a device node"),
    (stat.S_ISCHR, "a device node"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
)
COVERED = "something is mounted on it: what that covers could not be looked at"


@dataclass(frozen=True)
class Remark:
    """A note on one path."""

    path: str
    text: str
    holds_data: bool = True
    """False of what has no data of its own: links, device nodes, FIFOs, sockets."""


@dataclass(frozen=True)
class ErasurePlan:
    """Every file that an erasure would overwrite, and all that it would leave alone."""

    roots: tuple[Root | DirectoryEntry, ...]
    """The folders and single files that were named."""
    files: tuple[DirectoryEntry, ...]
    refused: tuple[Remark, ...]
    """Left alone, each with the reason: links, devices, other mounts, unreadable folders."""
    warnings: tuple[Remark, ...]
    """To be read before anything is done: other names, sparse and unwritable files, file systems
    on which no erasure can be verified."""
    guard: "Guard" = field(compare=False)
    """What decided on each of them, for a second look."""
    folders: tuple[DirectoryEntry | Root, ...] = ()
    """Those that were listed, each before those in it."""
    gone: tuple[str, ...] = ()
    """Paths that were named and lead to nothing: what an earlier attempt has removed."""

    @property
    def paths(self) -> tuple[str, ...]:
        """All that was named."""
        return (*(root.path for root in self.roots), *self.gone)

    @property
    def mounts(self) -> dict[tuple[int | None, int], str]:
        """Mount id and st_dev of the files, each with the path of a root that is on it."""
        found: dict[tuple[int | None, int], str] = {}
        for file in self.files:
            found.setdefault((file.mount, file.status.st_dev), file.root.path)
        return found

    @property
    def size(self) -> int:
        """Bytes that would be lost."""
        return sum(file.status.st_size for file in self.files)

    @property
    def held(self) -> int:
        """Bytes to be overwritten, about: of their blocks, and of no hole."""
        return sum(file.held for file in self.files)

    def refuse_inside(self, path: AnyPath, what: str) -> None:
        """Refuse a path of our own that is, or lies in, what is to be erased, by whatever name.

        Raises:
            ErasureRefused: it is, or it lies in a folder that is, through a bind mount, say.
        """
        refuse_inside(os.fsdecode(path), self.roots, what)
        real = Path(os.path.realpath(path))
        listed = {of.identity: of.path for of in self.folders}
        for above in (real, *real.parents):
            if inside := listed.get(protected.identity(above) or (-1, -1)):
                raise ErasureRefused(
                    f"{what} {str(real)!r} lies in {inside!r} by another name, which is to be "
                    "erased; move it"
                )
        found = protected.identity(real)
        if found is not None and any(file.identity == found for file in self.files):
            raise ErasureRefused(f"{what} {str(real)!r} is a file that is to be erased; move it")


def plan_erasure(
    paths: Sequence[AnyPath],
    *,
    cross_mounts: bool = False,
    hard_links: bool = False,
    anyway: bool = False,
    may_be_gone: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> ErasurePlan:
    """List what erasing these files and folders would overwrite; opens no file, changes nothing.

    Args:
        paths: files and folders; a folder stands for all regular files below it.
        cross_mounts: include what is mounted below a folder.
        hard_links: include files that have other names; those lose their data too.
        anyway: allow folders of the system, and file systems that are on no disk.
        may_be_gone: allow paths that lead to nothing, for an erasure that goes on.
        progress: called with the number of entries seen so far, each time one is.

    Raises:
        ErasureRefused: one of the paths is not to be erased at all.
    """
    if not paths:
        raise ErasureRefused("nothing to erase: name at least one file or folder")
    guard = Guard(cross_mounts, hard_links, anyway)
    named: list[tuple[Root, DirectoryEntry | None]] = []
    gone: dict[str, None] = {}
    for path in paths:
        try:
            meant = locate(path)
            os.stat(path)  # a file written as a folder, `file/`, is none
            named.append(meant)
        except ErasureRefused:
            raise
        except (OSError, ValueError) as error:  # ValueError: a null byte
            if not (may_be_gone and isinstance(error, FileNotFoundError)):
                raise ErasureRefused(
                    f"{os.fsdecode(path)!r}: {error_text(error)}; nothing was touched"
                ) from error
            gone[os.path.abspath(os.fsdecode(path))] = None
    for root, file in named:
        guard.check_root(root, file)
    files: dict[str, DirectoryEntry] = {}
    folders: dict[str, DirectoryEntry | Root] = {}
    refused: dict[str, Remark] = {}
    single: dict[Identity, DirectoryEntry] = {}
    covered: list[Remark] = []
    seen = 0
    for root, file in named:
        if file is None:
            folders.setdefault(root.path, root)
        for met in walk(root, file, guard.why_not):
            seen += 1
            progress(seen)
            if isinstance(met, Remark):
                refused[met.path] = met
                continue
            found, reason = met
            if reason is not None:
                refused[found.path] = Remark(found.path, reason, holds_data(found))
                continue
            above = folders.get(os.path.dirname(found.path))
            if above is not None and found.mount != above.mount:
                covered.append(Remark(found.path, COVERED))
            if not stat.S_ISREG(found.status.st_mode):
                folders.setdefault(found.path, found)
                continue
            first = single.setdefault(found.identity, found).path
            if first == found.path or found.status.st_nlink > 1:
                files.setdefault(found.path, found)
            else:
                refused[found.path] = Remark(found.path, f"is {first!r}, mounted again", False)
    with Folders() as handles:
        warnings = [remark for found in files.values() for remark in _warnings_of(found, handles)]
    systems = FileSystems()
    of_mounts = [
        Remark(found.root.path, doubt)
        for mount, found in {file.mount: file for file in reversed(files.values())}.items()
        for doubt in systems.of(mount, found.status.st_dev).doubts
    ]
    return ErasurePlan(
        tuple({(file or root).path: file or root for root, file in named}.values()),
        tuple(files.values()),
        (*refused.values(), *covered, *_attributes_of(folders.values())),
        (*of_mounts, *warnings),
        guard,
        tuple(folders.values()),
        tuple(gone),
    )


def _attributes_of(folders: Iterable[DirectoryEntry | Root]) -> Iterator[Remark]:
    """What folders hold beside names, which is not erased."""
    for found in folders:
        root, parts = (found, ()) if isinstance(found, Root) else (found.root, found.parts)
        with suppress(OSError, ConcurrentChange), root.folder(parts) as folder:
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
            with lent(os.open(".", flags, dir_fd=folder)) as handle:
                try:
                    held = attribute_names(handle)
                except OSError as error:
                    held = [error_text(error)]
            if held:
                text = "extended attributes of a folder are not erased: " + ", ".join(held[:8])
                yield Remark(found.path, text)


def walk(
    root: Root, file: DirectoryEntry | None, why_not: Callable[[DirectoryEntry], str | None]
) -> Iterator[tuple[DirectoryEntry, str | None] | Remark]:
    """Visit one file, or everything below a folder except where `why_not` has a reason against it.

    Yields each entry with that reason, and a remark for each that could not be inspected. One
    folder is open at a time, however deep the tree.
    """
    if file is not None:
        yield file, None
        return
    pending: list[DirectoryEntry | None] = [None]
    while pending:
        inside = pending.pop()
        parts = () if inside is None else inside.parts
        entries: list[DirectoryEntry | Remark] = []
        try:
            with root.folder(parts) as folder:
                if inside is not None and not inside.is_same(os.fstat(folder)):
                    raise ConcurrentChange("another folder has taken its place since it was listed")
                for name in names(folder):
                    below = (*parts, name)
                    try:
                        entries.append(DirectoryEntry(root, below, *status_of(folder, name)))
                    except OSError as error:
                        entries.append(Remark(os.path.join(root.path, *below), error_text(error)))
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
                pending.append(entry)


class Guard:
    """Gives the reason why a folder or file is refused, where there is one.

    Folders are identified by device and inode, so a bind mount does not hide them.

    Args:
        cross_mounts: whether what is mounted below the root is erased too.
        hard_links: whether a file that has other names is erased.
        anyway: whether the system's folders, and what is on no disk, are erased.
    """

    def __init__(
        self, cross_mounts: bool = False, hard_links: bool = False, anyway: bool = False
    ) -> None:
        self._cross_mounts = cross_mounts
        self._hard_links = hard_links
        self._anyway = anyway
        self._protected = protected.folders(anyway)
        self._mounts = mounted()

    def check_root(self, root: Root, file: DirectoryEntry | None) -> None:
        """Refuse a protected folder, or a single file, that was named by the user."""
        folder = Path(root.path)
        if protected.identity(protected.PACKAGE) in map(
            protected.identity, (folder, *folder.parents)
        ):
            raise ErasureRefused(
                f"{root.path!r} is a part of dan_bench itself; name your own files"
            )
        path = Path((file or root).path)
        twice = protected.why_system(path) or self._on_no_disk(file or root)
        if twice is not None and not self._anyway:
            raise ErasureRefused(f"{str(path)!r} is refused: {twice}")
        if file is None:
            meaning = self._protected.get(root.identity)
            if meaning is not None:
                raise ErasureRefused(f"{root.path!r} is {meaning}; name a folder inside it")
        elif reason := self.why_not(file):
            raise ErasureRefused(f"{file.path!r} is refused: {reason}")

    def why_not(self, found: DirectoryEntry) -> str | None:
        """Return why an entry below a root is refused; None where it is not."""
        status = found.status
        for is_kind, reason in KINDS:
            if is_kind(status.st_mode):
                return reason
        home = (found.root.identity[0], found.root.mount)
        if not self._cross_mounts and (status.st_dev, found.mount) != home:
            return "on another mount; cross_mounts=True (--cross-mounts) includes it"
        twice = None if self._anyway else self._on_no_disk(found)
        if twice is not None:
            return twice
        if stat.S_ISDIR(status.st_mode):
            return self._protected.get(found.identity)
        if status.st_nlink > 1 and not self._hard_links:
            return (
                f"has {status.st_nlink} hard links, and {_others(status.st_nlink)} would lose its "
                "data with it; hard_links=True (--hard-links) includes it"
            )
        return None

    def _on_no_disk(self, found: Root | DirectoryEntry) -> str | None:
        return protected.why_on_no_disk(found.mount, found.identity[0], self._mounts)


def holds_data(found: DirectoryEntry) -> bool:
    """Return whether an entry is a file or folder, and no link, device node, FIFO or socket."""
    return stat.S_ISREG(found.status.st_mode) or stat.S_ISDIR(found.status.st_mode)


def refuse_inside(path: str, roots: Sequence[Root | DirectoryEntry], what: str) -> None:
    """Refuse a path of our own that is, or lies in, a folder or file that is to be erased."""
    real = os.path.realpath(path)
    for root in roots:
        if os.path.commonpath([real, root.path]) == root.path:
            raise ErasureRefused(
                f"{what} {real!r} lies in {root.path!r}, which is to be erased; move it"
            )


def error_text(error: Exception) -> str:
    """Return what went wrong, without the path, which the reader knows."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _warnings_of(found: DirectoryEntry, folders: Folders) -> Iterator[Remark]:
    """What the user should know of a file before it is lost."""
    status = found.status
    if status.st_nlink > 1:
        yield Remark(found.path, f"{_others(status.st_nlink)} of it will lose the same data")
    if status.st_blocks * 512 < status.st_size:
        yield Remark(found.path, "sparse or compressed: its holes hold no data and stay holes")
    try:
        writable = os.access(
            found.parts[-1],
            os.W_OK,
            dir_fd=folders.of(found),
            effective_ids=True,
            follow_symlinks=False,
        )
    except (OSError, ConcurrentChange):
        writable = False
    if not writable:
        yield Remark(found.path, "cannot be written: read-only, immutable or not yours")


def _others(links: int) -> str:
    """How many names a file of that many links has beside this one."""
    return f"{links - 1} other name{'s' if links > 2 else ''}"
