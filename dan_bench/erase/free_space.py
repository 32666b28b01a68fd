"""Free space filled with noise: what was given up earlier is overwritten where it lies free now."""

import errno
import fcntl
import hashlib
import mmap
import os
import secrets
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from dan_bench.erase.devices import folder_of
from dan_bench.erase.direct import NOT_DIRECT, DeviceReader
from dan_bench.erase.filesystem import IN_PLACE, NO_COPY_ON_WRITE, FileSystem, FileSystems
from dan_bench.erase.handles import AnyPath, ErasureRefused
from dan_bench.erase.overwrite import read_back
from dan_bench.erase.status import mount_id
from dan_bench.files import lent
from dan_bench.interfaces import NoiseSource

PIECE = 4 << 20
SYNC_AFTER = 64 << 20
"""Bytes that may wait in memory."""
FILLED = (*IN_PLACE, "btrfs", "f2fs", "jfs", "vfat", "exfat", "ntfs3", "fuseblk")
FULL = (errno.ENOSPC, errno.EDQUOT)
NOT_FREE = (
    "What is not free was not filled: the slack of other files, names in folders, the inodes, the "
    "journal, and the blocks beside the file system's notes in clusters (bigalloc)."
)

SET_RESERVE = 0xC0105872  # XFS_IOC_SET_RESBLKS and XFS_IOC_GET_RESBLKS: xfs_fs.h
GET_RESERVE = 0x80105873
XFS_KEEPS = (
    "xfs keeps some free blocks of each allocation group for its own trees, uncounted: they were "
    "not overwritten"
)
CHECKPOINT = 0x4004662B  # EXT4_IOC_CHECKPOINT: Documentation/filesystems/ext4 and linux/ext4.h
RESERVE = struct.Struct("=QQ")  # blocks wanted, blocks there


@dataclass(frozen=True)
class FreeSpaceResult:
    """What became of the free space of one file system."""

    folder: str
    written: int
    """Bytes of noise."""
    left: int
    """Bytes that were still free when no file could get any more."""
    read_back: bool
    """Whether the device gave back what was written."""
    doubts: tuple[str, ...]
    """Why old data may be left in what was free; `NOT_FREE` holds beside them."""


class _Filling:
    """Nameless files that grow until there is no room; they are gone when they are closed."""

    def __init__(
        self, folder: int, noise: NoiseSource, progress: Callable[[int], None], held: ExitStack
    ) -> None:
        self._folder, self._noise, self._progress, self._held = folder, noise, progress, held
        self.files: list[tuple[int, int, str]] = []
        """Handle, size and SHA-256 of each."""
        self.written = 0
        self.quota = False

    def add_file(self, smallest: int, direct: bool) -> int:
        """Fill one more file, with pieces down to `smallest` bytes; return its size.

        Args:
            smallest: block of the file system.
            direct: whether room is found when a piece is written, not when it is written back:
                then it is too late to learn that there is none.
        """
        try:
            handle = _nameless(self._folder, os.O_DIRECT if direct else 0)
        except OSError as error:
            if error.errno in FULL or (direct and error.errno == errno.EINVAL):
                return 0
            raise
        self._held.callback(os.close, handle)
        buffer = memoryview(mmap.mmap(-1, PIECE))  # aligned, as O_DIRECT wants it
        digest, size, n = hashlib.sha256(), 0, PIECE
        while n >= smallest:
            original = bytes(n) if self._noise.needs_original else None
            buffer[:n] = memoryview(self._noise.fill(original, size, n)).cast("B")
            try:
                done = os.pwrite(handle, buffer[:n], size)
                if size // SYNC_AFTER != (size + done) // SYNC_AFTER:
                    os.fdatasync(handle)
            except OSError as error:
                if error.errno == errno.EFBIG and size:
                    break
                if error.errno not in FULL:
                    raise
                self.quota = self.quota or error.errno == errno.EDQUOT
                done = os.fstat(handle).st_size - size  # 0, but where it was the sync that failed
                n //= 2
            digest.update(buffer[:done])
            size += done
            self.written += done
            self._progress(done)
        os.fsync(handle)
        self.files.append((handle, size, digest.hexdigest()))
        return size


