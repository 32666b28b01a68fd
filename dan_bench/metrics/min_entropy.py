"""Min-entropy of a sample: its bytes, row after row."""

import numpy as np
from numpy.typing import NDArray

from dan_bench.interfaces import Estimate
from dan_bench.randomness.min_entropy import assess
from dan_bench.statistics import needs_rows

MOST = 1_000_000


@needs_rows(lambda _: 1)
def min_entropy_bits(sample: NDArray[np.uint8]) -> Estimate:
    """Assessed min-entropy of the first million bytes, in bits a byte (SP 800-90B, section 3.1.3).

    The least of what ten estimators say of the bytes and of their bits. Noise of a megabyte shows
    about 7.2, not 8: read it against the baselines at the same N. Details hold `h_original`,
    `h_bitstring` and each estimate, as `literal.NAME` and `bitstring.NAME`.
    """
    symbols = sample.ravel()[:MOST]
    found = assess(symbols, on_progress=lambda _: None)
    return Estimate(found.assessed, n=len(symbols), details=found.by_name())
