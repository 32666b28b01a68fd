"""Multi Markov model with counting prediction estimate (6.3.9)."""

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.blocks import ALL, WORD, runs_through
from dan_bench.randomness.min_entropy.prediction import prediction_bits, scored
from dan_bench.randomness.min_entropy.symbols import Symbols
from dan_bench.randomness.min_entropy.words import (
    SMALLEST,
    Table,
    find,
    make_room,
    popcount,
    prefetch,
    signed,
    table_for,
    value,
    word,
)

DEPTH = 16
CAPACITY = 100_000
AHEAD = 8
"""Symbols; the context of two before each is asked for so early."""
CHECKED = 1 << 15
"""Bits after which it is looked again whether all contexts have been met."""
# contexts of one and of two symbols have fixed numbers
ONES = 1
TWOS = ONES + 256
OTHERS = TWOS + 256 * 256
NODE = np.dtype(
    [
        ("place", np.int32),  # where a context met once is, 0 for others
        ("best", np.int32),  # how often its favourite followed it
        ("children", np.uint32),  # bits of the symbols before it, and of those after it:
        ("followers", np.uint32),  # most that are looked for are not there
        ("favourite", np.uint8),
        ("several", np.uint8),  # whether more than one symbol followed it
        ("deepest", np.uint8),  # last depth that had room when it was met once
        ("", np.uint8),
    ]
)


def multi_mmc(symbols: Symbols, alphabet: int) -> float:
    """Min-entropy against the predictor, in bits a symbol, of four symbols or more.

    For each depth d to 16, what followed the last d symbols most often (the larger of equals) is
    predicted; the depth with the most hits so far is believed, the last to gain one of equals. A
    depth remembers 100,000 pairs of context and symbol. As in NIST's tool, a depth that is
    believed and has nothing to say of a context neither lengthens nor ends a run.
    """
    if alphabet <= 2:
        correct, longest = play_bits(symbols)
    else:
        correct, longest = play_symbols(symbols, CAPACITY, *memory(len(symbols), CAPACITY))
    return prediction_bits(correct, longest, len(symbols) - 2, alphabet)


def memory(n: int, capacity: int) -> tuple[NDArray[np.void], Table, Table]:
    """Contexts, their children and their pairs, for n symbols; only what is used is in memory."""
    most = DEPTH * min(n, capacity + 1)
    return np.zeros(OTHERS + 1 + most, dtype=NODE), table_for(most), table_for(most)


@numba.njit(cache=True, nogil=True)
def play_symbols(
    symbols: Symbols, capacity: int, nodes: NDArray[np.void], children: Table, pairs: Table
) -> tuple[int, int]:
    """Hits and the longest run of hits.

    The contexts are a tree: a child adds the symbol before those of its parent. What a context
    that was met once knows is one place in the stream, and so do all the deeper ones of the same
    place: they are made when they are met again. A context that has been followed by one symbol
    keeps its count beside it; the counts of others, pairs of a context and a symbol, are in a
    table. `capacity` is that of each depth but the first, which has room for all its pairs.
    """
    n = len(symbols)
    branches, places = SMALLEST, SMALLEST
    rows = np.zeros((256, 256), dtype=np.int32)
    made, paired = 0, 0
    entries = np.zeros(DEPTH + 1, dtype=np.int64)
    entries[1] = -256
    scores = np.zeros(DEPTH + 1, dtype=np.int64)
    full = DEPTH + 1  # from this depth on, none has room
    winner, correct, run, longest = 1, 0, 0, 0
    for i in range(1, n):
        if i < n - AHEAD:
            two = child(nodes, children, branches, 0, 2, symbols, i + AHEAD)
            prefetch(nodes, two)  # type: ignore[call-arg]
        symbol = symbols[i]
        believed = winner
        number, parent = 0, 0
        for d in range(1, min(DEPTH, i) + 1):
            number = child(nodes, children, branches, parent, d, symbols, i)
            if number == 0 or nodes[number].best + nodes[number].place == 0:
                if d >= full:
                    break
                last, room = d - 1, False
                for depth in range(d, min(DEPTH, i) + 1):
                    if entries[depth] < capacity:
                        entries[depth] += 1
                        room = True
                        if last == depth - 1:
                            last = depth
                if not room and i >= DEPTH:
                    full = d
                if last >= d:
                    if number == 0:
                        made += 1
                        number = OTHERS + made
                        before = symbols[i - d]
                        branches = add_child(nodes, children, branches, made, parent, before)
                    nodes[number].place = i
                    nodes[number].deepest = last
                break
            parent = number
            node = nodes[number]
            if node.place > 0:
                first = signed(node.place)
                node.place = 0
                node.best = 1
                node.favourite = symbols[first]
                if d == 1:
                    rows[symbols[first - 1], symbols[first]] = 1
                node.followers = bit_of(symbols[first])
                if d < node.deepest:
                    below = child(nodes, children, branches, number, d + 1, symbols, first)
                    if below == 0:
                        made += 1
                        below = OTHERS + made
                        before = symbols[first - d - 1]
                        branches = add_child(nodes, children, branches, made, number, before)
                    nodes[below].place = first
                    nodes[below].deepest = node.deepest
            hit = signed(node.favourite == symbol)
            if d == believed:
                correct, run, longest = scored(hit, correct, run, longest)
            scores[d] += hit
            if hit and scores[d] >= scores[winner]:
                winner = d
            if d == 1:
                # all the pairs of two symbols have room
                count = rows[symbols[i - 1], symbol] + 1
                rows[symbols[i - 1], symbol] = count
            else:
                at, count = 0, 0
                if node.followers & bit_of(symbol):
                    if node.several:
                        at = find(pairs, places, key(number, symbol))
                        count = value(pairs[at])
                    elif node.favourite == symbol:
                        node.best += 1
                        continue
                if count == 0:
                    if entries[d] >= capacity:
                        continue
                    entries[d] += 1
                    paired += 2 - node.several
                    places = make_room(pairs, places, paired)
                    if not node.several:
                        node.several = 1
                        own = key(number, node.favourite)
                        pairs[find(pairs, places, own)] = word(own, node.best)
                    node.followers |= bit_of(symbol)
                    at = find(pairs, places, key(number, symbol))
                count += 1
                pairs[at] = word(key(number, symbol), count)
            if count > node.best or (count == node.best and symbol > node.favourite):
                node.best = count
                node.favourite = symbol
    return correct, longest


