"""Where every random number of a run comes from: (seed, stream name), never call order."""

import hashlib

import numpy as np


def derive(seed: int, name: str) -> int:
    """Seed of the stream `name` of run `seed`: the first 64 bits of SHA-256 of "seed/name".

    Two names give streams that have nothing to do with each other, and adding a stream
    to a program moves no other.
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def generator(seed: int, name: str) -> np.random.Generator:
    """numpy generator (PCG64) of the stream `name` of run `seed`."""
    return np.random.Generator(np.random.PCG64(derive(seed, name)))
