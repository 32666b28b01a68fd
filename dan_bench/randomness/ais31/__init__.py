"""AIS 20/31 of the BSI: tests T0 to T8, procedures A and B (2011), and the suite T_irn (2024)."""

from dan_bench.randomness.ais31.basic import (
    BasicTest,
    TooFewBits,
    autocorrelation,
    coron,
    disjointness,
    entropy,
    homogeneity,
    long_run,
    monobit,
    poker,
    runs,
    transition,
    uniformity,
)
from dan_bench.randomness.ais31.procedures import (
    Ais31Procedure,
    Ais31Round,
    bits_of_a,
    procedure_a,
    procedure_b,
    t_irn,
)

__all__ = [
    "Ais31Procedure",
    "Ais31Round",
    "BasicTest",
    "TooFewBits",
    "autocorrelation",
    "bits_of_a",
    "coron",
    "disjointness",
    "entropy",
    "homogeneity",
    "long_run",
    "monobit",
    "poker",
    "procedure_a",
    "procedure_b",
    "runs",
    "t_irn",
    "transition",
    "uniformity",
]
