"""The length of the longest repeated substring: SP 800-90B, section 5.2.5."""

import math

import numpy as np
from pydivsufsort import divsufsort, kasai  # type: ignore[import-untyped]

from dan_bench.randomness.iid.outcome import IidTest, Symbols

NAME = "longest_repeated_substring"


def longest_repeated_substring(symbols: Symbols) -> int:
    """Return the length of the longest string that occurs twice; occurrences may overlap.

    From the suffix array and the longest common prefixes of its neighbours (Kasai et al. 2001).
    """
    return int(kasai(symbols, divsufsort(symbols)).max()) if len(symbols) > 1 else 0


def repeated_substring_test(symbols: Symbols) -> IidTest:
    """Is a string repeated that is too long? The probability that IID data repeat one as long.

    With p the probability that two symbols are equal, L - W + 1 places and independent pairs of
    them, it is 1 - (1 - p^W)^(number of pairs), which must not be below 0.001.
    """
    n = len(symbols)
    if n < 2:
        return IidTest.not_run(NAME, "at least 2 symbols")
    length = longest_repeated_substring(symbols)
    collision = float(np.square(np.bincount(symbols) / n).sum())
    places = n - length + 1
    repeats = collision**length
    if repeats >= 1:
        return IidTest.judged(NAME, length, 1.0)
    p_value = -math.expm1(places * (places - 1) / 2 * math.log1p(-repeats))
    return IidTest.judged(NAME, length, p_value)
