"""DAN that learns its certificate: what no attacker can recover is a term of its loss.

The certificate is that of `metrics.certificate`: the first layer adds Gaussian noise to a linear
image of the data, and nothing past it knows more of the data than what comes out of it.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import torch
from pydantic import Field, NonNegativeFloat
from torch import Tensor, nn

from dan_bench.data.batches import Batch
from dan_bench.models.dan import DAN
from dan_bench.models.setting import Hyperparameters


@dataclass(eq=False, repr=False, kw_only=True)
class CertifiedDAN(DAN):
    """DAN whose loss also has `certificate_weight` times the `gaussian_leak` of the batch, in nats.

    The bound holds where the noise is gaussian and reaches every unit of the first layer; if that
    has more units than there is noise, a layer of noise_dim units comes before it. An average of
    the weights is what degenerates and is certified: Adam's steps stay as long however little is
    left to unlearn, and single weights at the data jitter around 0.

    Args:
        certificate_weight: of the leak in the degenerator's loss.
        averaging: decay a step of the average of the weights; 0 is none, and trainer.ema_decay
            goes first.
    """

    certificate_weight: NonNegativeFloat
    averaging: Annotated[float, Field(ge=0, lt=1)]

    def __post_init__(self) -> None:
        if not self.setting.ema_decay:
            self.setting = replace(self.setting, ema_decay=self.averaging)
        super().__post_init__()

    @classmethod
    def check(cls, setting: Hyperparameters, **arguments: Any) -> None:
        """Without noise there is nothing to learn but blindness, which has a name of its own."""
        super().check(setting, **arguments)
        if arguments["certificate_weight"] and setting.noise_dim == 0:
            raise ValueError(
                f"certificate_weight={arguments['certificate_weight']} needs noise: noise_dim=0 "
                "must be at least 1, or model.certificate_weight=0"
            )

    @property
    def hidden(self) -> tuple[int, ...]:
        """The degenerator's; behind a layer as wide as the noise where the first one is wider."""
        noise_dim = self.setting.noise_dim
        narrow = bool(self.degenerator_hidden) and 0 < noise_dim < self.degenerator_hidden[0]
        return (noise_dim,) * narrow + self.degenerator_hidden

    def penalty(self, batch: Batch, fake: Tensor) -> Tensor:
        """The certificate, by its weight."""
        if self.blind or not self.certificate_weight:
            return fake.new_zeros(())
        return self.certificate_weight * self.leak(batch)

    def leak(self, batch: Batch) -> Tensor:
        """Upper bound in nats on what the first layer lets through of one of the batch's data."""
        first = self.first_layer(self.degenerator)
        assert isinstance(first, nn.Linear)
        width = self.setting.width
        of_data, of_noise = first.weight[:, :width], first.weight[:, width:]
        return gaussian_leak(batch.data @ of_data.T, of_noise)


def gaussian_leak(images: Tensor, noise: Tensor | None) -> Tensor:
    """Return 1/2 log det(I + (B B^T)^-1 C), C the covariance of the images A x of n inputs.

    An upper bound on I(X; A X + B Z) in nats, X uniform on the n inputs and Z standard normal. Of a
    batch, C has rank n - 1 at the most, and the bound is too small where much leaks. Where little
    does it is half a trace, which a batch estimates without bias but for a factor 1 - 1/n: the less
    that is left to learn, the truer it is.

    Args:
        images: A x, n x k; they are centred here.
        noise: B, k x m; None is the identity. Where it does not reach all k directions nothing is
            bounded, and what is returned is not a number.
    """
    n, k = images.shape
    points = (images - images.mean(dim=0)).T
    if noise is not None:
        points = torch.linalg.solve_triangular(half_of(noise @ noise.T), points, upper=False)
    gram = (points @ points.T if k < n else points.T @ points) / n
    half = half_of(gram + torch.eye(len(gram), dtype=gram.dtype, device=gram.device))
    logarithms: Tensor = half.diagonal().log()
    return logarithms.sum()


def half_of(matrix: Tensor) -> Tensor:
    """Return its Cholesky factor; nothing but NaN where it has none.

    An error would be one of all runs that are trained at once, and to look for one on an
    accelerator is to wait for it.
    """
    half, failed = torch.linalg.cholesky_ex(matrix)
    return torch.where(failed > 0, torch.nan, half)
