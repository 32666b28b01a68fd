"""The family photo album: a handful of photographs, as JPEG with EXIF, or a copy of one's own."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PIL.ExifTags import Base

from dan_bench.table1.entry import Album
from dan_bench.table1.photographs import PHOTOGRAPHS
from dan_bench.table1.workspace import copy_files, fingerprint, regular_files

FAMILY = ("astronaut", "camera", "chelsea", "coffee", "rocket", "hubble_deep_field")
QUALITY = 92


class BundledAlbum(Album):
    """Six photographs that scikit-image ships, each with its author and licence in its EXIF."""

    @property
    def note(self) -> str:
        """Say whose it is."""
        return (
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
class OwnAlbum(Album):
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
        """Copy it."""
        copy_files(self.files(), self.root, folder)
