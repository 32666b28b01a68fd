"""Metrics of a sample that comes in batches, on one device or on many (torchmetrics).

Each agrees with the function of its name in `metrics.entropy`, whatever the batches were.
"""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from dan_bench.metrics.entropy import expected_dimensions
from dan_bench.statistics import entropy_bits

MIDDLE = 127.5


class ShannonBits(Metric):
    """Entropy of all bytes so far, in bits a byte."""

    full_state_update = False
    higher_is_better = True
    counts: Tensor

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.add_state("counts", torch.zeros(256, dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, sample: Tensor) -> None:
        """Add rows of bytes: B x d, uint8."""
        self.counts += torch.bincount(check(sample).flatten(), minlength=256)

    def compute(self) -> Tensor:
        """Entropy; 8 is noise."""
        if not self.counts.any():
            raise ValueError("the entropy of no bytes is not defined: update first")
        return torch.tensor(entropy_bits(self.counts.cpu().numpy()), dtype=torch.float64)


class EffectiveDimensions(Metric):
    """Participation ratio of the covariance of all rows so far, over that of noise.

    Args:
        width: bytes in a row, d.
        arguments: torchmetrics' own.
    """

    full_state_update = False
    higher_is_better = True
    rows: Tensor
    total: Tensor
    products: Tensor

    def __init__(self, width: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.add_state("rows", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        # of bytes less 127.5: sums of quarters, exact in float64 whatever their order
        self.add_state("total", torch.zeros(width, dtype=torch.float64), dist_reduce_fx="sum")
        square = torch.zeros(width, width, dtype=torch.float64)
        self.add_state("products", square, dist_reduce_fx="sum")

    def update(self, sample: Tensor) -> None:
        """Add rows of bytes: B x d, uint8."""
        # of 256 rows at a time the sums of products stay below 2^24 quarters: exact in float32 too
        for part in check(sample).float().sub_(MIDDLE).split(256):
            self.products += part.T @ part
            self.total += part.sum(dim=0)
        self.rows += len(sample)

    def compute(self) -> Tensor:
        """Share of the dimensions that noise shows; 1 is noise, 0 a constant."""
        n = int(self.rows)
        if n < 3:
            raise ValueError(f"effective dimensions need at least 3 rows, got {n}")
        # |P - t t'/n|^2 without the matrix: two passes over P instead of six
        total = self.total
        trace = self.products.trace() - total @ total / n
        flat = self.products.flatten()
        squares = flat @ flat - 2 / n * (total @ self.products @ total) + (total @ total / n) ** 2
        ratio = trace.square() / squares if trace > 0 else torch.zeros_like(trace)
        return ratio / expected_dimensions(n, len(total))


def check(sample: Tensor) -> Tensor:
    """Refuse what is no B x d bytes."""
    if sample.dtype != torch.uint8 or sample.ndim != 2:
        raise TypeError(
            f"a sample is B x d of torch.uint8, got shape {tuple(sample.shape)} of {sample.dtype}"
        )
    return sample
