"""The adversarial module: its networks, its outputs, and what the degenerator is given."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from tiny_models import (
    NOISE,
    WIDTH,
    batches,
    dan,
    gan,
    setting,
)
from torch import nn

from dan_bench.data.batches import as_bytes
from dan_bench.models.dan import DAN
from dan_bench.models.gan import GAN
from dan_bench.models.networks import mlp
from dan_bench.models.outputs import OUTPUTS

# networks and outputs


@pytest.mark.parametrize("make", [dan, gan])
@pytest.mark.parametrize("output", ["sigmoid", "torus"])
def test_shapes(make, output):
    module = make(output=output)
    batch = batches(1).at(0)
    y = module(batch.data, batch.noise)
    assert y.shape == (8, WIDTH)
    assert module.critic(y).shape == (8,)
    assert module.output.features(y).shape == (8, module.output.views * WIDTH)
    assert module.degenerate(batch.data, batch.noise).shape == (8, WIDTH)
    assert torch.equal(module.degenerate(batch.data, batch.noise), y)


def test_an_mlp_has_the_parameters_of_its_sizes_and_a_linear_end():
    network = mlp([4, 7, 5, 3])
    assert sum(p.numel() for p in network.parameters()) == 4 * 7 + 7 + 7 * 5 + 5 + 5 * 3 + 3
    kinds = [type(layer) for layer in network]
    assert kinds == [nn.Linear, nn.LeakyReLU, nn.Linear, nn.LeakyReLU, nn.Linear]


def test_a_dan_has_the_parameters_of_its_sizes():
    module = dan(hidden=(9, 4))
    count = (WIDTH + NOISE) * 9 + 9 + 9 * 4 + 4 + 4 * WIDTH + WIDTH
    assert sum(p.numel() for p in module.degenerator.parameters()) == count
    count = 2 * WIDTH * 7 + 7 + 7 + 1
    assert sum(p.numel() for p in module.discriminator.parameters()) == count


def test_the_gan_takes_the_data_for_real_and_the_dan_the_noise():
    batch = batches(1).at(0)
    assert gan().real(batch) is batch.data
    assert dan().real(batch) is batch.target


@pytest.mark.parametrize("output", ["sigmoid", "torus"])
def test_outputs_lie_from_0_to_below_1(output):
    raw = torch.linspace(-12, 12, 100001)
    y = OUTPUTS[output].activation(raw)
    assert y.min() >= 0
    assert y.max() < 1


@pytest.mark.parametrize("output", ["sigmoid", "torus"])
def test_at_the_end_of_float32_an_output_is_still_a_byte(output):
    """1 - 1e-9 is 1 in float32; its byte is 255, and not the 0 on the other side."""
    raw = torch.tensor([-1e-9] if output == "torus" else [25.0])
    y = OUTPUTS[output].activation(raw)
    assert 0 <= y.item() <= 1
    assert as_bytes(y).tolist() == [255]


def test_torus_wraps_modulo_1():
    raw = torch.tensor([0.0, 0.25, 1.0, 1.25, -0.25, -3.75, 17.5])
    y = OUTPUTS["torus"].activation(raw)
    assert y.tolist() == [0.0, 0.25, 0.0, 0.25, 0.75, 0.25, 0.5]


def test_the_gradient_passes_the_torus_as_through_the_identity():
    raw = torch.linspace(-3, 3, 61, requires_grad=True)
    (slope,) = torch.autograd.grad(OUTPUTS["torus"].activation(raw).sum(), raw)
    assert torch.equal(slope, torch.ones(61))


def test_torus_features_are_continuous_across_the_wrap():
    features = OUTPUTS["torus"].features
    for delta in (1e-2, 1e-4, 1e-6):
        below = features(torch.tensor([[1 - delta]], dtype=torch.float64))
        above = features(torch.tensor([[delta]], dtype=torch.float64))
        # the chord is shorter than the arc
        assert (below - above).norm().item() <= 2 * math.pi * 2 * delta + 1e-12
    ends = features(torch.tensor([[0.0], [1.0]], dtype=torch.float64))
    assert torch.allclose(ends[0], ends[1], rtol=0, atol=1e-12)


def test_torus_features_are_the_circle_all_sines_first():
    y = torch.tensor([[0.0, 0.25, 0.5]], dtype=torch.float64)
    expected = torch.tensor([[0.0, 1, 0, 1, 0, -1]], dtype=torch.float64)
    assert torch.allclose(OUTPUTS["torus"].features(y), expected, atol=1e-12)


def test_a_critic_on_the_torus_does_not_see_the_wrap():
    module = dan().double()
    y = torch.rand(5, WIDTH, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    left, right = y.clone(), y.clone()
    left[:, 3], right[:, 3] = 1 - 1e-9, 1e-9
    assert torch.allclose(module.critic(left), module.critic(right), atol=1e-7)
    linear = dan(output="sigmoid").double()
    assert (linear.critic(left) - linear.critic(right)).abs().min() > 1e-3


@pytest.mark.parametrize("value", range(0, 256, 15))
def test_quantise_is_floor_of_256_y(value):
    ends = torch.tensor([value / 256, (value + 0.5) / 256, (value + 0.999) / 256])
    assert as_bytes(ends).tolist() == [value] * 3


def test_quantise_gives_255_for_1_and_keeps_what_it_was_given():
    y = torch.tensor([[0.0, 1.0], [0.5, 255 / 256]])
    kept = y.clone()
    assert as_bytes(y).tolist() == [[0, 255], [128, 255]]
    assert as_bytes(y).dtype == np.uint8
    assert torch.equal(y, kept)


def test_scale_multiplies_the_first_pre_activations():
    data, noise = batches(1).at(0)[0], batches(1).at(0)[2]
    one, three = dan(), dan(scale=3.0)
    raw = one.degenerator(one.inputs(data, noise))
    assert torch.allclose(
        three.degenerator(three.inputs(data, noise)), 3 * raw, rtol=1e-5, atol=1e-6
    )


# what the degenerator is told


@pytest.mark.parametrize("make", [partial(dan, input="noise"), gan])
def test_a_blind_degenerator_does_not_see_the_data(make):
    module = make()
    noise = batches(1).at(0).noise
    data = torch.rand(8, WIDTH, requires_grad=True)
    y = module(data, noise)
    assert torch.equal(y, module(1 - data, noise))
    (slope,) = torch.autograd.grad(y.sum(), data, allow_unused=True, materialize_grads=True)
    assert torch.equal(slope, torch.zeros(8, WIDTH))
    assert not torch.equal(y, module(data, -noise))


def test_a_seeing_degenerator_sees_data_and_noise():
    module = dan()
    batch = batches(1).at(0)
    y = module(batch.data, batch.noise)
    assert not torch.equal(y, module(1 - batch.data, batch.noise))
    assert not torch.equal(y, module(batch.data, -batch.noise))


def test_the_data_is_fed_centred():
    batch = batches(1).at(0)
    centred = dan(data_mean=0.25)(batch.data, batch.noise)
    moved = dan(data_mean=0.0)(batch.data - 0.25, batch.noise)
    assert torch.equal(centred, moved)


def test_without_noise_the_blind_are_refused():
    with pytest.raises(ValueError, match="noise_dim=0"):
        DAN.check(setting(noise_dim=0), input="noise")
    DAN.check(setting(noise_dim=0), input="data_and_noise")
    with pytest.raises(ValueError, match="noise_dim=0"):
        GAN.check(setting(noise_dim=0, output="sigmoid"))
    GAN.check(setting(output="sigmoid"))
