"""%_dd, the percentage of data destroyed."""

from collections.abc import Mapping

from dan_bench.metrics.statistics import Estimate


def percent_destroyed(recovered: Mapping[str, Estimate]) -> Estimate:
    """%_dd = 100 (1 - the largest share that any attack recovered).

    An upper bound on destruction: attacks only get better. The interval is conservative, from the
    largest upper to the largest lower end among the attacks' intervals; where each of k attacks
    has confidence 1 - a/k, it has at least 1 - a. Details hold each attack's share in percent.
    """
    if not recovered:
        raise ValueError("%_dd of no attack at all is not defined: name at least one attack")
    shares = list(recovered.values())
    highest = max(s.value if s.high is None else s.high for s in shares)
    lowest = max(s.value if s.low is None else s.low for s in shares)
    return Estimate(
        100 * (1 - max(s.value for s in shares)),
        100 * (1 - highest),
        100 * (1 - lowest),
        min((s.n for s in shares if s.n is not None), default=None),
        {name: 100 * share.value for name, share in recovered.items()},
    )
