"""Noise numbers are on a grid: what that gives away, against enumeration, and where it is nothing.

Networks are made by hand, so that their noise hides the data from who takes it for real numbers.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from dan_bench.attacks import inversion, lattice
from dan_bench.attacks.cells import near, reduced
from dan_bench.attacks.fresh import FreshPairs
from dan_bench.attacks.inversion import Inversion
from dan_bench.attacks.lattice import few
from dan_bench.controls.ciphers import OneTimePad
from dan_bench.data.batches import as_bytes
from dan_bench.data.noise import VALUES, FreshNoise, quantiles
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
        last.bias.copy_(torch.from_numpy(stream.uniform(-0.5, 0.5, D)))
        self.network = OpenNetwork(
            data, np.eye(numbers), np.full(numbers, 0.3), layers, output, law, self.given
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


def told(degenerator, numbers, rows, reach):
    """Bits of a set of candidates that an output tells, and their standard error.

    Of the noise, all values are tried with which the first layer is near to what it was: elsewhere
    no output is the same.
    """
    inputs, network = pictures(1)[:K], degenerator.network
    grid = quantiles(network.law).astype(np.float64)
    true = grid[np.random.default_rng(3).integers(0, VALUES, (rows, numbers))]
    observed = degenerator.given(inputs[:rows], true)
    moved = (inputs + 0.5) / 256 @ network.data.T
    around = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * numbers), -1)
    around = around.reshape(-1, numbers)
    bits = np.empty(rows)
    for row in range(rows):
        middle = np.searchsorted(grid, true[row] + moved[row] - moved)
        places = middle[:, None] + around
        there = ((places >= 0) & (places < VALUES)).all(axis=2)
        which, near_by = np.nonzero(there)[0], grid[places[there]]
        same = (degenerator.given(inputs[which], near_by) == observed[row]).all(axis=1)
        counts = np.bincount(which[same], minlength=K)
        bits[row] = np.log2(K * counts[row] / counts.sum())
    return bits.mean(), bits.std() / rows**0.5


@pytest.mark.parametrize("law", ["gaussian", "uniform"])
@pytest.mark.parametrize(
    ("numbers", "turns", "rows", "reach"), [(1, 10.0, K, 40), (2, 4.0, K // 2, 16)]
)
def test_few_numbers_tell_what_enumeration_says(numbers, turns, rows, reach, law, monkeypatch):
    degenerator = Few(numbers, turns, law=law)
    case = case_of(degenerator)
    bits, error = told(degenerator, numbers, rows, reach)
    attack = replace(ATTACK, simulated=4000)
    found = attack(case)
    assert bits > 1
    assert found.details["undone"] > (0.9, 0.8)[numbers - 1]
    assert found.details["bits"] == pytest.approx(bits, abs=4 * 2**0.5 * error)
    assert found.low > 0.1
    monkeypatch.setattr(inversion, "few", lambda *_: False)
    assert attack(case).value == 0  # as real numbers the noise hides it


def test_nothing_depends_on_how_many_are_attacked_together(monkeypatch):
    degenerator = Few(1, turns=10.0)
    held, stream = pictures(1), np.random.default_rng(0)
    attack = lattice.Lattice(degenerator.network, pictures(2), stream, 500, 2048)
    outputs = degenerator(held[:40], np.arange(40))
    together, found = attack(outputs, held[:K])
    monkeypatch.setattr(lattice, "AT_A_TIME", 7)
    apart, again = attack(outputs, held[:K])
    assert np.array_equal(together, apart)
    assert np.array_equal(found, again)
    assert np.ptp(together, axis=1).max() > 1


def test_where_only_the_sum_of_two_numbers_shows_one_of_them_is_free():
    degenerator = Few(2)
    weight = degenerator.network.layers[0].weight
    weight[:, 1] = weight[:, 0]
    found = ATTACK(case_of(degenerator))
    assert found.details["points_bits"] > 12  # 2^16 values of one, few of the other
    assert found.value == 0


def test_where_the_first_layer_is_given_the_same_of_all_nothing_is_asked():
    degenerator = Few(1, turns=10.0)
    degenerator.network.data[:, D // 2 :] = 0
    inputs = pictures(1)[:K]
    inputs[:, : D // 2] = 0
    attack = lattice.Lattice(degenerator.network, inputs, np.random.default_rng(0), 500, 2048)
    scores, found = attack(degenerator(inputs, np.arange(K)), inputs)
    assert attack.limits(inputs)["given_bits"] == 0
    assert not scores.any()
    assert not found.any()
    assert attack.limits(pictures(1)[:K])["given_bits"] == 6


def saturated(numbers, turns):
    """A sigmoid of which most units are at one end or the other, each crossing at its own u."""
    degenerator = Few(numbers, turns, output="sigmoid")
    last = degenerator.network.layers[0]
    with torch.no_grad():
        middles = torch.from_numpy(0.3 + np.random.default_rng(5).normal(size=(D, numbers)))
        last.bias.copy_(-(last.weight * middles).sum(dim=1))
    return degenerator


def test_units_at_the_end_of_a_sigmoid_spoil_nothing(monkeypatch):
    monkeypatch.setitem(globals(), "D", 256)
    degenerator = saturated(1, turns=500.0)
    bits, error = told(degenerator, 1, K, 40)
    found = ATTACK(replace(case_of(degenerator), shape=(16, 16)))
    assert 0.05 < found.details["bits"] < bits + 4 * 2**0.5 * error


@pytest.mark.filterwarnings("error")
def test_units_without_a_slope_are_no_error():
    found = ATTACK(case_of(saturated(2, turns=60.0)))
    assert np.isfinite(found.value)


def test_more_numbers_than_rows_that_are_simulated():
    found = replace(ATTACK, simulated=5)(case_of(Few(8, turns=0.05)))
    assert np.isfinite(found.value)


@pytest.mark.parametrize("numbers", [1, 4])
def test_what_is_not_made_by_the_network_is_not_found_and_tells_nothing(numbers):
    """False alarm 1/40."""
    few_numbers, pad = Few(numbers, turns=10.0), OneTimePad(D, 0)
    few_numbers.given = lambda data, _: pad(data, np.arange(len(data)))
    found = ATTACK(case_of(few_numbers))
    assert (found.value, found.details["undone"]) == (0, 0)


def network(data, noise):
    last = nn.Sequential(nn.Linear(len(noise), D).double())
    return OpenNetwork(
        data, noise, np.zeros(len(noise)), last, "torus", "gaussian", lambda *_: np.zeros((1, D))
    )


def test_it_is_for_noise_that_has_few_bits_and_hides_all_data():
    stream = np.random.default_rng(0)
    data, noise = stream.normal(size=(3, D)), stream.normal(size=(3, 3))
    assert few(network(data, noise), D)
    assert not few(network(data, noise), 6)  # bytes, so 48 bits
    assert few(network(data, noise), 7)
    assert not few(network(data, noise[:, :2]), D)  # a unit without noise
    assert not few(network(data, np.hstack([noise, noise])), D)
    assert not few(network(data, noise[:, :0]), D)
    wider = np.vstack([data, np.zeros(D)]), np.vstack([noise, np.zeros(3)])
    assert few(network(*wider), D)  # a unit that is given neither


def test_all_integers_near_a_point_are_enumerated():
    stream = np.random.default_rng(0)
    basis = np.array([[0.9, 0.4], [0.0, 0.6]])
    points = stream.uniform(-3, 3, (40, 2))
    which, found = near(basis, points, 2.0, 10_000)
    across = np.stack(np.meshgrid(*[np.arange(-20, 21)] * 2), axis=-1).reshape(-1, 2)
    apart = np.linalg.norm((across[None] - points[:, None]) @ basis.T, axis=2)
    wanted = {(i, *map(int, across[k])) for i, k in np.argwhere(apart <= 2)}
    assert len(wanted) > 100
    assert {(int(i), *map(round, k)) for i, k in zip(which, found, strict=True)} == wanted
    assert near(basis, points, 2.0, 100) is None


def test_a_reduced_basis_is_of_the_same_lattice_and_short():
    skew = np.diag([3.0, 3.0, 3.0]) @ np.array([[1.0, 7, 5], [0, 1, 9], [0, 0, 1]])
    change = reduced(skew)
    assert np.array_equal(change, np.round(change))
    assert abs(np.linalg.det(change)) == pytest.approx(1)
    assert np.linalg.norm(skew @ change, axis=0) == pytest.approx(np.full(3, 3.0))
