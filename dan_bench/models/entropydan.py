"""EntropyDAN: the data is mapped to one number, the conditioning level, and no more of it.

Noise of level t in [0, 1] (its trueness) is uniform on [0, 2^(8t - 8)): as bytes it has 8t bits
each, from a constant at 0 to true noise at 1. The data's own level is learned, and the degenerator
makes noise of it; whoever holds the degenerator can set another one.
"""

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import softplus

from dan_bench.data.batches import Batch, as_unit
from dan_bench.data.noise import fast_bytes
from dan_bench.interfaces import Bytes
from dan_bench.models.dan import DAN
from dan_bench.models.frozen import Draw, FrozenDegenerator
from dan_bench.models.networks import mlp
from dan_bench.models.outputs import DiscriminatorCritic, Output
from dan_bench.models.setting import Hyperparameters

BITS = 8
CLOSELY = 8.0
"""The size is shown in eighths of an octave. In octaves the discriminator sees it too late, and
the degenerator is led astray by what it sees before: on DANOISE level 1 stayed short of noise."""
KNOTS = 8
TINY = 1e-12
GOLDEN = (math.sqrt(5) - 1) / 2
STEEP = 8.0
"""What a weight of the dial counts: at Adam's rate it is set within a few hundred steps."""
REACH = 1.1
"""The data's level is a sigmoid times this, then cut off at 1: what only approaches 1 never gets
there."""
REACHED = -math.log(REACH - 1)
"""Where it is cut off: the least number whose sigmoid, times `REACH`, is 1."""


