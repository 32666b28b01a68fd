"""What is destroyed for certain: of every control, and of networks of every kind."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from tiny_models import NOISE, WIDTH, dan, gan, setting

from dan_bench.attacks.certificate import LeakCertificate, destroyed
from dan_bench.controls.ciphers import (
    Identity,
    OneTimePad,
    SeededRandom,
    Shake256,
    Shuffle,
    XorStoredKey,
)
from dan_bench.controls.generators import Pcg64, PythonRandom, Urandom
from dan_bench.interfaces import Certified, Pairs
from dan_bench.models.dcdan import DCDAN
from dan_bench.models.entropydan import EntropyDAN

K = 16
CERTIFICATE = LeakCertificate(candidates=K)
ROWS = np.random.default_rng(5).integers(0, 256, (3 * K + 5, WIDTH), dtype=np.uint8)
LABELS = np.arange(len(ROWS)) % 4


def certify(degenerator, inputs=ROWS, labels=LABELS, certificate=CERTIFICATE):
    outputs = degenerator(inputs, np.arange(len(inputs)))
    return certificate(degenerator, Pairs(inputs, outputs, np.arange(len(inputs)), labels))


@pytest.mark.parametrize("control", [OneTimePad, PythonRandom, Urandom, Pcg64])
def test_what_is_independent_of_its_input_is_destroyed_for_certain(control):
    found = certify(control(WIDTH, 0))
    assert (found.low, found.value, found.high) == (100, 100, 100)
    assert found.n == len(ROWS)
    assert found.details == {
        "naming": 100,
        "label": 100,
        "bits": 0,
        "naming_bits": 0,
        "named": 1 / K,
        "candidates": K,
        "r_squared": 0,
        "told_apart": 0.5,
    }


@pytest.mark.parametrize(
    "control", [Identity, Shuffle, XorStoredKey, Shake256, partial(SeededRandom, seed_bits=16)]
)
def test_nothing_is_certain_where_nothing_is_stated(control):
    made = control(WIDTH, seed=0)
    assert not isinstance(made, Certified)
    found = certify(made)
    assert (found.low, found.value, found.high, found.details) == (0, 0, 0, {})


# by hand, from the weights


def by_hand(module, inputs, mean=0.5):
    """1/2 log2 det(I + (B B^T)^-1 A S A^T) from the first layer's weights; bits."""
    weights = module.degenerator[0].weight.detach().double().numpy()
    a, b = weights[:, :WIDTH], weights[:, WIDTH:]
    covariance = np.cov(((inputs + 0.5) / 256 - mean).T, ddof=0)
    ratio = np.linalg.solve(b @ b.T, a @ covariance @ a.T)
    return math.log2(np.linalg.det(np.eye(len(b)) + ratio)) / 2


def quiet_dan(factor=0.1, hidden=(4,), **changes):
    """A network on which the data have little weight beside the noise."""
    module = dan(hidden=hidden, noise="gaussian", **changes)
    with torch.no_grad():
        module.degenerator[0].weight[:, :WIDTH] *= factor
    return module


def test_a_dan_is_certified_by_the_formula():
    module = quiet_dan()
    found = certify(module.inference(0))
    bits = by_hand(module, ROWS)
    naming = max(by_hand(module, ROWS[start : start + K]) for start in (0, K, 2 * K))
    assert 1e-3 < naming < 0.5
    assert found.details["bits"] == pytest.approx(bits, rel=0.02)
    assert found.details["bits"] <= bits + 1e-9
    assert found.details["naming_bits"] == pytest.approx(naming, rel=0.02)
    shares = np.bincount(LABELS) / len(LABELS)
    entropy = -(shares * np.log2(shares)).sum()
    assert found.details["naming"] == pytest.approx(100 * (1 - naming / 4), abs=0.1)
    assert found.details["label"] == pytest.approx(100 * (1 - bits / entropy), abs=0.1)
    assert found.value == min(found.details["naming"], found.details["label"])


def test_a_dan_tells_two_inputs_apart_as_its_weights_say():
    module = quiet_dan()
    weights = module.degenerator[0].weight.detach().double().numpy()
    images = (ROWS + 0.5) / 256 @ weights[:, :WIDTH].T
    noise = np.linalg.cholesky(weights[:, WIDTH:] @ weights[:, WIDTH:].T)
    points = np.linalg.solve(noise, images.T).T
    widest = max(np.linalg.norm(a - b) for a in points for b in points)
    success = 0.5 * (1 + math.erf(widest / 2 / math.sqrt(2)))
    assert certify(module.inference(0)).details["told_apart"] == pytest.approx(success, rel=1e-6)


@pytest.mark.parametrize("mean", [0.0, 0.3, 0.9])
def test_neither_the_mean_nor_the_biases_matter(mean):
    module, other = quiet_dan(), quiet_dan(data_mean=mean)
    with torch.no_grad():
        other.degenerator[0].bias += 3
    found, same = certify(module.inference(0)), certify(other.inference(0))
    assert found.value == pytest.approx(same.value, abs=1e-6)


