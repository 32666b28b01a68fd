"""Min-entropy of a source that need not be IID: SP 800-90B, section 6.3.

`assess` runs the ten estimators on symbols of 1 to 8 bits and on their bit string. Names, cases
and numbers are those of NIST's tool, ea_non_iid. The estimators are compiled at their first use
and kept on disk; until then this package imports numpy alone.
"""

from dan_bench.randomness.min_entropy.assessment import (
    Estimates,
    Estimators,
    MinEntropyAssessment,
    assess,
)

__all__ = ["Estimates", "Estimators", "MinEntropyAssessment", "assess"]
