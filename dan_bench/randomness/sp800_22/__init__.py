"""SP 800-22 Rev. 1a: fifteen tests of bits, 188 p-values, written from the document.

Nothing heavy is imported before a test is run; a machine's first run compiles for some seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Unpack

from numpy.typing import ArrayLike

from dan_bench.randomness.sp800_22.bits import Bits, as_bits, unpack
from dan_bench.randomness.sp800_22.parameters import Overrides
from dan_bench.randomness.sp800_22.result import ALPHA, TESTS, Battery, SubtestResult

if TYPE_CHECKING:
    from dan_bench.randomness.sp800_22.many import Families

__all__ = [
    "ALPHA",
    "TESTS",
    "Battery",
    "Bits",
    "Overrides",
    "SubtestResult",
    "sp800_22",
    "sp800_22_many",
    "unpack",
]


def sp800_22(bits: ArrayLike, *, alpha: float = ALPHA, **parameters: Unpack[Overrides]) -> Battery:
    """Fifteen tests of one stream of zeros and ones.

    `bits` is a one-dimensional array of booleans or of integers 0 and 1, of any length, and is
    never written to; packed bytes go through `unpack`. Keywords set the tests' parameters
    (`parameters.Parameters` describes them and their defaults). A test that the stream is too short
    for says what it needs, and the others go on.

    P-values are the document's, asymptotic: near the smallest lengths they are coarse steps.
    Raises TypeError for what is no stream of bits or no parameter, ValueError for bits other than
    0 and 1 and for parameters out of range.
    """
    from dan_bench.randomness.sp800_22.suite import battery

    return battery(as_bits(bits), alpha, parameters)


def sp800_22_many(
    streams: Iterable[ArrayLike],
    *,
    alpha: float = ALPHA,
    workers: int = 1,
    **parameters: Unpack[Overrides],
) -> Families:
    """Fifteen tests of many streams of equal length: proportions and uniformity by family.

    `streams` is an N x n array of bits (`unpack` makes it of N x b bytes) or any iterable of
    streams; `workers` threads share the work. Section 4.2's two criteria are reported for each
    family and sub-test; with 188 sub-tests and several streams an ideal source fails some of
    them, so the verdict is `p_value`: exact binomial tests of the number of failures, and the
    uniformity test where there are 55 streams, of every sub-test, corrected for their number. From
    three streams on, a sub-test that always fails is told from chance in every family.

    Raises as `sp800_22` does, and ValueError for no streams or streams of different lengths.
    """
    from dan_bench.randomness.sp800_22.many import many

    return many(streams, alpha, workers, parameters)
