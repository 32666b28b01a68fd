"""A picture is decoded as a person sees it, or refused by name."""

import struct
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin, features

from dan_bench.data.folder import decode

COLUMNS, ROWS = 6, 4
SIZE = (COLUMNS, ROWS)
RAMP = np.arange(0, 240, 10, dtype=np.uint8).reshape(ROWS, COLUMNS)


def grey(path, size=SIZE):
    return decode(path, "L", size)


def test_8_bits_are_taken_as_they_are(tmp_path):
    for name in ("a.png", "a.bmp", "a.tif", "a.gif", "a.pgm"):
        Image.fromarray(RAMP).save(tmp_path / name)
        pixels, notes = grey(tmp_path / name)
        assert np.array_equal(pixels, RAMP)
        assert pixels.dtype == np.uint8
        assert notes == []


@pytest.mark.parametrize("name", ["deep.png", "deep.tif", "deep.jp2"])
def test_16_bits_are_scaled(tmp_path, name):
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / name)
    pixels, notes = grey(tmp_path / name)
    assert np.array_equal(pixels, RAMP)
    assert notes == ["scaled from 16 bits"]


def test_16_bits_are_scaled_whatever_their_byte_order_and_maximum(tmp_path):
    path = tmp_path / "big.tif"
    Image.fromarray((RAMP.astype(">u2") * 257).astype(">u2")).save(path)
    assert np.array_equal(grey(path)[0], RAMP)
    path = tmp_path / "10 bits.pgm"
    path.write_bytes(b"P5 2 1 1023\n" + struct.pack(">2H", 512, 1023))
    assert grey(path, (2, 1))[0].tolist() == [[128, 255]]


def test_12_bits_of_a_tiff_have_their_own_white(tmp_path):
    path = tmp_path / "12 bits.tif"
    made = Image.frombytes("L", (3, 1), bytes.fromhex("fff800"))  # 4095, 2048: three bytes
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    made.save(path, tiffinfo=tags)
    content = bytearray(path.read_bytes())
    with Image.open(path) as opened:
        offsets = {258: 12, 256: 2}
        assert opened.tag_v2[258] == (8,)
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        (tag, kind) = struct.unpack_from("<HH", content, place)
        if tag in offsets:
            struct.pack_into("<H" if kind == 3 else "<I", content, place + 8, offsets[tag])
    path.write_bytes(content)
    pixels, notes = grey(path, (2, 1))
    assert pixels.tolist() == [[255, 128]]
    assert notes == ["scaled from 16 bits"]


def test_a_16_bit_tiff_in_which_0_is_white_is_not_seen_as_its_negative(tmp_path):
    tags = {ExifTags.Base.PhotometricInterpretation: 0}
    Image.fromarray((255 - RAMP).astype(np.uint16) * 257).save(tmp_path / "a.tif", tiffinfo=tags)
    assert np.array_equal(grey(tmp_path / "a.tif")[0], RAMP)


def test_floating_point_from_0_to_1_is_scaled(tmp_path):
    Image.fromarray(RAMP.astype(np.float32) / 255).save(tmp_path / "a.tif")
    pixels, notes = grey(tmp_path / "a.tif")
    assert np.array_equal(pixels, RAMP)
    assert notes == ["scaled from floating point"]


def test_floating_point_that_holds_bytes_is_taken_as_it_is(tmp_path):
    Image.fromarray(RAMP.astype(np.float32)).save(tmp_path / "a.tif")
    assert np.array_equal(grey(tmp_path / "a.tif")[0], RAMP)


@pytest.mark.parametrize(
    "numbers",
    [
        np.float32([[0, 2.5]]),
        np.float32([[-0.5, 1]]),
        np.float32([[0, 256]]),
        np.float32([[0, np.nan]]),
        np.float32([[0, np.inf]]),
        np.int32([[0, 70000]]),
        np.int32([[0, 255]]),
    ],
    ids=str,
)
def test_numbers_without_a_known_white_are_refused(tmp_path, numbers):
    Image.fromarray(numbers).save(tmp_path / "odd.tif")
    with pytest.raises(ValueError, match=r"odd\.tif: .*nothing says which is white"):
        grey(tmp_path / "odd.tif", (2, 1))


@pytest.mark.parametrize("name", ["turned.jpg", "turned.png", "turned.tif", "turned.webp"])
def test_a_picture_is_turned_as_its_camera_says(tmp_path, name):
    """A portrait, as a camera held upright writes it: rows from top to bottom lie to the side."""
    portrait = np.full((60, 40), 255, dtype=np.uint8)
    portrait[:20] = 0  # the sky is dark
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    lying = Image.fromarray(portrait).transpose(Image.Transpose.ROTATE_90)
    lying.save(tmp_path / name, exif=exif)
    pixels, notes = grey(tmp_path / name, (40, 60))
    assert np.abs(pixels.astype(int) - portrait).mean() < 2
    assert notes == ["turned upright"]