class ConditionScale(nn.Module):
    """Level t to amplitude a, both in [0, 1]: piecewise linear in 8 pieces, never falling.

    a(t) = 1 - the integral of its slopes from t to 1, cut off at 0. It starts nearly flat, and ends
    at 1. An end that is learned stops near 1, on either side: the discriminator hardly sees that
    the largest bytes are rare, and there is no gradient beyond 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.slopes = nn.Parameter(torch.full((KNOTS,), -0.2))

    def forward(self, level: Tensor) -> Tensor:
        """Levels B to amplitudes B."""
        ahead = (
            torch.arange(1, KNOTS + 1, device=level.device).to(level) - KNOTS * level[:, None]
        ).clamp(0, 1)
        return (1 - ahead @ softplus(STEEP * self.slopes) / KNOTS).clamp_min(0)


class ConditionalDegenerator(nn.Module):
    """Three networks: from the data to its level, from that to an amplitude, and of fresh noise.

    Saved weights know them as `trueness`, `dial` and `noise`.
    """

    def __init__(self, level: nn.Module, noise: nn.Module, output: Output) -> None:
        super().__init__()
        self.trueness = level
        self.dial = ConditionScale()
        self.noise = noise
        self.output = output

    def before_cut(self, centred: Tensor) -> Tensor:
        """What the level of the centred data is made of, B; from `REACHED` on it is 1."""
        raw: Tensor = self.trueness(centred).squeeze(1)
        return raw

    def own(self, centred: Tensor) -> Tensor:
        """Level of the noise that the centred data are to become, in [0, 1]: B."""
        return (REACH * self.before_cut(centred).sigmoid()).clamp(max=1)

    def forward(self, level: Tensor, noise: Tensor) -> Tensor:
        """Levels B and fresh noise to numbers in (0, 1), B x d."""
        amplitude: Tensor = self.dial(level)[:, None]
        return self.output.activation(self.noise(noise)) * (BITS * (amplitude - 1)).exp2()


class ConditionalOutput(Output):
    """An output stretched according to its level, with the level as last column: B x (d + 1).

    Noise of level t fills [0, 1) once it is multiplied by 2^(8 - 8t), whatever t. Numbers beyond 1
    are cut off, but show in the last feature: how far the mean is from that of true noise, in
    eighths of an octave.
    """

    def __init__(self, output: Output) -> None:
        self.output = output

    def activation(self, raw: Tensor) -> Tensor:
        """That of the numbers, before they are stretched."""
        return self.output.activation(raw)

    def features(self, y: Tensor) -> Tensor:
        """Those of the stretched numbers, the level, and the size: B x (views d + 2)."""
        stretched, level = y[:, :-1], y[:, -1:]
        octaves = (2 * stretched.mean(dim=1, keepdim=True)).clamp_min(2.0**-BITS).log2()
        size = CLOSELY * octaves.abs()
        return torch.cat([self.output.features(stretched.clamp(max=1)), level, size], dim=1)

    def displacement(self, start: Tensor, end: Tensor) -> Tensor:
        """Shortest way between stretched numbers, and between levels."""
        numbers = self.output.displacement(start[..., :-1], end[..., :-1])
        return torch.cat([numbers, end[..., -1:] - start[..., -1:]], dim=-1)


@dataclass(eq=False, repr=False, kw_only=True)
class EntropyDAN(DAN):
    """A conditional degenerator, whose level is how true the noise is to be.

    Half of a batch is degenerated at the data's own level, and the discriminator asks it for true
    noise: t = 1. The other half has levels spread over [0, 1], and is asked for those. All that an
    output can reveal of the data is its level, which is certified; the loss also has
    `certificate_weight` times a bound on the share of the data whose level is not 1. Without it
    those few in a thousand that fall short are too seldom in a batch to be missed.

    Args:
        trueness_hidden: hidden layer sizes of the network that maps the data to its level.
        certificate_weight: of that share in the degenerator's loss.
    """

    input: Literal["noise"] = field(default="noise", init=False)
    trueness_hidden: tuple[PositiveInt, ...]
    certificate_weight: NonNegativeFloat

    def __post_init__(self) -> None:
        super().__post_init__()
        self.critic = DiscriminatorCritic(ConditionalOutput(self.output), self.discriminator)

    @classmethod
    def check(cls, setting: Hyperparameters, **arguments: Any) -> None:
        """Its noise is made of noise alone."""
        super().check(setting, input="noise")

    def make_degenerator(self) -> nn.Module:
        """Perceptrons on the data and on the noise, connected by the level alone."""
        noise = super().make_degenerator()
        level = mlp([self.setting.width, *self.trueness_hidden, 1])
        return ConditionalDegenerator(level, noise, self.output)

    def make_discriminator(self) -> nn.Module:
        """A perceptron on the stretched output's features, the level and the size."""
        features = self.output.views * self.setting.width + 2
        return mlp([features, *self.discriminator_hidden, 1])

    def first_layer(self, network: nn.Module) -> nn.Module | None:
        """None: the data enter through their level alone."""
        return None

    def own(self, network: nn.Module, data: Tensor) -> Tensor:
        """Level of the noise that the data are to become, in [0, 1]: B."""
        assert isinstance(network, ConditionalDegenerator)
        return network.own(data - self.mean)

    def generate(self, network: nn.Module, data: Tensor, noise: Tensor) -> Tensor:
        """Noise of the data's own level."""
        y: Tensor = network(self.own(network, data), noise)
        return y

    @torch.no_grad()
    def conditioned(self, level: float, data: Tensor, noise: Tensor) -> Tensor:
        """Degenerate at that level, whatever the data's own."""
        noise = noise.to(self.device)
        y: Tensor = self.averaged()(torch.full((len(data),), level).to(noise), noise)
        return y

    def inference(self, seed: int, draw: Draw = fast_bytes) -> "FrozenEntropyDAN":
        """Return it frozen, at the data's own levels; others can be set."""
        return FrozenEntropyDAN(self.eval(), seed, draw)

    def asked(self, batch: Batch) -> Tensor:
        """Return the level that each row is asked for: 1, and in the second half all of [0, 1]."""
        half, on = (len(batch.data) + 1) // 2, batch.data.device
        spread = torch.arange(len(batch.data) - half, device=on) / max(len(batch.data) - half, 1)
        # a different spread on every step (Weyl's sequence), and no random stream to keep
        spread = (spread + self.step * GOLDEN) % 1
        return torch.cat([torch.ones(half, device=on), spread]).to(batch.data)

    def real(self, batch: Batch) -> Tensor:
        """True noise at every level: noise of any level is, once it has been stretched."""
        return torch.cat([batch.target, self.asked(batch)[:, None]], dim=1)

    def fake(self, batch: Batch) -> Tensor:
        """Half at the data's own level, half as asked; stretched by what was asked."""
        asked = self.asked(batch)
        half = (len(asked) + 1) // 2
        own = self.own(self.degenerator, batch.data[:half])
        y = self.degenerator(torch.cat([own, asked[half:]]), batch.noise)
        return torch.cat([y * (BITS * (1 - asked[:, None])).exp2(), asked[:, None]], dim=1)

    def penalty(self, batch: Batch, fake: Tensor) -> Tensor:
        """The share of the data whose levels may tell them apart, by its weight."""
        network = self.degenerator
        assert isinstance(network, ConditionalDegenerator)
        if not self.certificate_weight:
            return fake.new_zeros(())
        raw = network.before_cut(batch.data - self.mean)
        return self.certificate_weight * share_below(REACHED, raw)

    def samples_in(self, fake: Tensor) -> Tensor:
        """Those at the data's own level, which are not stretched."""
        return fake[: (len(fake) + 1) // 2, :-1]


def share_below(least: float, numbers: Tensor) -> Tensor:
    """Return an upper bound on the share of numbers below `least`, by their mean and variance.

    Cantelli's inequality: at most v / (v + (mean - least)^2) where the mean is above, else 1. A
    batch without any that fall short has a gradient, too, as the law of all data has a tail.
    """
    variance = numbers.var(correction=0)
    above = (numbers.mean() - least).clamp_min(0)
    return (variance + TINY) / (variance + above.square() + TINY)


class FrozenEntropyDAN(FrozenDegenerator):
    """An EntropyDAN as a degenerator of bytes, at the data's own levels or at one that is set."""

    def __init__(
        self, module: EntropyDAN, seed: int, draw: Draw, level: float | None = None
    ) -> None:
        degenerate = module.degenerate if level is None else partial(module.conditioned, level)
        super().__init__(degenerate, module.setting, seed, draw)
        self._arguments = module, seed, draw
        self._level = level

    def condition(self, level: float) -> "FrozenEntropyDAN":
        """Return it at that level, from 0 (a constant) to 1 (true noise).

        Raises:
            ValueError: the level is not in [0, 1].
        """
        if not 0 <= level <= 1:
            raise ValueError(f"level={level} must be 0 (a constant) to 1 (true noise)")
        return FrozenEntropyDAN(*self._arguments, level)

    def leak_bound(self, inputs: Bytes) -> float:
        """Return the entropy in bits of the inputs' levels, of which alone the noise is made.

        Levels of one amplitude are one; a level that is set says nothing of the data.
        """
        shares = np.unique(self._amplitudes(inputs), return_counts=True)[1] / len(inputs)
        return float(-(shares * np.log2(shares)).sum())

    def pair_bound(self, inputs: Bytes) -> float:
        """Return 0 where all inputs have one amplitude, and 1 where nothing is guaranteed."""
        amplitudes = self._amplitudes(inputs)
        return float(amplitudes.min() < amplitudes.max())

    def octaves(self, inputs: Bytes) -> NDArray[np.float64]:
        """Return the binary logarithm of what each input's noise is multiplied by, n."""
        return BITS * (self._amplitudes(inputs) - 1)

    @torch.no_grad()
    def _amplitudes(self, inputs: Bytes) -> NDArray[np.float64]:
        """The amplitude of each input's noise."""
        if self._level is not None:
            return np.zeros(len(inputs))
        module, _, _ = self._arguments
        network = module.averaged()
        assert isinstance(network, ConditionalDegenerator)
        level = module.own(network, as_unit(inputs).to(module.device))
        amplitudes: NDArray[np.float64] = network.dial(level).double().cpu().numpy()
        return amplitudes
