"""White-box inversion against channels whose best attacker is known, and where it has to stop.

Networks are small and untrained, or made by hand; the data are noise, or pictures of low rank.
"""

import math
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import special, stats
from tiny_models import setting
from torch import nn

from dan_bench.attacks.fresh import FreshPairs
from dan_bench.attacks.inversion import Inversion, law_of_noise, layers_of, temperature
from dan_bench.attacks.layers import (
    Normal,
    Observed,
    before_sigmoid,
    conjugate_gradients,
    law_of,
    log_likelihoods,
    undo_linear,
    upper_tail,
    without_prior,
)
from dan_bench.attacks.unwrap import unwrap
from dan_bench.controls.ciphers import Identity, OneTimePad, Shake256, XorStoredKey
from dan_bench.data.batches import as_bytes
from dan_bench.interfaces import Case, Data, OpenNetwork, Pairs, WhiteBox
from dan_bench.metrics.certificate import LinearChannel, gaussian_leak, naming_limit
from dan_bench.metrics.recovery import dictionary_information
from dan_bench.models.dan import DAN
from dan_bench.models.dcdan import DCDAN
from dan_bench.models.entropydan import EntropyDAN

WIDTH, HIDDEN, K = 64, 24, 128
LOUD = 30
"""Times as loud as a DCDAN begins, which is told next to nothing of the data."""
ATTACK = Inversion(candidates=K, queries=K, calibration=K, simulated=1000, rounds=20)


def pictures(rows, seed, width=WIDTH):
    """Rows of bytes that differ in eight directions, and a little in all."""
    stream = np.random.default_rng([seed, 0])
    axes = np.random.default_rng(5).normal(size=(8, width))
    grey = 128 + 45 * stream.normal(size=(rows, 8)) @ axes + stream.normal(size=(rows, width))
    return np.clip(grey, 0, 255).astype(np.uint8)


