"""%_dd, the percentage of data destroyed, and what bounds it."""

import math
from collections.abc import Callable, Mapping, Sequence

from dan_bench.interfaces import Estimate
from dan_bench.statistics import binomial_interval


def percent_destroyed(recovered: Mapping[str, Estimate]) -> Estimate:
    """%_dd = 100 (1 - the largest share that any attack recovered).

    An upper bound on destruction: attacks only get better. The interval is conservative, from the
    largest upper to the largest lower end among the attacks' intervals; where each of k attacks
    has confidence 1 - a/k, it has at least 1 - a. Details hold each attack's share in percent.
    """
    if not recovered:
        raise ValueError("%_dd of no attack at all is not defined: name at least one attack")
    shares = list(recovered.values())
    highest = max(s.ends[1] for s in shares)
    lowest = max(s.ends[0] for s in shares)
    return Estimate(
        100 * (1 - max(s.value for s in shares)),
        100 * (1 - highest),
        100 * (1 - lowest),
        min((s.n for s in shares if s.n is not None), default=None),
        {name: 100 * share.value for name, share in recovered.items()},
    )


def shannon_bound(noise_bits: float, information_bits: float) -> float:
    """Return the largest %_dd that H fresh bits can buy: 100 min(1, H / I).

    Let X be the original (I bits, log2 K for one of K candidates), R the fresh randomness
    (H bits) and Y = f(X, R) the output. By the chain rule for what an attacker of unlimited means
    still does not know,

        H(X | Y)  <=  H(X, R | Y)  =  H(R | Y) + H(X | Y, R)  <=  H + H(X | Y, R),

    and where f keeps the candidates apart for each R, as every cipher does, the last term is 0:
    H(X | Y) <= H, so that at least I - H bits come back and %_dd = 100 H(X | Y) / I is at most
    100 H / I (Shannon 1949, "Communication Theory of Secrecy Systems", section 10: a perfect
    secret needs as long a key).

    It is a bound on what *can* be destroyed. It is reached where every output could have come
    from 2^H candidates; where no two pairs (X, R) share an output, H(X | Y) = 0 however large H
    is short of the output's length (section 14, the unicity distance). And it is no bound for
    an f that maps candidates to the same output under the same R: a constant destroys everything
    with no randomness at all, but nobody takes it for noise.

    Args:
        noise_bits: H, fresh random bits a sample.
        information_bits: I, bits of the original that are asked for.
    """
    if noise_bits < 0:
        raise ValueError(f"noise_bits={noise_bits} must not be negative")
    if information_bits <= 0:
        raise ValueError(f"information_bits={information_bits} must be more than 0")
    return 100 * min(1.0, noise_bits / information_bits)


def share_left(same: int, total: int) -> float:
    """Return the share of the data still there, of `total` bytes of which `same` are as before.

    A perfect overwrite leaves one byte in 256 as it was, by coincidence. With a share s of the
    bytes really left, s + (1 - s) / 256 are equal; solved for s, and not below 0.
    """
    if not 0 <= same <= total or total == 0:
        raise ValueError(f"same must lie between 0 and total >= 1, got {same} of {total}")
    return _without_coincidences(same / total)


def disk_destruction(same: int, in_doubt: int, compared: int, draws: int | None = None) -> Estimate:
    """%_dd of a file on disk, from a comparison of its bytes with what can be read afterwards.

    The value and the lower end are what can be vouched for: bytes in doubt count as left. The
    upper end is what was seen: they count as destroyed. Both are corrected for the coincidences
    that perfect noise leaves (`share_left`).

    Args:
        same: bytes that are read as they were.
        in_doubt: bytes that are read otherwise, though the old ones may still lie elsewhere on
            the device.
        compared: all bytes looked at.
        draws: where only a sample of blocks was looked at, their number. A block's share lies in
            [0, 1], and sums of such draws spread no wider than a binomial of the same mean
            (Hoeffding 1963, "Probability inequalities", section 4), whose interval is given.

    Returns percent with a 95 % interval; details hold `seen`, the percentage with no doubts.
    """
    if same + in_doubt > compared:
        raise ValueError(f"{same} bytes the same and {in_doubt} in doubt are more than {compared}")
    seen = _proportion(same, compared, draws)
    left = _proportion(same + in_doubt, compared, draws)
    assert seen.low is not None
    assert left.high is not None
    return Estimate(
        100 * (1 - _without_coincidences(left.value)),
        100 * (1 - _without_coincidences(left.high)),
        100 * (1 - _without_coincidences(seen.low)),
        compared,
        {"seen": 100 * (1 - _without_coincidences(seen.value))},
    )


def pooled_destruction(parts: Sequence[tuple[Estimate | None, int]]) -> Estimate:
    """%_dd of several files together, each with the bytes of data that were in it.

    Averages the values and the ends of the intervals by size, which is conservative for files
    measured independently. What was not measured (None) counts as wholly in doubt: 0 to 100.
    """
    total = sum(size for _, size in parts)
    if total == 0:
        raise ValueError("%_dd of no data at all is not defined: the files are empty")
    doubt = Estimate(0.0, 0.0, 100.0)

    def mean(pick: Callable[[Estimate], float | None]) -> float:
        return sum((pick(part or doubt) or 0.0) * size for part, size in parts) / total

    return Estimate(
        mean(lambda part: part.value),
        mean(lambda part: part.ends[0]),
        mean(lambda part: part.ends[1]),
        total,
    )


def _proportion(hits: int, n: int, draws: int | None) -> Estimate:
    """Proportion with its exact interval, or with that of so many draws at the same mean."""
    if draws is None:
        return binomial_interval(hits, n)
    mean = hits / n * draws
    low = binomial_interval(math.floor(mean), draws).low
    high = binomial_interval(math.ceil(mean), draws).high
    return Estimate(hits / n, low, high, n)


def _without_coincidences(equal: float) -> float:
    """Share really left where a share `equal` of the bytes is equal, not below 0."""
    return max(0.0, (256 * equal - 1) / 255)
