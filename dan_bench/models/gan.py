"""GAN: noise goes in, data comes out (Goodfellow et al. 2014; top of the paper's Figure 5)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import PositiveInt
from torch import Tensor, nn

from dan_bench.data.batches import Batch
from dan_bench.interfaces import Objective
from dan_bench.models.module import AdversarialModule
from dan_bench.models.networks import mlp
from dan_bench.models.setting import Hyperparameters


@dataclass(eq=False, repr=False, kw_only=True)
class GAN(AdversarialModule):
    """The reference that runs the other way: real is the data, and the network never sees it.

    Args:
        degenerator_hidden: hidden layer sizes of the generator.
        discriminator_hidden: hidden layer sizes of the discriminator.
    """

    degenerator_hidden: tuple[PositiveInt, ...]
    discriminator_hidden: tuple[PositiveInt, ...]

    degenerates: ClassVar[bool] = False

    @classmethod
    def refusal(cls, objective: type[Objective], output: str) -> str | None:
        """A torus is for noise."""
        if output == "torus":
            return (
                "on a torus 0 and 255 are neighbours, which suits noise but not images: "
                "output=torus must be sigmoid"
            )
        return None

    @classmethod
    def check(cls, setting: Hyperparameters, **arguments: Any) -> None:
        """A GAN needs noise to start from."""
        if setting.noise_dim == 0:
            raise ValueError("gan makes data from noise: noise_dim=0 must be at least 1")

    def make_degenerator(self) -> nn.Module:
        """A perceptron on the latent noise; in a GAN it is called the generator."""
        return mlp([self.setting.noise_dim, *self.degenerator_hidden, self.setting.width])

    def make_discriminator(self) -> nn.Module:
        """A perceptron on the output's features."""
        return mlp([self.output.views * self.setting.width, *self.discriminator_hidden, 1])

    def first_layer(self, network: nn.Module) -> nn.Module | None:
        """The perceptron's, which the data do not reach."""
        assert isinstance(network, nn.Sequential)
        return network[0]

    def later_layers(self, network: nn.Module) -> nn.Sequential | None:
        """The perceptron's other layers."""
        assert isinstance(network, nn.Sequential)
        return network[1:]

    def inputs(self, data: Tensor, noise: Tensor) -> Tensor:
        """The noise alone."""
        return noise

    def real(self, batch: Batch) -> Tensor:
        """Return the data: what a GAN imitates."""
        return batch.data
