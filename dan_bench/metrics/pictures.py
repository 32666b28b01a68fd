"""Rows of bytes as pictures, by the shape that their data set gives them, and how alike two are."""

import math

import numpy as np
from numpy.typing import NDArray

WINDOW = 11
DEVIATION = 1.5


def picture_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return rows and columns, and 3 where the shape says that there are three colours.

    A length alone is one line of a picture. Any other depth is no colour, and is laid out along
    the columns; a depth of 1 is grey.
    """
    if len(shape) == 1:
        return (1, *shape)
    return shape if shape[2:] == (3,) else (shape[0], math.prod(shape[1:]))


def as_pictures(rows: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return rows n x d as pictures, n x rows x columns [x 3]."""
    return rows.reshape(len(rows), *picture_shape(shape))


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
    from skimage.metrics import structural_similarity as ssim  # slow to import

    colours = -1 if one.ndim == 4 else None
    window = {"win_size": WINDOW, "gaussian_weights": True, "sigma": DEVIATION}
    return np.array(
        [
            ssim(x, y, **window, use_sample_covariance=False, data_range=255, channel_axis=colours)
            for x, y in zip(one, other, strict=True)
        ]
    )
