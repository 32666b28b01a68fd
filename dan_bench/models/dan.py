"""DAN: data goes in, noise comes out. Both networks are multilayer perceptrons (Figure 5)."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn

from dan_bench.models.module import AdversarialModule
from dan_bench.models.networks import mlp
from dan_bench.models.setting import Hyperparameters


@dataclass(eq=False, repr=False, kw_only=True)
class DAN(AdversarialModule):
    """The degenerative adversarial network.

    Args:
        degenerator_hidden: hidden layer sizes of the degenerator.
        discriminator_hidden: hidden layer sizes of the discriminator.
        input: `data_and_noise`, data and fresh noise side by side; or `noise`, blind to the data
            (section 3.1 of the paper).
        scale: multiplies the pre-activations; it sets how far from noise an untrained torus starts.
    """

    degenerator_hidden: tuple[PositiveInt, ...]
    discriminator_hidden: tuple[PositiveInt, ...]
    input: Literal["data_and_noise", "noise"]
    scale: PositiveFloat

    @property
    def blind(self) -> bool:
        """Whether the degenerator is given no data."""
        return self.input == "noise"

    @property
    def hidden(self) -> tuple[int, ...]:
        """The degenerator's hidden layers."""
        return self.degenerator_hidden

    @classmethod
    def check(cls, setting: Hyperparameters, **arguments: Any) -> None:
        """A network that is given neither data nor noise has nothing to work with."""
        if arguments["input"] == "noise" and setting.noise_dim == 0:
            raise ValueError("input=noise needs noise: noise_dim=0 must be at least 1")

    def make_degenerator(self) -> nn.Module:
        """A perceptron on data and noise, or on noise alone."""
        width = self.setting.width
        inputs = self.setting.noise_dim + (0 if self.blind else width)
        network = mlp([inputs, *self.hidden, width])
        last = network[-1]
        assert isinstance(last, nn.Linear)
        with torch.no_grad():
            last.weight.mul_(self.scale)
            last.bias.mul_(self.scale)
        return network

    def make_discriminator(self) -> nn.Module:
        """A perceptron on the output's features."""
        features = self.output.views * self.setting.width
        return mlp([features, *self.discriminator_hidden, 1])

    def first_layer(self, network: nn.Module) -> nn.Module | None:
        """The network's first, whatever it is made of."""
        assert isinstance(network, nn.Sequential)
        return network[0]

    def later_layers(self, network: nn.Module) -> nn.Sequential | None:
        """The network's others."""
        assert isinstance(network, nn.Sequential)
        return network[1:]

    def inputs(self, data: Tensor, noise: Tensor) -> Tensor:
        """The noise, beside the centred data unless the network is blind to it."""
        return noise if self.blind else torch.cat([data - self.mean, noise], dim=1)
