"""Your own files or pictures as a data set. They are read, never written.

A picture is decoded as a person sees it: upright, on white, 8 bits a colour. Of several frames or
pages the first is taken. Colour profiles are not applied. What a picture was converted from is
noted; where nothing says which number is white, it is refused.
"""

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features
from pydantic import Field

from dan_bench.data.noise import Shape
from dan_bench.interfaces import Bytes, Data, Split, dimension
from dan_bench.rng import generator

OF_THE_SYSTEM = ("thumbs.db", "ehthumbs.db", "desktop.ini")
"""Files that Windows leaves in folders; those of macOS are hidden."""

DECODING = b"pictures as a person sees them, cropped"
"""Version of the decoding, part of the fingerprint: other bytes are another data set."""

MOST_NAMED = 20
"""Files that a message names one by one."""

Mode = Literal["L", "RGB"]
AVIF = (b"avif", b"avis")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What such a file names itself in its first twelve bytes."""


@dataclass(frozen=True)
class Folder:
    """Every regular file under `root` as rows of bytes; hidden files and links are left out.

    `pictures` decodes each file as a person sees it, makes it grey (or RGB where the shape has a
    third number, 3), cuts off at both ends what is longer than `shape` has it, and resizes the
    middle; folders directly under `root` are its labels where there are at least two and no file
    beside them. What cannot be read is refused, or left out where `unreadable` is `skip`.
    `bytes` cuts each file into rows, the last one filled up with zeros, and has no labels.
    """

    root: Path
    shape: Shape
    kind: Literal["pictures", "bytes"]
    test_fraction: Annotated[float, Field(gt=0, lt=1)]
    fingerprint: str | None = None
    unreadable: Literal["refuse", "skip"] = "refuse"

    public: ClassVar[bool] = False
    """Nobody but the user need ever see it: by default no row of it is kept."""

    def __post_init__(self) -> None:
        colours = self.shape[2:]
        if self.kind == "pictures" and (len(self.shape) < 2 or colours not in ((), (1,), (3,))):
            raise ValueError(
                f"shape={list(self.shape)}: a picture has the shape [rows,columns], "
                "[rows,columns,1] (grey) or [rows,columns,3] (RGB); for rows of bytes of any "
                "shape there is data.kind=bytes"
            )

    def prepare(self) -> str:
        """Read everything; return how much there is, what was left out and what was converted.

        Raises:
            FileNotFoundError: there is no such folder, or nothing in it.
            ValueError: files are no pictures that can be read; all of them are named.
        """
        files, skipped = self._found
        rows, _, notes = self._read
        said = [f"folder: {len(files)} files under {Path(self.root).absolute()}"]
        said += [f"left out {listed(skipped)}"] if skipped else []
        if self.kind == "pictures" and len(rows) < len(files):
            said.append(f"skipped, as they cannot be read: {len(files) - len(rows)}")
        said += [f"pictures {listed(notes)}"] if notes else []
        return "; ".join(said)

    def files(self) -> list[Path]:
        """The files, in the order of their names."""
        return self._found[0]

    def identify(self) -> str:
        """SHA-256 over names, contents and how pictures are decoded: in a run's key, for a path."""
        return fingerprint(self.files(), self.root, DECODING if self.kind == "pictures" else b"")

    def load(self, split: Split) -> Data:
        """One split; the division into splits depends on the contents alone."""
        rows, labels, _ = self._read
        held_out = self._held_out(len(rows))
        order = generator(len(rows), "folder/split").permutation(len(rows))
        chosen = order[:held_out] if split == "test" else order[held_out:]
        return Data(rows[chosen], None if labels is None else labels[chosen])

    def test_rows(self) -> int:
        """Return how many rows are held out; no picture is decoded, but to see what is skipped."""
        if self.kind == "bytes":
            width = dimension(self.shape)
            return self._held_out(sum(-(-path.stat().st_size // width) for path in self.files()))
        skips = self.unreadable == "skip"
        return self._held_out(len(self._read[0] if skips else self.files()))

    def _held_out(self, rows: int) -> int:
        held_out = round(self.test_fraction * rows)
        if not 0 < held_out < rows:
            _ = self._read  # a file that cannot be read is the nearer cause
            raise ValueError(
                f"data.root={Path(self.root).absolute()} makes {rows} rows, of which "
                f"data.test_fraction={self.test_fraction} holds out {held_out}: both splits need "
                "at least one"
            )
        return held_out

    @cached_property
    def _found(self) -> tuple[list[Path], Counter[str]]:
        return find(Path(self.root))

    @cached_property
    def _read(self) -> tuple[Bytes, NDArray[np.int64] | None, Counter[str]]:
        """Rows, labels and notes of everything; decoded once."""
        return self._pictures() if self.kind == "pictures" else (self._bytes(), None, Counter())

    def _bytes(self) -> Bytes:
        width = dimension(self.shape)
        pieces = []
        for path in self.files():
            content = np.fromfile(path, dtype=np.uint8)
            pieces.append(np.pad(content, (0, -len(content) % width)).reshape(-1, width))
        return np.concatenate(pieces)

    def _pictures(self) -> tuple[Bytes, NDArray[np.int64] | None, Counter[str]]:
        mode: Mode = "RGB" if self.shape[2:] == (3,) else "L"
        notes: Counter[str] = Counter()
        rows = np.empty((len(self.files()), dimension(self.shape)), dtype=np.uint8)
        read, faults = list[Path](), list[str]()
        for path in self.files():
            try:
                picture, noted = decode(path, mode, (self.shape[1], self.shape[0]))
            except ValueError as error:
                faults.append(str(error))
                continue
            rows[len(read)] = picture.reshape(-1)
            read.append(path)
            notes.update(noted)
        if faults and (self.unreadable == "refuse" or not read):
            raise ValueError(unreadable(faults, len(self.files())))
        rows = rows[: len(read)]
        places = [path.relative_to(self.root).parts for path in read]
        classes = [place[0] for place in places]
        names = sorted(set(classes))
        labelled = len(names) >= 2 and all(len(place) > 1 for place in places)
        labels = np.array([names.index(name) for name in classes]) if labelled else None
        return rows, labels, notes


def find(root: Path) -> tuple[list[Path], Counter[str]]:
    """Return the files under a folder in the order of their names, and count what is left out.

    Raises:
        FileNotFoundError: there is no such folder, or nothing in it.
        OSError: a folder in it cannot be read.
    """
    if not root.is_dir():
        raise FileNotFoundError(
            f"data.root={root.absolute()} is not a folder; name one with data.root=DIR"
        )
    files: list[Path] = []
    skipped: Counter[str] = Counter()

    def fail(error: OSError) -> NoReturn:
        raise error

    for place, folders, names in os.walk(root, onerror=fail):
        for name in [*folders, *names]:
            path = Path(place, name)
            if name.startswith("."):
                skipped["hidden"] += 1
            elif path.is_symlink():
                skipped["links"] += 1
            elif name.lower() in OF_THE_SYSTEM:
                skipped["Thumbs.db or desktop.ini"] += 1
            elif path.is_file():
                files.append(path)
            elif not path.is_dir():
                skipped["neither file nor folder"] += 1
        folders[:] = [name for name in folders if not name.startswith(".")]
    if not files:
        also = f" but what is left out: {listed(skipped)}" if skipped else ""
        raise FileNotFoundError(f"data.root={root.absolute()} holds no files{also}")
    return sorted(files), skipped


def fingerprint(files: Sequence[Path], root: Path, how: bytes = b"") -> str:
    """SHA-256 over names and contents: what a record knows of a folder instead of its path.

    Args:
        files: of the folder, in their order.
        root: the folder.
        how: version of what is made of the contents.
    """
    total = hashlib.sha256(how)
    for path in files:
        total.update(str(path.relative_to(root)).encode(errors="surrogateescape") + b"\0")
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def unreadable(faults: list[str], files: int) -> str:
    """Return what to say of files that are no pictures, a line each, and what can be done."""
    more = f"\nand {len(faults) - MOST_NAMED} more" if len(faults) > MOST_NAMED else ""
    count = f"{len(faults)} of {files} files cannot" if len(faults) > 1 else "1 file cannot"
    return (
        f"{count} be read as a picture:\n"
        + "\n".join(faults[:MOST_NAMED])
        + f"{more}\nremove what is none, leave it out with data.unreadable=skip, or take the files "
        "as they are with data.kind=bytes"
    )


def listed(counts: Counter[str]) -> str:
    """Write counts as a list: `hidden: 2, links: 1`."""
    return ", ".join(f"{name}: {count}" for name, count in sorted(counts.items()))


def decode(path: Path, mode: Mode, size: tuple[int, int]) -> tuple[Bytes, list[str]]:
    """Return a picture as bytes, rows x columns [x 3], and notes on what was done to it.

    Args:
        path: the file.
        mode: grey or colour.
        size: columns and rows that its middle, cropped to their ratio, is resized to.

    Raises:
        ValueError: it is no picture, or a damaged or huge one, or nothing says which of its
            numbers is white; the message names the file and says why.
    """
    with suppress(ImportError):
        import_module("pillow_heif").register_heif_opener()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # from a file object: a file that it can map, Pillow 13 garbles where it is turned
            with path.open("rb") as file, Image.open(file) as opened:
                notes = what_is_special(opened)
                upright = ImageOps.exif_transpose(opened)
                plain = on_white(to_8_bits(upright, opened, notes), notes)
                cropped = ImageOps.fit(plain.convert(mode), size)
                return np.asarray(cropped, dtype=np.uint8), notes
    except Exception as error:  # decoders raise whatever they like on a damaged file
        unknown = isinstance(error, UnidentifiedImageError)
        why = missing_reader(path) or ("no format that Pillow knows" if unknown else error)
        raise ValueError(f"{path.absolute()}: {why}") from error


def missing_reader(path: Path) -> str:
    """Say what is to be installed for a file, where its first bytes tell; else nothing."""
    head = b""
    with suppress(OSError), path.open("rb") as file:
        head = file.read(12)
    brand = head[8:] if head[4:8] == b"ftyp" else b""
    if brand in AVIF and not features.check("avif"):
        return "AVIF needs a Pillow that reads it: pip install --upgrade pillow"
    if brand in HEIC and "HEIF" not in Image.OPEN:
        return "HEIC needs a plug-in for Pillow: pip install pillow-heif"
    return ""


def what_is_special(opened: Image.Image) -> list[str]:
    """Note what the file says of itself: its orientation, frames and inks."""
    notes = []
    if opened.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9):
        notes.append("turned upright")
    if getattr(opened, "n_frames", 1) > 1 and opened.format != "PSD":  # whose frames are layers
        notes.append("first of several frames or pages taken")
    if opened.mode == "CMYK":
        notes.append("converted from CMYK")
    return notes


def to_8_bits(picture: Image.Image, opened: Image.Image, notes: list[str]) -> Image.Image:
    """Scale what has more than 8 bits a colour, so that white stays white.

    Args:
        picture: what is to be scaled, upright.
        opened: the file that it is from, which knows what its numbers mean.
        notes: what was done is added to them.
    """
    if picture.mode not in ("I", "F") and not picture.mode.startswith("I;16"):
        return picture
    numbers: NDArray[Any] = np.asarray(picture)
    tags = getattr(opened, "tag_v2", {})
    if picture.mode == "F":
        notes.append("scaled from floating point")
        scaled = of_floats(numbers)
    elif picture.mode == "I" and opened.format != "PPM":  # whose numbers Pillow brings to 16 bits
        raise ValueError(
            f"its numbers run from {numbers.min()} to {numbers.max()}, and nothing says which is "
            "white: save it with 8 or 16 bits, unsigned"
        )
    else:
        notes.append("scaled from 16 bits")
        bits = tags.get(ExifTags.Base.BitsPerSample, (16,))[0]
        scaled = (numbers >> (bits - 8)).astype(np.uint8)
    if tags.get(ExifTags.Base.PhotometricInterpretation) == 0:  # white is zero
        scaled = 255 - scaled
    if isinstance(hidden := opened.info.get("transparency"), int):
        notes.append("laid on white")
        scaled = np.where(numbers == hidden, np.uint8(255), scaled)
    return Image.fromarray(scaled)


def of_floats(numbers: NDArray[np.float32]) -> Bytes:
    """Scale brightness from 0 to 1, or take whole numbers from 0 to 255 as they are."""
    low, high = numbers.min(), numbers.max()
    if low >= 0 and high <= 1:
        return np.rint(255 * numbers).astype(np.uint8)
    if low >= 0 and high <= 255 and (numbers == np.rint(numbers)).all():
        return numbers.astype(np.uint8)
    raise ValueError(
        f"its numbers run from {low:g} to {high:g}, and nothing says which is white: floating "
        "point must run from 0 to 1, or be whole numbers from 0 to 255"
    )


def on_white(picture: Image.Image, notes: list[str]) -> Image.Image:
    """Lay a picture on white where it is transparent."""
    if not picture.has_transparency_data:
        return picture
    layer = picture.convert("RGBA")
    if layer.getchannel("A").getextrema() != (255, 255):
        notes.append("laid on white")
        layer = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return layer.convert("RGB")
