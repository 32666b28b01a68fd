"""What a file looks like from the outside: one statx(2) for what takes stat and /proc otherwise."""

import ctypes
import errno
import os
import re
import struct
from collections.abc import Callable
from typing import NamedTuple

# linux/stat.h and linux/fcntl.h
STATX = struct.Struct("=I12xI8xH2xQQQ24xqI20xqI12xIIQ")
"""mask, nlink, mode, inode, size, blocks, birth, modified, device, mount."""
SIZE = 256
BASIC, BIRTH, MOUNT = 0x7FF, 0x800, 0x1000
NO_LINK, NO_AUTOMOUNT, EMPTY_PATH = 0x100, 0x800, 0x1000
UNSUPPORTED = (errno.ENOSYS, errno.EPERM)  # EPERM: a sandbox that does not know statx

_SHARED: dict[int, int] = {}


def shared(value: int) -> int:
    """Return one and the same object for equal numbers: sizes and devices repeat."""
    if len(_SHARED) > 10_000:
        _SHARED.clear()
    return _SHARED.setdefault(value, value)


class Status(NamedTuple):
    """Those fields of `os.stat_result` that an erasure looks at, by the same names."""

    st_dev: int
    st_ino: int
    st_mode: int
    st_nlink: int
    st_size: int
    st_blocks: int
    st_mtime_ns: int
    birth_ns: int | None = None
    """When it was made; None where the file system does not tell."""


def status_of(folder: int, name: str = "") -> tuple[Status, int | None]:
    """Return status and mount id of a name in a folder, or of the handle itself; follows no link.

    The mount id distinguishes bind mounts; it is None where neither statx nor /proc provides it.
    """
    if _statx is not None:
        flags = NO_LINK | NO_AUTOMOUNT if name else EMPTY_PATH
        answer = ctypes.create_string_buffer(SIZE)
        wanted = BASIC | BIRTH | MOUNT
        if _statx(folder, os.fsencode(name), flags, wanted, answer) == 0:
            mask, links, mode, inode, size, blocks, *rest = STATX.unpack_from(answer)
            born, born_ns, modified, modified_ns, major, minor, mount = rest
            if mask & MOUNT:
                status = Status(
                    shared(os.makedev(major, minor)),
                    inode,
                    shared(mode),
                    links,
                    shared(size),
                    shared(blocks),
                    modified * 10**9 + modified_ns,
                    born * 10**9 + born_ns if mask & BIRTH else None,
                )
                return status, shared(mount)
        elif (number := ctypes.get_errno()) not in UNSUPPORTED:
            raise OSError(number, os.strerror(number))
    return _the_long_way(folder, name)


def _the_long_way(folder: int, name: str) -> tuple[Status, int | None]:
    """The same for a kernel before 5.8, of a handle that opens nothing."""
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(name, flags, dir_fd=folder) if name else folder
    try:
        status, mount = os.fstat(handle), mount_id(handle)
    finally:
        if name:
            os.close(handle)
    fields = (getattr(status, field) for field in Status._fields[:-1])
    return Status(*fields), mount


def mount_id(handle: int) -> int | None:
    """Return the id of the mount that a handle was opened through, from /proc (proc(5))."""
    try:
        with open(f"/proc/self/fdinfo/{handle}", "rb") as file:
            found = re.search(rb"^mnt_id:\s*(\d+)", file.read(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) if found else None


def found_in_libc(name: str, *kinds: type) -> Callable[..., int] | None:
    """Return a function of the C library whose arguments are of these kinds; None without it."""
    try:
        function = getattr(ctypes.CDLL(None, use_errno=True), name)
    except (OSError, AttributeError):
        return None
    function.argtypes = kinds or None
    found: Callable[..., int] = function
    return found


_statx = found_in_libc(  # glibc 2.28, musl 1.2.5
    "statx", ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p
)