@numba.njit(cache=True, nogil=True)
def bit_of(symbol: int) -> np.uint32:
    """One of 32 bits that stands for eight symbols."""
    return np.uint32(1) << np.uint32(symbol & 31)


@numba.njit(cache=True, nogil=True)
def key(number: int, symbol: int) -> np.uint64:
    """A context and a symbol as one number of less than 32 bits."""
    return (np.uint64(number) << np.uint64(8)) | np.uint64(symbol)


@numba.njit(cache=True, nogil=True)
def child(
    nodes: NDArray[np.void],
    children: Table,
    size: int,
    parent: int,
    d: int,
    symbols: Symbols,
    i: int,
) -> int:
    """Number of the context of d symbols before i, the d - 1 of which are `parent`; 0 if none."""
    if d == 1:
        return ONES + signed(symbols[i - 1])
    if d == 2:
        return TWOS + 256 * signed(symbols[i - 1]) + signed(symbols[i - 2])
    if not nodes[parent].children & bit_of(symbols[i - d]):
        return 0
    return value(children[find(children, size, key(parent, symbols[i - d]))])


@numba.njit(cache=True, nogil=True)
def add_child(
    nodes: NDArray[np.void], children: Table, size: int, made: int, parent: int, symbol: int
) -> int:
    """Enter the context that was made last, of three symbols or more; the table's size then."""
    nodes[parent].children |= bit_of(symbol)
    size = make_room(children, size, made)
    edge = key(parent, symbol)
    children[find(children, size, edge)] = word(edge, OTHERS + made)
    return size


@numba.njit(cache=True, nogil=True)
def play_bits(symbols: Symbols) -> tuple[int, int]:
    """Hits and the longest run of hits on bits, 64 at a time, with a table of all contexts.

    Only depth 16 can have more than 100,000 pairs, so only there they are counted. Of the others
    twice the lead of ones over zeros plus one is kept: its sign is what is predicted, and 0 is a
    context never met. In `hits` and `met` a depth's 64 predictions are one word: which are right,
    and which are of a context met before. Only depths that may lead within a word are followed.
    """
    n, one = len(symbols), np.uint64(1)
    leads = np.zeros(1 << DEPTH, dtype=np.int32)
    deep = np.zeros((1 << DEPTH, 2), dtype=np.int32)
    hits, met = np.zeros(DEPTH + 1, dtype=np.uint64), np.zeros(DEPTH + 1, dtype=np.uint64)
    scores, rivals = np.zeros(DEPTH + 1, dtype=np.int64), np.zeros(DEPTH + 1, dtype=np.int64)
    entries, context, complete = 0, 0, False
    winner, correct, run, longest = 1, 0, 0, 0
    for i in range(1, n, WORD):
        complete = complete or (i % CHECKED == 1 and bool(leads[2:].all()))
        hits[:], met[:DEPTH], met[DEPTH] = 0, ALL if complete else np.uint64(0), 0
        bits = np.uint64(0)
        for t in range(min(WORD, n - i)):
            at = np.uint64(t)
            context = ((context << 1) | symbols[i + t - 1]) & ((1 << DEPTH) - 1)
            bit = signed(symbols[i + t])
            bits |= np.uint64(bit) << at
            if i + t >= DEPTH:
                hits[DEPTH] |= np.uint64(deep[context, 0] > deep[context, 1]) << at
                met[DEPTH] |= np.uint64(deep[context, 0] + deep[context, 1] > 0) << at
                seen = deep[context, bit]
                kept = (seen > 0) | (entries < CAPACITY)
                entries += kept & (seen == 0)
                deep[context, bit] = seen + kept
            for d in range(1, DEPTH):
                place = (1 << d) | (context & ((1 << d) - 1))
                lead = leads[place]
                hits[d] |= np.uint64(lead < 0) << at  # a zero is predicted
                if not complete:
                    met[d] |= np.uint64(lead != 0) << at
                    lead += lead == 0
                leads[place] = lead + 4 * bit - 2
            if i + t < DEPTH:  # there was no longer context yet
                leads[2 << (i + t) :] = 0
                hits[i + t + 1 :], met[i + t + 1 :] = 0, 0
        count, behind = 0, scores[winner] - WORD
        for d in range(1, DEPTH + 1):
            hits[d] = (hits[d] ^ bits) & met[d]
            if scores[d] < behind:
                scores[d] += popcount(hits[d])
            else:
                rivals[count] = d
                count += 1
        if count == 1 and met[winner] == ALL:
            right = popcount(hits[winner])
            scores[winner] += right
            correct += right
            run, longest = runs_through(hits[winner], run, longest)
            continue
        for t in range(WORD):
            at = np.uint64(t)
            hit, known = signed((hits[winner] >> at) & one), signed((met[winner] >> at) & one)
            correct += hit
            run = (run + hit) * (hit | (1 - known))
            longest = max(longest, run)
            most = scores[winner]
            for j in range(count):
                d = rivals[j]
                if (hits[d] >> at) & one:
                    scores[d] += 1
                    if scores[d] >= most:
                        winner, most = d, scores[d]
    return correct, longest
