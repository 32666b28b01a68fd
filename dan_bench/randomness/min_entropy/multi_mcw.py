"""Multi most common in window prediction estimate (6.3.7)."""

import numba
import numpy as np
from numpy.typing import NDArray

from dan_bench.randomness.min_entropy.bounds import prediction_bits
from dan_bench.randomness.min_entropy.integers import signed
from dan_bench.randomness.min_entropy.symbols import Symbols

WINDOWS = (63, 255, 1023, 4095)


def multi_mcw(symbols: Symbols, alphabet: int) -> float:
    """Min-entropy against the predictor, in bits a symbol, of more than 4095 symbols.

    Each of four windows foretells its most common symbol, the most recent of equals; the one with
    the most hits so far is believed, the last to gain one of equals.
    """
    play = play_bits if alphabet <= 2 else play_symbols
    correct, longest = play(symbols, np.array(WINDOWS))
    return prediction_bits(correct, longest, len(symbols) - WINDOWS[0], alphabet)


@numba.njit(cache=True, nogil=True)
def play_symbols(symbols: Symbols, windows: NDArray[np.int64]) -> tuple[int, int]:
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
        if i >= windows[0] and common[winner] == symbol:
            correct += 1
            run += 1
            longest = max(longest, run)
        else:
            run = 0
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
def play_bits(symbols: Symbols, windows: NDArray[np.int64]) -> tuple[int, int]:
    """Hits and the longest run of hits on bits: no window of odd length has a tie."""
    ones = np.zeros(len(windows), dtype=np.int64)
    scores = np.zeros(len(windows), dtype=np.int64)
    winner, correct, run, longest = 0, 0, 0, 0
    for i in range(len(symbols)):
        bit = signed(symbols[i])
        if i >= windows[0]:
            hit = signed((2 * ones[winner] > windows[winner]) == bit)
            correct += hit
            run = (run + 1) * hit
            longest = max(longest, run)
        for j in range(len(windows)):
            ones[j] += bit
            if i < windows[j]:
                continue
            before = symbols[i - windows[j]]
            if (2 * (ones[j] - bit) > windows[j]) == bit:
                scores[j] += 1
                if scores[j] >= scores[winner]:
                    winner = j
            ones[j] -= before
    return correct, longest