def check_free_space(folder: AnyPath) -> FileSystem:
    """Return the file system of a folder, if its free space may be filled.

    Raises:
        ErasureRefused: it is none of a disk: memory would be filled, or a server.
        OSError: there is no such folder.
    """
    path = os.path.realpath(os.fsdecode(folder), strict=True)
    with lent(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as handle:
        # a new file takes no old one's place, so that copying on write is no reason for doubt
        of = FileSystems().of(mount_id(handle), os.fstat(handle).st_dev, NO_COPY_ON_WRITE)
    if of.kind not in FILLED:
        raise ErasureRefused(
            f"the free space of {path!r} is not filled: {of.kind or 'it'} is not known to be the "
            "file system of a disk"
        )
    return of


def fill_free_space(
    folder: AnyPath, noise: NoiseSource, progress: Callable[[int], None] = lambda _: None
) -> FreeSpaceResult:
    """Fill what is free on the file system of a folder, read it back, and set it free again.

    The files have no name, so that a kill at any moment leaves nothing behind. For as long as it
    takes there is no room for anybody else: the caller asks before it is done to a file system
    that is in use.

    Args:
        folder: any folder on the file system.
        noise: what to write; a source that needs an original is given zeros.
        progress: called with the number of further bytes written.

    Raises:
        ErasureRefused: the file system is none of a disk: it would fill the memory or a server.
        OSError: something else went wrong than that there is no room.
    """
    of = check_free_space(folder)
    path = os.path.realpath(os.fsdecode(folder), strict=True)
    with ExitStack() as held:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        held.callback(os.close, handle)
        filling = _Filling(handle, noise, progress, held)
        smallest = os.fstatvfs(handle).f_frsize
        while filling.add_file(smallest, direct=False):  # a sync sets free what was put aside
            pass
        kept_back = held.enter_context(without_reserve(handle, of.kind))
        while filling.add_file(smallest, direct=True):
            pass
        full = os.fstatvfs(handle)
        kept_back += write_notes(handle, of.kind)
        read_back, direct = _is_noise(filling.files)
    left = full.f_bfree * full.f_frsize
    doubts = [*of.doubts, *kept_back]
    if any(name.startswith("loop") for name in of.devices):
        doubts.append(
            "it lies in the file of a loop device: what was discarded there (fstrim, -o discard) "
            "lies free on the file system below, which was not filled"
        )
    if left:
        reserved = (full.f_bfree - full.f_bavail) * full.f_frsize
        doubts.append(
            f"{left} bytes stay free that no file of this user gets, {reserved} of them reserved "
            "for root or the file system itself: they were not overwritten"
        )
    if filling.quota:
        doubts.append("the user's quota was used up before the free space was")
    if not direct:
        doubts.append(NOT_DIRECT)
    if not read_back:
        doubts.append("the device does not give back what was written")
    return FreeSpaceResult(path, filling.written, left, read_back, tuple(doubts))


def _nameless(folder: int, how: int) -> int:
    """Return a handle of a new file that no name leads to."""
    flags = os.O_RDWR | os.O_CLOEXEC | how
    try:
        return os.open(".", flags | os.O_TMPFILE, 0o600, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
            raise
    name = f".{secrets.token_hex(16)}"
    handle = os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    os.unlink(name, dir_fd=folder)
    return handle


def _is_noise(files: list[tuple[int, int, str]]) -> tuple[bool, bool]:
    """Return whether the device has what was written, and whether it is the device that says so."""
    same = direct = True
    for handle, size, wanted in files:
        with DeviceReader(handle) as reader:
            same &= read_back(reader, [(0, size)]) == wanted
            direct &= reader.direct
    return same, direct


# what ext4 and xfs do not give to files even when they are full, as far as it can be had


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
