"""GAN: noise goes in, data comes out (Goodfellow et al. 2014; top of the paper's Figure 5)."""

from typing import Any

from pydantic import PositiveInt
from torch import Tensor, nn

from dan_bench.data.batches import Batch
from dan_bench.models.module import AdversarialModule, Hyperparameters
from dan_bench.models.networks import mlp


class GAN(AdversarialModule):
    """The reference that runs the other way: real is the data, and the network never sees it."""

    degenerates = False

    def __init__(
        self,
        setting: Hyperparameters,
        *,
        degenerator_hidden: tuple[PositiveInt, ...],
        discriminator_hidden: tuple[PositiveInt, ...],
    ) -> None:
        self.degenerator_hidden = degenerator_hidden
        self.discriminator_hidden = discriminator_hidden
        super().__init__(setting)

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

    def feed(self, data: Tensor, noise: Tensor) -> Tensor:
        """The noise alone."""
        return noise

    def real(self, batch: Batch) -> Tensor:
        """The data."""
        return batch.data
