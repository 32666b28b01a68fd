"""LZ78Y prediction estimate (6.3.10), without its dictionary of counts.

The document counts what followed each of 65,536 contexts of 1 to 16 symbols, and predicts the
symbol with the largest count, that of the longest context of equals. A longer context has no
larger counts than a shorter one that it ends with. So the largest count is always one of the
shortest context, and a longer one has the same count of a symbol only if it was there *each* time
that the symbol followed the shorter one. It is enough to know, for each pair of symbols, how often
it occurred and what all the contexts before it had in common.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.blocks import WORD, runs_through, word_at, words_of
from dan_bench.randomness.min_entropy.prediction import prediction_bits, scored
from dan_bench.randomness.min_entropy.symbols import Symbols
from dan_bench.randomness.min_entropy.words import FACTOR, popcount, signed

DEPTH = 16
CAPACITY = 65_536
ALL_DEPTHS = (1 << DEPTH) - 1
ZEROS = np.uint64(0)


def lz78y(symbols: Symbols, alphabet: int) -> float:
    """Min-entropy against the predictor, in bits a symbol, of 19 symbols or more."""
    correct, longest = play(symbols, alphabet, CAPACITY)
    return prediction_bits(correct, longest, len(symbols) - DEPTH - 1, alphabet)


@numba.njit(cache=True, nogil=True)
def play(symbols: Symbols, alphabet: int, capacity: int) -> tuple[int, int]:
    """Hits and the longest run of hits.

    `root` is the length of the shortest context that ends in a symbol: 1, or 0 for a symbol that
    came when the dictionary was full, or more for the one context of which only the longer part
    fitted in (its place is `torn`). A context is the symbols before a place i in the stream; sets
    of lengths are bit masks, length d at bit d - 1.

    For a pair of symbols, `first` is the place of its first occurrence, and `shared` the lengths
    of contexts in the dictionary that all its occurrences share with it. The symbols that followed
    one most often are listed in `tied`.
    """
    n = len(symbols)
    count = np.zeros((alphabet, alphabet), dtype=np.int32)
    first = np.zeros((alphabet, alphabet), dtype=np.int32)
    shared = np.zeros((alphabet, alphabet), dtype=np.uint16)
    most = np.zeros(alphabet, dtype=np.int64)
    tied = np.zeros((alphabet, alphabet), dtype=np.uint8)
    ties = np.zeros(alphabet, dtype=np.int64)
    root = np.zeros(alphabet, dtype=np.int64)
    places = 1
    while places < 2 * capacity:
        places *= 2
    contexts = np.zeros((places, 3), dtype=np.uint64)
    held, torn = 0, 0
    recent, older = np.uint64(0), np.uint64(0)
    correct, run, longest = 0, 0, 0
    for i in range(n):
        if alphabet == 2 and held == capacity and i % WORD == 0 and plain(root, count, shared):
            return play_pairs(symbols, i, count, correct, run, longest)
        if i >= DEPTH:
            a, b = symbols[i - 1], symbols[i]
            known = root[a] == 1 or (root[a] > 1 and common(symbols, i, torn) >= root[a])
            hit = 0
            if known:
                guess, depth = tied[a, 0], 0
                for j in range(ties[a]):
                    s = tied[a, j]
                    lengths = signed(shared[a, s])
                    if lengths > 1:
                        lengths &= (1 << common(symbols, i, first[a, s])) - 1
                    if lengths > depth or (lengths == depth and s > guess):
                        guess, depth = s, lengths
                hit = signed(guess == b)
            correct, run, longest = scored(hit, correct, run, longest)
            present = ALL_DEPTHS
            if held < capacity:
                d = DEPTH
                while d > 0 and held < capacity and enter(contexts, recent, older, d):
                    held += 1
                    d -= 1
                if d > 0 and held == capacity:
                    present = lengths_present(contexts, recent, older)
                    torn = i
                if root[a] == 0 and present > 0:
                    root[a] = 1
                    while not (present >> (root[a] - 1)) & 1:
                        root[a] += 1
                known = root[a] > 0
            elif known and count[a, b] == 0:
                present = lengths_present(contexts, recent, older)
            if known:
                if count[a, b] == 0:
                    first[a, b] = i
                    shared[a, b] = present
                elif shared[a, b] > 1:
                    shared[a, b] &= (1 << common(symbols, i, first[a, b])) - 1
                count[a, b] += 1
                if count[a, b] > most[a]:
                    most[a] = count[a, b]
                    ties[a] = 0
                if count[a, b] == most[a]:
                    tied[a, ties[a]] = b
                    ties[a] += 1
        older = (older << np.uint64(8)) | (recent >> np.uint64(56))
        recent = (recent << np.uint64(8)) | np.uint64(symbols[i])
    return correct, longest


@numba.njit(cache=True, nogil=True)
def plain(root: NDArray[np.int64], count: NDArray[np.int32], shared: NDArray[np.uint16]) -> bool:
    """Whether nothing but the symbol before counts any more: of bits, when the dictionary is full.

    Sets of lengths only shrink: where each pair shares that of one symbol alone, it stays so.
    """
    alone: bool = shared.max() == 1 == shared.min()
    whole: bool = root[0] == 1 and root[1] == 1 and count.min() > 0
    return whole and alone


@numba.njit(cache=True, nogil=True)
def play_pairs(
    symbols: Symbols, i: int, count: NDArray[np.int32], correct: int, run: int, longest: int
) -> tuple[int, int]:
    """Hits and the longest run of hits, from place i on, of what followed a bit more often.

    Where neither of both predictions can change within 64 bits, these are one step.
    """
    n, words = len(symbols), words_of(symbols)
    # of ones over zeros, after a zero and after a one
    leads = (signed(count[0, 1]) - count[0, 0], signed(count[1, 1]) - count[1, 0])
    while i < n:
        last, word = word_at(words, i - 1), word_at(words, i)
        after = popcount(last)
        if i + WORD <= n and apart(leads[0], WORD - after) and apart(leads[1], after):
            predicted = (last if leads[1] >= 0 else ZEROS) | (~last if leads[0] >= 0 else ZEROS)
            hits = ~(predicted ^ word)
            correct += popcount(hits)
            run, longest = runs_through(hits, run, longest)
            leads = (
                leads[0] + 2 * popcount(word & ~last) - (WORD - after),
                leads[1] + 2 * popcount(word & last) - after,
            )
            i += WORD
            continue
        for _ in range(min(WORD, n - i)):
            a, b = symbols[i - 1], signed(symbols[i])
            hit = signed((leads[1 if a else 0] >= 0) == b)
            correct, run, longest = scored(hit, correct, run, longest)
            leads = (leads[0], leads[1] + 2 * b - 1) if a else (leads[0] + 2 * b - 1, leads[1])
            i += 1
    return correct, longest


@numba.njit(cache=True, nogil=True)
def apart(lead: int, steps: int) -> bool:
    """Whether a lead stays below 0, or does not come below it, in so many steps of one."""
    return lead >= steps or lead < -steps


@numba.njit(cache=True, nogil=True)
def common(symbols: Symbols, i: int, j: int) -> int:
    """How many symbols before i and before j agree, counted back to 16."""
    d = 0
    while d < DEPTH and symbols[i - 1 - d] == symbols[j - 1 - d]:
        d += 1
    return d


@numba.njit(cache=True, nogil=True)
def slot(contexts: NDArray[np.uint64], recent: np.uint64, older: np.uint64, d: int) -> int:
    """Place in the table of the context of d symbols, or the empty place for it."""
    length = np.uint64(d)
    mask = np.uint64(len(contexts) - 1)
    mixed = (recent * FACTOR) ^ (older + length) * np.uint64(0xD6E8FEB86659FD93)
    at = ((mixed ^ (mixed >> np.uint64(29))) * FACTOR >> np.uint64(32)) & mask
    while contexts[at, 2] != 0 and (
        contexts[at, 0] != recent or contexts[at, 1] != older or contexts[at, 2] != length
    ):
        at = (at + np.uint64(1)) & mask
    return signed(at)


@numba.njit(cache=True, nogil=True)
def cut(recent: np.uint64, older: np.uint64, d: int) -> tuple[np.uint64, np.uint64]:
    """Last d of 16 symbols, eight bits each, as two words."""
    if d <= 8:
        return recent & (~np.uint64(0) >> np.uint64(64 - 8 * d)), np.uint64(0)
    return recent, older & (~np.uint64(0) >> np.uint64(128 - 8 * d))


@numba.njit(cache=True, nogil=True)
def enter(contexts: NDArray[np.uint64], recent: np.uint64, older: np.uint64, d: int) -> bool:
    """Add the context of the last d symbols; whether it is new."""
    recent, older = cut(recent, older, d)
    at = slot(contexts, recent, older, d)
    if contexts[at, 2] != 0:
        return False
    contexts[at, 0], contexts[at, 1], contexts[at, 2] = recent, older, np.uint64(d)
    return True


@numba.njit(cache=True, nogil=True)
def lengths_present(contexts: NDArray[np.uint64], recent: np.uint64, older: np.uint64) -> int:
    """Mask of the lengths at which what ends the 16 symbols is in the table."""
    lengths = 0
    for d in range(1, DEPTH + 1):
        recent_cut, older_cut = cut(recent, older, d)
        if contexts[slot(contexts, recent_cut, older_cut, d), 2] != 0:
            lengths |= 1 << (d - 1)
    return lengths
