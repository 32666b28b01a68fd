"""Streams of bits, and how packed bytes become them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Bits = NDArray[np.uint8]


def as_bits(bits: ArrayLike) -> Bits:
    """A one-dimensional stream as contiguous uint8 zeros and ones; the input is never written to.

    Takes booleans or integers. Raises TypeError for any other kind of input (bytes are packed bits:
    `unpack` them) and ValueError where a value is neither 0 nor 1.
    """
    stream = np.asarray(bits)
    if stream.size == 0 and stream.ndim == 1:
        return np.zeros(0, dtype=np.uint8)
    if stream.ndim != 1 or stream.dtype.kind not in "bui":
        raise TypeError(
            "a stream of bits is a one-dimensional array of zeros and ones (booleans or integers), "
            f"got shape {stream.shape} of {stream.dtype}; packed bytes go through unpack()"
        )
    if stream.dtype != np.bool_ and (stream.max() > 1 or stream.min() < 0):
        wrong = stream[(stream != 0) & (stream != 1)][0]
        raise ValueError(f"bits are 0 or 1, got {wrong}; packed bytes go through unpack()")
    return np.ascontiguousarray(stream, dtype=np.uint8)


def unpack(
    packed: bytes | bytearray | memoryview | NDArray[np.uint8], n: int | None = None
) -> Bits:
    """Bits of packed bytes, the most significant of each byte first, along the last axis.

    `n` keeps the first n bits of each stream; an N x b array of bytes gives N streams of 8 b bits.
    Raises TypeError where the bytes are no uint8, ValueError where there are fewer than n bits.
    """
    if isinstance(packed, bytes | bytearray | memoryview):
        packed = np.frombuffer(packed, dtype=np.uint8)
    if packed.dtype != np.uint8 or packed.ndim == 0:
        raise TypeError(f"packed bits are bytes (uint8), got {packed.dtype}")
    if n is not None and not 0 <= n <= 8 * packed.shape[-1]:
        raise ValueError(
            f"{packed.shape[-1]} bytes hold {8 * packed.shape[-1]} bits, asked for {n}"
        )
    return np.unpackbits(packed, axis=-1, count=n)
