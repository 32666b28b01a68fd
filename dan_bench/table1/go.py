"""AlphaGo on MNIST: digits as 19 x 19 boards, and the network of Silver et al. 2017."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, cross_entropy, mse_loss
from torch.utils.data import TensorDataset
from torchvision.models.resnet import BasicBlock
from torchvision.ops import Conv2dNormActivation

from dan_bench.attacks.training import seeded
from dan_bench.data.mnist import Mnist, read
from dan_bench.interfaces import Bytes, Data
from dan_bench.table1.entry import Entry, RunContext, TrainingResult, TrainingSet
from dan_bench.table1.learning import Learning, learn
from dan_bench.table1.workspace import Workspace, copy_files

SIDE = 19
POINTS = SIDE * SIDE
PASS = POINTS
"""The move behind the last point of the board."""
STARS = [row * SIDE + column for row in (3, 9, 15) for column in (3, 9, 15)]
MOVES = torch.tensor([PASS, *STARS])
"""The move that answers each digit: 1 to 9 the nine star points, 0 the pass."""
BLACK, WHITE = 0.5, 0.15
"""Ink above which a point has a black stone, and else a white one."""


ORIGINAL = (256, 19)
"""Channels and residual blocks."""
VALUE_HIDDEN = 256
PLANES = 3


@dataclass(frozen=True)
class MnistFiles(TrainingSet):
    """The real MNIST: its two training files as they are.

    Args:
        root: the folder of data sets, where it is fetched to.
    """

    root: Path

    def write(self, place: Workspace, seed: int) -> None:
        """Copy the training files, and the test files beside them."""
        mnist = Mnist(self.root)
        mnist.prepare()
        raw = sorted(mnist.folder.glob("*-ubyte"))
        for stem, target in (("train", place.training), ("t10k", place.held_out)):
            chosen = [path for path in raw if path.name.startswith(stem)]
            copy_files(chosen, mnist.root, target)


@dataclass(frozen=True)
class AlphaGo(Entry):
    """A network that answers a digit on the board with its move, and says who wins.

    Args:
        channels: of every convolution; 256 in the original.
        blocks: residual blocks; 19 in the original.
        learning: how it is trained.
    """

    channels: PositiveInt
    blocks: PositiveInt
    learning: Learning

    @property
    def note(self) -> str:
        """Say what the game is, and what was made smaller."""
        smaller = ""
        if (self.channels, self.blocks) != ORIGINAL:
            smaller = f"{self.blocks} residual blocks of {self.channels} channels; "
        return (
            f"AlphaGo: {smaller}it answers a digit with one of 362 moves (1 to 9 a star point, 0 "
            "the pass: its accuracy), and its value head learns that Black wins on odd digits"
        )

    def run(self, place: Workspace, context: RunContext) -> TrainingResult:
        """Train on MNIST's training files; the test files are held out."""
        learned = read(Mnist(place.training).folder, "train")
        asked = read(Mnist(place.held_out).folder, "test")
        with seeded(context.seed, "table1/alphago"):
            network = PolicyValue(self.channels, self.blocks)
            return learn(
                network, examples(learned), examples(asked), loss, hits, self.learning, context
            )


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


def examples(digits: Data) -> TensorDataset:
    """Return boards with their digits."""
    assert digits.labels is not None
    rows = digits.rows[np.arange(len(digits))]
    return TensorDataset(boards(rows), torch.from_numpy(digits.labels))


class PolicyValue(nn.Module):
    """One convolution, residual blocks, and two heads on the same tower.

    Silver et al. 2017, "Mastering the game of Go without human knowledge", Methods, "Neural
    network architecture"; without the planes of earlier positions, which a digit does not have.
    """

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        # torchvision's convolutions keep the board's size, and are normalised over the batch
        self.tower = nn.Sequential(
            Conv2dNormActivation(PLANES, channels, 3),
            *(BasicBlock(channels, channels) for _ in range(blocks)),
        )
        self.policy = nn.Sequential(
            *(Conv2dNormActivation(channels, 2, 1), nn.Flatten()),
            nn.Linear(2 * POINTS, PASS + 1),
        )
        self.value = nn.Sequential(
            *(Conv2dNormActivation(channels, 1, 1), nn.Flatten()),
            *(nn.Linear(POINTS, VALUE_HIDDEN), nn.ReLU()),
            *(nn.Linear(VALUE_HIDDEN, 1), nn.Tanh(), nn.Flatten(0)),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Boards B x 3 x 19 x 19 to the moves' logits, B x 362, and values in (-1, 1), B."""
        x = self.tower(x)
        return self.policy(x), self.value(x)


def loss(network: nn.Module, x: Tensor, digits: Tensor) -> Tensor:
    """(z - v)^2 - log p(move), as there; its weight decay is the optimiser's."""
    policy, value = network(x)
    return mse_loss(value, winners(digits)) + cross_entropy(policy, MOVES.to(x.device)[digits])


def hits(network: nn.Module, x: Tensor, digits: Tensor) -> dict[str, Tensor]:
    """Return where the likeliest of all 362 moves is the right one, and the winner is."""
    policy, value = network(x)
    return {
        "accuracy": policy.argmax(dim=1) == MOVES.to(x.device)[digits],
        "value_accuracy": (value > 0) == (winners(digits) > 0),
    }
