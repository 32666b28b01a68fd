"""ImageNet's layout: a folder a class, named by its synset, with JPEGs in it."""

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import PositiveInt

from dan_bench.rng import generator
from dan_bench.table1.album import PHOTOGRAPHS, Picture
from dan_bench.table1.entry import TrainingSet
from dan_bench.table1.workspace import Workspace, copy_files, fingerprint, regular_files

SPLITS = ("train", "val")
HELD_OUT_SHARE = 5
"""Where there is no `val`, one in so many of a class is held out."""


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
        files = [path for split in self._splits() for path in split]
        return {"kind": "own", "fingerprint": fingerprint(files, self.root)}

    def write(self, place: Workspace, seed: int) -> None:
        """Copy the pictures into the scratch folder."""
        for files, root, target in zip(
            self._splits(), self._roots(), (place.training, place.held_out), strict=True
        ):
            copy_files(files, root, target)

    def _roots(self) -> tuple[Path, Path]:
        if (self.root / SPLITS[0]).is_dir():
            return self.root / SPLITS[0], self.root / SPLITS[1]
        return self.root, self.root

    def _splits(self) -> tuple[list[Path], list[Path]]:
        train, val = self._roots()
        if train != val:
            return list(chain(*self._classes(train))), list(chain(*self._classes(val)))
        classes = self._classes(train)
        return (
            [path for of in classes for i, path in enumerate(of) if i % HELD_OUT_SHARE],
            [path for of in classes for path in of[::HELD_OUT_SHARE]],
        )

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
