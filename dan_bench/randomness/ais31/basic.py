"""The basic tests of AIS 20/31 (Killmann & Schindler, version 2.0, 2011), T0 to T8, on bits.

Constants are those of the document and of BSI's reference implementation (Evaluator.java, 2004).
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dan_bench.randomness.sp800_22.result import Bits, as_bits

SEQUENCE = 20_000
"""Bits of a sequence that T1 to T5 take."""
DISJOINT_WORDS, DISJOINT_BITS = 1 << 16, 48
ONES = (9654, 10346)
POKER = (1.03, 57.4)
RUNS = ((2267, 2733), (1079, 1421), (502, 748), (223, 402), (90, 223), (90, 223))
"""How many runs of length 1, 2, 3, 4, 5 and at least 6 may occur, of zeros and of ones each."""
LONG_RUN = 34
LAGS = 5000
DIFFERENT = (2326, 2674)
TUPLES = 100_000
"""Tuples of each context that T6 and T7 take."""
BIAS, TRANSITION = 0.025, 0.02
HOMOGENEITY = 15.13
"""The 1e-4 quantile of chi-square with one degree of freedom, as the document rounds it."""
ENTROPY = 7.976
INITIAL_BYTES = 2560
"""The document's Q: words that are only looked back upon; K = 256,000 are tested."""
ENTROPY_BITS = 8 * (INITIAL_BYTES + 256_000)


class TooFewBits(ValueError):
    """A test needs more bits; the message says how many."""


@dataclass(frozen=True)
class BasicTest:
    """Outcome of one basic test.

    `value` is the test's statistic and passes within `low` and `high`, ends as the document has
    them (T1, T2, T5 and T6 exclude their ends, T3, T4 and T7 include them, T8 has a lower one
    alone). `details` holds what the value was taken from.
    """

    name: str
    passed: bool
    value: float
    low: float | None = None
    high: float | None = None
    details: dict[str, float] = field(default_factory=dict)


def _within(name: str, value: float, ends: tuple[float, float], **details: float) -> BasicTest:
    """A test that passes strictly between its ends."""
    return BasicTest(name, ends[0] < value < ends[1], value, *ends, details)


def disjointness(words: ArrayLike) -> BasicTest:
    """T0: no two of 2^16 words of 48 bits are equal; the value is how many repeat another.

    `words` are 65,536 rows of 48 bits.
    """
    rows = np.asarray(words)
    if rows.shape != (DISJOINT_WORDS, DISJOINT_BITS):
        raise TooFewBits(f"T0 takes {DISJOINT_WORDS} words of {DISJOINT_BITS} bits: {rows.shape}")
    packed = np.packbits(rows.astype(np.uint8), axis=1).astype(np.uint64)
    values = (packed << (np.arange(5, -1, -1, dtype=np.uint64) * np.uint64(8))).sum(axis=1)
    repeated = DISJOINT_WORDS - len(np.unique(values))
    return BasicTest("T0", repeated == 0, repeated, None, 0)


def sequence_of(bits: ArrayLike, name: str) -> Bits:
    """Return a sequence of exactly 20,000 bits, or raise TooFewBits."""
    sequence = as_bits(bits)
    if len(sequence) != SEQUENCE:
        raise TooFewBits(f"{name} takes {SEQUENCE:,} bits, got {len(sequence):,}")
    return sequence


def monobit(bits: ArrayLike) -> BasicTest:
    """T1: the number of ones of 20,000 bits (FIPS 140-1's bounds)."""
    return _within("T1", int(sequence_of(bits, "T1").sum()), ONES)


def poker(bits: ArrayLike) -> BasicTest:
    """T2: chi-square, 15 degrees of freedom, of 5,000 disjoint nibbles."""
    nibbles = sequence_of(bits, "T2").reshape(-1, 4) @ np.array([8, 4, 2, 1])
    counts = np.bincount(nibbles, minlength=16)
    return _within("T2", float(16 / 5000 * int((counts**2).sum()) - 5000), POKER)


