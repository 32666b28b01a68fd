"""Reaching a file by handles: every step is one name in one open folder, and no step is a link.

A path is never handed to the kernel as a whole, so a link that somebody puts in the way, at
whatever moment, is an error and not a detour.
"""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

NOFOLLOW = os.O_NOFOLLOW


class ConcurrentChange(RuntimeError):
    """Something is no longer what it was when it was looked at; the message says what."""


@dataclass(frozen=True)
class Root:
    """A folder that nothing may leave: its path without links, and what was found there."""

    path: str
    device: int
    inode: int
    mount: int | None
    """Mount id, which tells bind mounts apart; None where /proc does not tell."""

    @contextmanager
    def folder(self, parts: tuple[str, ...] = ()) -> Iterator[int]:
        """Lend a handle of the folder `parts` below this one.

        Raises:
            Changed: another folder lies at the root's path now.
            OSError: one of the parts is not there, or a link.
        """
        with _descended(_slash(), _parts(self.path)) as root:
            if not _is(os.fstat(root), self.device, self.inode):
                raise ConcurrentChange(f"{self.path!r} is no longer the folder that was looked at")
            with _descended(os.dup(root), parts) as handle:
                yield handle


@dataclass(frozen=True)
class DirectoryEntry:
    """One entry below a root, as it was when it was looked at."""

    root: Root
    parts: tuple[str, ...]
    status: os.stat_result
    mount: int | None

    @property
    def path(self) -> str:
        """The whole path, bytes that are no UTF-8 as surrogates (`os.fsencode` gives them back)."""
        return os.path.join(self.root.path, *self.parts)

    def folder(self) -> AbstractContextManager[int]:
        """Lend a handle of the folder that holds the entry; raises as `Root.folder` does."""
        return self.root.folder(self.parts[:-1])

    def open(self, folder: int, flags: int) -> int:
        """Open the file in its folder, never another one, never truncating; return the handle.

        Raises:
            Changed: what has the name is not the file that was looked at, or is mounted over it.
            OSError: it cannot be opened.
        """
        name = self.parts[-1]
        flags |= NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        handle = os.open(name, flags, dir_fd=folder)
        try:
            now = os.fstat(handle)
            named = os.stat(name, dir_fd=folder, follow_symlinks=False)
            for seen in (now, named):
                if not self.is_same(seen):
                    raise ConcurrentChange(
                        "another file has taken its place since it was looked at"
                    )
            if mount_id(handle) != self.mount:
                raise ConcurrentChange("something was mounted over it since it was looked at")
        except BaseException:
            os.close(handle)
            raise
        return handle

    def is_same(self, status: os.stat_result) -> bool:
        """Whether `status` is of the very file that was looked at."""
        same_kind = stat.S_IFMT(status.st_mode) == stat.S_IFMT(self.status.st_mode)
        return same_kind and _is(status, self.status.st_dev, self.status.st_ino)


def locate(path: str | os.PathLike[str]) -> tuple[Root, DirectoryEntry | None]:
    """Return the root that a given path means, and the file where it means just one.

    The root is the folder itself, or the folder of the file.

    Raises:
        ValueError: a part of the path is a link.
        OSError: there is nothing, or it may not be seen.
    """
    real = os.path.realpath(os.fsdecode(path), strict=True)
    if real != os.path.abspath(os.fsdecode(path)):
        raise ValueError(
            f"{os.fsdecode(path)!r} leads through a symbolic link; name {real!r} if you mean it"
        )
    above, name = os.path.split(real)
    with _descended(_slash(), _parts(above)) as handle:
        parent = _root(above, handle)
        if not name:
            return parent, None
        status, mount = look(handle, name)
        if not stat.S_ISDIR(status.st_mode):
            return parent, DirectoryEntry(parent, (name,), status, mount)
        return Root(real, status.st_dev, status.st_ino, mount), None


def look(folder: int, name: str) -> tuple[os.stat_result, int | None]:
    """Return status and mount id of a name in a folder, opening nothing that lies behind it."""
    handle = os.open(name, os.O_PATH | NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        return os.fstat(handle), mount_id(handle)
    finally:
        os.close(handle)


def names(folder: int) -> list[str]:
    """Return the names in a folder, sorted."""
    handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        return sorted(os.listdir(handle))
    finally:
        os.close(handle)


def mount_id(handle: int) -> int | None:
    """Return the id of the mount that a handle was opened through, from /proc (proc(5))."""
    try:
        with open(f"/proc/self/fdinfo/{handle}", "rb") as file:
            found = re.search(rb"^mnt_id:\s*(\d+)", file.read(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


@contextmanager
def _descended(start: int, parts: tuple[str, ...]) -> Iterator[int]:
    """Lend the folder `parts` below the handle `start`, which is closed in any case."""
    flags = os.O_PATH | os.O_DIRECTORY | NOFOLLOW | os.O_CLOEXEC
    try:
        for part in parts:
            inner = os.open(part, flags, dir_fd=start)
            os.close(start)
            start = inner
        yield start
    finally:
        os.close(start)


def _slash() -> int:
    return os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)


def _root(path: str, handle: int) -> Root:
    status = os.fstat(handle)
    return Root(path, status.st_dev, status.st_ino, mount_id(handle))


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def _is(status: os.stat_result, device: int, inode: int) -> bool:
    return (status.st_dev, status.st_ino) == (device, inode)
