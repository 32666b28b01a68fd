"""Linear complexity of a sample: how close its top bits are to a linear recurrence."""

from dataclasses import asdict

from dan_bench.interfaces import Bytes, Estimate
from dan_bench.randomness.linearity import BITS, LEAST_BITS, linear_complexity_test
from dan_bench.statistics import needs_rows


@needs_rows(lambda d: -(-4 * LEAST_BITS // max(d, 1)))
def linear_complexity(sample: Bytes) -> Estimate:
    """Linear complexity of the sample's top-bit stream over its expected value; 1 is noise.

    The rows are read as one stream of 32-bit little-endian words, of which at most the first
    40,000 contribute a bit. MT19937 shows 0.997, with a p-value of 2^-126: the value says little
    by itself, `p_value` everything. `n` counts bits; details hold `bits`, `complexity`, `expected`
    and the exact two-sided `p_value`.
    """
    found = linear_complexity_test(sample[: -(-4 * BITS // max(sample.shape[1], 1))].ravel())
    return Estimate(
        found.complexity / found.expected,
        n=found.bits,
        details={"bits": found.bits} | asdict(found),
    )
