"""EntropyDAN: the data is mapped to one number, how true the noise is to be, and no more of it.

Noise of trueness t in [0, 1] is uniform on [0, 2^(8t - 8)): as bytes it has 8t bits each, from a
constant at 0 to true noise at 1. The data's own trueness is learned, and the degenerator makes
noise of it; whoever holds the degenerator can turn the dial instead.
"""

import math
from typing import Any

import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import softplus

from dan_bench.data.batches import Batch
from dan_bench.models.dan import DAN
from dan_bench.models.module import Hyperparameters
from dan_bench.models.networks import mlp
from dan_bench.models.outputs import DiscriminatorCritic, Output

BITS = 8
CLOSELY = 8.0
"""The size is shown in eighths of an octave. In octaves the discriminator sees it too late, and
the degenerator is led astray by what it sees before: on DANOISE the dial stayed short of noise."""
KNOTS = 8
GOLDEN = (math.sqrt(5) - 1) / 2
REACH = 1.1
"""The data's trueness is a sigmoid times this, then cut off at 1: what only approaches 1 never
gets there."""


class ConditionScale(nn.Module):
    """Trueness t to amplitude a, both in [0, 1]: a line of 8 pieces that never falls.

    a(t) = a(0) + the integral of its slopes up to t, cut off at 0 and at 1. It starts nearly flat.
    """

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.tensor(0.4))
        self.slopes = nn.Parameter(torch.full((KNOTS,), -0.4))

    def forward(self, trueness: Tensor) -> Tensor:
        """Turn: B to B."""
        passed = (KNOTS * trueness[:, None] - torch.arange(KNOTS).to(trueness)).clamp(0, 1)
        return (self.start + passed @ softplus(4 * self.slopes) / KNOTS).clamp(0, 1)


class ConditionalDegenerator(nn.Module):
    """Three networks: of the data to its trueness, of that to an amplitude, of fresh noise."""

    def __init__(self, trueness: nn.Module, noise: nn.Module, output: Output) -> None:
        super().__init__()
        self.trueness = trueness
        self.dial = ConditionScale()
        self.noise = noise
        self.output = output

    def own(self, centred: Tensor) -> Tensor:
        """Trueness of the noise that the centred data are to become, in [0, 1]: B."""
        raw: Tensor = self.trueness(centred).squeeze(1)
        return (REACH * raw.sigmoid()).clamp(max=1)

    def forward(self, trueness: Tensor, noise: Tensor) -> Tensor:
        """Noise as true as told: truenesses B and fresh noise to numbers in (0, 1), B x d."""
        amplitude: Tensor = self.dial(trueness)[:, None]
        return self.output.squash(self.noise(noise)) * (BITS * (amplitude - 1)).exp2()


class ConditionalOutput(Output):
    """An output that was stretched by what it was asked for, and how true that is: B x (d + 1).

    Noise of trueness t fills [0, 1) once it is multiplied by 2^(8 - 8t), whatever t. What lies
    beyond is seen at the end, and in the last feature: how far the size of the numbers is from
    right, in eighths of an octave of their mean.
    """

    def __init__(self, output: Output) -> None:
        self.output = output

    def squash(self, raw: Tensor) -> Tensor:
        """Of the numbers, before they are stretched."""
        return self.output.squash(raw)

    def features(self, y: Tensor) -> Tensor:
        """Those of the stretched numbers, the trueness, and the size: B x (views d + 2)."""
        stretched, trueness = y[:, :-1], y[:, -1:]
        octaves = (2 * stretched.mean(dim=1, keepdim=True)).clamp_min(2.0**-BITS).log2()
        size = CLOSELY * octaves.abs()
        return torch.cat([self.output.features(stretched.clamp(max=1)), trueness, size], dim=1)

    def displacement(self, start: Tensor, end: Tensor) -> Tensor:
        """Shortest way between stretched numbers, and between truenesses."""
        numbers = self.output.displacement(start[..., :-1], end[..., :-1])
        return torch.cat([numbers, end[..., -1:] - start[..., -1:]], dim=-1)


