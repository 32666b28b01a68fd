"""Taking away a file's name, and never another file's."""

import contextlib
import os
import secrets

from dan_bench.erase.handles import ConcurrentChange, DirectoryEntry


def remove(found: DirectoryEntry, handle: int, folder: int) -> None:
    """Cut a file to nothing and unlink it; cut only where it has no other name.

    No call unlinks "this file" rather than "whatever has this name". So the name is first moved to
    one that nobody can guess; only if that is the file is it unlinked, else the name is put back.

    Raises:
        Changed: another file has the name now; it was put back.
    """
    name, hidden = found.parts[-1], f".{secrets.token_hex(16)}"
    os.rename(name, hidden, src_dir_fd=folder, dst_dir_fd=folder)
    if not found.is_same(os.stat(hidden, dir_fd=folder, follow_symlinks=False)):
        _put_back(hidden, name, folder)
        raise ConcurrentChange("another file has taken its name, and was left alone")
    if os.fstat(handle).st_nlink == 1:
        os.ftruncate(handle, 0)
        os.fsync(handle)
    os.unlink(hidden, dir_fd=folder)
    listing = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fsync(listing)
    finally:
        os.close(listing)


def _put_back(hidden: str, name: str, folder: int) -> None:
    """Give a name back, over nothing: where something has it by now, `hidden` stays."""
    try:
        os.link(hidden, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return
    except OSError:  # a folder, which has no second name; rename replaces no folder with content
        with contextlib.suppress(OSError):
            os.rename(hidden, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        os.unlink(hidden, dir_fd=folder)
