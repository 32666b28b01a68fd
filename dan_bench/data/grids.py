"""Rows of numbers as grids of places, for convolutions, and the way back."""

from math import ceil

from torch import Tensor, nn
from torch.nn.functional import pad, pixel_shuffle, pixel_unshuffle


class Fold(nn.Module):
    """Rows of numbers to pictures on a coarse grid, each cell of `side` x `side` pixels a place.

    A row is read as pictures of that shape, one after the other, the last one filled up with
    zeros; the cells at the right and lower edge likewise. Rows B x (about k d) become
    B x (k colours side^2) x rows/side x columns/side: space to depth, at no parameter.
    """

    def __init__(self, shape: tuple[int, ...], side: int) -> None:
        super().__init__()
        self.rows, self.columns, *colours = shape
        self.colours = colours[0] if colours else 1
        self.side = side

    def channels(self, numbers: int) -> int:
        """Channels that a row of so many numbers becomes."""
        pictures = ceil(numbers / (self.rows * self.columns * self.colours))
        return pictures * self.colours * self.side**2

    def forward(self, numbers: Tensor) -> Tensor:
        """Return numbers B x d as a grid."""
        missing = -numbers.shape[1] % (self.rows * self.columns * self.colours)
        whole = pad(numbers, (0, missing)) if missing else numbers  # which pad would copy
        pictures = whole.unflatten(1, (-1, self.rows, self.columns, self.colours))
        planes: Tensor = pictures.permute(0, 1, 4, 2, 3).flatten(1, 2)
        if self.side == 1:
            return planes
        beyond = (0, -self.columns % self.side, 0, -self.rows % self.side)
        padded: Tensor = pad(planes, beyond) if any(beyond) else planes
        return pixel_unshuffle(padded, self.side)


class Unfold(nn.Module):
    """The way back: one picture on a coarse grid to rows of its numbers, B x d."""

    def __init__(self, shape: tuple[int, ...], side: int) -> None:
        super().__init__()
        self.rows, self.columns = shape[:2]
        self.side = side

    def forward(self, grid: Tensor) -> Tensor:
        """Return a grid as numbers B x d."""
        planes = pixel_shuffle(grid, self.side)[:, :, : self.rows, : self.columns]
        return planes.permute(0, 2, 3, 1).flatten(1)
