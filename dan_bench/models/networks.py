"""Networks, as plain functions of their sizes."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import isqrt
from typing import Literal

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Beyond = Literal["zeros", "circular"]
SLOPE = 0.2
"""Of every leaky ReLU below 0."""


def mlp(sizes: Sequence[int], slope: float = SLOPE) -> nn.Sequential:
    """Multilayer perceptron over those layer sizes, leaky ReLU between them, a linear end."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(slope)]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def average(into: AveragedModel, network: nn.Module, decay: float, first: bool) -> None:
    """Take the network's weights into an exponential average, which they begin if it is the first.

    What torch's own `update_parameters` does, which asks the device whether it is the first, and
    so waits on an accelerator for all that was begun there.
    """
    averages: list[Tensor] = list(into.module.parameters())
    weights: list[Tensor] = list(network.parameters())
    if first:
        torch._foreach_copy_(averages, weights)
    else:
        torch._foreach_lerp_(averages, weights, 1 - decay)
    into.n_averaged.add_(1)


def parameters_of(network: nn.Module) -> int:
    """Return the number of learnable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


def widest(parameters: Callable[[int], int], most: int) -> int:
    """Return the largest width whose number of parameters is at most `most`; 0 if there is none.

    `parameters(width)` is to rise, and to hold a layer from width to width: none above sqrt(most)
    can fit then.
    """
    return bisect_right(range(1, isqrt(most) + 1), most, key=parameters)


class Bounded(nn.Module):
    """Rows of numbers, scaled down to a root mean square of `most` where theirs is larger."""

    def __init__(self, most: float) -> None:
        super().__init__()
        self.most = most

    def forward(self, numbers: Tensor) -> Tensor:
        """Return numbers B x d, each row by itself."""
        excess = numbers.square().mean(dim=1, keepdim=True) / self.most**2
        return numbers * excess.clamp_min(1).rsqrt()


def convolution_parameters(channels: Sequence[int]) -> int:
    """Weights and biases of `convolutions` over those channels."""
    return sum((9 * inputs + 1) * outputs for inputs, outputs in pairwise(channels))


def convolutions(
    channels: Sequence[int], strides: Sequence[int], beyond: Beyond = "zeros"
) -> nn.Sequential:
    """3 x 3 convolutions over those channels, leaky ReLU between them, a linear end.

    What they find `beyond` an edge is zeros, or what lies at the opposite one.

    Weights start with the variance at which a leaky ReLU hands on what it got (He et al. 2015,
    equation 15): without it and without normalisation, eight layers shrink noise to nothing.
    """
    layers: list[nn.Module] = []
    for (inputs, outputs), stride in zip(pairwise(channels), strides, strict=True):
        layer = nn.Conv2d(inputs, outputs, 3, stride, padding=1, padding_mode=beyond)
        nn.init.kaiming_normal_(layer.weight, SLOPE)
        layers += [layer, nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers[:-1])


def look_linear(network: nn.Sequential, scale: float) -> None:
    """Make convolutions, leaky ReLU between them, begin as an orthogonal map, times `scale`.

    Channels go in pairs of which one is the negative of the other, so that the leaky ReLUs add up
    to a linear map (Balduzzi et al. 2017, "The shattered gradients problem", section 4), and only
    the middle of a kernel is not 0 (Xiao et al. 2018, "delta-orthogonal"). Exactly so where inner
    layers have twice as many channels as the inputs, at least; an odd one begins at 0.
    """
    first, *inner, last = (layer for layer in network if isinstance(layer, nn.Conv2d))
    pairs = max(1, first.out_channels // 2)
    through = nn.init.orthogonal_(torch.empty(pairs, first.in_channels))
    maps = [torch.cat([through, -through])]
    for _ in inner:
        map_ = nn.init.orthogonal_(torch.empty(pairs, pairs))
        through = map_ @ through
        maps.append(torch.cat([torch.cat([map_, -map_], 1), torch.cat([-map_, map_], 1)]))
    out = nn.init.orthogonal_(torch.empty(last.out_channels, first.in_channels)) @ through.T
    maps.append(scale * torch.cat([out, -out], dim=1))
    for layer, map_ in zip((first, *inner, last), maps, strict=True):
        gain = 1 if layer is first else 1 / (1 + SLOPE)
        rows, columns = (side // 2 for side in layer.kernel_size)
        part = gain * map_[: layer.out_channels, : layer.in_channels]
        with torch.no_grad():
            nn.init.zeros_(layer.weight)
            layer.weight[: len(part), : part.shape[1], rows, columns] = part
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
