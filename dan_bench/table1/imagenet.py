"""VGG on ImageNet (Simonyan & Zisserman 2015): pictures in its layout, and torchvision's network.

The layout is a folder a class, named by its synset, with JPEGs in it.
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from PIL import Image
from pydantic import Field, PositiveInt
from torch import nn
from torchvision import transforms
from torchvision.datasets import ImageFolder
from torchvision.models import vgg

from dan_bench.attacks.training import classification, seeded
from dan_bench.data.folder import fingerprint
from dan_bench.rng import generator
from dan_bench.table1.album import PHOTOGRAPHS, Picture
from dan_bench.table1.entry import Entry, RunContext, TrainingResult, TrainingSet
from dan_bench.table1.learning import Learning, learn, right_class
from dan_bench.table1.workspace import Workspace, copy_files, regular_files

HELD_OUT_SHARE = 5
"""Where there is no `val`, one in so many of a class is held out."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels, as everybody has them."""
ORIGINAL = (1.0, 224, False)
"""Width, side and normalisation of VGG."""


@dataclass(frozen=True)
class StandIn(TrainingSet):
    """Crops of scikit-image's photographs; which photograph a crop is of is its class.

    A photograph is cut into square cells, one in five of which is held out, so that no pixel is
    both trained on and asked for. The classes are called n00000001 and so on; WordNet's first
    noun is n00001740.

    Args:
        per_class: crops of each photograph to train on.
        held_out: crops of each photograph to be asked for.
        cell: side of a cell; a crop is a square of 3/4 of it at least.
    """

    per_class: PositiveInt
    held_out: PositiveInt
    cell: PositiveInt

    @property
    def stands_for(self) -> str:
        """Return what the pictures stand in for."""
        return (
            f"ImageNet: {self.per_class} crops of each of {len(PHOTOGRAPHS)} photographs that "
            "scikit-image ships stand in for it; the photograph is the class (--imagenet DIR)"
        )

    def identify(self) -> dict[str, Any]:
        """Return that it is none of the user's own."""
        return {"kind": "stand-in"}

    def write(self, place: Workspace, seed: int) -> None:
        """Write the crops."""
        for number, (name, photograph) in enumerate(PHOTOGRAPHS.items(), start=1):
            random = generator(seed, f"imagenet/{name}")
            picture = photograph.load()
            cells = random.permutation(
                [
                    (row, column)
                    for row in range(0, picture.shape[0] - self.cell + 1, self.cell)
                    for column in range(0, picture.shape[1] - self.cell + 1, self.cell)
                ]
            )
            if len(cells) < 2:
                raise ValueError(f"cell={self.cell}: {name} has room for {len(cells)}, not two")
            held = max(1, len(cells) // HELD_OUT_SHARE)
            for folder, places, wanted in (
                (place.training, cells[held:], self.per_class),
                (place.held_out, cells[:held], self.held_out),
            ):
                synset = folder / f"n{number:08}"
                synset.mkdir()
                for index in range(wanted):
                    crop = self._crop(picture, places[random.integers(len(places))], random)
                    Image.fromarray(crop).save(synset / f"{synset.name}_{index}.JPEG", quality=92)

    def _crop(
        self, picture: Picture, corner: tuple[int, int], random: np.random.Generator
    ) -> Picture:
        side = int(random.integers(self.cell * 3 // 4, self.cell + 1))
        row, column = (int(at + random.integers(self.cell - side + 1)) for at in corner)
        return picture[row : row + side, column : column + side]


@dataclass(frozen=True)
class OwnImageNet(TrainingSet):
    """A copy of ImageNet, or of any folder of its layout: DIR/train/CLASS/... or DIR/CLASS/...

    Args:
        root: DIR, which is only read.
        classes: how many, the first by name; None takes all.
        per_class: images of each, the first by name; None takes all.
    """

    root: Path
    classes: PositiveInt | None = None
    per_class: PositiveInt | None = None

    @property
    def stands_for(self) -> str | None:
        """Say what of it was taken, where it is not all."""
        if self.classes is None and self.per_class is None:
            return None
        images = "all" if self.per_class is None else f"the first {self.per_class}"
        classes = "all" if self.classes is None else f"the first {self.classes}"
        return f"ImageNet: {images} images of {classes} classes of the folder that was given"

    def identify(self) -> dict[str, Any]:
        """Return what it knows of its contents."""
        files = [path for _, split in self._splits() for path in split]
        return {"kind": "own", "fingerprint": fingerprint(files, self.root)}

    def write(self, place: Workspace, seed: int) -> None:
        """Copy the pictures into the scratch folder."""
        (train, training), (val, held_out) = self._splits()
        copy_files(training, train, place.training)
        copy_files(held_out, val, place.held_out)

    def _splits(self) -> tuple[tuple[Path, list[Path]], tuple[Path, list[Path]]]:
        """Return what to train on and what is held out, each with the folder of its classes."""
        train, val = self.root / "train", self.root / "val"
        if train.is_dir():
            training, held_out = (list(chain(*self._classes(root))) for root in (train, val))
            return (train, training), (val, held_out)
        classes = self._classes(self.root)
        training = [path for of in classes for i, path in enumerate(of) if i % HELD_OUT_SHARE]
        held_out = [path for of in classes for path in of[::HELD_OUT_SHARE]]
        return (self.root, training), (self.root, held_out)

    def _classes(self, root: Path) -> list[list[Path]]:
        """Return the files of each class that is taken."""
        by_class: dict[str, list[Path]] = defaultdict(list)
        for path in regular_files(root, "--imagenet"):
            parts = path.relative_to(root).parts
            if len(parts) < 2:
                raise ValueError(
                    f"--imagenet: {path} lies in no class; ImageNet's layout is a folder a class, "
                    f"in {root}"
                )
            by_class[parts[0]].append(path)
        return [by_class[name][: self.per_class] for name in sorted(by_class)[: self.classes]]


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
