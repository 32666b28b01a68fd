"""Python's `random`, recovered from its output: 624 words give the state, and all that follows.

Only whole 32-bit outputs are read, one after another: what `randbytes` returns and
`getrandbits(32)` gives. `random()` keeps 53 bits of two words and `getrandbits` of fewer bits the
upper ones of each: streams of those are named by no attack here.
"""

import random
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Bytes
from dan_bench.randomness.linearity import as_bytes

Words = NDArray[np.uint32]

STATE_WORDS, FAR = 624, 397
UPPER, LOWER, TWIST = 0x80000000, 0x7FFFFFFF, 0x9908B0DF
NEEDED_BYTES = 4 * (STATE_WORDS + 1) + 3
"""The state, one word to check it by, and the bytes before the first whole word."""
LEAST_DIFFERENT = STATE_WORDS // 2
"""Among the first 624 words; of a generator's output nearly all of them differ."""


class NotMT19937(ValueError):
    """The data do not continue as MT19937 would."""


@dataclass(frozen=True)
class RecoveredState:
    """MT19937's state as it stands after the last whole word of what was seen.

    `verified` counts the words after the first 624, all of which those predicted. `cut` is how many
    bytes of the next word were seen too, 0 to 3.
    """

    words: tuple[int, ...]
    verified: int
    cut: int = 0

    def generator(self) -> random.Random:
        """Return Python's generator in this state; what it draws is what the original will draw."""
        clone = random.Random()
        clone.setstate((3, (*self.words, STATE_WORDS), None))
        return clone

    def predict(self, n: int) -> bytes:
        """Return the n bytes that follow, `random.Random.randbytes(n)` bit for bit.

        Where what was seen ends within a word, the rest of that word comes first.
        """
        if n < 0:
            raise ValueError(f"n must not be negative, got {n}")
        clone = self.generator()
        rest = clone.randbytes(4)[self.cut :] if self.cut else b""
        return rest[:n] + clone.randbytes(max(0, n - len(rest)))

    @classmethod
    def after(cls, untempered: Words, cut: int = 0) -> Self:
        """Build it from consecutive words of the recurrence, at least 624, oldest first."""
        last = tuple(untempered[-STATE_WORDS:].tolist())
        return cls(last, len(untempered) - STATE_WORDS, cut)


@dataclass(frozen=True)
class Identification:
    """Whether data come from MT19937, and how much of them was predicted.

    Of the `of` bytes in whole words after the first 624, `predicted` were predicted up to the first
    mistake. `alignment` is the number of bytes before the first whole word, `state` what predicts
    on; both are None where the data are not MT19937's.
    """

    is_mt19937: bool
    predicted: int
    of: int
    alignment: int | None = None
    state: RecoveredState | None = None


def untemper(outputs: Words) -> Words:
    """Words of the recurrence behind MT19937's outputs: its tempering, inverted.

    Matsumoto & Nishimura 1998, section 2.1, equations (2.2) to (2.5), backwards.
    """
    y = outputs.astype(np.uint32)
    y ^= y >> np.uint32(18)
    y ^= y << np.uint32(15) & np.uint32(0xEFC60000)
    kept = y.copy()
    for _ in range(4):  # seven bits come right each time
        y = kept ^ (y << np.uint32(7) & np.uint32(0x9D2C5680))
    kept = y.copy()
    for _ in range(2):  # eleven bits each time
        y = kept ^ y >> np.uint32(11)
    return y


def predicted(words: Words) -> int:
    """Return how many words after the first 624 the recurrence gives, up to the first mistake.

    x(i + 624) = x(i + 397) xor A applied to the top bit of x(i) and the rest of x(i + 1).
    """
    mixed = words[:-STATE_WORDS] & np.uint32(UPPER)
    mixed |= words[1 : len(words) - STATE_WORDS + 1] & np.uint32(LOWER)
    expected = words[FAR : len(words) - STATE_WORDS + FAR] ^ mixed >> np.uint32(1)
    expected ^= (mixed & np.uint32(1)) * np.uint32(TWIST)
    wrong = np.flatnonzero(expected != words[STATE_WORDS:])
    return int(wrong[0]) if len(wrong) else len(expected)


def recover_mt19937(words: Words) -> RecoveredState:
    """State of MT19937 from at least 624 consecutive 32-bit outputs, oldest first.

    Any 624 words are possible outputs, so that many give a state without evidence; whatever
    follows them must be what it predicts. NotMT19937 where it is not, ValueError for fewer words.
    """
    words = np.asarray(words)
    if words.ndim != 1 or words.dtype != np.uint32:
        raise TypeError(f"words must be a 1-D uint32 array, got {words.shape} of {words.dtype}")
    if len(words) < STATE_WORDS:
        raise ValueError(f"the state takes {STATE_WORDS} consecutive words, got {len(words)}")
    untempered = untemper(words)
    if not untempered.any():
        raise NotMT19937("the words are all zero, which no seed of MT19937 gives")
    right = predicted(untempered)
    if right < len(words) - STATE_WORDS:
        raise NotMT19937(
            f"word {STATE_WORDS + right} is not what the {STATE_WORDS} before it make MT19937 say"
        )
    return RecoveredState.after(untempered)


def different_words(data: Bytes) -> int:
    """How many different words are among the first 624; fewer than 312 come from no generator."""
    head = np.ascontiguousarray(data[: 4 * STATE_WORDS])
    return len(np.unique(head[: len(head) // 4 * 4].view("<u4")))


def names_mt19937(data: bytes | Bytes) -> Identification:
    """Say whether `data` is MT19937's output: do its first 624 words predict all the others?

    The words are little-endian, as `random.Random.randbytes` writes them, and may start at any of
    the first four bytes; up to three bytes before the first and after the last whole word are not
    judged. A false alarm has probability 4 x 2^-32 at 2,503 bytes, the fewest that
    are taken, and 2^-32 times that for each word more.

    ValueError for fewer bytes.
    """
    array = as_bytes(data)
    if len(array) < NEEDED_BYTES:
        raise ValueError(f"naming MT19937 needs at least {NEEDED_BYTES} bytes, got {len(array)}")
    best = Identification(False, -1, 0)
    for alignment in range(4):
        whole = (len(array) - alignment) // 4
        end = alignment + 4 * whole
        words = untemper(np.ascontiguousarray(array[alignment:end]).view("<u4"))
        right, of = predicted(words), whole - STATE_WORDS
        if right == of and words.any():  # zeros obey the recurrence, and come from no seed
            state = RecoveredState.after(words, len(array) - end)
            return Identification(True, 4 * right, 4 * of, alignment, state)
        if right > best.predicted // 4:
            best = Identification(False, 4 * right, 4 * of)
    return best
