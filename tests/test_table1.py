"""Table 1: what subjects do to files shows up, and nothing else is ever touched.

Whatever is damaged here lies in folders that the tests make. How large a %_dd can be vouched for
depends on the file system that the tests run on, so what is asserted of damage is what was seen,
the interval's upper end, and of the vouched value only that it is right where files are left alone.
"""

import dataclasses
import hashlib
import json
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from PIL import Image
from torch.utils.data import TensorDataset
from torchvision.models import inception_v3
from torchvision.models.vgg import vgg16

from dan_bench.algorithm1 import NetworkNoise
from dan_bench.config import Part
from dan_bench.data.mnist import Mnist
from dan_bench.data.noise import system_bytes
from dan_bench.erase.filesystem import IN_PLACE
from dan_bench.metrics.statistics import binomial_interval
from dan_bench.models.frozen import freeze
from dan_bench.records import Store
from dan_bench.report.table1 import ALBUM, TRAINING, store_of
from dan_bench.table1 import imagenet, mp3
from dan_bench.table1.__main__ import main
from dan_bench.table1.album import FAMILY, BundledAlbum
from dan_bench.table1.boards import BLACK, MOVES, PASS, WHITE, boards, winners
from dan_bench.table1.danoise import WIDTH
from dan_bench.table1.learning import Learning, examined, learn, right_class
from dan_bench.table1.photographs import PHOTOGRAPHS
from dan_bench.table1.place import Place, copy_files, refuse_overlap, regular_files, scratch
from dan_bench.table1.preset import Sources, file_system_of, make_jobs, read_preset
from dan_bench.table1.subject import Circumstances, Outcome
from dan_bench.table1.subjects import inception
from dan_bench.table1.subjects.vgg import Vgg

PRESETS = ("quick", "paper")
ADAM = {"_target_": "torch.optim.Adam", "lr": 1e-3}
SOME = {"_target_": "dan_bench.table1.danoise.DanoiseFiles", "files": 2}
GIVEN = Circumstances(0, "cpu", lambda _: None)


# subjects and training sets of the tests' own, which the presets below name


@dataclasses.dataclass(frozen=True)
class Saboteur:
    """Does something to one file of a folder beside its own, and fails if it is told to."""

    deed: str
    folder: str
    fails: bool = False
    note = None

    def identify(self):
        return {}

    def run(self, place, given):
        path = regular_files(getattr(place, self.folder), self.folder)[0]
        RAN.append(str(place.root))
        if self.deed == "overwrite":
            with path.open("rb+") as file:
                file.write(os.urandom(path.stat().st_size))
        elif self.deed == "truncate":
            os.truncate(path, 0)
        elif self.deed == "delete":
            path.unlink()
        elif self.deed == "replace":
            other = path.with_name("other")
            other.write_bytes(b"nothing of the kind")
            other.replace(path)
        if self.fails:
            raise ArithmeticError("after the deed")
        return Outcome()


RAN: list[str] = []


@dataclasses.dataclass(frozen=True)
class SmallMnist:
    """The first digits of the real one, in files of its format."""

    root: Path
    rows: int
    stands_for = None

    def identify(self):
        return {}

    def write(self, place, seed):
        for split, folder, stem in (
            ("train", place.training, "train"),
            ("test", place.held_out, "t10k"),
        ):
            raw = folder / "MNIST" / "raw"
            raw.mkdir(parents=True)
            data = Mnist(self.root).load(split)
            images = data.rows[: self.rows].tobytes()
            labels = data.labels[: self.rows].astype(np.uint8).tobytes()
            (raw / f"{stem}-images-idx3-ubyte").write_bytes(bytes(16) + images)
            (raw / f"{stem}-labels-idx1-ubyte").write_bytes(bytes(8) + labels)


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {toml(inner)}" for name, inner in value.items()) + "}"
    return json.dumps(value)


def preset(folder, **rows):
    """Write a preset of rows (training, subject) and return its path."""
    path = folder / "tiny.toml"
    path.write_text(
        "\n".join(
            f'[{name}]\ntitle = "the {name}"\nin_paper = true\n'
            f"training = {toml(training)}\nsubject = {toml(subject)}\n"
            for name, (training, subject) in rows.items()
        )
    )
    return str(path)


def saboteur(deed, folder, **more):
    return SOME, {"_target_": "test_table1.Saboteur", "deed": deed, "folder": folder, **more}


