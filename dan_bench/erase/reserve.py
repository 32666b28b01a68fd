"""What ext4 and xfs do not give to files even when they are full, as far as it can be had."""

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dan_bench.erase.devices import folder_of

SET_RESERVE = 0xC0105872  # XFS_IOC_SET_RESBLKS and XFS_IOC_GET_RESBLKS: xfs_fs.h
GET_RESERVE = 0x80105873
XFS_KEEPS = (
    "xfs keeps some free blocks of each allocation group for its own trees, uncounted: they were "
    "not overwritten"
)
CHECKPOINT = 0x4004662B  # EXT4_IOC_CHECKPOINT: Documentation/filesystems/ext4 and linux/ext4.h
RESERVE = struct.Struct("=QQ")  # blocks wanted, blocks there


def write_notes(handle: int, kind: str) -> tuple[str, ...]:
    """Have ext3 and ext4 write what waits in the journal: blocks that say where files lie.

    They took a part of the free space, and are never written if the files are gone before.

    Returns:
        Why some of them may still hold what was there before.
    """
    try:
        if kind in ("ext3", "ext4"):
            os.fsync(handle)
            fcntl.ioctl(handle, CHECKPOINT, bytearray(4))
    except OSError as error:
        if error.errno != errno.ENODEV:  # no journal
            return ("free blocks that the file system took for its notes were not overwritten",)
    return ()


@contextmanager
def without_reserve(handle: int, kind: str) -> Iterator[tuple[str, ...]]:
    """Let files have a file system's reserve; yield why they do not, where that is not counted.

    A kill in between leaves it without one until it is mounted again.

    Args:
        handle: of a folder on it.
        kind: of file system.
    """
    if kind in ("ext2", "ext3", "ext4"):
        name = folder_of(os.fstat(handle).st_dev).name
        tunable = Path(f"/sys/fs/ext4/{name}/reserved_clusters")
        before = None
        try:
            before = tunable.read_text()
            tunable.write_text("0")
        except OSError:  # not root: what is kept back is counted as free
            before = None
        try:
            yield ()
        finally:
            if before is not None:
                with suppress(OSError):
                    tunable.write_text(before)
    elif kind == "xfs":
        answer = bytearray(RESERVE.size)
        try:
            fcntl.ioctl(handle, GET_RESERVE, answer, True)
            wanted = RESERVE.unpack(answer)[0]
            fcntl.ioctl(handle, SET_RESERVE, bytearray(RESERVE.pack(0, 0)), True)
        except OSError:
            yield (XFS_KEEPS + "; more so where it is not root who has it filled",)
            return
        try:
            yield (XFS_KEEPS,)
        finally:
            with suppress(OSError):
                fcntl.ioctl(handle, SET_RESERVE, bytearray(RESERVE.pack(wanted, 0)), True)
    else:
        yield ()