def run_lengths(bits: Bits) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return the length of each run of equal bits, and the bit that it repeats."""
    starts = np.flatnonzero(np.diff(bits, prepend=1 - bits[:1]))
    return np.diff(starts, append=len(bits)), bits[starts]


def runs(bits: ArrayLike) -> BasicTest:
    """T3: runs of zeros and of ones by length, 12 counts; the value is how many are outside."""
    lengths, of = run_lengths(sequence_of(bits, "T3"))
    counts = np.bincount(7 * of + np.minimum(lengths, 6), minlength=14).reshape(2, 7)
    low, high = np.array(RUNS).T
    outside = (counts[:, 1:] < low) | (counts[:, 1:] > high)
    named: dict[str, float] = {
        f"{bit}-runs[{n}]": int(counts[bit, n]) for bit in (0, 1) for n in range(1, 7)
    }
    return BasicTest("T3", not outside.any(), int(outside.sum()), None, 0, named)


def long_run(bits: ArrayLike) -> BasicTest:
    """T4: no run of 34 or more; the value is the longest."""
    longest = int(run_lengths(sequence_of(bits, "T4"))[0].max())
    return BasicTest("T4", longest < LONG_RUN, longest, None, LONG_RUN - 1)


def autocorrelation(bits: ArrayLike) -> BasicTest:
    """T5: how many of bits 10,000 to 14,999 differ from the one a lag later.

    The lag is that of 1 to 5,000 at which the first 5,000 bits do so least as expected (2,500),
    the smallest where several are as far from it.
    """
    signs = 1.0 - 2.0 * sequence_of(bits, "T5")
    # the sum over i < 5,000 of s_i s_(i + lag), by a Fourier transform that does not wrap
    size = 1 << 14
    spectrum = np.fft.rfft(signs[:LAGS], size).conj() * np.fft.rfft(signs[: 2 * LAGS], size)
    equal = np.rint(np.fft.irfft(spectrum, size)[1 : LAGS + 1])
    lag = int(np.abs(equal).argmax()) + 1
    later = signs[10_000:15_000] != signs[10_000 + lag : 15_000 + lag]
    return _within(
        "T5", int(later.sum()), DIFFERENT, lag=lag, deviation=float(abs(equal[lag - 1]) / 2)
    )


def uniformity(bits: ArrayLike) -> BasicTest:
    """T6a: the bias |P(1) - 1/2| of 100,000 bits is below 0.025."""
    sequence = as_bits(bits)
    if len(sequence) != TUPLES:
        raise TooFewBits(f"T6a takes {TUPLES:,} bits, got {len(sequence):,}")
    value = abs(int(sequence.sum()) / TUPLES - 0.5)
    return BasicTest("T6a", value < BIAS, value, None, BIAS)


def transitions(bits: Bits, order: int, name: str) -> tuple[NDArray[np.int64], int]:
    """Count the ones that follow each context of `order` bits, over disjoint tuples.

    Returns the ones after the first 100,000 occurrences of each context (its oldest bit is the
    lowest of the number), and how many bits that took.
    """
    size = order + 1
    tuples = bits[: len(bits) // size * size].reshape(-1, size)
    contexts = tuples[:, :order] @ (1 << np.arange(order))
    ones, used = np.zeros(1 << order, np.int64), 0
    for context in range(1 << order):
        places = np.flatnonzero(contexts == context)[:TUPLES]
        if len(places) < TUPLES:
            raise TooFewBits(
                f"{name} needs {TUPLES:,} tuples of {size} bits for each of {1 << order} contexts, "
                f"some {size * TUPLES << order:,} bits: of one context there are {len(places):,}"
            )
        ones[context] = tuples[places, order].sum()
        used = max(used, size * (int(places[-1]) + 1))
    return ones, used


def transition(bits: ArrayLike) -> tuple[BasicTest, int]:
    """T6b: P(1 after 0) and P(1 after 1) differ by less than 0.02; and the bits it took."""
    ones, used = transitions(as_bits(bits), 1, "T6b")
    after = ones / TUPLES
    value = float(abs(after[0] - after[1]))
    details = {"p(01)": float(after[0]), "p(11)": float(after[1])}
    return BasicTest("T6b", value < TRANSITION, value, None, TRANSITION, details), used


def homogeneity(bits: ArrayLike, order: int) -> tuple[list[BasicTest], int]:
    """T7a (order 2) and T7b (order 3): does the bit before the last ones change what follows?

    For each context of `order` - 1 bits, the statistic compares what follows it after an older 0
    with what follows it after an older 1: chi-square, one degree of freedom.

    Returns one test for each context, and how many bits were taken.
    """
    name = {2: "T7a", 3: "T7b"}[order]
    ones, used = transitions(as_bits(bits), order, name)
    found = []
    for context in range(0, 1 << order, 2):
        value = two_samples(int(ones[context]), int(ones[context + 1]), TUPLES)
        # the context is written oldest bit first, the one compared over as x
        recent = format(context >> 1, f"0{order - 1}b")[::-1]
        found.append(BasicTest(f"{name} x{recent}", value <= HOMOGENEITY, value, None, HOMOGENEITY))
    return found, used


def two_samples(one: int, other: int, n: int) -> float:
    """Return the chi-square of T7 for two samples of n bits with that many ones."""
    pairs = ((n - one, n - other), (one, other))
    return sum((a - b) ** 2 / (a + b) for a, b in pairs if a + b)


def distance_logs(longest: int) -> NDArray[np.float64]:
    """Return Coron's g(1), ..., g(longest): (1 + 1/2 + ... + 1/(i - 1)) / ln 2."""
    harmonic = np.cumsum(1 / np.arange(1, max(longest, 2)))
    return np.concatenate([[0.0], harmonic / math.log(2)])[:longest]


def coron(words: ArrayLike, initial: int) -> float:
    """Return Coron's statistic of a row of words: the mean of g over all but the first ones.

    g is taken of the distance to the word's last occurrence, or where there is none of its place,
    counted from 1. Its expectation is the entropy of a word, if words are independent.
    """
    row = np.asarray(words)
    order = np.argsort(row, kind="stable")
    before = np.full(len(row), -1)
    same = row[order[1:]] == row[order[:-1]]
    before[order[1:][same]] = order[:-1][same]
    distances = (np.arange(len(row)) - before)[initial:]
    return float(distance_logs(len(row))[distances - 1].mean())


def entropy(
    bits: ArrayLike, width: int = 8, initial: int = 2560, words: int = 256_000
) -> BasicTest:
    """T8: Coron's entropy test, bits per word; passes above 7.976 with the document's parameters.

    Args:
        bits: (initial + words) * width of them.
        width: of a word (the document's L).
        initial: words that are only looked back upon (Q).
        words: that are tested (K).
    """
    sequence = as_bits(bits)
    if len(sequence) != (initial + words) * width:
        raise TooFewBits(f"T8 takes {(initial + words) * width:,} bits, got {len(sequence):,}")
    row = sequence.reshape(-1, width) @ (1 << np.arange(width - 1, -1, -1))
    value = coron(row, initial)
    low = ENTROPY * width / 8
    return BasicTest("T8", value > low, value, low)
