"""xorshift128+ and its successors, named and recovered by the lowest bits of their output.

The sum of two words has as lowest bit that of their exclusive or, which is linear in the state: as
many lowest bits as the state has give it, and all of the words that follow check it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Bytes
from dan_bench.randomness.lanes import lane_rows
from dan_bench.randomness.linearity import as_bytes, linear_complexities
from dan_bench.randomness.min_entropy.symbols import Stream

State = NDArray[np.uint64]
"""Of each of n generators: words x n."""
Step = Callable[[State], State]

WORDS = 1024
"""Looked at, the last of the stream: they give the state, and check it."""
STATES = (128, 256)


def _xorshift128(s: State, a: int, b: int, c: int) -> State:
    """Vigna 2014: the output is the sum of the words of the new state."""
    x = s[0] ^ s[0] << np.uint64(a)
    return np.stack([s[1], x ^ s[1] ^ x >> np.uint64(b) ^ s[1] >> np.uint64(c)])


def _xoroshiro128(s: State, a: int, b: int, c: int) -> State:
    """Blackman & Vigna 2018, section 3.4; the output is the sum of the old words."""
    x = s[0] ^ s[1]
    return np.stack([_rotated(s[0], a) ^ x ^ x << np.uint64(b), _rotated(x, c)])


def _xoshiro256(s: State) -> State:
    """Blackman & Vigna 2018, section 3.3; the output is the sum of the first and the last."""
    t, x, y = s[1] << np.uint64(17), s[2] ^ s[0], s[3] ^ s[1]
    return np.stack([s[0] ^ y, s[1] ^ x, x ^ t, _rotated(y, 45)])


def _rotated(x: State, by: int) -> State:
    return x << np.uint64(by) | x >> np.uint64(64 - by)


GENERATORS: dict[str, tuple[int, Step]] = {
    "xorshift128+ (23, 18, 5)": (2, partial(_xorshift128, a=23, b=18, c=5)),
    "xorshift128+ (23, 17, 26)": (2, partial(_xorshift128, a=23, b=17, c=26)),
    "xoroshiro128+ (24, 16, 37)": (2, partial(_xoroshiro128, a=24, b=16, c=37)),
    "xoroshiro128+ (55, 14, 36)": (2, partial(_xoroshiro128, a=55, b=14, c=36)),
    "xoshiro256+": (4, _xoshiro256),
}
"""Words of the state, and the step from one to the next; each word's sum of first and last is out.

xorshift128+ puts out the sum after its step and the others before: to tell whose state it is, that
makes no difference."""


@dataclass(frozen=True)
class RecoveredShifts:
    """A generator whose lowest bits gave a state that gives all of the last `verified` words.

    `state` is that before the first of them; `order` is of the bytes of a word. Where it is none of
    those known, `name` and `order` are None, and the state is empty.
    """

    name: str | None = None
    state: tuple[int, ...] = ()
    verified: int = 0
    order: Literal["little", "big"] | None = None


def names_xorshift(data: Stream) -> RecoveredShifts:
    """Name the generator of the last 1,024 words of 64 bits, which may begin at any byte.

    `name` is None where it is none of those known, or there are fewer words. Ideal data are named
    with a probability below 2^-128: the lowest bits alone check 512 times what the state has.
    """
    array = as_bytes(data)
    if len(array) < 8 * (WORDS + 1):
        return RecoveredShifts()
    lanes = lane_rows(array[: len(array) // 8 * 8], 1, 8, WORDS)
    for place, complexity in enumerate(linear_complexities(lanes)):
        if complexity not in STATES:
            continue
        for order in ("little", "big"):
            words = _words(array, place, order)
            for name, (size, step) in GENERATORS.items():
                if 64 * size == complexity and (state := _state(words, size, step)) is not None:
                    return RecoveredShifts(name, state, len(words), order)
    return RecoveredShifts()


def _words(array: Bytes, place: int, order: Literal["little", "big"]) -> State:
    """The last whole words whose lowest byte stands at `place` modulo 8."""
    start = place % 8 if order == "little" else (place + 1) % 8
    end = (len(array) - start) // 8 * 8 + start
    last = np.ascontiguousarray(array[end - 8 * WORDS : end])
    return last.view("<u8" if order == "little" else ">u8").astype(np.uint64)


def _state(words: State, size: int, step: Step) -> tuple[int, ...] | None:
    """State whose sums are the words, found by their lowest bits; None where it is not theirs."""
    unknown = 64 * size
    basis = np.zeros((size, unknown), dtype=np.uint64)
    for i in range(unknown):
        basis[i // 64, i] = np.uint64(1) << np.uint64(i % 64)
    rows = []
    for word in words[: unknown + 32].tolist():
        lowest = (basis[0] ^ basis[-1]) & np.uint64(1)
        row = int("".join(map(str, lowest.tolist()[::-1])), 2)
        rows.append(row | (word & 1) << unknown)
        basis = step(basis)
    bits = _solved(rows, unknown)
    if bits is None:
        return None
    found = np.array([[bits >> 64 * i & (1 << 64) - 1] for i in range(size)], dtype=np.uint64)
    state = found
    for word in words:
        if (state[0] + state[-1])[0] != word:
            return None
        state = step(state)
    return tuple(found[:, 0].tolist())


def _solved(rows: list[int], unknown: int) -> int | None:
    """Solve linear equations over GF(2): bit `unknown` of a row is its right-hand side."""
    pivots: list[int] = []
    for column in range(unknown):
        at = next((i for i, row in enumerate(rows) if row >> column & 1), None)
        if at is None:
            return None
        pivot = rows.pop(at)
        rows = [row ^ pivot if row >> column & 1 else row for row in rows]
        pivots = [row ^ pivot if row >> column & 1 else row for row in pivots]
        pivots.append(pivot)
    if any(rows):
        return None
    return sum((row >> unknown & 1) << i for i, row in enumerate(pivots))
