"""Length of symbols under bzip2, as decimal numbers between spaces: bits are counted, not written.

The length rests on the last column of the sorted rotations (Burrows & Wheeler 1994), whatever sorts
them. Each number ends with a space, so that rotations sort as their numbers do: only those that
begin with a number are sorted, and each puts those that begin within the number before it into
place. At most eleven characters occur, and none four times in a row, so that bzip2 shortens no runs
first. What follows the column is that of libbzip2 1.0.8 (J. Seward): ranks by recency, run lengths
of zeros, two to six Huffman codes of which each group of fifty takes one.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.symbols import Symbols
from dan_bench.randomness.min_entropy.words import popcount, signed

Integers = NDArray[np.int64]
Words = NDArray[np.uint64]

CHARACTERS = 11
"""A space is character 0, the digits are 1 to 10."""

JOINED = 256
"""The number that the end and the beginning of a block form. The others are the symbols."""

SIX = (1 << 24) - 1
PLACE = 18
"""Bits of a place among a block's numbers, below the 46 bits of its key."""

RADIX = 12
PATIENCE = 16
"""Comparisons of a number, on average, before what repeats itself is left to bzip2."""

# values of a group, most different values and a power of two, what a table's foreign values cost
# at first, bits that hold a group's cost, and how often the tables are made
GROUP, ROW, FOREIGN, FIELD, ITERATIONS = 50, 16, 15, 10, 4


def _spelled(digits: str) -> int:
    """Six characters in 24 bits, the first one highest, spaces at the end."""
    return sum((int(digit) + 1) << (20 - 4 * k) for k, digit in enumerate(digits))


DIGITS = np.array([len(str(value)) for value in range(JOINED)] + [0])
SPELLED = np.array([_spelled(str(value)) for value in range(JOINED)] + [0])
ENDS = np.unique([(SPELLED[:JOINED] << 4 * k) & SIX for k in range(4)])
"""All that a symbol can end with, in order. Each has a slot, and seven others before it."""

SLOTS = 8 * np.searchsorted(ENDS, [(SPELLED << 4 * k) & SIX for k in range(8)]).T + 7
"""Slot of a number from each of its characters on."""

ORDER = np.argsort(SPELLED[:JOINED])

_PAIRS = list(enumerate((a, b) for a in range(CHARACTERS) for b in range(a + 1, CHARACTERS)))
FIRST, EITHER = np.array(
    [
        [sum(1 << n for n, pair in _PAIRS if c in pair[:places]) for c in range(CHARACTERS)]
        for places in (1, 2)
    ],
    dtype=np.uint64,
)
"""The pairs that a character is the first of, and those that it is in: a word for each."""


@numba.njit(cache=True, nogil=True)
def compressed_length(x: Symbols, level: int) -> int:
    """Return len(bz2.compress(text, level)) of the symbols' decimal numbers between spaces.

    0 where a block has no space, or repeats itself so much that it is not sorted here, and of
    levels that are not 1 to 5: places in larger blocks do not fit.
    """
    if not 1 <= level <= 5:
        return 0
    spelled, digits, slots = SPELLED.copy(), DIGITS.copy(), SLOTS.copy()
    most = min(len(x), 50_000 * level + 1)
    numbers, order = np.empty(most, np.int16), np.empty((2, most), np.uint64)
    column = np.empty(min(4 * len(x), 100_000 * level), np.uint8)
    # what is not literal is compiled once, not for literals as well
    i, k, more = signed(0), signed(0), len(x) > 0
    bits = 32 + 80  # the stream's header and footer
    while more:
        j, m, more = cut(x, i, k, 100_000 * level - 19)
        if i == j:
            return 0
        beginning = (spelled[x[i]] << 4 * k) & SIX
        spelled[JOINED] = (spelled[x[j]] & ~(SIX >> 4 * m)) | (beginning >> 4 * m)
        digits[JOINED] = m + digits[x[i]] - k
        numbers[0] = joined(spelled, digits, slots)
        block, counts = numbers[: j - i], np.zeros(JOINED + 1, np.int64)
        for t in range(1, len(block)):
            block[t] = x[i + t]
        for number in block:
            counts[number] += 1
        if not sort(block, counts, slots, order):
            return 0
        length = fill(block, counts, spelled, digits, slots, order[0], column)
        # block's header, and which characters it uses: a row of spaces, a row of digits
        bits += 105 + 16 + 2 * 16 + coded(column[:length])
        i, k = j, m
    return (bits + 7) // 8


