"""DCDAN: twice the convolution layers of DAN, at no more than half of its parameters.

DAN has none, and twice none is none; so twice the four of DCGAN (Radford et al. 2016): eight in
each network. As there, resolution changes by strides alone and nothing is pooled. Unlike there,
nothing is normalised over the batch: batch statistics would tell each sample about the others,
and a sample that depends on its neighbours is neither noise nor gone.

The first layer perturbs: it convolves the data, and what comes out is added to the noise. Seven
more make noise of that. They begin as an orthogonal map: of noise that eight random layers have
squeezed through few channels too little is left, and training seldom finds it again. Where they
look beyond an edge they see the opposite one, so that all places have one law. Beside zeros there
is less noise, and a discriminator of few parameters does not see that the edges are short of it.

Once pre-activations go round the torus, no discriminator sees how often, and the gradient that it
sends back is noise, of which Adam makes steps as long as any. The gain of eight layers then
wanders, and the gradient grows with it: at the learning rate of the other models pre-activations
went from 5 to 400,000 turns in 150 steps, in one run out of five. Single precision has no byte left
behind such integers, and the first layer, which the certificate's gradient holds at 0, was carried
off. So the degenerator learns slowly, and on the torus its pre-activations are bounded, by what is
seldom reached: under a close bound, what grows takes the place of what is independent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, prod
from typing import Annotated, Any

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.optim import Optimizer

from dan_bench.data.batches import Batch
from dan_bench.data.grids import Fold, Unfold
from dan_bench.models.certified import CertifiedDAN, gaussian_leak
from dan_bench.models.networks import (
    SLOPE,
    Bounded,
    convolution_parameters,
    convolutions,
    look_linear,
    parameters_of,
    widest,
)
from dan_bench.models.outputs import Torus
from dan_bench.models.setting import Hyperparameters

LAYERS = 8
FAINTLY = 0.1
"""How loud the data are to begin with: what is learned is not to hear them, and Adam remembers the
slopes of a thousand steps, so that from louder it takes thousands."""


class Perturbation(nn.Module):
    """Noise as pictures, the first plus a convolution of the data; both come in side by side.

    Where there is no noise, be it too little for a picture or beyond the edge, no data are let in
    either: so all data that come out are behind noise of variance 1.
    """

    def __init__(self, fold: Fold, width: int, noise_dim: int) -> None:
        super().__init__()
        self.fold, self.sizes = fold, [width, noise_dim]
        channels = fold.channels(width)
        self.layer = convolutions([channels, channels], [1])
        layer = self.layer[0]
        assert isinstance(layer, nn.Conv2d)
        with torch.no_grad():
            layer.weight.mul_(FAINTLY)
        first = torch.arange(width) < noise_dim
        self.noisy: Tensor
        self.register_buffer("noisy", fold(first[None].float()), persistent=False)

    def image(self, data: Tensor) -> Tensor:
        """Return what is added to the first picture of noise: B x d as a grid."""
        image: Tensor = self.noisy * self.layer(self.fold(data))
        return image

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the sum, and further pictures of noise, as a grid: B x (d + noise_dim) to it."""
        data, noise = inputs.split(self.sizes, dim=1)
        image = self.image(data)
        if noise.shape[1] == 0:
            return image
        pictures: Tensor = self.fold(noise)
        return torch.cat([pictures[:, : image.shape[1]] + image, pictures[:, image.shape[1] :]], 1)


