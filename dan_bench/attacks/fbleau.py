"""F-BLEAU, the public estimator of how often a secret can be named, beside the attacks here.

Cherubin, Chatzikokolakis & Palamidessi 2019, "F-BLEAU: fast black-box leakage estimation". Its
last release, 0.3.2, runs on Python 3.7 at the latest, so it is asked in an interpreter of its own
that has `fbleau` and `numpy`.
"""

import math
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge
from scipy.special import rel_entr

from dan_bench.attacks.likelihood import places
from dan_bench.interfaces import Case, Data, Estimate
from dan_bench.metrics.certificate import NATS

PROGRAM = """
import sys, numpy, fbleau
given = numpy.load(sys.argv[1])
found = fbleau.run_fbleau(
    given["train_x"], given["train_y"], given["test_x"], given["test_y"], sys.argv[2],
    "ln" if sys.argv[2] == "knn" else None, None, False, False, None, None, False, False)
print(found["min-estimate"])
"""


@dataclass(frozen=True)
class Fbleau:
    """Percentage destroyed at most, by F-BLEAU's estimate of the smallest error.

    Whoever names one of K with probability p has d(p || 1/K) bits at least; `metrics.certificate`
    has the same inequality for the other end.

    Args:
        python: interpreter that has `fbleau` and `numpy`.
        candidates: K, all of which come equally often.
        estimate: by the nearest neighbours, of whom `knn` takes ln n.
    """

    python: Path
    candidates: Annotated[int, Ge(2)]
    estimate: Literal["knn", "nn"] = "knn"

    def check(self, shape: tuple[int, ...]) -> None:
        """The interpreter has to be there."""
        if not self.python.is_file():
            raise ValueError(f"python={self.python}: there is no such interpreter")

    def __call__(self, case: Case, clean: Data) -> Estimate:
        """Return percent; details hold the share `named`.

        Raises:
            RuntimeError: F-BLEAU failed; the message is its own.
        """
        own, challenge = case.auxiliary, case.challenge
        secrets = places(np.concatenate([own.inputs, challenge.inputs])).astype(np.uint64)
        with tempfile.TemporaryDirectory() as folder:
            given = Path(folder) / "given.npz"
            np.savez(
                given,
                train_x=own.outputs.astype(np.float64),
                train_y=secrets[: len(own.inputs)],
                test_x=challenge.outputs.astype(np.float64),
                test_y=secrets[len(own.inputs) :],
            )
            command = [str(self.python), "-c", PROGRAM, str(given), self.estimate]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(f"fbleau failed: {ended.stderr.strip()}")
        named = 1 - float(ended.stdout.split()[-1])
        chance = 1 / self.candidates
        nats = float(rel_entr(named, chance) + rel_entr(1 - named, 1 - chance))
        bits = nats * NATS if named > chance else 0.0
        value = 100 * (1 - bits / math.log2(self.candidates))
        return Estimate(value, n=len(challenge.rows), details={"named": named})
