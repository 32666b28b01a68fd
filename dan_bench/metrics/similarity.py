"""How alike two pictures look."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

WINDOW = 11
DEVIATION = 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def structural_similarity(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean SSIM of each pair of pictures (Wang, Bovik, Sheikh & Simoncelli 2004, equation 13).

        SSIM = (2 m_x m_y + C1) (2 s_xy + C2) / ((m_x^2 + m_y^2 + C1) (s_x^2 + s_y^2 + C2))

    with the means m, variances s^2 and covariance s_xy of an 11 x 11 Gaussian window of standard
    deviation 1.5, averaged over all places at which the window lies within the picture, and over
    the colours (section III.C; C1 = (0.01 L)^2, C2 = (0.03 L)^2, L = 255).

    Args:
        one: N pictures of H x W[ x colours] bytes.
        other: as many of the same shape.

    Returns:
        N numbers in [-1, 1]; 1 where the pictures are equal.
    """
    if one.shape != other.shape or one.ndim not in (3, 4) or min(one.shape[1:3]) < WINDOW:
        raise ValueError(
            f"two stacks of pictures of at least {WINDOW} x {WINDOW} are needed, "
            f"got shapes {one.shape} and {other.shape}"
        )
    return np.array([mean_ssim(x, y) for x, y in zip(one, other, strict=True)])


def mean_ssim(x: NDArray[np.uint8], y: NDArray[np.uint8]) -> float:
    """Mean SSIM of one pair."""
    a, b = x.astype(np.float64), y.astype(np.float64)
    mean_a, mean_b = local_mean(a), local_mean(b)
    variances = local_mean(a * a) - mean_a**2 + local_mean(b * b) - mean_b**2
    covariance = local_mean(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    structure = (2 * covariance + C2) / (variances + C2)
    return float((luminance * structure).mean())


def local_mean(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Gaussian-weighted mean around each place where the window fits."""
    steps = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(steps**2) / (2 * DEVIATION**2))
    weights /= weights.sum()
    edge = slice(WINDOW // 2, -(WINDOW // 2))
    smooth = correlate1d(correlate1d(picture, weights, axis=0), weights, axis=1)
    return np.asarray(smooth[edge, edge], dtype=np.float64)
