"""Length of the shortest shift register for each block (SP 800-22 Rev. 1a, section 2.10)."""

from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.sp800_22.bits import Bits
from dan_bench.randomness.sp800_22.chi import chi_squared_test
from dan_bench.randomness.sp800_22.result import SubtestResult

# of T <= -2.5, ..., T > 2.5. In the limit T = k > 0 has 2^(-2k) and T = -k half of that, section
# 3.10; NIST's tool, and with it every published p-value, has the first of them as 0.01047
PROBABILITIES = {
    "exact": (1 / 96, 1 / 32, 1 / 8, 1 / 2, 1 / 4, 1 / 16, 1 / 48),
    "nist": (0.01047, 0.03125, 0.125, 0.5, 0.25, 0.0625, 0.020833),
}
WORD = 64


@numba.njit(cache=True, nogil=True)
def complexities(blocks: NDArray[np.uint64], length: int) -> NDArray[np.int64]:
    """Linear complexity of each row: `length` bits packed in 64-bit words, first bit lowest.

    Berlekamp and Massey's algorithm, where instead of the two register polynomials C and B their
    products with the stream are kept, moved to where the algorithm stands: the discrepancy is then
    the lowest bit of `now`, and every step costs one exclusive or of a shrinking number of words.
    Bits beyond the end of the block are never looked at.
    """
    one = np.uint64(1)
    zero = np.uint64(0)
    found = np.zeros(len(blocks), dtype=np.int64)
    words = blocks.shape[1]
    now = np.zeros(words + 1, dtype=np.uint64)
    before = np.zeros(words, dtype=np.uint64)
    for block in range(len(blocks)):
        carry = zero
        for i in range(words):
            word = blocks[block, i]
            now[i] = word
            before[i] = (word << one) | carry
            carry = word >> np.uint64(WORD - 1)
        now[words] = zero
        position = 0
        complexity = 0
        while position < length:
            live = (length - position + WORD - 1) // WORD
            low = now[0]
            if low == zero:
                for i in range(live):
                    now[i] = now[i + 1]
                position += WORD
                continue
            skip = zero
            while (low >> skip) & one == zero:
                skip += one
            position += int(skip)
            if position >= length:
                break
            left = np.uint64(WORD - 1) - skip
            if 2 * complexity <= position:
                complexity = position + 1 - complexity
                for i in range(live):
                    word = (now[i] >> skip) | ((now[i + 1] << left) << one)
                    now[i] = word ^ before[i]
                    before[i] = word
            else:
                for i in range(live):
                    word = (now[i] >> skip) | ((now[i + 1] << left) << one)
                    now[i] = word ^ before[i]
            # the discrepancy is dealt with, also where nothing could cancel it (the first one)
            now[0] &= ~one
        found[block] = complexity
    return found


def linear_complexity(
    bits: Bits, length: int, kind: Literal["exact", "nist"] = "nist"
) -> SubtestResult:
    """Linear complexity test, section 2.10, of blocks of M bits."""
    blocks = len(bits) // length
    rows = np.packbits(bits[: blocks * length].reshape(blocks, length), axis=1, bitorder="little")
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 8)))
    found = complexities(rows.view("<u8").astype(np.uint64, copy=False), length)
    sign = (-1) ** length
    mean = length / 2 + (9 - sign) / 36 - (length / 3 + 2 / 9) / 2**length
    t = sign * (found - mean) + 2 / 9
    probabilities = np.array(PROBABILITIES[kind])
    classes = np.clip(np.ceil(t + 2.5), 0, len(probabilities) - 1).astype(np.int64)
    counts = np.bincount(classes, minlength=len(probabilities))
    statistics = {"block_length": length, "mean": mean, "probabilities": kind}
    return chi_squared_test(counts, probabilities, statistics)