@numba.njit(cache=True, nogil=True)
def cut(x: Symbols, i: int, k: int, most: int) -> tuple[int, int, bool]:
    """Where the block that begins at character k of symbol i ends; whether another follows.

    It ends with the first run of equal characters that reaches `most`.
    """
    room = most + k
    while i < len(x) - 1 and room > DIGITS[x[i]]:
        room -= DIGITS[x[i]] + 1
        i += 1
    spelled, digits = SPELLED[x[i]], DIGITS[x[i]]
    m = min(room, digits)
    while 0 < m < digits and (spelled >> (24 - 4 * m) ^ spelled >> (20 - 4 * m)) & 15 == 0:
        m += 1
    return i, m, i < len(x) - 1 or m < digits


@numba.njit(cache=True, nogil=True)
def joined(spelled: Integers, digits: Integers, slots: Integers) -> int:
    """The symbol that is spelled like the joined number, or else that one, once it has slots."""
    word = spelled[JOINED]
    for symbol in range(JOINED):
        if spelled[symbol] == word:
            return symbol
    for k in range(digits[JOINED] + 1):
        end, slot = (word << 4 * k) & SIX, 0
        while slot < len(ENDS) and ENDS[slot] < end:
            slot += 1
        slots[JOINED, k] = 8 * slot + 7
        if slot == len(ENDS) or ENDS[slot] != end:
            slots[JOINED, k] = 8 * slot
            for other in range(digits[JOINED] + 1):
                slots[JOINED, k] += (word << 4 * other) & SIX < end
    return JOINED


@numba.njit(cache=True, nogil=True)
def codes(counts: Integers, slots: Integers) -> tuple[Words, Integers]:
    """A prefix code in the order of the numbers, highest bit first, and its lengths.

    A range of numbers is cut where its two halves occur as often as each other, or nearly.
    """
    present, total = np.empty(JOINED + 1, np.int64), np.zeros(JOINED + 2, np.int64)
    n, ready = 0, counts[JOINED] == 0
    for symbol in ORDER:
        if not ready and slots[JOINED, 0] < slots[symbol, 0]:
            present[n], ready = JOINED, True
            n += 1
        if counts[symbol]:
            present[n] = symbol
            n += 1
    if not ready:
        present[n] = JOINED
        n += 1
    for at in range(n):
        total[at + 1] = total[at] + counts[present[at]]
    code, lengths = np.zeros(JOINED + 1, np.uint64), np.ones(JOINED + 1, np.int64)
    for at in range(n):
        low, high, bit = 0, n, 64
        while high - low > 1:
            both = total[low] + total[high]
            middle, last = low + 1, high - 1
            while middle < last:
                probe = (middle + last + 1) // 2
                if total[probe - 1] + total[probe] <= both:
                    middle = probe
                else:
                    last = probe - 1
            bit -= 1
            if at < middle:
                high = middle
            else:
                low = middle
                code[present[at]] |= np.uint64(1) << np.uint64(bit)
        lengths[present[at]] = max(1, 64 - bit)
    return code, lengths