def case_of(degenerator, inputs=pictures, rows=600):
    held, own = inputs(rows, 1), inputs(rows, 2)
    numbers = np.arange(2 * rows)
    challenge = Pairs(held, degenerator(held, numbers[:rows]), numbers[:rows])
    auxiliary = Pairs(own, degenerator(own, numbers[rows:]), numbers[rows:])
    fresh = FreshPairs(degenerator, Data(own), rows // 10, seed=0)
    return Case(degenerator, auxiliary, challenge, (8, 8), 0, 0.95, fresh)


def network(seed=0, kind=DAN, input="data_and_noise", scale=1.0, hidden=(HIDDEN,), **changes):
    torch.manual_seed(seed)
    values = {"width": WIDTH, "noise_dim": WIDTH, "output": "sigmoid", "shape": (8, 8)} | changes
    more = {}
    if kind is DCDAN:
        more = {"share": 0.5, "cell": 2, "pace": 1.0, "turns": 4.0}
        more |= {"certificate_weight": 1.0, "averaging": 0.0}
    if kind is EntropyDAN:
        more = {"trueness_hidden": (4,), "certificate_weight": 1.0}
    else:
        more["input"] = input
    module = kind(
        setting(**values),
        degenerator_hidden=hidden,
        discriminator_hidden=(7,),
        scale=scale,
        **more,
    )
    if kind is DCDAN:
        with torch.no_grad():
            module.degenerator[0].layer[0].weight.mul_(LOUD)
    return module.inference(seed)


def attacked(degenerator, attack=ATTACK, **arguments):
    return attack(case_of(degenerator, **arguments))


def best_attacker(degenerator, case):
    """Who knows u = A x + B z + c itself: nobody does better, whatever the output is."""
    channel = degenerator.channel
    offered = np.random.default_rng(0).permutation(len(case.challenge.rows))[:K]
    noise = np.random.default_rng(1).standard_normal((20 * K, channel.noise.shape[1]))
    means = channel.images(case.challenge.inputs[offered])
    seen = np.tile(means, (20, 1)) + noise @ channel.noise.T
    law = stats.multivariate_normal(cov=channel.noise @ channel.noise.T)
    scores = np.stack([law.logpdf(seen - mean) for mean in means], axis=1)
    return dictionary_information(scores, np.tile(np.arange(K), 20))


# the whole attack


@pytest.mark.parametrize("law", ["gaussian", "uniform"])
@pytest.mark.parametrize("output", ["sigmoid", "torus"])
def test_a_perceptron_is_read_as_well_as_its_first_layer(output, law):
    """The best attacker's share has an error of 0.01, the attack's 0.02; four of them are 0.09."""
    degenerator = network(output=output, noise=law)
    best, found = best_attacker(degenerator, case_of(degenerator)), attacked(degenerator)
    assert 0.2 < best.value < 0.95
    assert found.value == pytest.approx(best.value, abs=0.09)
    assert found.details["named"] == pytest.approx(best.details["named"], abs=0.15)
    assert found.details["undone"] == 1
    assert found.n == K


def test_nobody_gets_more_than_the_certificate_allows():
    for scale in (0.05, 1):
        degenerator = network(scale=scale)
        case = case_of(degenerator)
        found = ATTACK(case)
        bits = max(
            degenerator.leak_bound(case.challenge.inputs[chosen])
            for chosen in np.random.default_rng(3).permuted(np.tile(np.arange(600), (5, 1)), axis=1)
        )
        assert 0 < found.low * math.log2(K) < bits


@pytest.mark.parametrize("output", ["sigmoid", "torus"])
@pytest.mark.parametrize("noise_dim", [0, 4, HIDDEN // 2])
def test_noise_that_does_not_fill_the_first_layer_hides_nothing(output, noise_dim):
    found = attacked(network(output=output, noise_dim=noise_dim))
    assert found.value == pytest.approx(1, abs=0.01)
    assert found.details["named"] > 0.98


@pytest.mark.parametrize("noise_dim", [0, WIDTH])
def test_of_inputs_that_are_all_equal_nothing_is_recovered(noise_dim):
    """Without noise either, nothing varies in the network at all."""
    found = attacked(
        network(noise_dim=noise_dim),
        inputs=lambda rows, _: np.full((rows, WIDTH), 9, dtype=np.uint8),
    )
    assert found.value == 0


@pytest.mark.parametrize(("output", "share"), [("torus", 0.7), ("sigmoid", 0.45)])
def test_two_hidden_layers_are_undone_as_far_as_bytes_are_fine_enough(output, share):
    degenerator = network(hidden=(HIDDEN, HIDDEN), output=output, scale=2.0)
    best = best_attacker(degenerator, case_of(degenerator))
    assert attacked(degenerator).value > share * best.value


def test_a_network_of_one_layer_is_undone():
    degenerator = network(hidden=(), scale=4.0)
    assert len(degenerator.opened().layers) == 0
    best = best_attacker(degenerator, case_of(degenerator))
    assert attacked(degenerator).value == pytest.approx(best.value, abs=0.09)


def test_convolutions_are_read_by_a_law_fitted_to_pairs():
    found = attacked(network(kind=DCDAN, noise_dim=8), rows=1500)
    assert found.low > 0.1


def test_saturated_outputs_still_tell():
    degenerator = network(scale=60.0)
    case = case_of(degenerator)
    assert np.isin(case.challenge.outputs, [0, 255]).mean() > 0.3
    assert ATTACK(case).value > best_attacker(degenerator, case).value / 2


@dataclass
class Pretended:
    """A one-time pad that claims to be a network."""

    inner: object
    network: OpenNetwork

    def __post_init__(self):
        self.noise_bits = self.inner.noise_bits

    def __call__(self, data, rows):
        return self.inner(data, rows)

    def opened(self):
        return self.network


@pytest.mark.parametrize("kind", [DAN, DCDAN])
@pytest.mark.parametrize("output", ["sigmoid", "torus"])
def test_a_wrong_model_is_calibrated_down_to_nothing(kind, output):
    """False alarm 1/40: the interval of what is recovered begins above 0."""
    found = attacked(Pretended(OneTimePad(WIDTH, 0), network(kind=kind, output=output).opened()))
    assert found.value < 0.01
    assert found.low == 0
    assert found.details["bits"] > -0.1


def test_no_case_recovers_less_than_nothing():
    """Fitted on pairs of the attacker's own: what it loses on others is sampling error alone."""
    for seed in range(10):
        found = attacked(network(seed, scale=0.01))
        assert found.details["bits"] > -0.1
        assert 0 <= found.low <= found.value <= 1


@pytest.mark.parametrize("control", [Identity, OneTimePad, Shake256, XorStoredKey])
def test_a_control_has_no_network_to_invert(control):
    assert not isinstance(control(WIDTH, 0), WhiteBox)
    assert attacked(control(WIDTH, 0)) is None


def test_a_blind_network_is_left_alone():
    assert attacked(network(input="noise")) is None


class Loud:
    """Noise of one of 16 sizes, half an octave apart: the input's first byte says which."""

    noise_bits = 8.0 * WIDTH

    def octaves(self, inputs):
        return (inputs[:, 0] // 16) / 2 - 7.5

    def __call__(self, data, rows):
        noise = (OneTimePad(WIDTH, 0)(data, rows) + 0.5) / 256
        return (256 * noise * 2.0 ** self.octaves(data)[:, None]).astype(np.uint8)


def random_bytes(rows, seed):
    return np.random.default_rng(seed).integers(0, 256, (rows, WIDTH), dtype=np.uint8)


def test_the_size_of_the_noise_gives_its_level_and_no_more():
    """Of 7 bits at most 4; levels half an octave apart are told, but for the faintest."""
    found = attacked(Loud(), inputs=random_bytes)
    assert 2.5 < found.details["bits"] < 4.2
    assert attacked(network(kind=EntropyDAN).condition(0.5)).value == 0


def test_a_row_is_scored_alike_whatever_it_is_attacked_with():
    case = case_of(network(scale=10.0))
    opened = case.degenerator.opened()
    stream, layers = np.random.default_rng(0), layers_of(opened.layers)
    law = law_of_noise(opened, layers, case.auxiliary.inputs, stream, ATTACK)
    outputs, inputs = case.challenge.outputs[:60], case.challenge.inputs[:K]
    together, _ = law(outputs, inputs)
    apart = np.concatenate([law(part, inputs)[0] for part in np.split(outputs, [1, 20])])
    assert apart == pytest.approx(together, abs=1e-3)


def test_the_same_case_has_the_same_answer():
    case = case_of(network())
    assert ATTACK(case) == ATTACK(case)


def test_it_needs_a_set_of_candidates():
    assert ATTACK.needs_rows() == K


# the parts


def test_the_likelihood_is_that_of_the_normal_law():
    stream = np.random.default_rng(0)
    noise, means, values = (stream.normal(size=size) for size in ((5, 7), (9, 5), (6, 3)))
    map, variance = stream.normal(size=(3, 5)), np.array([0.1, 0.5, 2.0])
    seen = Observed(map, values, 1 / variance)
    found = log_likelihoods(seen, means, noise)
    covariance = map @ noise @ noise.T @ map.T + np.diag(variance)
    law = stats.multivariate_normal(cov=covariance)
    wanted = np.stack([law.logpdf(values - map @ mean) for mean in means], axis=1)
    assert found - found[:, :1] == pytest.approx(wanted - wanted[:, :1])


def test_least_squares_with_a_prior_is_the_posterior():
    stream = np.random.default_rng(0)
    weight, bias, root = stream.normal(size=(8, 3)), stream.normal(size=8), np.eye(3) + 0.3
    prior = Normal(stream.normal(size=3), root @ root.T)
    precision = stream.uniform(0.1, 10, (4, 8))
    values = stream.normal(size=(4, 8))
    seen = Observed(None, values, precision.mean(axis=0), precision)
    means, _ = undo_linear(seen, weight, bias, prior)
    for row in range(4):
        inverse = np.linalg.inv(prior.covariance)
        normal = weight.T * precision[row] @ weight + inverse
        right = weight.T * precision[row] @ (values[row] - bias) + inverse @ prior.mean
        assert means[row] == pytest.approx(np.linalg.solve(normal, right), abs=1e-5)


def test_taking_the_prior_out_of_a_posterior_gives_the_observation_back():
    stream = np.random.default_rng(0)
    root = stream.normal(size=(4, 4))
    prior = Normal(stream.normal(size=4), root @ root.T + np.eye(4))
    weight, variance = stream.normal(size=(2, 4)), np.array([0.2, 1.0])
    inverse = np.linalg.inv(prior.covariance)
    covariance = np.linalg.inv(weight.T / variance @ weight + inverse)
    values = stream.normal(size=(5, 2))
    means = (values / variance @ weight + inverse @ prior.mean) @ covariance
    seen = without_prior(means, covariance, prior)
    assert seen.map.shape == (2, 4)  # two directions were seen, and two were not
    precision = seen.map.T * seen.typical @ seen.map
    assert precision == pytest.approx(weight.T / variance @ weight, abs=1e-8)
    assert seen.values * seen.typical @ seen.map == pytest.approx(
        values / variance @ weight, abs=1e-8
    )


def test_conjugate_gradients_solve_every_row_its_own_system():
    stream = np.random.default_rng(0)
    scale = stream.uniform(1, 100, (5, 12))
    base = stream.normal(size=(12, 12))
    right = stream.normal(size=(5, 12))
    found = conjugate_gradients(lambda h: scale * h + h @ base @ base.T, right, np.eye(12))
    for row in range(5):
        assert found[row] == pytest.approx(
            np.linalg.solve(np.diag(scale[row]) + base @ base.T, right[row]), abs=1e-6
        )


@pytest.mark.parametrize("least", [-8.0, -1.0, 0.0, 2.0, 6.0])
def test_the_tail_of_a_normal_law_has_its_mean_and_variance(least):
    mean, variance = upper_tail(np.array(least))
    law = stats.truncnorm(least, np.inf)
    assert mean == pytest.approx(law.mean(), rel=1e-6)
    assert variance == pytest.approx(law.var(), rel=1e-4)


def test_bytes_of_a_sigmoid_say_as_much_as_they_claim():
    """Errors over their stated deviations have mean square 1, open cells included."""
    a = np.random.default_rng(0).normal(0, 3, (2000, 50))
    seen = before_sigmoid(as_bytes(torch.from_numpy(special.expit(a))), a)
    squares = (seen.values - a) ** 2 * seen.precision
    assert squares.mean() == pytest.approx(1, abs=0.05)
    assert seen.typical == pytest.approx(seen.precision.mean(axis=0))


def torus(scale, rows=100, numbers=40, unknown=12):
    stream = np.random.default_rng(0)
    weight = scale * stream.normal(size=(numbers, unknown)) / unknown**0.5
    hidden = stream.normal(size=(5000, unknown))
    whole = hidden[:rows] @ weight.T + 0.3
    found, undone = unwrap(
        as_bytes(torch.from_numpy(whole % 1)), weight, np.full(numbers, 0.3), law_of(hidden), 30
    )
    return np.abs(found.values - whole).max(axis=1) < 1 / 256, undone


def test_a_wrap_is_undone_where_numbers_spread_over_a_quarter_of_a_turn():
    right, undone = torus(0.25)
    assert right.mean() > 0.97
    assert (right == undone).mean() > 0.97


def test_what_goes_round_many_times_is_not_undone_and_the_attack_knows_it():
    right, undone = torus(5.0)
    assert not right.any()
    assert not undone.any()
    found = attacked(network(output="torus", scale=40.0))
    assert found.details["undone"] == 0
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_a_temperature_is_1_where_scores_are_likelihoods_and_0_where_they_are_nothing():
    stream = np.random.default_rng(0)
    means = stream.normal(size=(500, 4))
    seen = means + stream.normal(size=(500, 4))
    scores = -np.square(seen[:, None] - means).sum(axis=2) / 2
    assert temperature(scores) > 0.7
    assert temperature(10 * scores) == pytest.approx(temperature(scores) / 10, rel=0.3)
    assert temperature(-scores) == 0


def test_other_networks_are_no_perceptrons():
    linear, leaky = nn.Linear(2, 2), nn.LeakyReLU(0.2)
    assert [layer.slope for layer in layers_of(nn.Sequential(leaky, linear, linear))] == [0.2, 1]
    for modules in ((leaky,), (nn.ReLU(), linear), (nn.Conv2d(1, 1, 1),)):
        assert layers_of(nn.Sequential(*modules)) is None


def test_the_bayes_step_names_as_many_as_two_equally_likely_points_allow():
    """Two points at distance 2 r in noise of variance 1: the better guess is right with Phi(r)."""
    r = 0.8
    channel = LinearChannel(np.array([[1.0]]), np.array([[1.0]]), np.zeros(1))
    means = np.array([[-r], [r]])
    noise = np.random.default_rng(0).normal(size=(20_000, 1))
    seen = Observed(None, means[1] + noise, np.full(1, 1e12))
    scores = log_likelihoods(seen, means, channel.noise)
    right = (scores.argmax(axis=1) == 1).mean()
    assert right == pytest.approx(special.ndtr(r), abs=4 * 0.5 / 20_000**0.5)
    assert right <= naming_limit(gaussian_leak(means), 2) + 4 * 0.5 / 20_000**0.5
