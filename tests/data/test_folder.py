"""Your own files as a data set: read, never written."""

import io
import os
import shutil

import numpy as np
import pytest
from PIL import ExifTags, Image

from dan_bench.cli import InputError
from dan_bench.config.compose import configure
from dan_bench.config.schema import ConfigError
from dan_bench.data import folder as folders
from dan_bench.data.folder import Folder
from dan_bench.pipeline.plan import plan, prepare


def paint(path, grey, size=(8, 6)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, grey).save(path)


def pictures(root, **changes):
    return Folder(
        **{"root": root, "shape": (4, 5), "kind": "pictures", "test_fraction": 0.2} | changes
    )


def raw(root, **changes):
    return pictures(root, kind="bytes", **changes)


@pytest.fixture
def album(tmp_path):
    """Ten pictures of cats (grey 0 to 9) and fifteen of dogs (grey 100 to 114)."""
    root = tmp_path / "album"
    for i in range(10):
        paint(root / "cats" / f"{i}.png", i)
    for i in range(15):
        paint(root / "dogs" / "young" / f"{i:02}.png", 100 + i)
    return root


def everything(folder):
    return np.concatenate([folder.load("train").rows, folder.load("test").rows])


def snapshot(root):
    return {
        path: (path.stat().st_mtime_ns, path.stat().st_mode, path.is_file() and path.read_bytes())
        for path in root.rglob("*")
    }


def test_pictures_become_grey_rows_of_the_shape(album):
    rows = everything(pictures(album))
    assert rows.shape == (25, 20)
    assert rows.dtype == np.uint8
    assert (rows == rows[:, :1]).all()
    assert sorted(rows[:, 0]) == [*range(10), *range(100, 115)]


def test_a_picture_keeps_its_rows_and_columns(tmp_path):
    picture = np.arange(20, dtype=np.uint8).reshape(4, 5)
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(picture).save(tmp_path / name)
    assert np.array_equal(everything(pictures(tmp_path)), np.tile(picture.ravel(), (3, 1)))


def test_a_shape_that_ends_in_3_is_colour(tmp_path):
    red = np.zeros((4, 5, 3), dtype=np.uint8)
    red[..., 0] = 200
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(red).save(tmp_path / name)
    assert np.array_equal(
        everything(pictures(tmp_path, shape=(4, 5, 3))), np.tile(red.ravel(), (3, 1))
    )


def test_folders_under_root_are_the_labels(album):
    for split in ("train", "test", "attack"):
        data = pictures(album).load(split)
        assert np.array_equal(data.labels, data.rows[:, 0] >= 100)


def test_pictures_without_folders_have_no_labels(album):
    assert pictures(album / "cats").load("train").labels is None
    assert pictures(album / "dogs").load("train").labels is None


def test_a_loose_picture_is_no_class_of_its_own(album):
    """One folder and one picture beside it are not two folders."""
    shutil.rmtree(album / "dogs")
    paint(album / "cover.png", 50)
    assert pictures(album).load("train").labels is None


def test_bytes_are_cut_into_rows_and_filled_up_with_zeros(tmp_path):
    (tmp_path / "a").write_bytes(bytes([1, 2, 3, 4, 5]))
    (tmp_path / "b").write_bytes(bytes([6, 7, 8, 9, 10, 11, 12, 13]))
    (tmp_path / "c").write_bytes(b"")
    folder = raw(tmp_path, shape=(2, 2), test_fraction=0.25)
    rows = sorted(everything(folder).tolist())
    assert rows == [[1, 2, 3, 4], [5, 0, 0, 0], [6, 7, 8, 9], [10, 11, 12, 13]]
    assert folder.load("train").labels is None


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8])
def test_splits_are_disjoint_and_cover_everything(album, fraction):
    folder = pictures(album, test_fraction=fraction)
    train, test, attack = (
        folder.load(split).rows[:, 0].tolist() for split in ("train", "test", "attack")
    )
    assert len(test) == round(25 * fraction)
    assert not set(train) & set(test)
    assert sorted(train + test) == [*range(10), *range(100, 115)]
    assert attack == train


def test_splits_do_not_depend_on_where_the_folder_is(album, tmp_path):
    elsewhere = shutil.copytree(album, tmp_path / "a" / "b")
    for split in ("train", "test"):
        here, there = (pictures(root).load(split) for root in (album, elsewhere))
        assert np.array_equal(here.rows, there.rows)
        assert np.array_equal(here.labels, there.labels)