@numba.njit(cache=True, nogil=True)
def sort(block: NDArray[np.int16], counts: Integers, slots: Integers, order: Words) -> bool:
    """Sort the rotations that begin with a number: their places, in the low bits of order[0].

    By the first 46 bits of their numbers' codes, and those that have these in common by the others.
    Whether that did not take too long.
    """
    code, lengths = codes(counts, slots)
    n, low = len(block), np.uint64((1 << PLACE) - 1)
    bins, mask = np.zeros((4, 1 << RADIX), np.int64), np.uint64((1 << RADIX) - 1)
    keys, key = np.empty(n, np.uint64), np.uint64(0)
    for t in range(n + 63, -1, -1):
        number = block[t % n]
        key = code[number] | key >> np.uint64(lengths[number])
        if t < n:
            word = (key & ~low) | np.uint64(t)
            keys[t], order[0, t] = key, word
            for digit in range(4):
                bins[digit, word >> np.uint64(PLACE + RADIX * digit) & mask] += 1
    for digit in range(4):
        shift, before = np.uint64(PLACE + RADIX * digit), 0
        for value in range(1 << RADIX):
            bins[digit, value], before = before, before + bins[digit, value]
        source, target = order[digit % 2], order[1 - digit % 2]
        for at in range(n):
            word = source[at]
            value = signed(word >> shift & mask)
            target[bins[digit, value]] = word
            bins[digit, value] += 1
    patience, stride = PATIENCE * (n + 1000), 64 // lengths.max()
    for at in range(1, n):
        word, to = order[0, at], at
        while to > 0 and order[0, to - 1] >> np.uint64(PLACE) == word >> np.uint64(PLACE):
            a, b, same = signed(order[0, to - 1] & low), signed(word & low), 0
            while same < n and keys[a] == keys[b]:
                a, b, same = (a + stride) % n, (b + stride) % n, same + stride
                patience -= 1
            patience -= 1
            if patience < 0:
                return False
            if keys[a] <= keys[b]:
                break
            order[0, to] = order[0, to - 1]
            to -= 1
        order[0, to] = word
    return True


@numba.njit(cache=True, nogil=True)
def fill(
    block: NDArray[np.int16],
    counts: Integers,
    spelled: Integers,
    digits: Integers,
    slots: Integers,
    order: Words,
    column: Symbols,
) -> int:
    """Write the characters before all rotations, in their order, and return how many they are."""
    ends = np.zeros(8 * (len(ENDS) + 1), np.int64)
    for number in range(JOINED + 1):
        for k in range(digits[number] + 1):
            ends[slots[number, k]] += counts[number]
    length = 0
    for slot in range(len(ends)):
        ends[slot], length = length, length + ends[slot]
    low = np.uint64((1 << PLACE) - 1)
    for at in range(len(block)):
        place = signed(order[at] & low)
        number = block[place - 1 if place else len(block) - 1]
        word = spelled[number]
        for k in range(digits[number] + 1):
            slot = slots[number, k]
            column[ends[slot]] = (word >> (24 - 4 * k)) & 15
            ends[slot] += 1
    return length


