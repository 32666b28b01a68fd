"""Where a file's bytes are kept until it has been erased, to be compared with what is left."""

import hashlib
import os
import tempfile

import numpy as np

from dan_bench.interfaces import Bytes


class SealedCopy:
    """A sealed scratch copy: bytes in a nameless file, encrypted with a key that only this holds.

    The keystream is SHAKE128 (FIPS 202, section 6.2) of key and position. What remains on the
    temporary folder's device when the object is gone is of no use to anybody, so that the copy
    is not one more thing to erase.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self.end = 0
        """Bytes put so far: the position of the next piece."""

    def put(self, piece: bytes) -> None:
        """Append a piece; an OSError names the temporary folder where that has no room."""
        try:
            self._file.write(self._cipher(np.frombuffer(piece, np.uint8), self.end).data)
            self._file.flush()
        except OSError as error:
            text = f"no evidence can be kept in {tempfile.gettempdir()}: {error.strerror}"
            raise OSError(error.errno, text) from error
        self.end += len(piece)

    def get(self, position: int, n: int) -> Bytes:
        """Return a piece as it was put: the position is the number of bytes put before it."""
        self._file.seek(position)
        return self._cipher(np.frombuffer(self._file.read(n), np.uint8), position)

    def close(self) -> None:
        """Discard the file and the key."""
        self._key = b""
        self._file.close()

    def _cipher(self, piece: Bytes, position: int) -> Bytes:
        keyed = hashlib.shake_128(self._key + position.to_bytes(8, "little"))
        return piece ^ np.frombuffer(keyed.digest(len(piece)), np.uint8)


class MemoryCopy:
    """The bytes of a small file, kept in memory; put and given back as those of a `SealedCopy`."""

    def __init__(self) -> None:
        self._pieces: dict[int, Bytes] = {}
        self.end = 0

    def put(self, piece: bytes) -> None:
        """Append a piece."""
        self._pieces[self.end] = np.frombuffer(piece, np.uint8)
        self.end += len(piece)

    def get(self, position: int, _: int) -> Bytes:
        """Return a piece as it was put."""
        return self._pieces[position]
