"""A trained (or untrained) network as a degenerator of bytes."""

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dan_bench.data.batches import as_bytes, as_unit
from dan_bench.data.noise import FreshNoise, fast_bytes
from dan_bench.interfaces import Bytes, OpenNetwork
from dan_bench.metrics.certificate import (
    LinearChannel,
    gaussian_leak,
    largest_distance,
    total_variation,
)
from dan_bench.models.setting import Hyperparameters

CHUNK = 1000
Draw = Callable[[int, int], Bytes]
"""From a seed and a number to that many random bytes."""


class FrozenDegenerator:
    """A network with fresh noise that is a function of the row number.

    Args:
        degenerate: from data B x d and noise B x noise_dim to numbers in (0, 1), B x d.
        setting: the module's.
        seed: of the run.
        draw: makes the bytes that the fresh numbers are made of.
        channel: the network's first layer, where it is linear in data and noise.
        layers: what follows on it, up to the output.
    """

    def __init__(
        self,
        degenerate: Callable[[Tensor, Tensor], Tensor],
        setting: Hyperparameters,
        seed: int,
        draw: Draw = fast_bytes,
        channel: LinearChannel | None = None,
        layers: nn.Sequential | None = None,
    ) -> None:
        self._degenerate, self._setting = degenerate, setting
        self._fresh = FreshNoise(seed, "fresh", setting.noise_dim, setting.noise, draw)
        self.noise_bits = 16.0 * setting.noise_dim
        self.channel = channel
        self._layers = layers

    def __call__(self, data: Bytes, rows: NDArray[np.int64]) -> Bytes:
        """Run the network on the data where it is, in chunks of bounded size."""
        out = np.empty_like(data)
        for start in range(0, len(data), CHUNK):
            part = slice(start, start + CHUNK)
            out[part] = self._run(data[part], self._fresh(rows[part]))
        return out

    def _run(self, data: Bytes, noise: NDArray[np.float32]) -> Bytes:
        # in single precision, in which CUDA's convolutions do not run unless they are told to
        with torch.backends.cudnn.flags(allow_tf32=False):
            return as_bytes(self._degenerate(as_unit(data), torch.from_numpy(noise)))

    def opened(self) -> OpenNetwork | None:
        """Return the network, for who attacks it with its weights in hand."""
        if self.channel is None or self._layers is None:
            return None
        u, of = self.channel, self._setting
        return OpenNetwork(u.data, u.noise, u.offset, self._layers, of.output, of.noise, self._run)

    def leak_bound(self, inputs: Bytes) -> float:
        """Return an upper bound in bits on what the output says of one of the inputs.

        What reaches the first layer is all that can be said; a Gaussian channel has a bound, and
        one that lets nothing of the data through has leaked nothing, whatever its noise.
        """
        points = self._points(inputs)
        return math.inf if points is None else gaussian_leak(points)

    def pair_bound(self, inputs: Bytes) -> float:
        """Return the largest total variation, in [0, 1], of the outputs of two of the inputs."""
        points = self._points(inputs)
        return 1.0 if points is None else total_variation(largest_distance(points))

    def _points(self, inputs: Bytes) -> NDArray[np.float64] | None:
        """The inputs in units of the noise; None where there is no certificate.

        The bounds are of real numbers. An output of more bits than its noise has can show which of
        the noise's few values it was made with, and with that the input.
        """
        real = self._setting.noise == "gaussian" and self.noise_bits >= 8 * inputs.shape[1]
        if self.channel is None or (not real and self.channel.data.any()):
            return None
        return self.channel.whitened(inputs)
