"""A certificate rests on a first layer that is linear, and the only way in for the data."""

import math

import numpy as np
import pytest
import torch
from tiny_models import WIDTH, setting

from dan_bench.models.dan import DAN
from dan_bench.models.entrance import measured

ROWS = np.random.default_rng(5).integers(0, 256, (30, WIDTH), dtype=np.uint8)


def test_a_linear_layer_is_measured_as_its_weights_say():
    torch.manual_seed(0)
    layer = torch.nn.Linear(5, 4)
    channel = measured(layer, lambda x, z: torch.cat([x - 0.5, z], dim=1), 3, 2)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    assert channel.data == pytest.approx(weight[:, :3])
    assert channel.noise == pytest.approx(weight[:, 3:])
    assert channel.offset == pytest.approx(bias - weight[:, :3].sum(axis=1) / 2, abs=1e-6)


@pytest.mark.parametrize("bent", [torch.sin, torch.square, torch.relu])
def test_a_layer_that_is_not_linear_is_none(bent):
    inputs = lambda x, z: torch.cat([bent(x - 0.5), z], dim=1)  # noqa: E731
    assert measured(torch.nn.Linear(5, 4), inputs, 3, 2) is None


class Residual(DAN):
    def generate(self, network, data, noise):
        return self.output.activation(network(self.inputs(data, noise)) + data)


class Bent(DAN):
    def inputs(self, data, noise):
        return super().inputs(data.square(), noise)


class Bypassed(DAN):
    def degenerate(self, data, noise):
        return data


class Headless(DAN):
    def later_layers(self, network):
        return None


@pytest.mark.parametrize("cls", [Residual, Bent, Bypassed, Headless])
@pytest.mark.parametrize("output", ["sigmoid", "torus"])
def test_data_that_enter_otherwise_too_are_not_certified(cls, output):
    """A model of another package inherits `first_layer`, and gives the data another way in."""

    def made(cls):
        torch.manual_seed(0)
        module = cls(
            setting(noise="gaussian", output=output),
            degenerator_hidden=(4,),
            discriminator_hidden=(7,),
            input="data_and_noise",
            scale=1.0,
        )
        return module.inference(0)

    assert 0 < made(DAN).leak_bound(ROWS) < math.inf
    assert made(cls).leak_bound(ROWS) == math.inf
    assert made(cls).pair_bound(ROWS) == 1
    assert made(cls).opened() is None
