"""SP 800-22 of a sample: its bytes, row after row, cut into streams of at most 1,000,000 bits."""

import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Estimate
from dan_bench.randomness.sp800_22 import sp800_22_many, unpack
from dan_bench.statistics import needs_rows

STREAM_BYTES = 125_000
LEAST_STREAM_BYTES = 1_250
LEAST_STREAMS = 3


@needs_rows(lambda d: -(-LEAST_STREAMS * LEAST_STREAM_BYTES // max(d, 1)))
def sp800_22_worst(sample: NDArray[np.uint8], limit_streams: int = 20) -> Estimate:
    """Return the pass proportion of the worst sub-test of the worst family, in [0, 1].

    The worst family is that with the smallest exact p-value (see `sp800_22_many`), never an
    average. The smallest of 188 proportions is below 0.99 for noise too (0.90 to 0.95 over 20
    streams): read it against the baselines at the same N. Three streams are the fewest at which a
    sub-test that always fails is told from chance, so a sample of less than 375,000 bytes is cut
    into three shorter ones, whose p-values are coarser; at most `limit_streams` are tested, from
    the sample's start.

    `n` is the number of streams; details hold `p_value`, the verdict over all families, and of
    each family that could be run FAMILY`_proportion` (pooled over its sub-tests),
    FAMILY`_p_value` and, from 55 p-values on, FAMILY`_uniformity_p_value` (pooled).
    """
    if limit_streams < LEAST_STREAMS:
        raise ValueError(f"limit_streams is at least {LEAST_STREAMS}, got {limit_streams}")
    length = min(STREAM_BYTES, sample.size // LEAST_STREAMS)
    wanted = min(limit_streams, sample.size // length)
    rows = -(-wanted * length // sample.shape[1])
    streams = sample[:rows].ravel()[: wanted * length].reshape(wanted, length)
    found = sp800_22_many(unpack(stream) for stream in streams)
    assert found.worst is not None
    assert found.p_value is not None
    details = {"p_value": found.p_value}
    for name, family in found.families.items():
        details[f"{name}_proportion"] = family.pooled.proportion
        details[f"{name}_p_value"] = family.p_value
        if family.pooled.uniformity_p_value is not None:
            details[f"{name}_uniformity_p_value"] = family.pooled.uniformity_p_value
    worst = found.families[found.worst].worst
    return Estimate(worst.proportion, n=wanted, details=details)
