"""What is never erased, and why."""

import os
import pwd
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from dan_bench.erase.handles import DirectoryEntry, Root

PACKAGE = Path(__file__).resolve().parents[1]

KINDS = (
    (stat.S_ISLNK, "a symbolic link: links are never followed"),
    (stat.S_ISBLK, "a device node"),
    (stat.S_ISCHR, "a device node"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
)


class Refused(ValueError):
    """This will not be erased; nothing was touched. The message says why and what to do."""


class Guard:
    """Says of every folder and file why it is refused, or that it is not.

    Folders are known by device and inode, so a bind mount does not hide them.

    Args:
        cross_mounts: whether what is mounted below the root is erased too.
        hard_links: whether a file that has other names is erased.
    """

    def __init__(self, cross_mounts: bool = False, hard_links: bool = False) -> None:
        self._cross_mounts = cross_mounts
        self._hard_links = hard_links
        self._package = _identity(PACKAGE)
        self._protected: dict[tuple[int, int] | None, str] = {}
        for meaning, folder in _dear_folders():
            self._protected.setdefault(_identity(folder), meaning)
            for above in folder.parents:
                self._protected.setdefault(_identity(above), f"a folder above {meaning}")
        self._protected[_identity(Path("/"))] = "the root of the file system"

    def check_root(self, root: Root, file: DirectoryEntry | None) -> None:
        """Refuse a folder, or a single file, that was named by the user."""
        folder = Path(root.path)
        if self._package in map(_identity, (folder, *folder.parents)):
            raise Refused(f"{root.path!r} is a part of dan_bench itself; name your own files")
        if file is None:
            meaning = self._protected.get((root.device, root.inode))
            if meaning is not None:
                raise Refused(f"{root.path!r} is {meaning}; name a folder inside it")
        elif reason := self.why_not(file):
            raise Refused(f"{file.path!r} is refused: {reason}")

    def why_not(self, found: DirectoryEntry) -> str | None:
        """Return why an entry below a root is refused; None where it is not."""
        status = found.status
        for is_kind, reason in KINDS:
            if is_kind(status.st_mode):
                return reason
        home = (found.root.device, found.root.mount)
        if not self._cross_mounts and (status.st_dev, found.mount) != home:
            return "on another mount; cross_mounts=True (--cross-mounts) takes it in"
        if stat.S_ISDIR(status.st_mode):
            return self._protected.get((status.st_dev, status.st_ino))
        if status.st_nlink > 1 and not self._hard_links:
            return (
                f"has {status.st_nlink} hard links, and {others(status.st_nlink)} would lose its "
                "data with it; hard_links=True (--hard-links) takes it in"
            )
        return None


def others(links: int) -> str:
    """Return how many names a file of that many links has beside this one, in words."""
    return f"{links - 1} other name{'s' if links > 2 else ''}"


def refuse_inside(path: str, roots: Sequence[Root | DirectoryEntry], what: str) -> None:
    """Refuse a path of our own that is, or lies in, a folder or file that is to be erased."""
    real = os.path.realpath(path)
    for root in roots:
        if os.path.commonpath([real, root.path]) == root.path:
            raise Refused(f"{what} {real!r} lies in {root.path!r}, which is to be erased; move it")


def _dear_folders() -> Iterator[tuple[str, Path]]:
    """The home folders, the working folder and the package, each with its meaning."""
    homes = [os.path.expanduser("~")]
    for user in (str(os.getuid()), os.environ.get("SUDO_UID", "")):
        with suppress(KeyError, ValueError, OverflowError):  # a user without an entry, or no number
            homes.append(pwd.getpwuid(int(user)).pw_dir)
    for home in filter(os.path.isabs, homes):
        yield "the home folder", Path(home).resolve()
    yield "the package dan_bench", PACKAGE
    try:
        yield "the working folder", Path.cwd()
    except FileNotFoundError:  # it was removed: nothing lies above it
        return


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
