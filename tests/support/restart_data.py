"""Matrices of 1,000 restarts, made of SHAKE128 alone: equal on every machine and for ever."""

import hashlib

import numpy as np
from numpy.typing import NDArray

SIDE = 1000


def ideal(name: str) -> NDArray[np.uint8]:
    """Return a million ideal bytes that belong to a name."""
    return np.frombuffer(hashlib.shake_128(name.encode()).digest(SIDE * SIDE), np.uint8)


def restarts(name: str) -> NDArray[np.uint8]:
    """Return a matrix, a restart a row, by a kind and a number: `ideal4`, `copyrow64`."""
    kind = name.rstrip("0123456789")
    number = int(name[len(kind) :] or 0)
    a, b = ideal(name).reshape(SIDE, SIDE), ideal(f"{name}/b").reshape(SIDE, SIDE)
    made = a.copy()
    if kind == "ideal":  # of so many bits
        return a >> (8 - number)
    if kind == "coin":  # ones with probability number / 256
        return (a < number).astype(np.uint8)
    if kind == "and":  # each bit is 1 with probability 1/4
        return (a & b) >> (8 - number)
    if kind == "steep":  # the least of three
        return np.minimum(np.minimum(a, b), ideal(f"{name}/c").reshape(SIDE, SIDE))
    if kind == "three":
        return np.array([7, 100, 250], np.uint8)[a % 3]
    if kind == "two":
        return np.where(a < 120, 0, 255).astype(np.uint8)
    if kind == "equalrows":
        return np.tile(a[0], (SIDE, 1))
    if kind == "counter":  # each restart counts up from a random place
        return (a[:, :1] + np.arange(SIDE).astype(np.uint8)).astype(np.uint8)
    if kind == "drift":  # half of a sample is the number of the restart
        return a // 2 + (np.arange(SIDE) // 8)[:, None].astype(np.uint8)
    if kind == "alt":  # the lowest bit alternates
        return (a & 14) | (np.arange(SIDE) & 1).astype(np.uint8)
    if kind == "copyrow":  # a sample is that of the restart before with probability number / 256
        for i in range(1, SIDE):
            made[i] = np.where(b[i] < number, made[i - 1], made[i])
    elif kind == "copycol":  # a sample is the one before it with that probability
        for j in range(1, SIDE):
            made[:, j] = np.where(b[:, j] < number, made[:, j - 1], made[:, j])
    elif kind == "constcol":  # sample 37 of every restart is 5
        made[:, 37] = 5
    elif kind == "badcol":  # or so with that probability
        made[:, 37] = np.where(b[:, 37] < number, 5, made[:, 37])
    else:
        raise ValueError(name)
    return made
