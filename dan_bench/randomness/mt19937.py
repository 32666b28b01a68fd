"""MT19937 and MT19937-64, named and recovered from their output: Python's `random` is the first.

Only whole outputs are read, one after another: what Python's `randbytes` returns and
`getrandbits(32)` gives, in either byte order. `random()` keeps 53 bits of two words and
`getrandbits` of fewer bits the upper ones of each: streams of those are named by no attack here.
"""

import random
from dataclasses import dataclass
from math import exp, lgamma, log
from typing import Literal, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Bytes
from dan_bench.randomness.linearity import as_bytes
from dan_bench.randomness.min_entropy.symbols import Stream

Words = NDArray[np.uint32]
Wide = NDArray[np.uint64]
Order = Literal["little", "big"]


class Twister(NamedTuple):
    """The constants of a generator of the family, named as in its authors' code."""

    name: str
    bits: int
    size: int
    middle: int
    lower: int
    a: int
    tempering: tuple[int, int, int, int, int, int, int]
    """u, d, s, b, t, c, l, in those names."""


MT19937 = Twister(
    *("MT19937", 32, 624, 397, 0x7FFFFFFF, 0x9908B0DF),
    (11, 0xFFFFFFFF, 7, 0x9D2C5680, 15, 0xEFC60000, 18),
)
"""Matsumoto & Nishimura 1998, section 2.1."""
MT19937_64 = Twister(
    *("MT19937-64", 64, 312, 156, 0x7FFFFFFF, 0xB5026F5AA96619E9),
    (29, 0x5555555555555555, 17, 0x71D67FFFEDA60000, 37, 0xFFF7EEE000000000, 43),
)
"""Nishimura & Matsumoto 2004."""
STATE_WORDS = MT19937.size
NEEDED_BYTES = 4 * (STATE_WORDS + 1) + 3
"""The state, one word to check it by, and the bytes before the first whole word."""
LEAST_DIFFERENT = STATE_WORDS // 2
"""Among 624 words; of a generator's output nearly all of them differ."""
NAMED = 1e-6
"""Chance of the relations that were found below which the generator is named."""
READINGS = 2 * (MT19937.bits + MT19937_64.bits) // 8
"""Byte orders and places where the first word may begin, of both generators."""