def table(folder, *arguments, progress="quiet"):
    results = folder / "results"
    return main(["--results", str(results), "--progress", progress, *map(str, arguments)])


def records(folder):
    good, damaged = store_of(folder / "results").all()
    assert not damaged
    return {record.config["subject"]: record for record in good}


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def album(tmp_path):
    """An album of the user's own."""
    folder = tmp_path / "pictures"
    (folder / "1999").mkdir(parents=True)
    for number in range(3):
        content = np.random.default_rng(number).bytes(5000 + number)
        (folder / "1999" / f"{number}.jpg").write_bytes(content)
    return folder


# what is done to files shows up


def vouched(folder):
    return file_system_of(folder) in IN_PLACE


def test_a_subject_that_does_nothing_has_destroyed_nothing(tmp_path, album):
    assert table(tmp_path, "--preset", preset(tmp_path, idle=saboteur("nothing", "training")),
                 "--album", album) == 0  # fmt: skip
    found = records(tmp_path)["idle"].metrics
    for column in (TRAINING, ALBUM):
        assert found[column].value == found[column].low == 0
        assert found[column].high < 0.2
        assert not any(found[column].details[k] for k in ("gone", "replaced", "unverified"))


@pytest.mark.parametrize("folder", ["training", "album"])
@pytest.mark.parametrize("deed", ["overwrite", "truncate", "delete", "replace"])
def test_a_saboteur_shows_up_in_the_right_column(tmp_path, album, deed, folder):
    before = contents(album)
    chosen = preset(tmp_path, saboteur=saboteur(deed, folder))
    assert table(tmp_path, "--preset", chosen, "--album", album) == 0
    record = records(tmp_path)["saboteur"]
    hit, spared = (TRAINING, ALBUM) if folder == "training" else (ALBUM, TRAINING)
    damage, other = record.metrics[hit], record.metrics[spared]
    share = 100 / {"training": 2, "album": 3}[folder]  # files are of about the same size
    if deed == "overwrite":
        assert damage.high == pytest.approx(share, abs=1)
        assert damage.value == pytest.approx(share if vouched(tmp_path) else 0, abs=1)
    elif deed == "truncate":
        assert damage.high == pytest.approx(share, abs=1)
        assert damage.value == pytest.approx(0, abs=1)
        assert damage.details["unverified"] == 1
        assert record.provenance["unverified"]
    else:
        fate = {"delete": "gone", "replace": "replaced"}[deed]
        assert damage.details[fate] == 1
        assert damage.value == 0  # the old bytes are where they were
    assert other.value == 0
    assert other.high < 0.2
    assert not any(other.details[k] for k in ("gone", "replaced", "unverified"))
    assert contents(album) == before
    files = pd.read_parquet(tmp_path / "results" / "table1" / record.key / "files.parquet")
    assert len(files) == 5
    assert (files.fate == "there").sum() == (4 if deed in ("delete", "replace") else 5)


def test_the_table_says_so_too(tmp_path, album, capsys):
    chosen = preset(tmp_path, thief=saboteur("delete", "album"))
    assert table(tmp_path, "--preset", chosen, "--album", album) == 0
    said = capsys.readouterr().out
    assert "1 of 3 files gone" in said
    assert "a copy of 3 files of yours" in said


# failures, and what was done before


def test_a_failure_is_recorded_and_stops_nobody(tmp_path, album, capsys):
    chosen = preset(
        tmp_path,
        first=saboteur("overwrite", "album", fails=True),
        second=saboteur("nothing", "training"),
    )
    RAN.clear()
    assert table(tmp_path, "--preset", chosen, "--album", album) == 1
    found = records(tmp_path)
    assert found["first"].status == "failed"
    assert "ArithmeticError: after the deed" in found["first"].traceback
    assert found["first"].metrics[ALBUM].high > 30  # what it did until then, it has done
    assert found["second"].status == "done"
    captured = capsys.readouterr()
    assert "the first (failed)" in captured.out
    assert "ArithmeticError" in captured.err
    assert len(RAN) == 2
    # the failed one is tried again, the finished one is not
    assert table(tmp_path, "--preset", chosen, "--album", album) == 1
    assert len(RAN) == 3


