"""From what was counted to a min-entropy: upper confidence bounds on probabilities."""

import math

import numba

# two-sided 99 % of the normal law, to the digits that NIST's tool uses
Z = 2.5758293035489008
LOG_ALPHA = math.log(0.99)
RECURRENCE_STEPS = 66
LONG_DOUBLE_EPSILON = 2.0**-63


def upper_bound(p: float, n: int) -> float:
    """Upper end of the 99 % interval of a proportion p of n symbols, at most 1 (SP 800-90B 6.3.1).

    n is at least 2: the variance is divided by n - 1.
    """
    return min(1.0, p + Z * math.sqrt(p * (1 - p) / (n - 1)))


def bits(p: float) -> float:
    """-log2 p, and 0 rather than -0 where p is 1."""
    return max(0.0, -math.log2(p))


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


@numba.njit(cache=True, nogil=True)
def local_bound(low: float, r: int, n: int) -> float:
    """Return the p in [low, 1] at which no run of r hits in n has probability 0.99, by bisection.

    At `low` that probability has to be larger.
    """
    high = 1.0
    while True:
        p = (low + high) / 2
        if p <= low or p >= high:
            return high
        if log_no_run(p, r, n) > LOG_ALPHA:
            low = p
        else:
            high = p
