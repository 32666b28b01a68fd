"""Lag prediction estimate (6.3.8): the symbol of d ago will come again, for the best d of 128."""

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.bounds import prediction_bits
from dan_bench.randomness.min_entropy.integers import popcount, signed
from dan_bench.randomness.min_entropy.symbols import Symbols

LAGS = 128
BLOCK = 64


def lag(symbols: Symbols, alphabet: int) -> float:
    """Min-entropy against the lag predictor, in bits a symbol, of three symbols or more."""
    play = play_bits if alphabet <= 2 else play_symbols
    correct, longest = play(symbols)
    return prediction_bits(correct, longest, len(symbols) - 1, alphabet)


@numba.njit(cache=True, nogil=True)
def play_symbols(symbols: Symbols) -> tuple[int, int]:
    """Hits and the longest run of hits: walk the earlier places of each symbol, latest first."""
    scores = np.zeros(LAGS + 1, dtype=np.int64)
    last = np.full(256, -1, dtype=np.int64)
    before = np.full(LAGS, -1, dtype=np.int64)
    winner, correct, run, longest = 1, 0, 0, 0
    for i in range(len(symbols)):
        symbol = symbols[i]
        if i > 0 and symbols[i - winner] == symbol:
            correct += 1
            run += 1
            longest = max(longest, run)
        else:
            run = 0
        place = last[symbol]
        while place >= 0 and i - place <= LAGS:
            d = i - place
            scores[d] += 1
            if scores[d] >= scores[winner]:
                winner = d
            place = before[place % LAGS]
        before[i % LAGS] = last[symbol]
        last[symbol] = i
    return correct, longest


@numba.njit(cache=True, nogil=True)
def play_bits(symbols: Symbols) -> tuple[int, int]:
    """Hits and the longest run of hits on bits, 64 at a time.

    All hits of a lag within a block are one word, and most lags are too far behind the leader to
    catch up within it: only the few others are followed bit by bit.
    """
    n = len(symbols)
    scores = np.zeros(LAGS + 1, dtype=np.int64)
    words = np.zeros(LAGS + 1, dtype=np.uint64)
    rivals = np.zeros(LAGS + 1, dtype=np.int64)
    standing = np.zeros(LAGS + 1, dtype=np.int64)
    winner, correct, run, longest = 1, 0, 0, 0
    one, whole = np.uint64(1), np.uint64(BLOCK)
    start = min(n, LAGS)
    blocks = (n - start) // BLOCK
    older = pack(symbols, 0) if blocks else np.uint64(0)
    newer = pack(symbols, BLOCK) if blocks else np.uint64(0)
    for i in range(1, start):
        hit = symbols[i - winner] == symbols[i]
        correct += hit
        run = run + 1 if hit else 0
        longest = max(longest, run)
        winner = race(symbols, i, scores, winner)
    for b in range(blocks):
        word = pack(symbols, start + BLOCK * b)
        for d in range(1, BLOCK):
            shift = np.uint64(d)
            words[d] = ~(word ^ ((word << shift) | (newer >> (whole - shift))))
            back = (newer << shift) | (older >> (whole - shift))
            words[d + BLOCK] = ~(word ^ back)
        words[BLOCK] = ~(word ^ newer)
        words[2 * BLOCK] = ~(word ^ older)
        count = choose_rivals(scores, words, winner, rivals)
        if count == 1:
            hits = words[winner]
            for t in range(BLOCK):
                hit = (hits >> np.uint64(t)) & one
                run = (run + 1) * signed(hit)
                longest = max(longest, run)
            correct += popcount(hits)
        else:
            leader = 0
            for j in range(count):
                standing[j] = scores[rivals[j]]
                if rivals[j] == winner:
                    leader = j
            for t in range(BLOCK):
                hit = (words[rivals[leader]] >> np.uint64(t)) & one
                correct += signed(hit)
                run = (run + 1) * signed(hit)
                longest = max(longest, run)
                for j in range(count):
                    if (words[rivals[j]] >> np.uint64(t)) & one:
                        standing[j] += 1
                        if standing[j] >= standing[leader]:
                            leader = j
            winner = rivals[leader]
        for d in range(1, LAGS + 1):
            scores[d] += popcount(words[d])
        older, newer = newer, word
    for i in range(start + BLOCK * blocks, n):
        hit = symbols[i - winner] == symbols[i]
        correct += hit
        run = run + 1 if hit else 0
        longest = max(longest, run)
        winner = race(symbols, i, scores, winner)
    return correct, longest


@numba.njit(cache=True, nogil=True)
def race(symbols: Symbols, i: int, scores: NDArray[np.int64], winner: int) -> int:
    """Score every lag at position i and return the new winner."""
    for d in range(1, min(i, LAGS) + 1):
        if symbols[i - d] == symbols[i]:
            scores[d] += 1
            if scores[d] >= scores[winner]:
                winner = d
    return winner


@numba.njit(cache=True, nogil=True)
def choose_rivals(
    scores: NDArray[np.int64], words: NDArray[np.uint64], winner: int, rivals: NDArray[np.int64]
) -> int:
    """Put the lags that may lead within the next 64 bits into `rivals`; return their number.

    Of lags with the very same hits only the one in front can, the longer one of equals.
    """
    count = 0
    for d in range(1, LAGS + 1):
        if scores[d] < scores[winner] - BLOCK:
            continue
        kept = True
        for j in range(count):
            other = rivals[j]
            if words[other] != words[d]:
                continue
            if scores[other] > scores[d]:
                kept = d == winner
            elif other != winner:
                count -= 1
                for k in range(j, count):
                    rivals[k] = rivals[k + 1]
            break
        if kept:
            rivals[count] = d
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def pack(symbols: Symbols, start: int) -> np.uint64:
    """64 bits as a word, the first one lowest."""
    word = np.uint64(0)
    for t in range(BLOCK):
        word |= np.uint64(symbols[start + t]) << np.uint64(t)
    return word