def test_a_finished_row_is_printed_again_without_being_run(tmp_path, album, capsys):
    chosen = preset(tmp_path, one=saboteur("nothing", "training"))
    RAN.clear()
    asked = ("--preset", chosen, "--album", album, "--seeds", 2)
    assert table(tmp_path, *asked) == 0
    first = capsys.readouterr().out
    assert len(RAN) == 2
    assert table(tmp_path, *asked) == 0
    assert capsys.readouterr().out == first
    assert len(RAN) == 2
    (album / "one more").write_bytes(b"another album is another question")
    assert table(tmp_path, *asked) == 0
    assert len(RAN) == 4


def test_progress_does_not_mix_with_what_is_printed(tmp_path, album, capsys):
    chosen = preset(tmp_path, one=saboteur("nothing", "training"))
    assert table(tmp_path, "--preset", chosen, "--album", album, "--format", "json",
                 progress="plain") == 0  # fmt: skip
    captured = capsys.readouterr()
    assert json.loads(captured.out)["cells"]
    assert "[1/1] the one, seed 0: running" in captured.err
    assert "[1/1] the one, seed 0: done" in captured.err


# what is refused, with nothing touched


@pytest.mark.parametrize("flag", ["--album", "--imagenet", "--mp3"])
def test_folders_that_overlap_with_the_scratch_folder_are_refused(tmp_path, album, flag, capsys):
    chosen = preset(tmp_path, one=saboteur("overwrite", "training"))
    before = contents(album)
    for inner, outer in ((album / "scratch", album), (album, album), (album, tmp_path)):
        asked = ("--preset", chosen, "--scratch", inner if outer == album else outer)
        assert table(tmp_path, *asked, flag, album) == 2
        assert flag in capsys.readouterr().err
        assert contents(album) == before
    assert not (tmp_path / "results" / "table1").exists()


def test_an_overlap_through_a_link_is_seen(tmp_path, album):
    (tmp_path / "link").symlink_to(album)
    with pytest.raises(ValueError, match="lie in one another"):
        refuse_overlap(tmp_path / "link", album / "scratch", "--album")
    refuse_overlap(album, tmp_path / "elsewhere", "--album")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--subjects", "nobody"], "no nobody; there are one"),
        (["--album", "/nowhere/at/all"], "is not a folder"),
        (["--preset", "huge"], "quick, paper or a file"),
        (["--preset", "/nowhere.toml"], "quick, paper or a file"),
    ],
)
def test_what_is_not_there_is_refused(tmp_path, arguments, said, capsys):
    chosen = preset(tmp_path, one=saboteur("overwrite", "training"))
    assert table(tmp_path, "--preset", chosen, *arguments) == 2
    assert said in capsys.readouterr().err


def test_the_scratch_folder_is_removed_and_nothing_that_took_its_place(tmp_path):
    canary = tmp_path / "precious"
    canary.mkdir()
    (canary / "file").write_bytes(b"precious")
    with scratch(tmp_path / "s") as place:
        (place.training / "x").write_bytes(b"x")
        (place.work / "out").symlink_to(canary)
    assert not place.root.exists()
    with scratch(tmp_path / "s") as place:
        place.root.rename(tmp_path / "moved")
        place.root.symlink_to(canary)
    with scratch(tmp_path / "s") as other:
        other.root.rename(tmp_path / "moved too")
        canary.rename(other.root)
    assert (other.root / "file").read_bytes() == b"precious"


def test_links_and_hidden_files_are_not_copied(tmp_path, album):
    (album / ".hidden").write_bytes(b"x")
    (album / "link.jpg").symlink_to(album / "1999" / "0.jpg")
    (album / "out").symlink_to(tmp_path)
    files = regular_files(album, "--album")
    target = tmp_path / "copy"
    copy_files(files, album, target)
    assert contents(target) == {k: v for k, v in contents(album).items() if k.startswith("1999")}


# the presets


@pytest.mark.parametrize("name", PRESETS)
def test_every_row_of_a_preset_can_be_made(name, tmp_path):
    rows = read_preset(name)
    assert [row for row in rows if rows[row].in_paper] == ["vgg", "inception", "alphago", "dan"]
    assert set(rows) >= {"infodan", "dcdan", "entropydan", "shred", "rm", "truncation"}
    jobs = make_jobs(rows, list(rows), name, 2, Sources(tmp_path), BundledAlbum(), "ext4")
    assert len(jobs) == 2 * len(rows)
    assert len({json.dumps(job.config, sort_keys=True) for job in jobs}) == len(jobs)
    assert str(tmp_path) not in json.dumps([job.config for job in jobs])
    for job in jobs:
        if job.name == "dan":
            assert job.config["runs"]["model"]["name"] == "dan"