def test_the_certificate_is_that_of_the_averaged_weights():
    module = quiet_dan(ema_decay=0.9)
    with torch.no_grad():
        module.ema.module[0].weight[:, :WIDTH] = 0
    assert certify(module.inference(0)).value == 100


def test_a_dan_that_is_all_data_is_not_certified():
    """Much weight on the data: the bits are cut off at log2 K, and nothing is left."""
    found = certify(quiet_dan(factor=1e5).inference(0))
    assert found.value == 0
    assert found.details["naming_bits"] == pytest.approx(math.log2(K))
    assert found.details["named"] == pytest.approx(1)
    assert found.details["told_apart"] == 1
    assert found.details["r_squared"] == 1


def test_with_fewer_noise_numbers_than_hidden_units_nothing_is_certain():
    found = certify(quiet_dan(hidden=(NOISE + 1,)).inference(0))
    assert (found.value, found.details) == (0, {})


def test_without_any_noise_nothing_is_certain():
    assert certify(dan(noise="gaussian", noise_dim=0).inference(0)).value == 0


def test_uniform_noise_has_no_certificate():
    assert certify(dan(hidden=(4,), noise="uniform").inference(0)).value == 0


@pytest.mark.parametrize("law", ["uniform", "gaussian"])
def test_a_network_that_is_blind_to_its_input_destroys_it_whatever_its_noise(law):
    for module in (dan(input="noise", noise=law), gan(noise=law)):
        found = certify(module.inference(0))
        assert found.value == 100
        assert found.details["told_apart"] == 0.5


def test_weights_of_zero_are_blind_too():
    assert certify(quiet_dan(factor=0).inference(0)).value == 100


def test_leaks_of_a_hundred_millionth_of_a_bit_are_stated():
    """The leak goes with the square of the weights."""
    found = certify(quiet_dan(factor=1e-5).inference(0)).details["bits"]
    assert 0 < found < 1e-6
    large = certify(quiet_dan(factor=1e-3).inference(0)).details["bits"]
    assert found == pytest.approx(large * 1e-4, rel=0.01)


# networks of another kind


def entropydan(raw, **changes):
    """An EntropyDAN whose levels are sigmoids of `raw` and a little of the data."""
    torch.manual_seed(0)
    module = EntropyDAN(
        setting(noise="gaussian", **changes),
        degenerator_hidden=(9,),
        discriminator_hidden=(7,),
        trueness_hidden=(5,),
        scale=1.0,
        certificate_weight=1.0,
    )
    with torch.no_grad():
        last = module.degenerator.trueness[-1]
        last.bias.fill_(raw)
    return module


def test_an_entropydan_says_no_more_than_its_level():
    """Here every row has its own: all of the name could be in the output, as far as is known."""
    found = certify(entropydan(0.0).inference(0))
    assert found.details["bits"] == pytest.approx(math.log2(len(ROWS)), abs=0.2)
    assert found.value == pytest.approx(0, abs=5)
    assert found.details["told_apart"] == 1


def test_an_entropydan_whose_levels_are_all_cut_off_says_nothing():
    found = certify(entropydan(9.0).inference(0))
    assert found.value == 100
    assert found.details["told_apart"] == 0.5
    assert math.copysign(1, found.details["bits"]) == 1  # 0, and not -0


def test_an_entropydan_with_some_levels_cut_off_leaks_the_entropy_of_the_rest():
    frozen = entropydan(0.0).inference(0)
    amplitudes = np.array([1.0] * 12 + [0.5] * 4)
    frozen._amplitudes = lambda inputs: amplitudes[: len(inputs)]
    entropy = -(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25))
    assert frozen.leak_bound(ROWS[:16]) == pytest.approx(entropy)
    assert frozen.pair_bound(ROWS[:16]) == 1


def test_an_entropydan_that_is_set_to_a_level_says_nothing():
    assert certify(entropydan(0.0).inference(0).condition(0.3)).value == 100


def dcdan(noise_dim, shape=(4, 3), cell=1, **changes):
    torch.manual_seed(0)
    return DCDAN(
        setting(noise="gaussian", shape=shape, noise_dim=noise_dim, **changes),
        degenerator_hidden=(100,),
        discriminator_hidden=(100,),
        input="data_and_noise",
        scale=0.2,
        certificate_weight=1.0,
        averaging=0.0,
        share=0.5,
        cell=cell,
        pace=1.0,
        turns=4.0,
    )


