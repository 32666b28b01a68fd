"""DCDAN: twice the convolution layers of DAN, at no more than half of its parameters.

DAN has none, and twice none is none; so twice the four of DCGAN (Radford et al. 2016): eight in
each network. As there, resolution changes by strides alone and nothing is pooled. Unlike there,
nothing is normalised over the batch: batch statistics would tell each sample about the others,
and a sample that depends on its neighbours is neither noise nor gone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, prod
from typing import Annotated, Any

import torch
from pydantic import Field, PositiveInt
from torch import nn

from dan_bench.models.dan import DAN
from dan_bench.models.module import Hyperparameters
from dan_bench.models.networks import (
    SLOPE,
    Fold,
    Unfold,
    convolution_parameters,
    convolutions,
    parameters_of,
    widest,
)

LAYERS = 8


@dataclass(eq=False, repr=False, kw_only=True)
class DCDAN(DAN):
    """DAN with convolutions. Its inputs are DAN's: data and noise, each as a picture of its own.

    One picture of noise where noise_dim = d, so a value a pixel; filled up with zeros where it is
    less, further pictures where it is more. The hidden sizes are those of the DAN whose parameters
    are counted.

    Args:
        share: of DAN's parameters that each network may have. The width is the largest that fits.
        cell: side of the square of pixels that is one place of the grid convolved over.
    """

    share: Annotated[float, Field(gt=0, le=0.5)]
    cell: PositiveInt

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

    def make_degenerator(self) -> nn.Module:
        """Eight convolutions on one grid: noise that is squeezed through fewer places is lost."""
        shape, d = self.setting.shape, self.setting.width
        fold = Fold(shape, self.cell)
        inputs = fold.channels(self.setting.noise_dim + (0 if self.blind else d))

        def channels(width: int) -> list[int]:
            return [inputs, *[width] * (LAYERS - 1), fold.channels(d)]

        width = self.widest(
            super().make_degenerator, lambda width: convolution_parameters(channels(width))
        )
        network = convolutions(channels(width), strides=[1] * LAYERS)
        last = network[-1]
        assert isinstance(last, nn.Conv2d)
        with torch.no_grad():
            last.weight.mul_(self.scale)
        return nn.Sequential(fold, network, Unfold(shape, self.cell))

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

    def first_layer(self, network: nn.Module) -> nn.Module | None:
        """The first convolution, on the folded inputs."""
        assert isinstance(network, nn.Sequential)
        fold, layers, _ = network
        assert isinstance(layers, nn.Sequential)
        return nn.Sequential(fold, layers[0])

    def later_layers(self, network: nn.Module) -> nn.Sequential | None:
        """The other convolutions, on the grid that the first one leaves, and the way back."""
        assert isinstance(network, nn.Sequential)
        _, layers, unfold = network
        assert isinstance(layers, nn.Sequential)
        first = layers[0]
        assert isinstance(first, nn.Conv2d)
        rows, columns = (ceil(n / self.cell) for n in self.setting.shape[:2])
        grid = nn.Unflatten(1, (first.out_channels, rows, columns))
        return nn.Sequential(grid, *layers[1:], unfold)

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