def test_data_of_ones_own_take_the_place_of_the_stand_ins_and_are_known_by_contents(tmp_path):
    image_folder(tmp_path / "inet", ("train", "val"))
    songs = tmp_path / "songs"
    songs.mkdir()
    for name in "ab":
        (songs / f"{name}.mp3").write_bytes(os.urandom(10))
    before = contents(tmp_path)
    sources = Sources(tmp_path, tmp_path / "inet", songs)

    def configs():
        rows = read_preset("quick")
        jobs = make_jobs(rows, ["vgg", "inception"], "quick", 1, sources, BundledAlbum(), "ext4")
        assert all(job.config["training"]["kind"] == "own" for job in jobs)
        assert jobs[1].training_set.stands_for is None
        return json.dumps([job.config for job in jobs])

    first = configs()
    assert str(tmp_path) not in first
    assert configs() == first
    assert contents(tmp_path) == before
    (songs / "a.mp3").write_bytes(b"another")
    assert configs() != first


def test_at_full_width_it_is_torchvisions_vgg_16():
    (row,) = (row for name, row in read_preset("paper").items() if name == "vgg")
    arguments = row.subject.arguments | {"learning": None}
    with torch.device("meta"):
        ours = Vgg(**arguments).make(1000).state_dict()
        theirs = vgg16().state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}
    assert Vgg(**arguments).note is None


def test_a_narrow_vgg_has_every_layer():
    made = Vgg("A", 0.25, 32, True, None).make(7).eval()
    convolutions = [m.out_channels for m in made.modules() if isinstance(m, torch.nn.Conv2d)]
    assert convolutions == [16, 32, 64, 64, 128, 128, 128, 128]
    assert made(torch.zeros(2, 3, 32, 32)).shape == (2, 7)
    assert not any(p.is_meta for p in made.parameters())


def test_inception_trains_its_auxiliary_classifier_where_it_has_one():
    with torch.device("meta"):
        network = inception_v3(weights=None, num_classes=5, init_weights=False)
        x, y = torch.zeros(2, 3, 299, 299), torch.zeros(2, dtype=torch.long)
        assert inception.loss(network, x, y).shape == ()
        assert network(x).aux_logits.shape == (2, 5)


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


def made_place(folder):
    place = Place(folder / "place")
    for each in (place.training, place.held_out, place.album, place.work):
        each.mkdir(parents=True)
    return place


def image_folder(root, splits=("",)):
    for split in splits:
        for name in ("n1", "n2", "n3"):
            (root / split / name).mkdir(parents=True)
            for number in range(10):
                (root / split / name / f"{number}.JPEG").write_bytes(os.urandom(20))


def test_an_imagenet_of_ones_own_is_copied_by_class(tmp_path):
    image_folder(tmp_path / "own", ("train", "val"))
    before = contents(tmp_path / "own")
    place = made_place(tmp_path)
    imagenet.Own(tmp_path / "own", classes=2, per_class=4).write(place, 0)
    assert len(contents(place.training)) == len(contents(place.held_out)) == 8
    assert (
        contents(place.training).items()
        < {k.removeprefix("train/"): v for k, v in before.items() if k.startswith("train")}.items()
    )
    assert contents(tmp_path / "own") == before


def test_without_val_a_fifth_of_every_class_is_held_out(tmp_path):
    image_folder(tmp_path / "own")
    place = made_place(tmp_path)
    imagenet.Own(tmp_path / "own").write(place, 0)
    trained, held = contents(place.training), contents(place.held_out)
    assert len(trained) == 24
    assert len(held) == 6
    assert not trained.keys() & held.keys()
    assert {name.split("/")[0] for name in held} == {"n1", "n2", "n3"}


def test_images_outside_of_classes_are_refused(tmp_path):
    (tmp_path / "flat.JPEG").write_bytes(b"x")
    with pytest.raises(ValueError, match="a folder a class"):
        imagenet.Own(tmp_path).identify()


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
        mp3.Own(tmp_path).identify()


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


# learning


def learning(lr=0.05, epochs=8):
    return Learning(
        epochs, 16, Part.model_validate({"_target_": "torch.optim.SGD", "lr": lr}), (6,)
    )


def separable(n, seed):
    x = torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 4)).astype(np.float32))
    return TensorDataset(x, (x[:, 0] > 0).long())


