"""Files cut to nothing and unlinked, once they are overwritten."""

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from dan_bench import files
from dan_bench.erase.filesystem import FileSystems
from dan_bench.erase.handles import (
    AnyPath,
    ConcurrentChange,
    DirectoryEntry,
    ErasureRefused,
    Folders,
    locate,
)
from dan_bench.erase.journal import Journal, locked
from dan_bench.erase.plan import error_text
from dan_bench.erase.records import Done, JournalState, Key
from dan_bench.erase.task import ErasureTask, sync
from dan_bench.files import lent


def remove(
    tasks: Sequence[ErasureTask], book: Journal, folders: Folders, systems: FileSystems
) -> None:
    """Cut files to nothing and unlink them; cut only where one has no other name.

    No system call unlinks "this file" rather than "whatever has this name". So the name is first
    moved to one that nobody can guess, which the journal is told before; only if that is the file
    is it unlinked, else the name is put back. Each task's result says what came of it.
    """
    hidden = [(task, f".{secrets.token_hex(16)}") for task in tasks]
    book.hide([(task.key, name) for task, name in hidden])
    moved: list[tuple[ErasureTask, str]] = []
    for task, name in hidden:
        try:
            hide(task.found, name, folders.of(task.found))
            if os.fstat(task.handle).st_nlink == 1:
                os.ftruncate(task.handle, 0)
            moved.append((task, name))
        except (OSError, ConcurrentChange) as error:
            _failed(task, error)
    for task, failure in sync([task for task, _ in moved], systems):
        _failed(task, failure)
    gone = []
    for task, name in moved:
        try:
            os.unlink(name, dir_fd=folders.of(task.found))
            gone.append(task)
        except (OSError, ConcurrentChange) as error:
            _failed(task, error)
    places = {(task.found.root.path, task.found.parts[:-1]): task for task in gone}
    for task in places.values():
        files.sync(".", dir_fd=folders.of(task.found))
    for task in gone:
        assert task.result is not None
        task.result = replace(task.result, removed=True)
    book.removed([task.key for task in gone])


def hide(found: DirectoryEntry, hidden: str, folder: int) -> None:
    """Give a file a name that nobody can guess.

    Raises:
        ConcurrentChange: another file has its name now; it was put back.
    """
    name = found.parts[-1]
    os.rename(name, hidden, src_dir_fd=folder, dst_dir_fd=folder)
    if not found.is_same(os.stat(hidden, dir_fd=folder, follow_symlinks=False)):
        put_back(hidden, name, folder)
        raise ConcurrentChange("another file has taken its name, and was left alone")


def put_back(hidden: str, name: str, folder: int) -> None:
    """Give a name back, over nothing: where something has it by now, `hidden` stays."""
    try:
        os.link(hidden, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return
    except OSError:  # a folder, which has no second name; rename replaces no folder with content
        with suppress(OSError):
            os.rename(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(hidden, dir_fd=folder)


def restore_names(path: AnyPath) -> None:
    """Give the files back their names that a killed erasure had hidden, on the way to removal.

    To be called before a plan is made anew, for a file that was named by itself has no other path.

    Args:
        path: of the journal.

    Raises:
        ErasureRefused: as `Journal` does.
    """
    with locked(path) as told:
        for (place, inode), hidden in told.hidden.items():
            where, name = os.path.split(place)
            with suppress(OSError, ErasureRefused, ConcurrentChange):
                root, file = locate(where)
                if file is None:
                    with root.folder() as folder:
                        status = os.stat(hidden, dir_fd=folder, follow_symlinks=False)
                        if status.st_ino == inode and stat.S_ISREG(status.st_mode):
                            put_back(hidden, name, folder)


def hidden_paths(told: JournalState) -> dict[Key, Key]:
    """Return the keys that files on the way to being removed may have now, with their own."""
    return {
        (os.path.join(os.path.dirname(path), name), inode): (path, inode)
        for (path, inode), name in told.hidden.items()
    }


def is_gone(key: Key, done: Done, told: JournalState, book: Journal) -> bool:
    """Whether a file was removed, and only the journal not told: its folder has neither name."""
    folder, name = os.path.split(key[0])
    if key not in told.hidden:
        return False
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with lent(os.open(folder, flags)) as handle:
            if book.file_system(handle, os.fstat(handle).st_dev) != done.file_system:
                return False
            inodes = []
            for candidate in name, told.hidden[key]:
                with suppress(FileNotFoundError):
                    inodes.append(os.stat(candidate, dir_fd=handle, follow_symlinks=False).st_ino)
            return key[1] not in inodes
    except OSError:
        return False


def _failed(task: ErasureTask, error: Exception) -> None:
    assert task.result is not None
    text = f"overwritten, but not removed: {error_text(error)}"
    task.result = replace(task.result, error=text)