@dataclass(frozen=True)
class RecoveredState:
    """The state of a generator as it stands after the last whole word of what was seen.

    `verified` counts the words that those before them predicted. `cut` is how many bytes of the
    next word were seen too, 0 to 3 (7 of MT19937-64).
    """

    words: tuple[int, ...]
    verified: int
    cut: int = 0
    twister: Twister = MT19937
    order: Order = "little"

    def generator(self) -> random.Random:
        """Return Python's generator in this state; what it draws is what the original will draw.

        ValueError for MT19937-64, which is not Python's.
        """
        if self.twister != MT19937:
            raise ValueError(f"Python's generator is MT19937, not {self.twister.name}")
        clone = random.Random()
        clone.setstate((3, (*self.words, STATE_WORDS), None))
        return clone

    def predict(self, n: int) -> bytes:
        """Return the n bytes that follow; of Python's, `random.Random.randbytes(n)` bit for bit.

        Where what was seen ends within a word, the rest of that word comes first.
        """
        if n < 0:
            raise ValueError(f"n must not be negative, got {n}")
        if self.twister == MT19937 and self.order == "little":
            clone = self.generator()
            rest = clone.randbytes(4)[self.cut :] if self.cut else b""
            return rest[:n] + clone.randbytes(max(0, n - len(rest)))
        size = self.twister.bits // 8
        more = continued(list(self.words), -(-(n + self.cut) // size), self.twister)
        u, d, s, b, t, c, last = self.twister.tempering
        out = bytearray()
        for y in more:
            y ^= y >> u & d
            y ^= y << s & b
            y ^= y << t & c
            out += (y ^ y >> last).to_bytes(size, self.order)
        return bytes(out[self.cut : self.cut + n])


@dataclass(frozen=True)
class Identification:
    """Whether data come from a Mersenne Twister, and how much of them was predicted.

    Of the `of` bytes in words that have a state before them, `predicted` are in words that the
    three words that they are made of give, and the chance that ideal data have as many is at most
    `p_value`. `generator` is MT19937 or MT19937-64, `alignment` the number of bytes before the
    first whole word, `order` that of a word's bytes. `state` predicts on: the generator's after the
    last word, None where no state's worth of words is right, or words are missing after them. All
    are None where the data are not a Twister's.
    """

    is_mt19937: bool
    predicted: int
    of: int
    alignment: int | None = None
    state: RecoveredState | None = None
    generator: str | None = None
    order: Order | None = None
    p_value: float = 1.0


def untemper(outputs: Words | Wide, twister: Twister = MT19937) -> Wide:
    """Words of the recurrence behind a generator's outputs: its tempering, inverted.

    Matsumoto & Nishimura 1998, section 2.1, equations (2.2) to (2.5), backwards.
    """
    return _untemper(outputs.astype(np.uint64), *np.array(twister.tempering, dtype=np.uint64))


@numba.njit(cache=True, nogil=True)
def _untemper(words: Wide, u: int, d: int, s: int, b: int, t: int, c: int, last: int) -> Wide:
    for i in range(len(words)):
        y = words[i]
        y ^= y >> last
        y ^= y << t & c
        kept = y
        for _ in range(4):  # seven bits come right each time, or 17
            y = kept ^ y << s & b
        kept = y
        for _ in range(2):  # eleven bits each time, or 29
            y = kept ^ y >> u & d
        words[i] = y
    return words


def follows(words: Wide, twister: Twister = MT19937) -> NDArray[np.bool_]:
    """Say of each word of the recurrence but the first `size` whether it is what those give.

    x(i + size) = x(i + middle) xor A applied to the top bit of x(i) and the rest of x(i + 1).
    Where these are zero, nothing is said to follow: whatever repeats among zeros would.
    """
    upper = (1 << twister.bits) - 1 - twister.lower
    numbers = (upper, twister.lower, twister.a)
    return _follows(words, twister.size, twister.middle, *np.array(numbers, dtype=np.uint64))


@numba.njit(cache=True, nogil=True)
def _follows(
    words: Wide, size: int, middle: int, upper: int, lower: int, a: int
) -> NDArray[np.bool_]:
    found = np.empty(max(0, len(words) - size), dtype=np.bool_)
    one = np.uint64(1)
    for i in range(len(found)):
        mixed = words[i] & upper | words[i + 1] & lower
        given = words[i + middle] ^ mixed >> one ^ (mixed & one) * a
        found[i] = (given == words[i + size]) & (mixed != 0)
    return found


def continued(words: list[int], n: int, twister: Twister = MT19937) -> list[int]:
    """Return the n words of the recurrence that follow at least `size` of them."""
    x, size = words[-twister.size :], twister.size
    upper = (1 << twister.bits) - 1 - twister.lower
    for i in range(n):
        mixed = x[i] & upper | x[i + 1] & twister.lower
        x.append(x[i + twister.middle] ^ mixed >> 1 ^ (mixed & 1) * twister.a)
    return x[size:]


def different_words(data: Bytes) -> int:
    """How many different words are among 624; fewer than 312 come from no generator.

    Of the first 624 that have as many; of the most where none has.
    """
    most = 0
    for start in range(0, max(1, len(data) - 4 * STATE_WORDS // 2), 4 * STATE_WORDS):
        some = np.ascontiguousarray(data[start : start + 4 * STATE_WORDS])
        most = max(most, len(np.unique(some[: len(some) // 4 * 4].view("<u4"))))
        if most >= LEAST_DIFFERENT:
            break
    return most


def names_mt19937(data: Stream) -> Identification:
    """Say whether `data` is MT19937's or MT19937-64's output: do its words predict each other?

    A word is made of three of the 624 (312) before it, so any 626 in a row name MT19937, and any
    313 MT19937-64; of words that are wrong here and there, as many as leave two such relations
    (one). The words may be little-endian, as `random.Random.randbytes` writes them, or big-endian,
    and start at any byte. Each relation holds in ideal data with probability 2^-32 (2^-64),
    whatever came before it: the p-value is a bound of the binomial tail, times the 24 readings.

    ValueError for fewer than 2,503 bytes.
    """
    array = as_bytes(data)
    if len(array) < NEEDED_BYTES:
        raise ValueError(f"naming MT19937 needs at least {NEEDED_BYTES} bytes, got {len(array)}")
    best = Identification(False, 0, len(array) // 4 * 4 - 4 * STATE_WORDS)
    for twister in (MT19937, MT19937_64):
        size = twister.bits // 8
        for alignment in range(size):
            whole = (len(array) - alignment) // size
            end = alignment + size * whole
            words = np.ascontiguousarray(array[alignment:end])
            for order in ("little", "big"):
                kind = f"{'<' if order == 'little' else '>'}u{size}"
                x = untemper(words.view(kind), twister)
                found = follows(x, twister)
                right = int(found.sum())
                p_value = _chance(right, len(found), twister.bits)
                if p_value >= best.p_value:
                    continue
                best = Identification(False, size * right, size * len(found), p_value=p_value)
                if p_value < NAMED:
                    state = _state(x, found, twister, len(array) - end, order)
                    best = Identification(
                        *(True, best.predicted, best.of, alignment, state),
                        *(twister.name, order, p_value),
                    )
    return best


def _chance(right: int, of: int, bits: int) -> float:
    """Bound of the chance that so many of `of` relations hold, in any of the readings."""
    if not right:
        return 1.0
    logarithm = right * (log(of) - bits * log(2)) - lgamma(right + 1)
    return min(1.0, READINGS * exp(logarithm))


def _state(
    words: Wide, found: NDArray[np.bool_], twister: Twister, cut: int, order: Order
) -> RecoveredState | None:
    """State after the last word: that of the last run of right words, and what follows it.

    A word is taken for right where a relation that it is a whole part of holds, or none fails.
    """
    size = twister.size
    doubted, known = np.zeros((2, len(words)), dtype=np.bool_)
    for place in (0, 1, twister.middle, size):
        doubted[place : place + len(found)] |= ~found
    for place in (twister.middle, size):
        known[place : place + len(found)] |= found
    known[1 : len(found)] |= found[1:] & found[:-1]  # its top bit in one, the rest in the other
    wrong = np.flatnonzero(np.concatenate([[True], doubted & ~known, [True]])) - 1
    runs = np.flatnonzero(np.diff(wrong) > size)
    if not len(runs):
        return None
    end = int(wrong[runs[-1] + 1])
    state = words[end - size : end].tolist()
    after = continued(state, len(words) - end, twister)
    agreed = int(np.sum(np.array(after, dtype=np.uint64) == words[end:]))
    if 2 * agreed < len(after):  # words are missing: how many, and so the state, is not known
        return None
    return RecoveredState(tuple((state + after)[-size:]), int(found.sum()), cut, twister, order)