@numba.njit(cache=True, nogil=True)
def coded(column: Symbols) -> int:
    """Bits of a column: those of its codes, of which group takes which, and of its ranks.

    A word holds which of each pair of characters was seen last. The rank of a character is how many
    of the pairs change when it is seen.
    """
    used = np.zeros(CHARACTERS, np.bool_)
    for character in column:
        used[character] = True
    size, latest = len(used) + 2, np.uint64((1 << 55) - 1)
    for character in range(CHARACTERS):
        if not used[character]:
            size, latest = size - 1, latest & ~FIRST[character]
    groups = np.zeros((len(column) // GROUP + 1, ROW), np.uint8)
    made, zeros = 0, 0
    for character in column:
        after = (latest & ~EITHER[character]) | FIRST[character]
        rank = popcount(after ^ latest)
        latest = after
        if rank == 0:
            zeros += 1
            continue
        while zeros > 0:
            groups[made // GROUP, 1 - zeros % 2] += 1
            made, zeros = made + 1, (zeros - 1) // 2
        groups[made // GROUP, rank + 1] += 1
        made += 1
    while zeros > 0:
        groups[made // GROUP, 1 - zeros % 2] += 1
        made, zeros = made + 1, (zeros - 1) // 2
    groups[made // GROUP, size - 1] += 1
    return huffman(groups[: made // GROUP + 1], made + 1, size)


@numba.njit(cache=True, nogil=True)
def huffman(groups: Symbols, made: int, size: int) -> int:
    """Bits of `made` values below `size`, counted in groups of fifty, and of their codes."""
    tables = 2 + (made >= 200) + (made >= 600) + (made >= 1200) + (made >= 2400)
    lengths, counts = partition(groups, made, size, tables), np.zeros((6, ROW), np.int64)
    recent, bits = np.arange(6), 0
    for iteration in range(ITERATIONS):
        counts[:] = 0
        costs = np.zeros(ROW, np.int64)
        for value in range(size):
            for table in range(tables):
                costs[value] |= lengths[table, value] << FIELD * table
        for group in range(len(groups)):
            cost, best, least = 0, 0, 1 << FIELD
            for value in range(size):
                cost += groups[group, value] * costs[value]
            for table in range(tables):
                one = (cost >> FIELD * table) & ((1 << FIELD) - 1)
                if one < least:
                    best, least = table, one
            for value in range(ROW):
                counts[best, value] += groups[group, value]
            if iteration == ITERATIONS - 1:
                rank, moved = 0, recent[0]
                while moved != best:
                    rank += 1
                    recent[rank], moved = moved, recent[rank]
                recent[0] = best
                bits += rank + 1
        for table in range(tables):
            code_lengths(counts[table], size, lengths[table])
    bits += 3 + 15
    for table in range(tables):
        bits += 5 + size
        for value in range(size):
            bits += counts[table, value] * lengths[table, value]
            if value:
                bits += 2 * abs(lengths[table, value] - lengths[table, value - 1])
    return bits


@numba.njit(cache=True, nogil=True)
def partition(groups: Symbols, made: int, size: int, tables: int) -> Integers:
    """First costs: 0 for values from a range of each table's own, which occur alike often."""
    total = np.zeros(ROW, np.int64)
    for group in range(len(groups)):
        for value in range(size):
            total[value] += groups[group, value]
    lengths = np.full((6, ROW), FOREIGN)
    first, left = 0, made
    for part in range(tables, 0, -1):
        last, share = first - 1, 0
        while share < left // part and last < size - 1:
            last += 1
            share += total[last]
        if last > first and part not in (tables, 1) and (tables - part) % 2 == 1:
            share -= total[last]
            last -= 1
        lengths[part - 1, first : last + 1] = 0
        first, left = last + 1, left - share
    return lengths


@numba.njit(cache=True, nogil=True)
def code_lengths(counts: Integers, size: int, lengths: Integers) -> None:
    """Lengths of a Huffman code, with ties broken as bzip2's heap breaks them.

    A weight is a count above and the height of its tree in the low byte. Of thirteen values none
    has a code that is longer than bzip2 allows.
    """
    weights, parents = np.zeros(2 * ROW, np.int64), np.zeros(2 * ROW, np.int64)
    heap, n = np.zeros(ROW + 1, np.int64), 0
    for node in range(1, 2 * size):
        if node <= size:
            weights[node] = max(counts[node - 1], 1) << 8
        else:
            height = 0
            for _ in range(2):
                top, last, at = heap[1], heap[n], 1
                n -= 1
                while 2 * at <= n:
                    child = 2 * at
                    if child < n and weights[heap[child + 1]] < weights[heap[child]]:
                        child += 1
                    if weights[last] < weights[heap[child]]:
                        break
                    heap[at] = heap[child]
                    at = child
                heap[at] = last
                parents[top] = node
                weights[node] += weights[top] & ~255
                height = max(height, weights[top] & 255)
            weights[node] += height + 1
        n += 1
        at = n
        while weights[node] < weights[heap[at // 2]]:
            heap[at] = heap[at // 2]
            at //= 2
        heap[at] = node
    for value in range(size):
        lengths[value], node = 0, value + 1
        while parents[node]:
            node = parents[node]
            lengths[value] += 1
