"""One picture file, decoded as a person sees it: upright, on white, 8 bits a colour.

Of several frames or pages the first is taken. Colour profiles are not applied. What a picture was
converted from is noted; where nothing says which number is white, it is refused.
"""

import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features

from dan_bench.interfaces import Bytes

Mode = Literal["L", "RGB"]
AVIF = (b"avif", b"avis")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What such a file names itself in its first twelve bytes."""


def decode(path: Path, mode: Mode, size: tuple[int, int]) -> tuple[Bytes, list[str]]:
    """Return a picture as bytes, rows x columns [x 3], and notes on what was done to it.

    Args:
        path: the file.
        mode: grey or colour.
        size: columns and rows to resize to.

    Raises:
        ValueError: it is no picture, or a damaged or huge one, or nothing says which of its
            numbers is white; the message names the file and says what to do.
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
                return np.asarray(plain.convert(mode).resize(size), dtype=np.uint8), notes
    except Exception as error:  # decoders raise whatever they like on a damaged file
        unknown = isinstance(error, UnidentifiedImageError)
        why = missing_reader(path) or ("no format that Pillow knows" if unknown else error)
        raise ValueError(
            f"{path} cannot be read as a picture ({why}); "
            "remove it, or take the files as they are with data.kind=bytes"
        ) from error


def missing_reader(path: Path) -> str:
    """Say what is to be installed for a file, where its first bytes tell; else nothing."""
    with path.open("rb") as file:
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
