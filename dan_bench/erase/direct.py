"""A file's bytes as its device has them, past the page cache."""

import errno
import fcntl
import mmap
import os
from contextlib import suppress

from dan_bench.files import Closing

ALIGNED = 4096
"""What O_DIRECT takes on every device whose sectors are not larger."""
NOT_DIRECT = "it was read back through memory: nothing leads past the page cache here (O_DIRECT)"


class DeviceReader(Closing):
    """Reads a handle past the page cache until it is closed.

    Dropping the cache would not do: what another process has mapped or locked stays in it, and
    is read as it was written, whatever the device made of it.

    Args:
        handle: of a regular file, for reading. Until `close`, other reads of it may fail, since
            they are not aligned.
        most: bytes that are read at once.
    """

    def __init__(self, handle: int, most: int = 1 << 20) -> None:
        self.direct = True
        """Whether the answers are the device's; where not, `NOT_DIRECT` is a reason for doubt."""
        self._handle = handle
        self._flags = fcntl.fcntl(handle, fcntl.F_GETFL)
        self._most = -(-most // ALIGNED) * ALIGNED
        self._view = memoryview(mmap.mmap(-1, self._most + ALIGNED))  # page-aligned
        try:
            fcntl.fcntl(handle, fcntl.F_SETFL, self._flags | os.O_DIRECT)
        except OSError:
            self.direct = False

    def read(self, n: int, start: int) -> memoryview:
        """Return up to `n` bytes at `start`, valid until the next call.

        There are fewer only where the file ends, or where `n` is more than `most`.

        Raises:
            OSError: they cannot be read.
        """
        low = start - start % ALIGNED
        end = start + min(n, self._most)
        into = self._view[: -(-(end - low) // ALIGNED) * ALIGNED]
        if self.direct:
            try:
                got = os.preadv(self._handle, [into], low)
            except OSError as error:
                # larger sectors, or a file system that takes the flag and then not the read
                if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                    raise
                self.direct = False
                fcntl.fcntl(self._handle, fcntl.F_SETFL, self._flags & ~os.O_DIRECT)
        if not self.direct:
            os.posix_fadvise(self._handle, low, len(into), os.POSIX_FADV_DONTNEED)
            got = os.preadv(self._handle, [into], low)
        return self._view[start - low : max(start, min(low + got, end)) - low]

    def close(self) -> None:
        """Leave the handle as it was."""
        with suppress(OSError):
            fcntl.fcntl(self._handle, fcntl.F_SETFL, self._flags)


class EmptiedCache(Closing):
    """Reads a handle by way of the page cache, which was seen to have nothing of it."""

    direct = True

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def read(self, n: int, start: int) -> bytes:
        """Return up to `n` bytes at `start`."""
        return os.pread(self._handle, n, start)


Reader = DeviceReader | EmptiedCache