@pytest.mark.parametrize("noise_dim", [-(-WIDTH // 2), WIDTH, 3 * WIDTH + 5])
def test_a_dcdan_is_certified_however_much_noise_there_is(noise_dim):
    module = dcdan(noise_dim)
    channel = module.channel()
    found = certify(module.inference(0))
    a, b = channel.data, channel.noise
    reached = b.any(axis=1)
    assert not a[~reached].any()
    covariance = np.cov((ROWS / 256).T, ddof=0)
    ratio = np.linalg.solve((b @ b.T)[reached][:, reached], (a @ covariance @ a.T)[reached])
    bits = np.linalg.slogdet(np.eye(reached.sum()) + ratio[:, reached])[1] / math.log(2) / 2
    assert 0 < found.details["bits"] <= bits + 1e-9
    assert found.details["bits"] == pytest.approx(bits, rel=0.05)


def test_the_channel_of_a_dcdan_is_its_perturbation():
    module = dcdan(noise_dim=2 * WIDTH)
    channel = module.channel()
    noise = np.random.default_rng(0).normal(size=2 * WIDTH)
    x = torch.from_numpy((ROWS[:1] + 0.5) / 256)
    fed = module.inputs(x, torch.from_numpy(noise)[None]).float()
    first = module.degenerator[0](fed).flatten().double()
    expected = channel.images(ROWS[:1])[0] + channel.noise @ noise
    assert first.detach().numpy() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("shape", "cell"), [((4, 3), 1), ((3, 4), 2)])
def test_the_open_layers_of_a_dcdan_make_its_output(shape, cell):
    module = dcdan(2 * WIDTH, shape, cell, output="sigmoid")
    network = module.inference(0).opened()
    x, z = torch.rand(5, WIDTH).double(), torch.randn(5, 2 * WIDTH).double()
    u = x @ torch.from_numpy(network.data).T + z @ torch.from_numpy(network.noise).T
    made = network.layers(u + torch.from_numpy(network.offset)).sigmoid()
    expected = module.degenerate(x.float(), z.float())
    assert made.detach().numpy() == pytest.approx(expected.numpy(), abs=1e-5)


# the numbers


class Leaky:
    """States so many bits for so many rows, and no more."""

    noise_bits = 8.0

    def __init__(self, bits):
        self.bits = bits

    def __call__(self, data, rows):
        return data

    def leak_bound(self, inputs):
        return self.bits(len(inputs))

    def pair_bound(self, inputs):
        return 0.25


def test_the_lesser_of_naming_and_label_counts():
    found = certify(Leaky(lambda _: 1.0))
    assert found.details["naming"] == pytest.approx(75)
    assert found.value == found.details["label"] == pytest.approx(50, abs=0.5)
    assert found.details["told_apart"] == 0.625
    assert certify(Leaky(lambda _: 1.0), labels=None).value == pytest.approx(75)


def test_labels_that_are_all_equal_have_no_end_of_their_own():
    found = certify(Leaky(lambda _: 1.0), labels=np.full(len(ROWS), 3))
    assert "label" not in found.details
    assert found.value == pytest.approx(75)


def test_labels_that_do_not_occur_do_not_matter():
    assert certify(Leaky(lambda _: 1.0), labels=1000 * LABELS).value == pytest.approx(50, abs=0.5)


def test_the_worst_set_of_candidates_counts():
    class Uneven(Leaky):
        def leak_bound(self, inputs):
            return 2.0 if (inputs[0] == ROWS[K]).all() else 0.5

    found = certify(Uneven(None), labels=None)
    assert found.details["naming_bits"] == 2
    assert found.value == pytest.approx(50)


def test_sets_that_are_drawn_at_random_count_too():
    """Rows in order of their class: each set is of one kind, and a random one is of all."""
    inputs = np.repeat(np.array([[0], [255]], dtype=np.uint8), K, axis=0).repeat(WIDTH, axis=1)
    degenerator = quiet_dan().inference(0)
    assert degenerator.leak_bound(inputs[:K]) == 0
    found = certify(degenerator, inputs=inputs, labels=None)
    assert found.details["naming_bits"] == found.details["bits"] > 0
    assert found.details["named"] > 1 / K


@pytest.mark.parametrize("bits", [lambda _: math.nan, lambda n: math.nan if n == K else 1.0])
def test_a_bound_that_is_no_number_is_none(bits):
    assert certify(Leaky(bits)).value == 0


@pytest.mark.parametrize("bits", [lambda _: math.inf, lambda n: math.inf if n == K else 1.0])
def test_an_infinite_bound_is_none(bits):
    assert certify(Leaky(bits)).value == 0


def test_rounding_below_nothing_is_nothing():
    found = certify(Leaky(lambda _: -1e-17))
    assert found.value == 100
    assert found.details["bits"] == 0
    assert found.details["named"] == 1 / K


def test_of_fewer_rows_than_candidates_one_of_all_is_named():
    found = certify(Leaky(lambda _: 1.0), inputs=ROWS[:8], labels=None)
    assert found.details["candidates"] == 8
    assert found.value == pytest.approx(100 * (1 - 1 / 3))


def test_one_row_is_refused():
    with pytest.raises(ValueError, match="1 rows are too few"):
        certify(Leaky(lambda _: 0.0), inputs=ROWS[:1], labels=None)
    assert CERTIFICATE.needs_rows() == 2


def test_constant_inputs_are_gone_before_they_come():
    inputs = np.full((K, WIDTH), 9, dtype=np.uint8)
    found = certify(quiet_dan().inference(0), inputs=inputs, labels=None)
    assert found.value == 100
    assert found.details["r_squared"] == 0


def test_a_percentage_stays_within_0_and_100():
    assert [destroyed(bits, 4) for bits in (0, 1, 4, 5)] == [100, 75, 0, 0]
