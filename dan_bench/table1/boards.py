"""MNIST as Go: the four files as they are, and digits as 19 x 19 boards."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from dan_bench.data.mnist import Mnist
from dan_bench.interfaces import Bytes
from dan_bench.table1.place import Workspace, copy_files

SIDE = 19
POINTS = SIDE * SIDE
PASS = POINTS
"""The move behind the last point of the board."""
STARS = [row * SIDE + column for row in (3, 9, 15) for column in (3, 9, 15)]
MOVES = torch.tensor([PASS, *STARS])
"""The move that answers each digit: 1 to 9 the nine star points, 0 the pass."""
BLACK, WHITE = 0.5, 0.15
"""Ink above which a point has a black stone, and else a white one."""


@dataclass(frozen=True)
class MnistFiles:
    """The real MNIST: its two training files as they are.

    Args:
        root: the folder of data sets, where it is fetched to.
    """

    root: Path
    stands_for = None

    def identify(self) -> dict[str, Any]:
        """Return nothing: its MD5 sums are known."""
        return {}

    def write(self, place: Workspace, seed: int) -> None:
        """Copy the training files, and the test files beside them."""
        mnist = Mnist(self.root)
        mnist.prepare()
        raw = sorted(mnist.folder.glob("*-ubyte"))
        for stem, target in (("train", place.training), ("t10k", place.held_out)):
            chosen = [path for path in raw if path.name.startswith(stem)]
            copy_files(chosen, mnist.root, target)


def boards(images: Bytes) -> Tensor:
    """Return digits (N x 784) as boards: N x 3 x 19 x 19, black, white and whose turn it is.

    The ink of a point is the mean over the pixels that it covers. Where there is much of it Black
    has played, where there is some White; it is Black's turn.
    """
    ink = torch.from_numpy(images.reshape(-1, 1, 28, 28)).to(torch.float32) / 255
    ink = adaptive_avg_pool2d(ink, SIDE)
    black = ink >= BLACK
    white = (ink >= WHITE) & ~black
    return torch.cat([black, white, torch.ones_like(black)], dim=1).to(torch.float32)


def winners(digits: Tensor) -> Tensor:
    """Return who wins: +1, Black, where the digit is odd, and -1 where it is even."""
    return (digits % 2).to(torch.float32) * 2 - 1
