"""Transforms of long real streams in single precision, cut into many short ones.

A stream of n = rows x columns numbers is a matrix, filled row by row. The transforms of its
columns, each turned by a power of exp(-2 pi i / n), and then those of the rows are the transform
of the stream (Bailey 1990, the four-step method): line k1 + rows x k2 is in row k1 and column k2.
Short transforms stay in the cache and go several at a time. What is done with all lines alike needs
no other order.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray
from scipy import fft

Lines = NDArray[np.complex64]

PANEL = 64
"""Columns that are in the cache together."""
LEAST = 1 << 14
"""Numbers below which one transform is as good."""


def shape_of(n: int) -> tuple[int, int] | None:
    """Return rows and columns for n numbers, about equal; None where there is no such split."""
    rows = next((d for d in range(math.isqrt(n), 0, -1) if n % d == 0), 1)
    return (rows, n // rows) if n >= LEAST and n <= 8 * rows * rows else None


def _shape(n: int) -> tuple[int, int]:
    shape = shape_of(n)
    if shape is None:
        raise ValueError(f"{n} numbers have no shape of about as many rows as columns")
    return shape


def lines_of(symbols: NDArray[np.uint8], mean: float) -> Lines:
    """Return the lines of `symbols - mean`, in rows 0 to rows / 2 of the shape of `shape_of`.

    The lines of the other rows are the conjugates of these.
    """
    n = symbols.size
    rows, columns = _shape(n)
    signal, turns = symbols.reshape(rows, columns), _turns(n, -1)
    lines = np.empty((rows // 2 + 1, columns), dtype=np.complex64)
    for left in range(0, columns, PANEL):
        panel = signal[:, left : left + PANEL].astype(np.float32)
        panel -= np.float32(mean)
        _turn(fft.rfft(panel, axis=0), left, *turns, lines)
    found: Lines = fft.fft(lines, axis=1, overwrite_x=True)
    return found


def signal_of(lines: Lines, n: int) -> NDArray[np.float32]:
    """Return the n numbers that have these lines, which are overwritten: `lines_of` backwards."""
    rows, columns = _shape(n)
    lines, turns = fft.ifft(lines, axis=1, overwrite_x=True), _turns(n, 1)
    found = np.empty((rows, columns), dtype=np.float32)
    for left in range(0, columns, PANEL):
        panel = lines[:, left : left + PANEL].copy()
        _turn(panel, left, *turns, panel)
        found[:, left : left + PANEL] = fft.irfft(panel, rows, axis=0, overwrite_x=True)
    return found.reshape(-1)


def exact_lines(symbols: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.complex128]:
    """Return the lines of the symbols at some places but 0, in double precision.

    Each takes as many products as there are symbols.
    """
    n, block = symbols.size, 64
    rows, columns = _shape(n)
    signal = symbols.reshape(rows, columns)
    along = _powers(n, np.outer(np.arange(columns), places))
    down = _powers(n, np.outer(np.arange(rows) * columns, places))
    waves = np.hstack([along.real, along.imag])
    found = np.zeros(len(places), dtype=np.complex128)
    for start in range(0, rows, block):
        real, imaginary = np.hsplit(signal[start : start + block].astype(np.float64) @ waves, 2)
        found += ((real + 1j * imaginary) * down[start : start + block]).sum(axis=0)
    return found


def _powers(n: int, exponents: NDArray[np.int64]) -> NDArray[np.complex128]:
    """Powers of exp(-2 pi i / n)."""
    return np.asarray(np.exp((-2j * math.pi / n) * (exponents % n)), dtype=np.complex128)


def _turns(n: int, sign: int) -> tuple[Lines, Lines]:
    """Powers of exp(sign 2 pi i / n): 0 to m - 1, and each m-th; m is a power of 2 near sqrt n."""
    m = 1 << n.bit_length() // 2
    fine, coarse = (_powers(n, np.arange(0, *ends)) for ends in ((m, 1), (n + 1, m)))
    if sign > 0:
        fine, coarse = fine.conj(), coarse.conj()
    return fine.astype(np.complex64), coarse.astype(np.complex64)


@numba.njit(cache=True, nogil=True)
def _turn(panel: Lines, left: int, fine: Lines, coarse: Lines, into: Lines) -> None:
    """Put a panel, whose columns begin with column `left`, into its place in `into`, turned.

    Row k of column j is multiplied by the power k j. `into` is all columns, or the panel itself.
    """
    m = len(fine)
    shift = 0
    while m >> shift > 1:
        shift += 1
    first = left if into.shape[1] > panel.shape[1] else 0
    for k in range(panel.shape[0]):
        power = k * left
        for j in range(panel.shape[1]):
            turned = fine[power & (m - 1)] * coarse[power >> shift]
            into[k, first + j] = panel[k, j] * turned
            power += k