def test_hidden_files_and_links_are_left_out(album, tmp_path):
    before = pictures(album).identify()
    (album / ".notes").write_text("no picture")
    (album / ".thumbnails").mkdir()
    (album / ".thumbnails" / "x").write_text("no picture either")
    outside = tmp_path / "outside.png"
    paint(outside, 77)
    (album / "cats" / "link.png").symlink_to(outside)
    (album / "everything").symlink_to(tmp_path)
    assert len(pictures(album).files()) == 25
    assert pictures(album).identify() == before


def test_a_hidden_folder_above_root_hides_nothing(album, tmp_path):
    hidden = shutil.copytree(album, tmp_path / ".private" / "album")
    assert len(pictures(hidden).files()) == 25


def test_the_identity_is_of_names_and_contents_and_not_of_the_place(album, tmp_path):
    first = pictures(album).identify()
    moved = shutil.copytree(album, tmp_path / "moved")
    assert pictures(moved).identify() == first
    (moved / "cats" / "0.png").rename(moved / "cats" / "zero.png")
    renamed = pictures(moved).identify()
    assert renamed != first
    with (moved / "cats" / "1.png").open("r+b") as file:
        file.seek(-1, io.SEEK_END)
        file.write(b"\x00")
    changed = pictures(moved).identify()
    assert changed not in (first, renamed)
    (moved / "cats" / "2.png").unlink()
    assert pictures(moved).identify() not in (first, renamed, changed)


def test_pictures_decoded_in_another_way_are_another_data_set(album):
    """Records of the time when 16 bits came out white keep keys of their own."""
    assert pictures(album).identify() != raw(album).identify()


def test_two_files_that_swap_their_contents_are_another_identity(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_bytes(b"1")
    b.write_bytes(b"2")
    first = raw(tmp_path).identify()
    a.write_bytes(b"2")
    b.write_bytes(b"1")
    assert raw(tmp_path).identify() != first


def test_nothing_under_root_is_touched(album):
    before = snapshot(album)
    for folder in (pictures(album), raw(album)):
        folder.prepare()
        folder.identify()
        for split in ("train", "test", "attack"):
            folder.load(split)
    assert snapshot(album) == before


@pytest.mark.parametrize("do", [Folder.prepare, Folder.identify, lambda f: f.load("train")])
def test_a_missing_or_empty_folder_names_itself_and_the_remedy(tmp_path, do):
    missing = tmp_path / "not there"
    with pytest.raises(FileNotFoundError, match=r"not there is not a folder.*data\.root=DIR"):
        do(raw(missing))
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(FileNotFoundError, match=r"file is not a folder.*data\.root=DIR"):
        do(raw(file))
    empty = tmp_path / "empty"
    (empty / "inner").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="empty holds no files"):
        do(raw(empty))