def test_a_16_bit_picture_is_turned_too(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    Image.fromarray(RAMP[::-1, ::-1].astype(np.uint16) * 257).save(tmp_path / "a.png", exif=exif)
    pixels, notes = grey(tmp_path / "a.png")
    assert np.array_equal(pixels, RAMP)
    assert notes == ["turned upright", "scaled from 16 bits"]


def see_through():
    """Half of it is black and half of it nothing, with a black colour hidden behind it."""
    made = np.zeros((ROWS, COLUMNS, 4), dtype=np.uint8)
    made[:2, :, 3] = 255
    return Image.fromarray(made)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_what_is_transparent_is_white(tmp_path, mode, name):
    made = see_through().convert("P" if mode == "PA" else mode)
    if mode == "PA":
        made.putalpha(see_through().getchannel("A"))
        name = "a.tif"  # a PNG has no such mode
    made.save(tmp_path / name)
    pixels, notes = grey(tmp_path / name)
    assert (pixels[:2] == 0).all()
    assert (pixels[2:] == 255).all()
    assert notes == ["laid on white"]


def test_half_transparent_black_is_grey(tmp_path):
    Image.new("RGBA", SIZE, (0, 0, 0, 128)).save(tmp_path / "a.png")
    assert (grey(tmp_path / "a.png")[0] == 127).all()


def test_a_transparent_colour_of_a_palette_is_white(tmp_path):
    made = Image.fromarray((RAMP > 100).astype(np.uint8))
    made.putpalette([0, 0, 0, 60, 60, 60])
    for name in ("a.gif", "a.png"):
        made.save(tmp_path / name, transparency=0)
        pixels, notes = grey(tmp_path / name)
        assert np.array_equal(pixels, np.where(RAMP > 100, 60, 255))
        assert notes == ["laid on white"]


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_transparent_grey_is_white(tmp_path, kind):
    scale = 257 if kind is np.uint16 else 1
    Image.fromarray(RAMP.astype(kind) * scale).save(tmp_path / "a.png", transparency=50 * scale)
    pixels, notes = grey(tmp_path / "a.png")
    assert np.array_equal(pixels, np.where(RAMP == 50, 255, RAMP))
    assert notes[-1] == "laid on white"


def test_an_alpha_channel_that_hides_nothing_is_not_worth_a_word(tmp_path):
    Image.merge("LA", [Image.fromarray(RAMP), Image.new("L", SIZE, 255)]).save(tmp_path / "a.png")
    pixels, notes = grey(tmp_path / "a.png")
    assert np.array_equal(pixels, RAMP)
    assert notes == []


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif", "a.mpo"])
def test_the_first_of_several_frames_is_taken_and_that_is_said(tmp_path, name):
    first, second = (Image.new("L", (16, 16), colour) for colour in (200, 0))
    first.save(tmp_path / name, save_all=True, append_images=[second])
    pixels, notes = grey(tmp_path / name)
    assert np.abs(pixels.astype(int) - 200).max() <= 1
    assert notes == ["first of several frames or pages taken"]


def test_palettes_black_and_white_and_cmyk_are_seen_in_their_colours(tmp_path):
    Image.fromarray(RAMP).quantize(24).save(tmp_path / "palette.png")
    assert np.array_equal(grey(tmp_path / "palette.png")[0], RAMP)
    Image.fromarray(RAMP > 100).save(tmp_path / "1 bit.png")
    assert np.array_equal(grey(tmp_path / "1 bit.png")[0], np.where(RAMP > 100, 255, 0))
    Image.new("CMYK", SIZE, (0, 255, 255, 0)).save(tmp_path / "red.tif")
    pixels, notes = decode(tmp_path / "red.tif", "RGB", SIZE)
    assert (pixels == [255, 0, 0]).all()
    assert notes == ["converted from CMYK"]


def test_a_picture_of_too_many_pixels_is_refused(tmp_path, monkeypatch):
    Image.fromarray(RAMP).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", RAMP.size)
    assert np.array_equal(grey(tmp_path / "large.png")[0], RAMP)
    for most in (RAMP.size - 1, RAMP.size // 3):  # Pillow warns of the one, and refuses the other
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with pytest.raises(ValueError, match=r"large\.png: .*24 pixels.* exceeds limit"):
            grey(tmp_path / "large.png")


@pytest.mark.parametrize("name", ["a.jpg", "a.gif", "a.webp", "a.tif", "a.bmp", "a.avif"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_half_a_picture_is_refused(tmp_path, name, share):
    noise = np.random.default_rng(0).integers(0, 256, (90, 120), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / name)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: round(share * len(whole))])
    with pytest.raises(ValueError, match=rf"{name}: "):
        grey(tmp_path / name)


HEIC = b"\x00\x00\x00\x18ftypheic" + bytes(20)


def test_heic_without_its_plug_in_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    (tmp_path / "phone.heic").write_bytes(HEIC)
    with pytest.raises(ValueError, match=r"phone\.heic: .*pip install pillow-heif"):
        grey(tmp_path / "phone.heic")


def test_heic_is_read_where_its_plug_in_is_installed(tmp_path, monkeypatch):
    class Heif(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self):
            self._mode, self._size = "L", (1, 1)
            self.tile = [("raw", (0, 0, 1, 1), 12, ("L", 0, 1))]

    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    plug_in = SimpleNamespace(
        register_heif_opener=lambda: Image.register_open("HEIF", Heif, lambda head: b"heic" in head)
    )
    monkeypatch.setitem(sys.modules, "pillow_heif", plug_in)
    (tmp_path / "phone.heic").write_bytes(HEIC[:12] + b"\x80" + HEIC[12:])
    assert grey(tmp_path / "phone.heic", (1, 1))[0] == 128


def test_avif_is_read(tmp_path):
    Image.new("L", (16, 16), 200).save(tmp_path / "a.avif")
    assert np.abs(grey(tmp_path / "a.avif")[0].astype(int) - 200).max() <= 2


@pytest.mark.filterwarnings("ignore:image file could not be identified")
def test_avif_without_its_decoder_says_what_to_install(tmp_path, monkeypatch):
    Image.new("L", (16, 16), 200).save(tmp_path / "a.avif")
    monkeypatch.setattr("PIL.AvifImagePlugin.SUPPORTED", False)
    monkeypatch.setattr(features, "check", lambda _: False)
    with pytest.raises(ValueError, match=r"a\.avif: .*pip install --upgrade pillow"):
        grey(tmp_path / "a.avif")
