"""Files that are there whole or not at all, and handles that are closed in any case."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Open a draft that replaces `path` once it is complete and on the device.

    It gets the permissions of any new file, which `tempfile` withholds from all but the owner.
    """
    draft = path.with_name(f"{secrets.token_hex(8)}.tmp")
    try:
        with draft.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


class Closing:
    """What is closed where its `with` ends."""

    def close(self) -> None:
        """Let go of what is held; nothing, unless a class says more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def lent(handle: int) -> Iterator[int]:
    """Lend a handle of `os.open`, and close it in any case."""
    try:
        yield handle
    finally:
        os.close(handle)


def sync_folder(folder: str | os.PathLike[str], dir_fd: int | None = None) -> None:
    """Wait until a folder's entries are on the device.

    Args:
        folder: its path.
        dir_fd: handle of the folder that a relative path starts from; None: the working folder.
    """
    with lent(os.open(folder, os.O_RDONLY | os.O_DIRECTORY, dir_fd=dir_fd)) as handle:
        os.fsync(handle)
