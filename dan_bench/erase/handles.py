"""Files reached by handles: every step is one name in one open folder, and no step is a link.

The kernel is never given a whole path, so a link put in the way at any moment causes an error
rather than a detour.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from dan_bench.erase.status import Status, status_of
from dan_bench.files import Closing, lent

NOFOLLOW = os.O_NOFOLLOW
READING = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
MOST_FOLDERS = 32
AnyPath = str | os.PathLike[str]
Identity = tuple[int, int]
"""Device and inode."""


class ConcurrentChange(RuntimeError):
    """Something is no longer what the plan saw; the message says what."""


class ErasureRefused(ValueError):
    """This will not be erased; nothing was touched. The message says why and what to do."""


@dataclass(frozen=True)
class Root:
    """A folder that nothing may leave: its path without links, and what was found there."""

    path: str
    identity: Identity
    mount: int | None
    """Mount id, which distinguishes bind mounts; None where /proc does not provide it."""

    @contextmanager
    def folder(self, parts: tuple[str, ...] = ()) -> Iterator[int]:
        """Lend a handle of the folder `parts` below this one.

        Raises:
            ConcurrentChange: another folder is at the root's path now.
            OSError: one of the parts is missing, or a link.
        """
        with _descended(_parts(self.path)) as root:
            if identity_of(os.fstat(root)) != self.identity:
                raise ConcurrentChange(f"{self.path!r} is no longer the folder that was planned")
            with _descended(parts, os.dup(root)) as handle:
                yield handle


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One entry below a root, as it was when it was planned."""

    root: Root
    parts: tuple[str, ...]
    status: Status
    mount: int | None

    @property
    def path(self) -> str:
        """The whole path; bytes that are not UTF-8 are surrogates (`os.fsencode` restores them)."""
        return os.path.join(self.root.path, *self.parts)

    @property
    def held(self) -> int:
        """Bytes to be overwritten, about: those of its blocks, and of no hole."""
        return min(self.status.st_blocks * 512, -(-self.status.st_size // 4096) * 4096)

    @property
    def identity(self) -> Identity:
        """Device and inode."""
        return identity_of(self.status)

    def folder(self) -> AbstractContextManager[int]:
        """Lend a handle of the folder that holds the entry; raises as `Root.folder` does."""
        return self.root.folder(self.parts[:-1])

    def open(self, folder: int, flags: int) -> int:
        """Open this very file in its folder, without truncation; return the handle.

        Raises:
            ConcurrentChange: the name now belongs to another file, or something is mounted on it.
            OSError: it cannot be opened.
        """
        name = self.parts[-1]
        flags |= NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        handle = os.open(name, flags, dir_fd=folder)
        try:
            status, mount = status_of(handle)
            if not self.is_same(status):
                raise ConcurrentChange("another file has taken its place since it was planned")
            if mount != self.mount:
                raise ConcurrentChange("something was mounted over it since it was planned")
        except BaseException:
            os.close(handle)
            raise
        return handle

    def reopen(self, folder: int) -> int:
        """Open this very file in its folder for reading alone; raises as `open` does.

        Whatever may have been mounted meanwhile, it is the file: what it holds can be read.
        """
        handle = os.open(self.parts[-1], READING | NOFOLLOW, dir_fd=folder)
        if not self.is_same(os.fstat(handle)):
            os.close(handle)
            raise ConcurrentChange("another file has taken its place since it was planned")
        return handle

    @contextmanager
    def opened(self, flags: int) -> Iterator[tuple[int, int]]:
        """Lend a handle of this very file, and one of its folder; raises as `open` does."""
        with self.folder() as folder, lent(self.open(folder, flags)) as handle:
            yield handle, folder

    def is_same(self, status: os.stat_result | Status) -> bool:
        """Return whether `status` is of the very file that was planned."""
        same_kind = stat.S_IFMT(status.st_mode) == stat.S_IFMT(self.status.st_mode)
        return same_kind and identity_of(status) == self.identity


class Folders(Closing):
    """Handles of the folders of entries, the latest kept open: entries come one folder at a time.

    What is below a folder that is moved meanwhile is still reached; each file is told by its
    identity all the same, at its opening.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[str, tuple[str, ...]], tuple[ExitStack, int]] = {}

    def of(self, found: DirectoryEntry) -> int:
        """Return a handle, which stays open until `MOST_FOLDERS` others were asked for.

        Raises as `Root.folder` does.
        """
        where = (found.root.path, found.parts[:-1])
        if where not in self._open:
            if len(self._open) == MOST_FOLDERS:
                oldest, _ = self._open.pop(next(iter(self._open)))
                oldest.close()
            with ExitStack() as stack:
                handle = stack.enter_context(found.folder())
                self._open[where] = stack.pop_all(), handle
        return self._open[where][1]

    def close(self) -> None:
        """Close all."""
        for stack, _ in self._open.values():
            stack.close()
        self._open.clear()


def identity_of(status: os.stat_result | Status) -> Identity:
    """Return device and inode, which name a file or folder whatever its path."""
    return status.st_dev, status.st_ino


def locate(path: AnyPath) -> tuple[Root, DirectoryEntry | None]:
    """Return the root that a given path means, and the file where it means just one.

    The root is the folder itself, or the folder of the file.

    Raises:
        ErasureRefused: a part of the path is a link.
        OSError: there is nothing, or it may not be seen.
    """
    given = os.fsdecode(path)
    real = os.path.realpath(given, strict=True)
    if real != os.path.abspath(given):
        raise ErasureRefused(
            f"{given!r} leads through a symbolic link; name {real!r} if you mean it"
        )
    above, name = os.path.split(real)
    with _descended(_parts(above)) as handle:
        status, mount = status_of(handle)
        parent = Root(above, identity_of(status), mount)
        if not name:
            return parent, None
        status, mount = status_of(handle, name)
        if not stat.S_ISDIR(status.st_mode):
            return parent, DirectoryEntry(parent, (name,), status, mount)
        return Root(real, identity_of(status), mount), None


def names(folder: int) -> list[str]:
    """Return the names in a folder, sorted."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    with lent(os.open(".", flags, dir_fd=folder)) as handle:
        return sorted(os.listdir(handle))


@contextmanager
def _descended(parts: tuple[str, ...], start: int | None = None) -> Iterator[int]:
    """Lend the folder `parts` below `start` (a handle; default: /), which is closed in any case."""
    flags = os.O_PATH | os.O_DIRECTORY | NOFOLLOW | os.O_CLOEXEC
    handle = os.open("/", flags) if start is None else start
    try:
        for part in parts:
            inner = os.open(part, flags, dir_fd=handle)
            os.close(handle)
            handle = inner
        yield handle
    finally:
        os.close(handle)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)
