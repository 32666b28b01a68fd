"""What is certainly destroyed: the lower end of %_dd, against every attacker of any power.

The bounds themselves are in `dan_bench.metrics.certificate`; what they do not cover is that a
network computes in finite precision (Mironov 2012, "On significance of the least significant bits
for differential privacy"), that a number of its noise is made of 16 bits, and that these come
from a generator and not from chance.
"""

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from dan_bench.interfaces import Certified, Degenerator, Estimate, Pairs
from dan_bench.metrics.certificate import naming_limit, reconstruction_limit


@dataclass(frozen=True)
class LeakCertificate:
    """The percentage of data that is destroyed for certain.

    Args:
        candidates: K, of whom an attacker has to name one; all rows where there are fewer.
    """

    candidates: Annotated[int, Ge(2)]

    def needs_rows(self) -> int:
        """Two, to tell apart."""
        return 2

    def __call__(self, degenerator: Degenerator, challenge: Pairs) -> Estimate:
        """Return the least of what is certain for naming one of K inputs and for the label.

        Naming is bounded on each whole set of K rows of the challenge set and, for sets that are
        drawn at random, on all rows: I(X; Y | S) <= I(X; Y), on average over the sets S, since Y
        depends on S through X alone. The worst counts. The label, reconstruction and the worst pair
        are bounded on all rows. 0 where nothing is guaranteed.

        Returns:
            Percent, as its own interval. Details, where there is a certificate: `bits` (of all
            rows) and `naming_bits` (of one of K) that can leak at most, `naming` and `label` in
            percent, `named` (share of inputs that anybody can name at most, among `candidates`),
            `r_squared` (the largest of any reconstruction), `told_apart` (the largest chance of
            saying which of two inputs it was).

        Raises:
            ValueError: the challenge set has fewer than two rows.
        """
        n = len(challenge.rows)
        if n < 2:
            raise ValueError(f"{n} rows are too few: naming one takes 2 at least")
        k = min(self.candidates, n)
        if not isinstance(degenerator, Certified):
            return Estimate(0.0, 0.0, 0.0, n)
        inputs = challenge.inputs
        sets = np.split(inputs[: n // k * k], n // k)
        bounds = [degenerator.leak_bound(part) for part in (inputs, *sets)]
        if not all(map(math.isfinite, bounds)):
            return Estimate(0.0, 0.0, 0.0, n)
        bits = max(0.0, bounds[0])
        naming_bits = min(max(0.0, *bounds), math.log2(k))
        ends = {"naming": destroyed(naming_bits, math.log2(k))}
        if challenge.labels is not None:
            shares = np.bincount(challenge.labels) / n
            entropy = -float(np.sum(shares * np.log2(np.maximum(shares, 1e-300))))
            ends |= {"label": destroyed(bits, entropy)} if entropy > 0 else {}
        details = {
            "bits": bits,
            "naming_bits": naming_bits,
            "named": naming_limit(naming_bits, k),
            "candidates": float(k),
            "r_squared": reconstruction_limit(bits, inputs),
            "told_apart": (1 + degenerator.pair_bound(inputs)) / 2,
        }
        value = min(ends.values())
        return Estimate(value, value, value, n, ends | details)


def destroyed(bits: float, of_bits: float) -> float:
    """Return 100 (1 - bits / of_bits), from 0 to 100."""
    return 100 * (1 - min(1.0, bits / of_bits))
