"""Predictors with a short memory: most common in window (6.3.7) and lag (6.3.8).

And from the hits of any predictor to a min-entropy: bounds on the probability of a hit.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.blocks import (
    WORD,
    follow,
    runs_through,
    word_at,
    words_of,
)
from dan_bench.randomness.min_entropy.counting import bisect, bits, upper_bound
from dan_bench.randomness.min_entropy.symbols import Symbols
from dan_bench.randomness.min_entropy.words import popcount, signed

LOG_ALPHA = math.log(0.99)
RECURRENCE_STEPS = 66
LONG_DOUBLE_EPSILON = 2.0**-63
WINDOWS = (63, 255, 1023, 4095)
LANES = len(WINDOWS)
LANE = 16
HALF_LANE = 1 << (LANE - 1)
LANE_MASK = np.uint64((1 << LANE) - 1)
EACH = np.uint64(0x0001000100010001)
LAGS = 128


def prediction_bits(correct: int, longest_run: int, n: int, alphabet: int) -> float:
    """Min-entropy of a predictor with `correct` hits of n, in bits a symbol (6.3.7, steps 5 to 8).

    The larger of three probabilities counts: of a hit anywhere (its upper bound), of a hit within
    runs (so large that a run longer than `longest_run` is missing with probability 0.99), and of
    guessing one of `alphabet` symbols. n is at least 2.
    """
    if alphabet == 1:
        return 0.0
    p = upper_bound(correct / n, n) if correct else 1 - 0.01 ** (1 / n)
    p = max(p, 1 / alphabet)
    if p < 1 and log_no_run(p, longest_run + 1, n) > LOG_ALPHA:
        p = local_bound(p, longest_run + 1, n)
    return bits(p)


@numba.njit(cache=True, nogil=True)
def log_no_run(p: float, r: int, n: int) -> float:
    """Logarithm of the probability that n trials of chance p in (0, 1) have no run of r hits.

    Feller's asymptotic form (1950, XIII.7), with x the limit of x <- 1 + q p^r x^(r + 1) from 1.
    NIST's tool stops after 66 steps and so do we, for close to p = r / (r + 1) the limit is
    approached slowly; the ten steps of the document do not suffice there. x - 1 is what is
    iterated: it is often below the precision of 1.
    """
    q = 1 - p
    step = q * math.exp(r * math.log1p(-q))
    excess = 0.0
    for _ in range(RECURRENCE_STEPS):
        previous = excess
        excess = step * math.exp((r + 1) * math.log1p(excess))
        if excess - previous <= LONG_DOUBLE_EPSILON * (1 + excess):
            break
    left = 1 - p * excess / q
    if left <= 0:
        return -math.inf
    return math.log(left) - math.log1p(-r * excess) - (n + 1) * math.log1p(excess)


def local_bound(low: float, r: int, n: int) -> float:
    """Return the p in [low, 1] at which no run of r hits in n has probability 0.99.

    At `low` that probability has to be larger.
    """
    return bisect(lambda p: log_no_run(p, r, n) > LOG_ALPHA, low)


@numba.njit(cache=True, nogil=True)
def scored(hit: int, correct: int, run: int, longest: int) -> tuple[int, int, int]:
    """Hits, the current run of hits and the longest one, after one more prediction."""
    run = (run + 1) * hit
    return correct + hit, run, max(longest, run)


def multi_mcw(symbols: Symbols, alphabet: int) -> float:
    """Multi most common in window estimate (6.3.7), in bits a symbol, of more than 4095 symbols.

    Each of four windows predicts its most common symbol, the most recent of equals; the one with
    the most hits so far is believed, the last to gain one of equals.
    """
    play = mcw_bits if alphabet <= 2 else mcw_symbols
    correct, longest = play(symbols, np.array(WINDOWS))
    return prediction_bits(correct, longest, len(symbols) - WINDOWS[0], alphabet)


@numba.njit(cache=True, nogil=True)
def mcw_symbols(symbols: Symbols, windows: NDArray[np.int64]) -> tuple[int, int]:
    """Hits and the longest run of hits."""
    counts = np.zeros((len(windows), 256), dtype=np.int64)
    last = np.zeros(256, dtype=np.int64)
    most = np.zeros(len(windows), dtype=np.int64)
    common = np.zeros(len(windows), dtype=np.int64)
    scores = np.zeros(len(windows), dtype=np.int64)
    alphabet = signed(symbols.max()) + 1
    winner, correct, run, longest = 0, 0, 0, 0
    for i in range(len(symbols)):
        symbol = symbols[i]
        hit = signed(i >= windows[0] and common[winner] == symbol)
        correct, run, longest = scored(hit, correct, run, longest)
        last[symbol] = i
        for j in range(len(windows)):
            full = i >= windows[j]
            if full and common[j] == symbol:
                scores[j] += 1
                if scores[j] >= scores[winner]:
                    winner = j
            counts[j, symbol] += 1
            if full:
                counts[j, symbols[i - windows[j]]] -= 1
            if full and symbols[i - windows[j]] == common[j]:
                most[j] = 0
                for s in range(alphabet):
                    count = counts[j, s]
                    if count > most[j] or (count == most[j] and last[s] > last[common[j]]):
                        most[j] = count
                        common[j] = s
            elif counts[j, symbol] >= most[j]:
                most[j] = counts[j, symbol]
                common[j] = symbol
    return correct, longest


@numba.njit(cache=True, nogil=True)
def mcw_bits(symbols: Symbols, windows: NDArray[np.int64]) -> tuple[int, int]:
    """Hits and the longest run of hits on bits: no window of odd length has a tie.

    The numbers of ones in four windows are the lanes of one word, 16 bits each, and so high that
    the highest bit of a lane says what the window predicts.
    """
    ones = np.zeros(LANES, dtype=np.int64)
    scores = np.zeros(LANES, dtype=np.int64)
    winner, correct, run, longest = 0, 0, 0, 0
    i, n = 0, len(symbols)
    while i < n:
        lead = 0
        for j in range(LANES):
            lead += scores[j] >= scores[winner] - WORD
        if lead == 1 and i >= windows[LANES - 1] and i + WORD <= n:
            counts, gained, hits = np.uint64(0), np.uint64(0), np.uint64(0)
            for j in range(LANES):
                above = HALF_LANE - (windows[j] + 1) // 2 + ones[j]
                counts |= np.uint64(above) << np.uint64(LANE * j)
            leader = np.uint64(LANE * winner + LANE - 1)
            for t in range(WORD):
                place = i + t
                came = np.uint64(symbols[place]) * EACH
                went = np.uint64(symbols[place - windows[0]])
                went |= np.uint64(symbols[place - windows[1]]) << np.uint64(LANE)
                went |= np.uint64(symbols[place - windows[2]]) << np.uint64(2 * LANE)
                went |= np.uint64(symbols[place - windows[3]]) << np.uint64(3 * LANE)
                same = ~(counts ^ (came << np.uint64(LANE - 1)))
                gained += (same >> np.uint64(LANE - 1)) & EACH
                hits |= ((same >> leader) & np.uint64(1)) << np.uint64(t)
                counts += came - went
            correct += popcount(hits)
            run, longest = runs_through(hits, run, longest)
            for j in range(LANES):
                lane = signed((counts >> np.uint64(LANE * j)) & LANE_MASK)
                ones[j] = lane - HALF_LANE + (windows[j] + 1) // 2
                scores[j] += signed((gained >> np.uint64(LANE * j)) & LANE_MASK)
            i += WORD
            continue
        bit = signed(symbols[i])
        if i >= windows[0]:
            hit = signed((2 * ones[winner] > windows[winner]) == bit)
            correct, run, longest = scored(hit, correct, run, longest)
        for j in range(LANES):
            ones[j] += bit
            if i < windows[j]:
                continue
            before = symbols[i - windows[j]]
            if (2 * (ones[j] - bit) > windows[j]) == bit:
                scores[j] += 1
                if scores[j] >= scores[winner]:
                    winner = j
            ones[j] -= before
        i += 1
    return correct, longest


def lag(symbols: Symbols, alphabet: int) -> float:
    """Lag estimate (6.3.8), in bits a symbol, of three symbols or more.

    Each of 128 lags d predicts the symbol of d ago; the one with the most hits so far is believed.
    """
    correct, longest = lag_bits(symbols) if alphabet <= 2 else lag_symbols(symbols)
    return prediction_bits(correct, longest, len(symbols) - 1, alphabet)


@numba.njit(cache=True, nogil=True)
def lag_symbols(symbols: Symbols) -> tuple[int, int]:
    """Hits and the longest run of hits: walk the earlier places of each symbol, latest first."""
    scores = np.zeros(LAGS + 1, dtype=np.int64)
    last = np.full(256, -1, dtype=np.int64)
    before = np.full(LAGS, -1, dtype=np.int64)
    winner, correct, run, longest = 1, 0, 0, 0
    for i in range(len(symbols)):
        symbol = symbols[i]
        hit = signed(i > 0 and symbols[i - winner] == symbol)
        correct, run, longest = scored(hit, correct, run, longest)
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
def lag_bits(symbols: Symbols) -> tuple[int, int]:
    """Hits and the longest run of hits on bits, in blocks of 64."""
    n, packed = len(symbols), words_of(symbols)
    scores = np.zeros(LAGS + 1, dtype=np.int64)
    words = np.zeros(LAGS + 1, dtype=np.uint64)
    rivals = np.zeros(LAGS + 1, dtype=np.int64)
    standing = np.zeros(LAGS + 1, dtype=np.int64)
    hits = np.zeros(LAGS + 1, dtype=np.uint64)
    winner, correct, run, longest = 1, 0, 0, 0
    whole = np.uint64(WORD)
    i = 1
    while i < n:
        if i < LAGS or i + WORD > n:
            hit = signed(symbols[i - winner] == symbols[i])
            correct, run, longest = scored(hit, correct, run, longest)
            winner = race(symbols, i, scores, winner)
            i += 1
            continue
        word = word_at(packed, i)
        newer, older = word_at(packed, i - WORD), word_at(packed, i - 2 * WORD)
        for d in range(1, WORD):
            shift = np.uint64(d)
            words[d] = ~(word ^ ((word << shift) | (newer >> (whole - shift))))
            back = (newer << shift) | (older >> (whole - shift))
            words[d + WORD] = ~(word ^ back)
        words[WORD] = ~(word ^ newer)
        words[2 * WORD] = ~(word ^ older)
        near, behind = 0, scores[winner] - WORD
        for d in range(1, LAGS + 1):
            near += scores[d] >= behind
        if near == 1:
            rivals[0], count = winner, 1
        else:
            count = choose_rivals(scores, words, winner, rivals)
        leader = 0
        for j in range(count):
            hits[j], standing[j] = words[rivals[j]], scores[rivals[j]]
            if rivals[j] == winner:
                leader = j
        leader, correct, run, longest = follow(hits, standing, count, leader, correct, run, longest)
        winner = rivals[leader]
        for d in range(1, LAGS + 1):
            scores[d] += popcount(words[d])
        i += WORD
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
        if scores[d] < scores[winner] - WORD:
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
