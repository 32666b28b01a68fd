"""Is any bit of the words a linear recurrence? Every lane of words of 8 to 128 bits.

A lane is one bit of every word. Generators whose state is linear over GF(2) (MT19937, WELL,
xorshift) are so in every lane of their output, those that add at the end (xorshift128+, xorwow,
sums of two) in their lowest, and lagged Fibonacci generators in their low ones. All bits of all
bytes of a word are looked at, and so are both byte orders, and words that begin at any byte.

Every second term of a linear recurrence over GF(2) satisfies it too (squaring is linear): words of
w symbols show what is linear in shorter ones as well, and what is interleaved of several
generators besides, but have fewer bits.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Bytes
from dan_bench.randomness.linearity import (
    BITS,
    LEAST_BITS,
    Bits,
    complexities_and_foretold,
    top_bits,
)
from dan_bench.randomness.min_entropy.symbols import Stream, as_symbols

Place = Literal["first", "last"]

SHORT = 2048
"""Bits of each lane: registers of up to about a thousand, and bit 1 of glibc's random (527)."""
LONG = 40_960
"""Bits of the lowest lane of each symbol: MT19937 after some 500 foreign bits."""
WIDTHS = tuple(1 << i for i in range(8))
WIDEST = 128
"""Bits of the longest word for the short lanes."""
MOST_SYMBOLS = 16
"""Of a word for the long lanes."""


@dataclass(frozen=True)
class Lane:
    """Bit `bit` (0 is the lowest) of symbol `symbol` of every word of `symbols` symbols.

    The `place` (first or last) `bits` of them have linear complexity `complexity`, and the shortest
    register foretold `foretold` (`complexities_and_foretold`).
    """

    symbols: int
    symbol: int
    bit: int
    place: Place
    bits: int
    complexity: int
    foretold: int


@dataclass(frozen=True)
class LaneSearch:
    """The lane in which a register foretold most, the chance of it, and where noise has that."""

    lane: Lane
    lanes: int
    p_value: float
    low: float
    high: float


def lane_rows(symbols: Bytes, bits: int, width: int, length: int) -> Bits:
    """Return the last `length` bits of each lane of words of `width` symbols: a row each.

    Row `bits` i + b is bit b of symbol i of each word; the last word ends where the stream does.
    """
    words = symbols[len(symbols) - width * length :].reshape(length, width)
    planes = np.unpackbits(words[:, :, None], axis=2, count=bits, bitorder="little")
    return np.ascontiguousarray(planes.reshape(length, width * bits).T)


def places(bits: NDArray[np.int64], foretold: int) -> float:
    """Return how many places of ideal lanes are expected from which so many bits are foretold.

    The complexity of m ideal bits is m / 2 again and again: at 0, and at each even number with
    probability 1/2, independently. From there on the next k bits are foretold with probability
    2^-k, and nowhere else are they (Rueppel 1986, chapter 4). So this over 2^k is the expected
    number of times that k bits are foretold, and no less than the chance that they are.
    """
    room = bits[bits >= foretold] - foretold
    return float(np.sum(1 + room // 2 / 2))


def lane_search(symbols: Stream, bits: int = 8) -> LaneSearch:
    """Look for the lane in which the shortest shift register foretells most bits.

    The last 2,048 bits of every lane of words of 1, 2, 4, ... symbols, up to 128 bits; the last
    40,960 of the lowest lane of each symbol, in the longest words, up to 16 symbols, that have at
    least 40,000; and the first 40,000 of the top bit of 32-bit words (of narrower symbols, each).
    The p-value is exact but for the union bound over places and lanes, which holds whatever their
    dependence. ValueError for fewer than 64 symbols.
    """
    symbols = as_symbols(symbols, bits)
    if len(symbols) < LEAST_BITS:
        raise ValueError(f"lanes need at least {LEAST_BITS} symbols, got {len(symbols)}")
    found: list[tuple[int, int, int, Place, int]] = []
    profiles = []

    def look(rows: Bits, lanes: list[tuple[int, int, int]], place: Place) -> None:
        profiles.append(complexities_and_foretold(rows))
        found.extend((*lane, place, rows.shape[1]) for lane in lanes)

    fit = [w for w in WIDTHS if w * bits <= WIDEST and len(symbols) // w >= LEAST_BITS]
    for w in fit:
        lanes = [(w, i, bit) for i in range(w) for bit in range(bits)]
        look(lane_rows(symbols, bits, w, min(SHORT, len(symbols) // w)), lanes, "last")
    if long := [w for w in fit if w <= MOST_SYMBOLS and len(symbols) // w >= BITS]:
        w = long[-1]
        rows = lane_rows(symbols, 1, w, min(LONG, len(symbols) // w))
        look(rows, [(w, i, 0) for i in range(w)], "last")
    w = 4 if bits == 8 else 1
    top = top_bits(symbols << np.uint8(8 - bits), w)[:BITS]
    look(top[None], [(w, w - 1, bits - 1)], "first")
    lengths = np.array([one[-1] for one in found], dtype=np.int64)
    complexity, foretold = np.concatenate(profiles).T
    most = int(foretold.argmax())
    lane = Lane(*found[most], int(complexity[most]), int(foretold[most]))
    p_value = math.ldexp(places(lengths, lane.foretold), -lane.foretold)
    return LaneSearch(lane, len(found), min(1.0, p_value), *_of_noise(lengths))


def _of_noise(lengths: NDArray[np.int64]) -> tuple[float, float]:
    """Where what is foretold lies for 95 % of ideal streams: about Poisson over all places."""
    total = places(lengths, 0)
    ends = [math.log2(total / -math.log(q)) for q in (0.025, 0.975)]
    return math.floor(ends[0]), math.ceil(ends[1])
