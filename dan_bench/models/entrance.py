"""Where the data enter a network: its first layer, measured, and whether it is the only way in."""

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from dan_bench.metrics.certificate import LinearChannel

PROBES = 64
"""Rows that a first layer is tried on before a certificate rests on it."""
LINEAR = 1e-9
"""Share of what is added up that it may differ by, in double precision."""
ALIKE = 1e-4
"""What two ways through the same layers may differ by, in the network's own precision."""

OfBoth = Callable[[Tensor, Tensor], Tensor]
"""A function of data B x d and noise B x noise_dim."""


def probes(width: int, noise_dim: int) -> tuple[Tensor, Tensor]:
    """Return data and noise to try a network on, always the same: PROBES x width, x noise_dim."""
    draw = torch.Generator().manual_seed(0)
    data = torch.rand(PROBES, width, generator=draw, dtype=torch.float64)
    return data, torch.randn(PROBES, noise_dim, generator=draw, dtype=torch.float64)


@torch.no_grad()
def measured(layer: nn.Module, inputs: OfBoth, width: int, noise_dim: int) -> LinearChannel | None:
    """Return layer(inputs(data, noise)) as a linear map of both; None where it is not linear.

    It is measured, column by column, on the unit vectors, and tried on other rows.
    """
    layer = copy.deepcopy(layer).cpu().double()

    def seen(data: Tensor, noise: Tensor) -> Tensor:
        u: Tensor = layer(inputs(data, noise))
        return u.flatten(1)

    unit = torch.eye(width + noise_dim, dtype=torch.float64)
    zero = seen(*torch.zeros_like(unit[:1]).split([width, noise_dim], 1))
    columns = seen(*unit.split([width, noise_dim], 1)) - zero
    rows = torch.cat(tried := probes(width, noise_dim), dim=1)
    off = (seen(*tried) - (rows @ columns + zero)).abs()
    if not (off <= LINEAR * (rows.abs() @ columns.abs() + zero.abs())).all():
        return None
    matrix = columns.T.numpy()
    return LinearChannel(matrix[:, :width], matrix[:, width:], zero.flatten().numpy())


@torch.no_grad()
def alike(a: OfBoth, b: OfBoth, width: int, noise_dim: int, like: Tensor) -> bool:
    """Return whether two functions agree on the probes, in the precision of `like`."""
    data, noise = (part.to(like) for part in probes(width, noise_dim))
    return bool(((a(data, noise) - b(data, noise)).abs() <= ALIKE).all())
