"""Rows of bytes as pictures, by the shape that their data set gives them."""

import math

import numpy as np
from numpy.typing import NDArray


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
