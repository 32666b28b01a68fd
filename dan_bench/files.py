"""Files that are there whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole(path: Path, synced: bool = True) -> Iterator[BinaryIO]:
    """Open a draft that replaces `path` once it is complete and on the device.

    It gets the permissions of any new file, 0666 less the umask, which `tempfile` withholds from
    all but the owner.

    Args:
        path: of the file.
        synced: wait for the device; without it a power cut may leave the file empty.
    """
    draft = path.with_name(f"{secrets.token_hex(8)}.tmp")
    try:
        with draft.open("xb") as file:
            yield file
            if synced:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if synced:
        sync_folder(path.parent)


def sync_folder(folder: str | os.PathLike[str], dir_fd: int | None = None) -> None:
    """Wait until a folder's entries are on the device.

    Args:
        folder: its path.
        dir_fd: handle of the folder that a relative path starts from; None: the working folder.
    """
    sync(folder, os.O_DIRECTORY, dir_fd)


def sync(path: str | os.PathLike[str], flags: int = 0, dir_fd: int | None = None) -> None:
    """Wait until a file is on the device; it is opened for reading, with these flags besides."""
    handle = os.open(path, os.O_RDONLY | flags, dir_fd=dir_fd)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
