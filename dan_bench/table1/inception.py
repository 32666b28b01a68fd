"""Inception v3 on Britney Spears MP3s (Szegedy et al. 2016), torchvision's."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge
from pydantic import PositiveFloat
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset
from torchvision.models import inception_v3

from dan_bench.attacks.training import seeded
from dan_bench.table1.entry import Entry, RunContext, TrainingResult
from dan_bench.table1.learning import Learning, learn, right_class
from dan_bench.table1.mp3 import HELD_OUT_SHARE, classes_of, mp3s, read_mono, spectrograms
from dan_bench.table1.workspace import Workspace, regular_files

ORIGINAL_SIDE = 299
AUXILIARY_WEIGHT = 0.3
"""Of the auxiliary classifier's loss (Szegedy et al. 2015, section 5)."""


@dataclass(frozen=True)
class Inception(Entry):
    """Inception v3 that classifies spectrograms by song.

    Args:
        side: of a spectrogram; 75 at least, and from 299 on the auxiliary classifier is trained
            with the rest.
        seconds: length of the piece that a spectrogram shows.
        hop: seconds between the beginnings of two pieces.
        learning: how it is trained.
    """

    side: Annotated[int, Ge(75)]
    seconds: PositiveFloat
    hop: PositiveFloat
    learning: Learning

    @property
    def note(self) -> str | None:
        """Say what was made smaller."""
        if self.side >= ORIGINAL_SIDE:
            return None
        return (
            f"Inception: torchvision's Inception v3 on spectrograms of {self.side} x {self.side}, "
            f"too small for the auxiliary classifier of its {ORIGINAL_SIDE} x {ORIGINAL_SIDE}"
        )

    def run(self, place: Workspace, context: RunContext) -> TrainingResult:
        """Train on the MP3s in `training`; the last fifth of each is held out."""
        training, held_out, classes = self.examples(place)
        with seeded(context.seed, "table1/inception"):
            network = inception_v3(
                weights=None,
                num_classes=classes,
                aux_logits=self.side >= ORIGINAL_SIDE,
                init_weights=True,
            )
            return learn(network, training, held_out, loss, right_class, self.learning, context)

    def examples(self, place: Workspace) -> tuple[TensorDataset, TensorDataset, int]:
        """Return spectrograms to train on and held out, and how many classes there are."""
        files = mp3s(regular_files(place.training, "training"))
        classes = classes_of(files, place.training)
        parts: tuple[list[Tensor], ...] = ([], [], [], [])
        for path, label in zip(files, classes, strict=True):
            sound, rate = read_mono(path)
            cut = len(sound) - len(sound) // HELD_OUT_SHARE
            for part, inputs, labels in (
                (sound[:cut], parts[0], parts[1]),
                (sound[cut:], parts[2], parts[3]),
            ):
                made = spectrograms(part, rate, self.seconds, self.hop, self.side)
                inputs.append(torch.from_numpy(made))
                labels.append(torch.full((len(made),), label))
        x, y, held_x, held_y = (torch.cat(part) for part in parts)
        if not len(held_x):
            raise ValueError(
                f"no song is long enough: its last fifth must last {self.seconds} s at least"
            )
        return (
            TensorDataset(coloured(x), y),
            TensorDataset(coloured(held_x), held_y),
            (1 + int(np.max(classes))),
        )


def coloured(grey: Tensor) -> Tensor:
    """Return N x side x side as N x 3 x side x side, sharing memory."""
    return grey[:, None].expand(-1, 3, -1, -1)


def loss(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy, with the auxiliary classifier's where the network has one."""
    answer = network(x)
    if isinstance(answer, Tensor):
        return cross_entropy(answer, y)
    return cross_entropy(answer.logits, y) + AUXILIARY_WEIGHT * cross_entropy(answer.aux_logits, y)
