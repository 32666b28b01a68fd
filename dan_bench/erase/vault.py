"""Keeping the original bytes to compare with, so that the copy is not one more thing to erase."""

import hashlib
import os
import tempfile

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


class SealedCopy:
    """Bytes in a file without a name, encrypted with a key that only this object has.

    The keystream is SHAKE128 (FIPS 202, section 6.2) of key and position. What is left on the
    temporary folder's device when the object is gone is of no use to anybody.
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (closed by close)
        self.end = 0
        """Bytes put so far: the position of the next piece."""

    def put(self, piece: bytes) -> None:
        """Keep one piece more; OSError says that it is the temporary folder that has no room."""
        try:
            self._file.write(self._cipher(np.frombuffer(piece, np.uint8), self.end).data)
            self._file.flush()
        except OSError as error:
            text = f"no evidence can be kept in {tempfile.gettempdir()}: {error.strerror}"
            raise OSError(error.errno, text) from error
        self.end += len(piece)

    def get(self, position: int, n: int) -> Bytes:
        """Return a piece just as it was put: the position is the bytes put before it."""
        self._file.seek(position)
        return self._cipher(np.frombuffer(self._file.read(n), np.uint8), position)

    def close(self) -> None:
        """Let go of the file and the key."""
        self._key = b""
        self._file.close()

    def _cipher(self, piece: Bytes, position: int) -> Bytes:
        keyed = hashlib.shake_128(self._key + position.to_bytes(8, "little"))
        return piece ^ np.frombuffer(keyed.digest(len(piece)), np.uint8)