def png():
    """A picture large enough to lie in several chunks of its file."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 600), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def broken_chunk(whole):
    second = whole.index(b"IDAT", whole.index(b"IDAT") + 4)
    return whole[:second] + b"\0\1\2\3" + whole[second + 4 :]


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"Dear diary", id="text"),
        pytest.param(lambda whole: whole[:5000], id="cut short"),
        pytest.param(lambda whole: whole[:3000] + bytes(100) + whole[3100:], id="bad data"),
        pytest.param(broken_chunk, id="bad chunk"),
    ],
)
def test_a_picture_that_cannot_be_read_is_named_with_the_remedy(album, spoil):
    bad = album / "cats" / "bad.png"
    bad.write_bytes(spoil(png()))
    with pytest.raises(
        ValueError, match=r"(?s)1 file cannot.*cats/bad\.png: .*unreadable=skip.*data\.kind=bytes"
    ):
        pictures(album).load("train")
    assert raw(album).load("train").rows.shape[1] == 20


def test_all_files_that_cannot_be_read_are_named_together_and_skipped_on_request(album):
    before = [pictures(album).load(split) for split in ("train", "test")]
    (album / "cats" / "bad.png").write_bytes(png()[:5000])
    (album / "dogs" / "notes.txt").write_text("Dear diary")
    with pytest.raises(ValueError, match=r"(?s)2 of 27 files.*cats/bad\.png: .*dogs/notes\.txt: "):
        pictures(album).prepare()
    lenient = pictures(album, unreadable="skip")
    assert lenient.prepare().endswith("skipped, as they cannot be read: 2")
    assert lenient.test_rows() == len(before[1])
    for split, data in zip(("train", "test"), before, strict=True):
        assert np.array_equal(lenient.load(split).rows, data.rows)
        assert np.array_equal(lenient.load(split).labels, data.labels)


def test_a_folder_without_any_picture_is_refused_even_where_they_are_skipped(tmp_path):
    (tmp_path / "notes.txt").write_text("Dear diary")
    with pytest.raises(ValueError, match=r"(?s)1 file cannot.*notes\.txt"):
        pictures(tmp_path, unreadable="skip").load("train")


def test_a_picture_of_another_shape_is_cropped_and_not_squashed(tmp_path):
    """A disc stays as wide as it is high; what lies at the longer ends is gone."""
    wide = np.zeros((40, 120), dtype=np.uint8)
    rows, columns = np.mgrid[:40, :120]
    wide[(rows - 19.5) ** 2 + (columns - 59.5) ** 2 < 15**2] = 255
    wide[:, :20] = wide[:, 100:] = 128
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(wide).save(tmp_path / name)
    row = everything(pictures(tmp_path, shape=(40, 40)))[0].reshape(40, 40)
    high, across = ((row > 127).any(axis=axis).sum() for axis in (1, 0))
    assert high == across == 30
    assert not (row == 128).any()


@pytest.mark.parametrize("kind", ["pictures", "bytes"])
def test_the_rows_held_out_are_counted_without_decoding(album, kind):
    folder = pictures(album, kind=kind)
    assert folder.test_rows() == len(folder.load("test"))


def test_prepare_counts_the_files(album):
    assert pictures(album).prepare() == f"folder: 25 files under {album}"


def test_prepare_says_what_was_left_out_and_converted(album):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    for i in range(2):
        Image.new("L", (8, 6), 7).save(album / "cats" / f"turned{i}.png", exif=exif)
    Image.new("RGBA", (8, 6)).save(album / "dogs" / "empty.png")
    (album / "Thumbs.db").write_bytes(b"no picture")
    (album / "dogs" / "Desktop.INI").write_bytes(b"no picture")
    (album / ".DS_Store").write_bytes(b"no picture")
    (album / ".thumbnails").mkdir()
    (album / ".thumbnails" / "0.png").write_bytes(b"no picture")
    (album / "again").symlink_to(album / "cats", target_is_directory=True)
    (album / "lost").symlink_to("nowhere")
    os.mkfifo(album / "pipe")
    assert pictures(album).prepare() == (
        f"folder: 28 files under {album}; left out Thumbs.db or desktop.ini: 2, hidden: 2, "
        "links: 2, neither file nor folder: 1; pictures laid on white: 1, turned upright: 2"
    )
    assert (everything(pictures(album)) == 255).all(axis=1).sum() == 1
    assert raw(album).prepare().endswith("neither file nor folder: 1")


def test_a_folder_of_nothing_but_what_is_left_out_says_so(tmp_path):
    (tmp_path / ".hidden").write_bytes(b"x")
    with pytest.raises(FileNotFoundError, match="holds no files but what is left out: hidden: 1"):
        raw(tmp_path).prepare()


def test_every_picture_is_decoded_once(album, monkeypatch):
    decoded = []
    real = folders.decode
    monkeypatch.setattr(
        folders, "decode", lambda path, *how: decoded.append(path) or real(path, *how)
    )
    folder = pictures(album)
    folder.prepare()
    for split in ("train", "test", "attack"):
        folder.load(split)
    assert sorted(decoded) == folder.files()


def test_a_width_of_3_is_no_colour_and_a_depth_of_1_is_grey(tmp_path):
    narrow = np.arange(12, dtype=np.uint8).reshape(4, 3)
    for name in ("a.png", "b.png", "c.png"):
        Image.fromarray(narrow).save(tmp_path / name)
    for shape in ((4, 3), (4, 3, 1)):
        rows = everything(pictures(tmp_path, shape=shape))
        assert np.array_equal(rows, np.tile(narrow.ravel(), (3, 1)))


def test_a_damaged_picture_is_refused_with_its_name_before_any_run(album):
    from dan_bench.sweep.jobs import carry_out

    (album / "cats" / "bad.png").write_bytes(png()[:5000])
    where = [f"data.root={album}", f"runtime.results={album.parent / 'results'}"]
    config = configure(["data=folder", *where, "evaluation=minimal"])
    with pytest.raises(ConfigError, match=r"(?s)data: .*cats/bad\.png: "):
        prepare(plan(config))
    with pytest.raises(InputError, match=r"cats/bad\.png"):
        carry_out([config])