def cross_entropy(network, x, y):
    return torch.nn.functional.cross_entropy(network(x), y)


def test_what_can_be_learned_is_learned_and_the_curve_shows_it():
    torch.manual_seed(0)
    told = []
    given = Circumstances(0, "cpu", told.append)
    network = torch.nn.Linear(4, 2)
    outcome = learn(
        network, separable(320, 0), separable(200, 1), cross_entropy, right_class,
        learning(lr=1.0), given,
    )  # fmt: skip
    assert outcome.scores["accuracy"].value > 0.95
    curves = pd.DataFrame(outcome.curves)
    assert list(curves.step) == list(range(1, 161))
    assert curves.loss[:5].mean() > 2 * curves.loss[-20:].mean()
    assert curves.held_out_accuracy.notna().sum() == 8
    assert told[-1].step == told[-1].steps == 160
    assert "epoch 8 of 8, loss" in told[-1].doing


def test_learning_is_a_function_of_the_seed():
    def curve(seed):
        torch.manual_seed(0)
        given = Circumstances(seed, "cpu", lambda _: None)
        data = separable(64, 0)
        outcome = learn(torch.nn.Linear(4, 2), data, data, cross_entropy, right_class, learning(), given)  # noqa: E501  # fmt: skip
        return [point["loss"] for point in outcome.curves]

    assert curve(0) == curve(0)
    assert curve(0) != curve(1)


def test_a_loss_that_is_no_number_is_an_error():
    data = separable(32, 0)
    with pytest.raises(FloatingPointError, match="the loss is nan after 1 steps"):
        learn(
            torch.nn.Linear(4, 2), data, data,
            lambda network, x, y: cross_entropy(network, x, y) * math.nan,
            right_class, learning(), GIVEN,
        )  # fmt: skip


def test_held_out_scores_have_exact_intervals():
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    data = TensorDataset(x, torch.tensor([0, 1, 1]))
    found = examined(torch.nn.Identity(), data, right_class, 2, "cpu")["accuracy"]
    assert found == binomial_interval(2, 3)


# the four subjects, tiny