class EntropyDAN(DAN):
    """A degenerator with a dial.

    Half of a batch is degenerated at the data's own trueness, and the discriminator asks it for
    true noise: t = 1. The other half is dialled to truenesses spread over [0, 1], and asked for
    those. All that an output can tell of the data is how true it was taken to be.

    Args:
        setting: the run.
        degenerator_hidden: hidden layer sizes of the network that makes the noise.
        discriminator_hidden: hidden layer sizes of the discriminator.
        trueness_hidden: hidden layer sizes of the network that maps the data to its trueness.
        scale: multiplies the pre-activations, as in DAN.
    """

    def __init__(
        self,
        setting: Hyperparameters,
        *,
        degenerator_hidden: tuple[PositiveInt, ...],
        discriminator_hidden: tuple[PositiveInt, ...],
        trueness_hidden: tuple[PositiveInt, ...],
        scale: PositiveFloat,
    ) -> None:
        self.trueness_hidden = trueness_hidden
        super().__init__(
            setting,
            degenerator_hidden=degenerator_hidden,
            discriminator_hidden=discriminator_hidden,
            input="noise",
            scale=scale,
        )
        self.critic = DiscriminatorCritic(ConditionalOutput(self.output), self.discriminator)

    @classmethod
    def check(cls, setting: Hyperparameters, **arguments: Any) -> None:
        """Its noise is made of noise alone."""
        super().check(setting, input="noise")

    def make_degenerator(self) -> nn.Module:
        """Perceptrons on the data and on the noise; no wire from the one to the other but t."""
        noise = super().make_degenerator()
        trueness = mlp([self.setting.width, *self.trueness_hidden, 1])
        return ConditionalDegenerator(trueness, noise, self.output)

    def make_discriminator(self) -> nn.Module:
        """A perceptron on the stretched output's features, the trueness and the size."""
        features = self.output.views * self.setting.width + 2
        return mlp([features, *self.discriminator_hidden, 1])

    def own(self, network: nn.Module, data: Tensor) -> Tensor:
        """Trueness of the noise that the data are to become, in [0, 1]: B."""
        assert isinstance(network, ConditionalDegenerator)
        return network.own(data - self.setting.data_mean)

    def emit(self, network: nn.Module, data: Tensor, noise: Tensor) -> Tensor:
        """Noise as true as the data ask for."""
        y: Tensor = network(self.own(network, data), noise)
        return y

    @torch.no_grad()
    def at_trueness(self, trueness: float, data: Tensor, noise: Tensor) -> Tensor:
        """Degenerate with the dial at `trueness`, whatever the data ask for."""
        asked = torch.full((len(data),), trueness).to(noise)
        y: Tensor = self.averaged()(asked, noise)
        return y

    def asked(self, batch: Batch) -> Tensor:
        """What the discriminator asks of each row: 1 of the first half, then all of [0, 1]."""
        half = (len(batch.data) + 1) // 2
        spread = torch.arange(len(batch.data) - half) / max(len(batch.data) - half, 1)
        # a different spread on every step (Weyl's sequence), and no random stream to keep
        spread = (spread + self.step * GOLDEN) % 1
        return torch.cat([torch.ones(half), spread]).to(batch.data)

    def real(self, batch: Batch) -> Tensor:
        """True noise, whatever is asked for: what it is once it has been stretched."""
        return torch.cat([batch.target, self.asked(batch)[:, None]], dim=1)

    def fake(self, batch: Batch) -> Tensor:
        """Half at the data's own trueness, half as asked; stretched by what was asked."""
        asked = self.asked(batch)
        half = (len(asked) + 1) // 2
        own = self.own(self.degenerator, batch.data[:half])
        y = self.degenerator(torch.cat([own, asked[half:]]), batch.noise)
        return torch.cat([y * (BITS * (1 - asked[:, None])).exp2(), asked[:, None]], dim=1)

    def samples_in(self, fake: Tensor) -> Tensor:
        """Those at the data's own trueness, which are not stretched."""
        return fake[: (len(fake) + 1) // 2, :-1]
