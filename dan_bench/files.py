"""Files that are there whole or not at all, and handles that are closed in any case."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self


@contextmanager
def whole(path: Path, synced: bool = True) -> Iterator[BinaryIO]:
    """Open a draft that replaces `path` once it is complete and on the device.

    It gets the permissions of any new file, 0666 less the umask, which `tempfile` withholds from
    all but the owner.

    Args:
        path: of the file.
        synced: wait for the device; without it a power cut may leave the file empty.
    """
    with drafted(path, synced) as draft, draft.open("xb") as file:
        yield file


@contextmanager
def drafted(path: Path, synced: bool = True) -> Iterator[Path]:
    """Yield the path of a draft to be written; the rest is as for `whole`."""
    draft = path.with_name(f"{secrets.token_hex(8)}.tmp")  # one of nobody else's
    try:
        yield draft
        if synced:
            sync(draft)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if synced:
        sync(path.parent)


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


def sync(path: str | os.PathLike[str], dir_fd: int | None = None) -> None:
    """Wait until a file, or the entries of a folder, are on the device.

    Args:
        path: of either.
        dir_fd: handle of the folder that a relative path starts from; None: the working folder.
    """
    with lent(os.open(path, os.O_RDONLY, dir_fd=dir_fd)) as handle:
        os.fsync(handle)