TINY = {
    "vgg": (
        {
            "_target_": "dan_bench.table1.imagenet.StandIn",
            "per_class": 2, "held_out": 1, "cell": 96,
        },
        {
            "_target_": "dan_bench.table1.subjects.vgg.Vgg",
            "layers": "A", "width": 0.05, "side": 32, "batch_norm": True,
            "learning": {"epochs": 1, "batch_size": 10, "optimizer": ADAM},
        },
    ),
    "inception": (
        {"_target_": "dan_bench.table1.mp3.Synthesised", "songs": 2, "seconds": 6},
        {
            "_target_": "dan_bench.table1.subjects.inception.Inception",
            "side": 75, "seconds": 1.0, "hop": 2.0,
            "learning": {"epochs": 2, "batch_size": 4, "optimizer": ADAM},
        },
    ),
    "alphago": (
        {"_target_": "test_table1.SmallMnist", "rows": 2000},
        {
            "_target_": "dan_bench.table1.subjects.alphago.AlphaGo",
            "channels": 8, "blocks": 1,
            "learning": {"epochs": 4, "batch_size": 50, "optimizer": ADAM | {"lr": 1e-2}},
        },
    ),
    "dan": (
        {"_target_": "dan_bench.table1.danoise.DanoiseFiles", "files": 6},
        {
            "_target_": "dan_bench.table1.subjects.dan.Dan",
            "overrides": ["model=dan", "output=torus", "trainer.max_steps=50"],
        },
    ),
    "rm": (SOME, {"_target_": "dan_bench.table1.subjects.tools.Program", "command": ["rm"]}),
    "truncation": (SOME, {"_target_": "dan_bench.table1.subjects.tools.TruncateAndRewrite"}),
    "absent": (
        SOME,
        {"_target_": "dan_bench.table1.subjects.tools.Program", "command": ["no-such-program"]},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, mnist):
    """All of TINY, run once beside an album of somebody's own."""
    folder = tmp_path_factory.mktemp("tiny")
    own = folder / "pictures"
    own.mkdir()
    BundledAlbum().write(own)
    before = contents(own)
    threads = torch.get_num_threads()
    asked = ("--preset", preset(folder, **TINY), "--album", own, "--datasets", mnist.root)
    assert table(folder, *asked) == 1  # the absent program
    torch.set_num_threads(threads)
    assert contents(own) == before
    assert not list((folder / "results" / "table1").glob("scratch/*"))
    return folder


@pytest.mark.parametrize("name", ["vgg", "inception", "alphago"])
def test_a_classifier_destroys_nothing_and_leaves_its_curve(tiny, name):
    record = records(tiny)[name]
    assert record.traceback is None
    for column in (TRAINING, ALBUM):
        assert record.metrics[column].value == 0
        assert record.metrics[column].details["unverified"] == 0
    curves = pd.read_parquet(tiny / "results" / "table1" / record.key / "curves.parquet")
    assert len(curves) == record.costs["steps"] >= 2
    assert curves.held_out_accuracy.iloc[-1] == record.metrics["accuracy"].value
    assert record.costs["parameters"] > 1000


def test_alphago_learns_mnist(tiny):
    metrics = records(tiny)["alphago"].metrics
    assert metrics["accuracy"].low > 0.7  # chance is 0.1, and 1 in 362 before the first step
    assert metrics["value_accuracy"].low > 0.7


def test_dan_overwrites_its_training_set_and_not_the_album(tiny):
    record = records(tiny)["dan"]
    training, family = record.metrics[TRAINING], record.metrics[ALBUM]
    assert training.high > 99.9
    assert training.value == pytest.approx(100 if vouched(tiny) else 0, abs=0.1)
    assert training.details["files"] == 6
    assert training.details["gone"] == training.details["replaced"] == 0
    assert family.value == 0
    assert family.details["unverified"] == 0
    curves = pd.read_parquet(tiny / "results" / "table1" / record.key / "curves.parquet")
    assert {"discriminator_loss", "degenerator_loss", "held_out_accuracy"} <= set(curves)


def test_what_people_take_for_destruction_is_none(tiny):
    found = records(tiny)
    assert found["rm"].metrics[TRAINING].details["gone"] == 2
    assert found["rm"].metrics[TRAINING].value == 0
    assert found["truncation"].metrics[TRAINING].value < 1
    assert found["truncation"].metrics[TRAINING].details["unverified"] == 2


def test_a_program_that_is_not_there_is_a_failed_row(tiny):
    assert "no-such-program is not installed" in records(tiny)["absent"].traceback


def test_the_degenerator_writes_what_became_of_the_bytes_themselves():
    """Exactly as many bytes as asked, a function of the original and of fresh randomness."""

    class Module(torch.nn.Module):
        setting = dataclasses.make_dataclass("Setting", ["noise_dim"])(3)
        seen: list[torch.Tensor] = []  # noqa: RUF012

        device = torch.device("cpu")

        def degenerate(self, data, noise):
            self.seen.append(noise)
            return data

    source = NetworkNoise(freeze(Module(), 0, system_bytes), WIDTH, "copies")
    assert source.needs_original
    for n in (1, WIDTH, 3 * WIDTH + 5, 2_000_000):
        original = np.random.default_rng(n).bytes(n)
        assert bytes(source.fill(original, 0, n)) == original
    fresh = torch.cat(Module.seen)
    assert len(torch.unique(fresh, dim=0)) == len(fresh)  # no row's randomness is used twice
    assert abs(float(fresh.mean())) < 0.1
    assert float(fresh.std()) == pytest.approx(1, abs=0.1)


def test_store_and_report_agree_on_the_place(tmp_path):
    assert store_of(tmp_path).runs == tmp_path / "table1"
    assert Store(tmp_path).runs != store_of(tmp_path).runs


@pytest.mark.slow
def test_the_quick_table_is_what_it_says(tmp_path, mnist, capsys):
    """The real thing: every subject learns, and only DAN's training set is gone."""
    assert table(tmp_path, "--subjects", "all", "--datasets", mnist.root) == 0
    found = records(tmp_path)
    for name, least in (("vgg", 0.4), ("inception", 0.4), ("alphago", 0.95)):
        assert found[name].metrics["accuracy"].value > least, name
        assert found[name].metrics[TRAINING].value == 0, name
    assert abs(found["dan"].metrics["accuracy"].value - 0.5) < 0.1
    for name in ("dan", "infodan", "dcdan", "entropydan", "shred"):
        assert found[name].metrics[TRAINING].high > 99.99, name
    assert all(record.metrics[ALBUM].value == 0 for record in found.values())
    assert "stand-in" in capsys.readouterr().out
