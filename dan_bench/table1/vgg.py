"""VGG on ImageNet (Simonyan & Zisserman 2015), torchvision's."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveInt
from torch import nn
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.models import vgg

from dan_bench.attacks.training import classification, seeded
from dan_bench.table1.entry import Entry, RunContext, TrainingResult
from dan_bench.table1.learning import Learning, learn, right_class
from dan_bench.table1.workspace import Workspace

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels, as everybody has them."""
ORIGINAL = (1.0, 224, False)


@dataclass(frozen=True)
class Vgg(Entry):
    """A VGG that classifies the pictures of an ImageFolder.

    Args:
        layers: the configuration, of the paper's Table 1; D has sixteen layers.
        width: share of the original's channels, and of its 4,096 hidden units.
        side: of the input, in pixels; pictures are made 8/7 of it on their shorter side first, as
            the original's 256 are to its 224.
        batch_norm: whether activations are normalised, which the original's were not.
        learning: how it is trained.
    """

    layers: Literal["A", "B", "D", "E"]
    width: Annotated[float, Field(gt=0, le=1)]
    side: PositiveInt
    batch_norm: bool
    learning: Learning

    @property
    def note(self) -> str | None:
        """Say what was made smaller."""
        if (self.width, self.side, self.batch_norm) == ORIGINAL:
            return None
        normalised = ", with batch normalisation" if self.batch_norm else ""
        return (
            f"VGG: torchvision's configuration {self.layers} at {self.width:g} of its width on "
            f"{self.side} x {self.side} pixels{normalised}"
        )

    def run(self, place: Workspace, context: RunContext) -> TrainingResult:
        """Train on `training`, class by folder."""
        scaled = transforms.Resize(self.side * 8 // 7)
        numbers = [transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)]
        chance = [transforms.RandomCrop(self.side), transforms.RandomHorizontalFlip()]
        middle = transforms.CenterCrop(self.side)
        with seeded(context.seed, "table1/vgg"):
            training = ImageFolder(
                str(place.training), transforms.Compose([scaled, *chance, *numbers])
            )
            held_out = ImageFolder(
                str(place.held_out), transforms.Compose([scaled, middle, *numbers])
            )
            held_out.target_transform = lambda y: training.class_to_idx[held_out.classes[y]]
            network = self.make(len(training.classes))
            return learn(
                network,
                training,
                held_out,
                classification,
                right_class,
                self.learning,
                context,
            )

    def make(self, classes: int) -> nn.Module:
        """Return the network; at full width it is torchvision's as it is."""

        def scaled(channels: int) -> int:
            return max(1, round(channels * self.width))

        layers = [n if isinstance(n, str) else scaled(n) for n in vgg.cfgs[self.layers]]
        features = vgg.make_layers(layers, batch_norm=self.batch_norm)
        if self.width == 1:
            whole: nn.Module = vgg.VGG(features, num_classes=classes)
            return whole
        with torch.device("meta"):  # where the classifier that is put aside costs nothing
            network: nn.Module = vgg.VGG(features, init_weights=False)
        pooled, hidden = scaled(512) * 7 * 7, scaled(4096)
        network.classifier = nn.Sequential(
            *(nn.Linear(pooled, hidden), nn.ReLU(), nn.Dropout()),
            *(nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout()),
            nn.Linear(hidden, classes),
        )
        return network
