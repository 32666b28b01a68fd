"""The single bits of words: which carry entropy, which depend on each other, which to keep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from dan_bench.cli import InputError
from dan_bench.interfaces import Bytes
from dan_bench.randomness.min_entropy import assess as min_entropy
from dan_bench.randomness.min_entropy.symbols import whole_numbers, whole_width

Symbols = NDArray[np.unsignedinteger]
"""Bytes, or words of sixteen bits."""

MOST_LANES = 8
"""Bits that the estimators of SP 800-90B take (section 6.4)."""
SAMPLES = 1 << 17
"""Words that are looked at."""
RANKED = 1 << 12
"""Words over which a lane that is the XOR of others is looked for."""
LEAST_GAIN = 0.01
"""Bits that a lane must add to be kept."""


@dataclass(frozen=True)
class BitLane:
    """One bit of a word, 0 the lowest.

    `ones` is its share of ones, `min_entropy` that of SP 800-90B (6.3) in bits. `partner` is the
    lane that says most about it at the same time, `shared` their mutual information in bits, and
    `p_value` the chance that of independent lanes any two share as much. `xor_of` are the lanes
    whose XOR it is, or the opposite of it, always; empty for none.
    """

    lane: int
    ones: float
    min_entropy: float
    partner: int | None
    shared: float
    p_value: float
    xor_of: tuple[int, ...]


@dataclass(frozen=True)
class LaneReport:
    """All lanes of a stream of words, and those that are advised, in ascending order."""

    samples: int
    lanes: tuple[BitLane, ...]
    advised: tuple[int, ...]


def take_lanes(values: NDArray[np.unsignedinteger], lanes: Sequence[int]) -> Symbols:
    """Return symbols made of these bits of each value, the first of `lanes` the lowest.

    Up to eight bits make bytes, up to sixteen words. A bit that a value does not have is 0.
    """
    kind = np.dtype(np.uint8 if len(lanes) <= 8 else np.uint16)
    width = 8 * values.dtype.itemsize
    if list(lanes) == list(range(lanes[0], lanes[0] + len(lanes))) and lanes[-1] < width:
        moved = (values >> values.dtype.type(lanes[0])) if lanes[0] else values
        if len(lanes) == width:
            return moved
        low: Symbols = np.bitwise_and(moved.astype(kind), kind.type((1 << len(lanes)) - 1))
        return low
    found: Symbols = np.zeros(len(values), kind)
    for place, lane in enumerate(lanes):
        if lane < width:
            bit = (values >> values.dtype.type(lane)) & values.dtype.type(1)
            found = found | (bit.astype(kind) << kind.type(place))
    return found


def whole_words(words: ArrayLike, width: int) -> NDArray[np.unsignedinteger]:
    """Return a 1-D array of whole numbers as unsigned ones; InputError if they do not fit."""
    if not whole_width(width, 64):
        raise InputError(f"width={width!r}: a word has 1 to 64 bits; give an int")
    values = whole_numbers(words, width, "words")
    if values.size == 0:
        raise InputError("0 words: there is nothing to look at")
    return values if values.dtype.kind == "u" else values.astype(np.uint64)


def lane_report(words: ArrayLike, width: int) -> LaneReport:
    """Look at each bit of a stream of words: which carry entropy, and which repeat what others say.

    The advised lanes are chosen one by one: always the one whose min-entropy, less what it shares
    with one already chosen, is largest, but none that is the XOR of such; at most eight, none that
    adds less than 0.01 bits.

    Args:
        words: N whole numbers, not negative; the first 131,072 are looked at.
        width: how many bits each has, 1 to 64.

    Raises:
        ValueError: there are fewer than two words, one has more bits, or `width` is out of range.
    """
    values = whole_words(words, width)[:SAMPLES].astype(np.uint64)
    n = len(values)
    if n < 2:
        raise ValueError(f"{n} words: at least two are needed to say anything about their bits")
    planes = ((values[:, None] >> np.arange(width, dtype=np.uint64)) & np.uint64(1)).astype(
        np.uint8
    )
    ones = planes.mean(axis=0)
    varies = (ones > 0) & (ones < 1)
    entropies = [
        max(0.0, min_entropy(np.ascontiguousarray(planes[:, lane]), 1).assessed)
        if varies[lane]
        else 0.0
        for lane in range(width)
    ]
    shared = mutual_information(planes)
    order = sorted(range(width), key=lambda lane: -entropies[lane])
    combined = xor_of(planes[:RANKED], order)
    pairs = max(1, width * (width - 1) // 2)
    lanes = []
    for lane in range(width):
        partner = int(shared[lane].argmax()) if width > 1 and shared[lane].max() > 0 else None
        most = float(shared[lane].max()) if partner is not None else 0.0
        # 2 n ln 2 times the mutual information is about chi-square, one degree of freedom
        p_value = min(1.0, pairs * float(special.chdtrc(1, 2 * n * np.log(2) * most)))
        found = BitLane(
            lane, float(ones[lane]), entropies[lane], partner, most, p_value, combined[lane]
        )
        lanes.append(found)
    return LaneReport(n, tuple(lanes), _advised(entropies, shared, combined, order))


def lanes_that_carry(words: NDArray[np.unsignedinteger], width: int) -> tuple[int, ...]:
    """Return the lanes that wide symbols are mapped down to (SP 800-90B, 6.4), at most eight.

    Those that `lane_report` advises; the lowest where none carries anything.
    """
    advised = lane_report(words, width).advised if len(words) > 1 else ()
    return advised or tuple(range(min(width, MOST_LANES)))


@dataclass(frozen=True, eq=False)
class MappedDown:
    """Symbols of up to eight bits, and the lanes of the values that they are made of, ascending."""

    symbols: Symbols
    lanes: tuple[int, ...]


def map_down(values: ArrayLike, width: int, lanes: Sequence[int] = ()) -> MappedDown:
    """Map values of `width` bits, up to 64, to symbols of up to eight (SP 800-90B, 6.4).

    By the lanes given, 0 the lowest, in ascending order; else by those that `lane_report` advises.
    ValueError for lanes out of order or range, and for values that are not such whole numbers.
    """
    whole = whole_words(values, width)
    chosen = tuple(lanes) or lanes_that_carry(whole, width)
    if list(chosen) != sorted(set(chosen)) or not 0 <= chosen[0] <= chosen[-1] < width:
        raise ValueError(f"lanes={chosen}: bits of 0 to {width - 1}, each once, ascending")
    if len(chosen) > MOST_LANES:
        raise ValueError(f"lanes={chosen}: at most {MOST_LANES}")
    return MappedDown(take_lanes(whole, chosen), chosen)


def _advised(
    entropies: list[float],
    shared: NDArray[np.float64],
    combined: list[tuple[int, ...]],
    order: list[int],
) -> tuple[int, ...]:
    chosen: list[int] = []
    left = [lane for lane in order if not combined[lane]]
    while left and len(chosen) < MOST_LANES:
        gains = [entropies[lane] - max(shared[lane, chosen], default=0.0) for lane in left]
        best = int(np.argmax(gains))
        if gains[best] < LEAST_GAIN:
            break
        chosen.append(left.pop(best))
    return tuple(sorted(chosen))


def mutual_information(planes: Bytes) -> NDArray[np.float64]:
    """Return the mutual information of each two columns of bits, in bits; 0 on the diagonal."""
    n = len(planes)
    real = planes.astype(np.float64)
    both = real.T @ real / n
    p = real.mean(axis=0)
    found = np.zeros_like(both)
    of_one, of_other = (p[:, None], 1 - p[:, None]), (p[None, :], 1 - p[None, :])
    joint = {
        (0, 0): both,
        (0, 1): p[:, None] - both,
        (1, 0): p[None, :] - both,
        (1, 1): 1 - p[:, None] - p[None, :] + both,
    }
    for (i, j), cell in joint.items():
        cell = np.maximum(cell, 0.0)
        found += special.xlogy(cell, cell) - special.xlogy(cell, of_one[i] * of_other[j])
    np.fill_diagonal(found, 0.0)
    shared: NDArray[np.float64] = np.maximum(found, 0.0) / np.log(2)
    return shared


def xor_of(planes: Bytes, order: Sequence[int]) -> list[tuple[int, ...]]:
    """Return, for each column of bits, the earlier columns in `order` whose XOR it is, if it is.

    Or its opposite. A constant column is nothing's; so is every one where there are too few rows
    for a coincidence to be out of the question.
    """
    n, width = planes.shape
    found: list[tuple[int, ...]] = [()] * width
    if n < 2 * width + 64:
        return found
    # differences to the first row: the opposite of a column is then the column itself
    packed = np.packbits(planes ^ planes[0], axis=0)
    basis: list[tuple[int, int, frozenset[int]]] = []
    for lane in order:
        vector = int.from_bytes(packed[:, lane].tobytes())
        if not vector:
            continue
        parts = frozenset([lane])
        for leading, other, of in basis:
            if vector >> leading & 1:
                vector ^= other
                parts ^= of
        if vector:
            basis.append((vector.bit_length() - 1, vector, parts))
        else:
            found[lane] = tuple(sorted(parts - {lane}))
    return found
