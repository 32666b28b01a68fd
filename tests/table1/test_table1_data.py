"""What the subjects of Table 1 are trained on, and the album beside them."""

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from table1_rows import contents, image_folder, made_place

from dan_bench.table1 import imagenet, mp3
from dan_bench.table1.album import FAMILY, PHOTOGRAPHS, BundledAlbum
from dan_bench.table1.go import BLACK, MOVES, PASS, WHITE, boards, winners
from dan_bench.table1.workspace import regular_files

# ImageNet


def test_the_stand_in_has_imagenets_layout_and_no_synset_of_wordnet(tmp_path):
    place = made_place(tmp_path)
    imagenet.StandIn(per_class=3, held_out=2, cell=96).write(place, 0)
    for folder, each in ((place.training, 3), (place.held_out, 2)):
        files = regular_files(folder, "x")
        assert len(files) == each * len(PHOTOGRAPHS)
        assert {path.suffix for path in files} == {".JPEG"}
        synsets = {path.parent.name for path in files}
        assert len(synsets) == len(PHOTOGRAPHS)
        assert all(int(name[1:]) < 1740 for name in synsets)
        with Image.open(files[0]) as picture:
            assert picture.mode == "RGB"


def test_no_pixel_is_both_trained_on_and_asked_for(tmp_path, monkeypatch):
    """A photograph whose pixels say where they are."""
    rows, columns = np.indices((300, 256))
    where = np.stack([rows // 2, columns, rows % 2], axis=2).astype(np.uint8)
    monkeypatch.setattr(imagenet, "PHOTOGRAPHS", {"map": PHOTOGRAPHS["astronaut"]})
    monkeypatch.setattr(type(PHOTOGRAPHS["astronaut"]), "load", lambda _: where)
    seen: dict[str, set[tuple[int, ...]]] = {"training": set(), "held_out": set()}

    class Recorder:
        def __init__(self, crop):
            self.crop = crop

        def save(self, path, **_):
            pixels = map(tuple, self.crop.reshape(-1, 3).tolist())
            seen["training" if "training" in str(path) else "held_out"].update(pixels)

    monkeypatch.setattr(imagenet.Image, "fromarray", Recorder)
    imagenet.StandIn(per_class=60, held_out=30, cell=64).write(made_place(tmp_path), 0)
    assert len(seen["training"]) > 20_000
    assert len(seen["held_out"]) > 5_000
    assert not seen["training"] & seen["held_out"]


def test_an_imagenet_of_ones_own_is_copied_by_class(tmp_path):
    image_folder(tmp_path / "own", ("train", "val"))
    before = contents(tmp_path / "own")
    place = made_place(tmp_path)
    imagenet.OwnImageNet(tmp_path / "own", classes=2, per_class=4).write(place, 0)
    assert len(contents(place.training)) == len(contents(place.held_out)) == 8
    assert (
        contents(place.training).items()
        < {k.removeprefix("train/"): v for k, v in before.items() if k.startswith("train")}.items()
    )
    assert contents(tmp_path / "own") == before


def test_without_val_a_fifth_of_every_class_is_held_out(tmp_path):
    image_folder(tmp_path / "own")
    place = made_place(tmp_path)
    imagenet.OwnImageNet(tmp_path / "own").write(place, 0)
    trained, held = contents(place.training), contents(place.held_out)
    assert len(trained) == 24
    assert len(held) == 6
    assert not trained.keys() & held.keys()
    assert {name.split("/")[0] for name in held} == {"n1", "n2", "n3"}


def test_images_outside_of_classes_are_refused(tmp_path):
    (tmp_path / "flat.JPEG").write_bytes(b"x")
    with pytest.raises(ValueError, match="a folder a class"):
        imagenet.OwnImageNet(tmp_path).identify()


# MP3s


def test_songs_differ_are_mp3_and_say_whose_they_are_not(tmp_path):
    place = made_place(tmp_path)
    mp3.Synthesised(songs=3, seconds=2).write(place, 0)
    files = regular_files(place.training, "x")
    assert [path.name for path in files] == [f"not_britney_spears_{k:02}.mp3" for k in (1, 2, 3)]
    sounds = []
    for path in files:
        with soundfile.SoundFile(path) as file:
            assert file.format == "MP3"
            assert file.title.startswith("Not by Britney Spears")
        sound, rate = mp3.read_mono(path)
        assert rate == mp3.RATE
        assert len(sound) == 2 * rate
        assert sound.std() > 0.01
        sounds.append(sound)
    assert abs(np.corrcoef(sounds)[np.triu_indices(3, 1)]).max() < 0.5
    assert np.array_equal(mp3.song(0, 1, 1.0), mp3.song(0, 1, 1.0))
    assert not np.array_equal(mp3.song(0, 1, 1.0), mp3.song(1, 1, 1.0))


@pytest.mark.parametrize("hertz", [500.0, 1500.0, 4000.0])
def test_a_tone_stands_in_the_row_of_its_frequency(hertz):
    rate, side = 16_000, 75
    time = np.arange(3 * rate) / rate
    made = mp3.spectrograms(np.sin(2 * math.pi * hertz * time), rate, 1.0, 0.5, side)
    assert made.shape == (5, side, side)
    window = round(rate * side / mp3.HIGHEST)
    assert abs(made.mean(axis=(0, 2)).argmax() - hertz * window / rate) <= 1
    assert made.mean(axis=(1, 2)) == pytest.approx(np.zeros(5), abs=1e-4)
    assert made.std(axis=(1, 2)) == pytest.approx(np.ones(5), abs=1e-3)


def test_a_sound_too_short_makes_no_spectrogram_and_too_low_a_rate_is_refused():
    assert len(mp3.spectrograms(np.zeros(100, np.float32), 16_000, 1.0, 0.5, 75)) == 0
    with pytest.raises(ValueError, match="at 8000 Hz are too little"):
        mp3.spectrograms(np.zeros(80_000, np.float32), 8000, 1.0, 0.5, 75)


def test_the_class_of_an_mp3_is_its_folder_or_itself():
    root = Path("r")
    assert mp3.classes_of([root / "a.mp3", root / "b.mp3"], root) == [0, 1]
    nested = [root / "x" / "1.mp3", root / "x" / "2.mp3", root / "y" / "3.mp3"]
    assert mp3.classes_of(nested, root) == [0, 0, 1]
    assert mp3.classes_of([*nested, root / "b.mp3"], root) == [0, 1, 2, 3]


def test_what_is_no_mp3_is_named(tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"not at all")
    with pytest.raises(ValueError, match=r"a\.mp3 is no MP3"):
        mp3.read_mono(tmp_path / "a.mp3")
    with pytest.raises(ValueError, match="holds 1 MP3s"):
        mp3.OwnMp3s(tmp_path).identify()


# boards


def test_ink_becomes_stones_and_each_digit_has_its_move():
    image = np.zeros((2, 784), dtype=np.uint8)
    image[1] = 255
    made = boards(image)
    assert made.shape == (2, 3, 19, 19)
    assert made[0, 0].sum() == made[0, 1].sum() == 0
    assert made[1, 0].sum() == 361
    assert (made[:, 2] == 1).all()
    grey = boards(np.full((1, 784), int(255 * (BLACK + WHITE) / 2), dtype=np.uint8))
    assert grey[0, 1].sum() == 361
    assert sorted(MOVES.tolist())[-1] == PASS == 361
    assert len(set(MOVES.tolist())) == 10
    assert winners(torch.arange(4)).tolist() == [-1, 1, -1, 1]


def test_no_point_has_two_stones(mnist):
    made = boards(mnist.load("test").rows[:200])
    assert ((made[:, 0] + made[:, 1]) <= 1).all()
    assert made[:, 0].flatten(1).sum(dim=1).min() > 0


# the album


def test_the_album_is_of_real_photographs_with_their_authors(tmp_path):
    BundledAlbum().write(tmp_path)
    files = regular_files(tmp_path, "x")
    assert len(files) == len(FAMILY)
    for path, name in zip(files, FAMILY, strict=True):
        with Image.open(path) as picture:
            assert picture.format == "JPEG"
            exif = picture.getexif()
            assert exif[0x010E] == PHOTOGRAPHS[name].shows
            assert exif[0x013B] == PHOTOGRAPHS[name].by
            assert exif[0x8298] in ("CC0", "public domain")
            original = PHOTOGRAPHS[name].load().astype(float)
            assert np.abs(np.asarray(picture) - original).mean() < 6
