"""Freely licensed photographs that scikit-image ships, and the family photo album made of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ExifTags import Base

from dan_bench.data.folder import fingerprint
from dan_bench.table1.workspace import copy_files, regular_files

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Photograph:
    """A photograph and whose it is, as scikit-image's documentation of it says."""

    name: str
    shows: str
    by: str
    licence: str

    def load(self) -> Picture:
        """Return rows x columns x 3 bytes."""
        import skimage.data

        shipped: Any = skimage.data
        pixels: Picture = np.asarray(getattr(shipped, self.name)())
        return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels[..., :3]


PHOTOGRAPHS = {
    photograph.name: photograph
    for photograph in (
        Photograph("astronaut", "Eileen Collins, astronaut", "NASA", "public domain"),
        Photograph("camera", "a man with a camera", "Lav Varshney", "CC0"),
        Photograph("chelsea", "Chelsea the cat", "Stefan van der Walt", "CC0"),
        Photograph("coffee", "a cup of coffee", "Rachel Michetti", "CC0"),
        Photograph("hubble_deep_field", "galaxies", "NASA", "public domain"),
        Photograph("rocket", "a rocket at its launch", "SpaceX", "public domain"),
        Photograph("retina", "a retina", "Mikael Häggström", "CC0"),
        Photograph("brick", "bricks", "CC0Textures", "CC0"),
        Photograph("grass", "grass", "linolafett", "CC0"),
        Photograph("gravel", "gravel", "CC0Textures", "CC0"),
    )
}
"""By the name of the function of skimage.data that returns it."""

FAMILY = ("astronaut", "camera", "chelsea", "coffee", "rocket", "hubble_deep_field")
QUALITY = 92


class BundledAlbum:
    """Six photographs that scikit-image ships, each with its author and licence in its EXIF."""

    note = (
        f"album: {len(FAMILY)} freely licensed photographs that scikit-image ships, as JPEG, "
        "stand in for your family's (--album DIR)"
    )

    def identify(self) -> str:
        """Return what a record knows it by."""
        return "bundled"

    def write(self, folder: Path) -> None:
        """Write DSC_0001.JPG and so on."""
        for number, name in enumerate(FAMILY, start=1):
            photograph = PHOTOGRAPHS[name]
            exif = Image.Exif()
            exif[Base.ImageDescription] = photograph.shows
            exif[Base.Artist] = photograph.by
            exif[Base.Copyright] = photograph.licence
            exif[Base.Software] = "dan_bench"
            Image.fromarray(photograph.load()).save(
                folder / f"DSC_{number:04}.JPG", quality=QUALITY, exif=exif
            )


@dataclass(frozen=True)
class OwnAlbum:
    """A copy of the user's own; the original is read, and nothing else."""

    root: Path

    @property
    def note(self) -> str:
        """Say what the album is."""
        return f"album: a copy of {len(self.files())} files of yours"

    def files(self) -> list[Path]:
        """Return what is copied."""
        return regular_files(self.root, "--album")

    def identify(self) -> str:
        """Return what a record knows it by: its contents."""
        return fingerprint(self.files(), self.root)

    def write(self, folder: Path) -> None:
        """Copy the album into the folder."""
        copy_files(self.files(), self.root, folder)