@dataclass(eq=False, repr=False, kw_only=True)
class DCDAN(CertifiedDAN):
    """DAN with convolutions. Its inputs are DAN's: data and noise, each as a picture of its own.

    One picture of noise where noise_dim = d, so a value a pixel; filled up with zeros where it is
    less, further pictures where it is more. The hidden sizes are those of the DAN whose parameters
    are counted.

    Args:
        share: of DAN's parameters that each network may have. The width is the largest that fits.
        cell: side of the square of pixels that is one place of the grid convolved over.
        pace: factor of the degenerator's learning rate.
        turns: largest root mean square of a sample's pre-activations on the torus, in turns.
    """

    share: Annotated[float, Field(gt=0, le=0.5)]
    cell: PositiveInt
    pace: Annotated[float, Field(gt=0, le=1)]
    turns: PositiveFloat

    @classmethod
    def check(cls, setting: Hyperparameters, **arguments: Any) -> None:
        """Convolutions need a picture, and a share that holds networks of width 1."""
        super().check(setting, **arguments)
        if len(setting.shape) not in (2, 3):
            raise ValueError(
                f"dcdan convolves pictures: data.shape={list(setting.shape)} must be "
                "rows, columns[, colours]"
            )
        with torch.device("meta"):
            cls(setting, **arguments)

    @property
    def hidden(self) -> tuple[int, ...]:
        """The hidden layers of the DAN that it is at most half of."""
        return self.degenerator_hidden

    def make_degenerator(self) -> nn.Module:
        """Eight convolutions on one grid: noise that is squeezed through fewer places is lost."""
        shape, d = self.setting.shape, self.setting.width
        fold = Fold(shape, self.cell)
        own, noise = fold.channels(d), fold.channels(max(1, self.setting.noise_dim))
        layers = LAYERS if self.blind else LAYERS - 1
        first = 0 if self.blind else convolution_parameters([own, own])

        def channels(width: int) -> list[int]:
            return [noise, *[width] * (layers - 1), own]

        width = self.widest(
            super().make_degenerator, lambda width: first + convolution_parameters(channels(width))
        )
        network = convolutions(channels(width), [1] * layers, beyond="circular")
        look_linear(network, self.scale)
        perturbed = fold if self.blind else Perturbation(fold, d, self.setting.noise_dim)
        ends: list[nn.Module] = [Unfold(shape, self.cell)]
        if isinstance(self.output, Torus):
            ends.append(Bounded(self.turns))
        return nn.Sequential(perturbed, network, *ends)

    def make_discriminator(self) -> nn.Module:
        """Eight convolutions, every other one of stride 2, the last one over all that is left."""
        fold = Fold(self.setting.shape, self.cell)
        inputs = fold.channels(self.output.views * self.setting.width)
        strides = [1 + i % 2 for i in range(LAYERS - 1)]
        rows, columns = (ceil(n / (self.cell * prod(strides))) for n in self.setting.shape[:2])

        def channels(width: int) -> list[int]:
            return [inputs, *[width] * (LAYERS - 1)]

        width = self.widest(
            super().make_discriminator,
            lambda width: convolution_parameters(channels(width)) + rows * columns * width + 1,
        )
        return nn.Sequential(
            fold,
            convolutions(channels(width), strides),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, 1, (rows, columns)),
            nn.Flatten(),
        )

    def configure_optimizers(self) -> list[Optimizer]:
        """The degenerator's learning rate is `pace` times that of the config."""
        of_discriminator, of_degenerator = super().configure_optimizers()
        for group in of_degenerator.param_groups:
            group["lr"] *= self.pace
        return [of_discriminator, of_degenerator]

    def leak(self, batch: Batch) -> Tensor:
        """Upper bound in nats on what the perturbed data say of one of the batch's data."""
        assert isinstance(self.degenerator, nn.Sequential)
        first = self.degenerator[0]
        assert isinstance(first, Perturbation)
        return gaussian_leak(first.image(batch.data).flatten(1), None)

    def later_layers(self, network: nn.Module) -> nn.Sequential | None:
        """The convolutions of the perturbed noise, a grid, the way back and the bound."""
        assert isinstance(network, nn.Sequential)
        _, layers, *ends = network
        assert isinstance(layers, nn.Sequential)
        first = layers[0]
        assert isinstance(first, nn.Conv2d)
        rows, columns = (ceil(n / self.cell) for n in self.setting.shape[:2])
        grid = nn.Unflatten(1, (first.in_channels, rows, columns))
        return nn.Sequential(grid, *layers, *ends)

    def widest(self, make_dan: Callable[[], nn.Module], parameters: Callable[[int], int]) -> int:
        """Return the largest width that has at most `share` of the parameters of that DAN."""
        with torch.device("meta"):  # where a parameter has a shape and costs nothing
            allowed = int(self.share * parameters_of(make_dan()))
        width = widest(parameters, allowed)
        if width == 0:
            raise ValueError(
                f"share={self.share} of DAN's parameters is {allowed}, and a network of width 1 "
                f"has {parameters(1)}: raise share (0.5 at most) or the hidden sizes"
            )
        return width
