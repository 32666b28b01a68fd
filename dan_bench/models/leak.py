"""The certificate of `metrics.certificate`, as a loss: what a network is told to keep to itself."""

import torch
from torch import Tensor


def gaussian_leak(images: Tensor, noise: Tensor) -> Tensor:
    """Return 1/2 log det(I + (B B^T)^-1 C), C the covariance of the images A x of n inputs.

    An upper bound on I(X; A X + B Z) in nats, X uniform on the n inputs and Z standard normal. Of a
    batch, C has rank n - 1 at the most, and the bound is too small where much leaks. Where little
    does it is half a trace, which a batch estimates without bias but for a factor 1 - 1/n: the less
    that is left to learn, the truer it is.

    Args:
        images: A x, n x k; they are centred here.
        noise: B, k x m, of rank k.

    Raises:
        FloatingPointError: the noise does not reach all k directions.
    """
    n, k = images.shape
    of_noise, failed = torch.linalg.cholesky_ex(noise @ noise.T)
    if failed.any():
        raise FloatingPointError(f"the noise does not reach all {k} units of the first layer")
    centred = (images - images.mean(dim=0)).T
    points = torch.linalg.solve_triangular(of_noise, centred, upper=False)
    gram = (points @ points.T if k < n else points.T @ points) / n
    half = torch.linalg.cholesky(gram + torch.eye(len(gram), dtype=gram.dtype, device=gram.device))
    return half.diagonal().log().sum()
