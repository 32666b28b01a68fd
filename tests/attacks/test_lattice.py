"""Noise numbers are on a grid: what that gives away, against enumeration, and where it is nothing.

Networks are made by hand, so that their noise hides the data from who takes it for real numbers.
"""

import numpy as np
import pytest
import torch
from torch import nn

from dan_bench.attacks import inversion
from dan_bench.attacks.fresh import FreshPairs
from dan_bench.attacks.inversion import Inversion
from dan_bench.attacks.lattice import VALUES
from dan_bench.data.batches import as_bytes
from dan_bench.data.noise import FreshNoise, quantiles
from dan_bench.interfaces import Case, Data, OpenNetwork, Pairs

D, K, ROWS = 64, 64, 512
ATTACK = Inversion(candidates=K, queries=K, calibration=K, simulated=500, rounds=5)


class Few:
    """u = z + faint image of the data, `numbers` of each; then a layer of `turns` a unit."""

    def __init__(self, numbers, turns=1.0, faint=0.01, output="torus", law="gaussian"):
        stream = np.random.default_rng(numbers)
        self.noise_bits, self._draw = 16.0 * numbers, FreshNoise(0, "fresh", numbers, law)
        last = nn.Linear(numbers, D).double()
        with torch.no_grad():
            last.weight.copy_(torch.from_numpy(turns * stream.normal(size=(D, numbers))))
        layers = nn.Sequential(last).requires_grad_(False)
        data = faint * stream.normal(size=(numbers, D))
        self.network = OpenNetwork(
            data, np.eye(numbers), np.full(numbers, 0.3), layers, output, law
        )

    def opened(self):
        return self.network

    def given(self, data, noise):
        u = (data + 0.5) / 256 @ self.network.data.T + noise + 0.3
        raw = self.network.layers(torch.from_numpy(u))
        return as_bytes(raw.sigmoid() if self.network.output == "sigmoid" else raw - raw.floor())

    def __call__(self, data, rows):
        return self.given(data, self._draw(rows).astype(np.float64))


def pictures(seed):
    return np.random.default_rng(seed).integers(0, 256, (ROWS, D), dtype=np.uint8)


def case_of(degenerator):
    held, own, rows = pictures(1), pictures(2), np.arange(2 * ROWS)
    challenge = Pairs(held, degenerator(held, rows[:ROWS]), rows[:ROWS])
    auxiliary = Pairs(own, degenerator(own, rows[ROWS:]), rows[ROWS:])
    fresh = FreshPairs(degenerator, Data(own), ROWS // 10, seed=0)
    return Case(degenerator, auxiliary, challenge, (8, 8), 0, 0.95, fresh)


def told(degenerator):
    """Bits of a set of candidates that an output tells, and their standard error.

    Each value of the noise is tried on each candidate.
    """
    inputs = pictures(1)[:K]
    grid = quantiles("gaussian").astype(np.float64)[:, None]
    law = np.zeros((K, K))
    truth = np.random.default_rng(3).integers(0, VALUES, K)
    digest = np.random.default_rng(4).integers(1, 1 << 62, D)
    observed = degenerator.given(inputs, grid[truth]) @ digest
    for i, candidate in enumerate(inputs):
        made = np.sort(degenerator.given(candidate, grid) @ digest)
        ends = [np.searchsorted(made, observed, side) for side in ("left", "right")]
        law[:, i] = ends[1] - ends[0]
    posterior = law[np.arange(K), np.arange(K)] / law.sum(axis=1)
    bits = np.log2(K * posterior)
    return bits.mean(), bits.std() / K**0.5


def test_one_number_tells_what_enumeration_says():
    degenerator = Few(1)
    bits, error = told(degenerator)
    found = ATTACK(case_of(degenerator))
    assert bits > 1
    assert found.details["undone"] == 1
    assert found.details["bits"] == pytest.approx(bits, abs=4 * 2**0.5 * error)


@pytest.mark.parametrize("numbers", [1, 2, 4, 8])
@pytest.mark.parametrize("output", ["torus", "sigmoid"])
def test_a_grid_gives_away_what_real_numbers_hide(numbers, output, monkeypatch):
    case = case_of(Few(numbers, turns=3.0 / numbers**0.5, output=output))
    found = ATTACK(case)
    assert found.details["undone"] > 0.5
    monkeypatch.setattr(inversion, "few", lambda *_: False)
    before = ATTACK(case)
    print(numbers, output, before.details, found.details)
    assert before.details["bits"] < 0.3
    assert found.details["bits"] > 1
