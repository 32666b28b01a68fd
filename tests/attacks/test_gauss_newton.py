"""Gauss-Newton on the first layer of convolutions, against who knows that layer's numbers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from dan_bench.attacks import gauss_newton, inversion
from dan_bench.attacks.fresh import FreshPairs
from dan_bench.attacks.gauss_newton import GaussNewton, boxed, in_box, pushed, searchable
from dan_bench.attacks.inversion import Inversion
from dan_bench.attacks.layers import Observed, log_likelihoods
from dan_bench.controls.ciphers import OneTimePad
from dan_bench.data.batches import as_bytes
from dan_bench.data.noise import FreshNoise
from dan_bench.interfaces import Case, Data, OpenNetwork, Pairs
from dan_bench.metrics.recovery import dictionary_information
from dan_bench.models.networks import convolutions, look_linear
from dan_bench.rng import generator

D, K, ROWS = 64, 128, 600
ATTACK = Inversion(candidates=K, queries=K, calibration=K, simulated=1000, rounds=20)


class Convolved:
    """Pictures of 8 x 8, as many noise numbers, and convolutions of the sum of both.

    Args:
        kinks: how far the convolutions are from a linear map; 0 is one.
        loud: size of the data beside the noise.
        scale: of the output.
    """

    def __init__(self, kinks=0.0, loud=1.0, scale=1.0, output="sigmoid", law="gaussian"):
        stream = np.random.default_rng(3)
        torch.manual_seed(3)
        layers = convolutions([4, 12, 12, 4] if kinks else [4, 4], [1] * (3 if kinks else 1))
        if kinks:
            look_linear(layers, 1.0)
        else:
            nn.init.dirac_(layers[0].weight)
        with torch.no_grad():
            for parameter in layers.parameters():
                parameter.add_((kinks or 0.1) * torch.randn_like(parameter))
            layers[-1].weight.mul_(scale)
        grid = nn.Unflatten(1, (4, 4, 4))
        whole = nn.Sequential(grid, *layers, nn.Flatten()).double().requires_grad_(False)
        data = loud * stream.normal(size=(D, D)) / D**0.5
        noise, offset = np.eye(D), np.full(D, 0.1)
        self.network = OpenNetwork(data, noise, offset, whole, output, law, self.given)
        self.noise_bits, self._draw = 16.0 * D, FreshNoise(0, "fresh", D, law)

    def opened(self):
        return self.network

    def first(self, data, rows):
        return self._first(data, self._draw(rows))

    def _first(self, data, noise):
        return (data + 0.5) / 256 @ self.network.data.T + noise + 0.1

    def given(self, data, noise):
        raw = self.network.layers(torch.from_numpy(self._first(data, noise)))
        return as_bytes(raw.sigmoid() if self.network.output == "sigmoid" else raw - raw.floor())

    def __call__(self, data, rows):
        return self.given(data, self._draw(rows))


def pictures(seed):
    return np.random.default_rng(seed).integers(0, 256, (ROWS, D), dtype=np.uint8)


def case_of(degenerator):
    held, own, rows = pictures(1), pictures(2), np.arange(2 * ROWS)
    challenge = Pairs(held, degenerator(held, rows[:ROWS]), rows[:ROWS])
    auxiliary = Pairs(own, degenerator(own, rows[ROWS:]), rows[ROWS:])
    fresh = FreshPairs(degenerator, Data(own), ROWS // 10, seed=0)
    return Case(degenerator, auxiliary, challenge, (8, 8), 0, 0.95, fresh)


def best_attacker(degenerator, case):
    """Who is told u of the rows under attack; of Gaussian noise nobody knows more."""
    offered = generator(0, "inversion/held").permutation(ROWS)[:K]
    inputs, rows = (part[offered] for part in (case.challenge.inputs, case.challenge.rows))
    means = (inputs + 0.5) / 256 @ degenerator.network.data.T + 0.1
    u = degenerator.first(inputs, rows)[: K // 2]
    scores = log_likelihoods(Observed(None, u, np.full(D, 1e9)), means, np.eye(D))
    return dictionary_information(scores, np.arange(K // 2))


def uniform_bits(case):
    """Bits that u tells under uniform noise: candidates that would have moved it too far are out.

    Of the attacked rows, so there is no sampling error between them.
    """
    offered = generator(0, "inversion/held").permutation(ROWS)[:K]
    inputs, rows = (part[offered] for part in (case.challenge.inputs, case.challenge.rows))
    means = (inputs + 0.5) / 256 @ case.degenerator.network.data.T + 0.1
    u = case.degenerator.first(inputs, rows)[: K // 2]
    left = (np.abs(u[:, None] - means).max(axis=2) <= 3**0.5).sum(axis=1)
    return np.log2(K / left).mean()


def search(case):
    stream = np.random.default_rng(0)
    return GaussNewton(case.degenerator.network, case.auxiliary.inputs, stream, 500)


@pytest.mark.parametrize("kinks", [0, 0.05])
@pytest.mark.parametrize(("output", "scale"), [("sigmoid", 1), ("torus", 0.1)])
def test_convolutions_are_read_as_well_as_by_who_knows_u(kinks, output, scale):
    """Of the same rows, so without sampling error; a temperature of 0.8 for 1 costs 0.1 bits."""
    degenerator = Convolved(kinks, output=output, scale=scale)
    case = case_of(degenerator)
    best, found = best_attacker(degenerator, case), ATTACK(case)
    assert 3 < best.details["bits"] < 4
    assert found.details["bits"] == pytest.approx(best.details["bits"], abs=0.4)
    assert found.details["undone"] > 0.95
    assert found.n == K // 2  # a search takes long


def test_a_law_that_is_fitted_to_pairs_finds_less(monkeypatch):
    case = case_of(Convolved(0.05))
    found = ATTACK(case)
    monkeypatch.setattr(inversion, "searchable", lambda *_: False)
    assert ATTACK(case).high < found.low


def test_uniform_noise_has_bounds_by_which_it_tells_more_than_its_variance(monkeypatch):
    case = case_of(Convolved(loud=0.2, law="uniform"))
    found = ATTACK(case)
    monkeypatch.setattr(gauss_newton, "boxed", lambda _: False)
    as_gaussian = ATTACK(case)
    assert found.low > 0.15
    assert found.details["bits"] < uniform_bits(case) + 0.1
    assert as_gaussian.high < 0.1


@pytest.mark.parametrize("law", ["gaussian", "uniform"])
@pytest.mark.parametrize("output", ["sigmoid", "torus"])
def test_what_is_not_made_by_the_network_tells_nothing(output, law):
    """False alarm 1/40: the interval of what is recovered begins above 0."""
    degenerator, pad = Convolved(0.05, output=output, law=law, scale=0.2), OneTimePad(D, 0)
    case = case_of(degenerator)
    challenge, auxiliary = (
        replace(pairs, outputs=pad(pairs.inputs, pairs.rows))
        for pairs in (case.challenge, case.auxiliary)
    )
    found = ATTACK(replace(case, challenge=challenge, auxiliary=auxiliary))
    assert found.value < 0.01
    assert found.low == 0
    assert found.details["bits"] > -0.1


@pytest.mark.filterwarnings("error")
def test_layers_that_let_nothing_through_tell_nothing():
    degenerator = Convolved(0.05)
    with torch.no_grad():
        degenerator.network.layers[1].weight.zero_()
    found = ATTACK(case_of(degenerator))
    assert (found.value, found.low) == (0, 0)


def test_the_same_case_has_the_same_answer():
    case = case_of(Convolved(0.05))
    assert ATTACK(case) == ATTACK(case)


@pytest.mark.parametrize(("law", "error"), [("gaussian", 1e-3), ("uniform", 0.5)])
def test_a_row_is_scored_alike_whatever_it_comes_with(law, error):
    """At an edge of uniform noise a score of -7 is steep."""
    case = case_of(Convolved(0.05, law=law))
    likelihoods = search(case)
    outputs, inputs = case.challenge.outputs[:60], case.challenge.inputs[:K]
    together, undone = likelihoods(outputs, inputs)
    apart = [likelihoods(part, inputs) for part in np.split(outputs, [1, 20])]
    assert np.concatenate([scores for scores, _ in apart]) == pytest.approx(together, abs=error)
    assert np.array_equal(np.concatenate([flags for _, flags in apart]), undone)


def test_it_is_for_networks_that_leak_and_do_not_go_round():
    loud, faint = Convolved(), Convolved(loud=0.01)
    inputs = pictures(1)[:K]
    assert searchable(loud.network, inputs)
    assert not searchable(faint.network, inputs)
    assert searchable(Convolved(loud=0.01, law="uniform").network, inputs)  # without a certificate
    assert search(case_of(loud)).tells
    assert not search(case_of(Convolved(output="torus", scale=3.0))).tells
    wide = np.zeros((1025, D))
    assert not searchable(replace(loud.network, data=wide, noise=np.eye(1025)), inputs)


def test_where_none_of_the_first_rows_is_found_no_others_are_tried(monkeypatch):
    case, tried = case_of(Convolved()), []
    likelihoods = search(case)

    def vain(outputs):
        tried.append(len(outputs))
        return np.zeros((len(outputs), D)), np.zeros(len(outputs), dtype=bool)

    monkeypatch.setattr(likelihoods, "_search", vain)
    scores, undone = likelihoods(case.challenge.outputs[:K], case.challenge.inputs[:K])
    assert tried == [gauss_newton.AT_A_TIME]
    assert not undone.any()
    assert scores.shape == (K, K)


def test_more_starts_find_more_of_a_map_that_is_bent(monkeypatch):
    case, shares = case_of(Convolved(0.13)), []
    for points, starts in ((1, 1), (6, 3)):
        monkeypatch.setattr(gauss_newton, "POINTS", points)
        monkeypatch.setattr(gauss_newton, "STARTS", starts)
        undone = search(case)(case.challenge.outputs[:K], case.challenge.inputs[:K])[1]
        shares.append(undone.mean())
    assert shares[1] > shares[0] + 0.2


def test_a_product_by_the_jacobian_is_a_difference():
    layers = Convolved(0.05).network.layers
    u, h = torch.randn(2, 5, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    step = 1e-6
    difference = (layers(u + step * h) - layers(u - step * h)) / (2 * step)
    assert pushed(layers, u, h).numpy() == pytest.approx(difference.numpy(), abs=1e-6)


def test_noise_is_inside_its_bounds_or_the_candidate_is_wrong():
    noise = np.diag([1.0, 2.0])
    u = np.array([[1.7, 0.0], [0.0, 3.4]])
    means = np.array([[0.0, 0.0], [-0.3, 0.0], [0.0, -0.3]])
    scores = in_box(u, 1e-4 * np.eye(2), means, noise)
    lost = np.log(gauss_newton.MISSED)
    expected = np.array([[0, lost, 0], [0, 0, lost]])
    assert scores == pytest.approx(expected, abs=0.02)
    assert boxed(noise)
    assert not boxed(noise[:, :1])
    assert not boxed(np.diag([1.0, 0.0]))
