"""MNIST is MNIST and Fashion-MNIST is Fashion-MNIST: the real files, and no others."""

import shutil

import numpy as np
import pytest

from dan_bench.data.fetch import DataUnavailable, torchvision_mirrors
from dan_bench.data.mnist import FashionMnist, Mnist

IMAGES = "t10k-images-idx3-ubyte"


def nobody(self):
    """There is nobody to ask."""
    return {}


@pytest.fixture
def copied(mnist, tmp_path, monkeypatch):
    """A data set of one's own that may be spoilt, and nobody to ask for another."""
    monkeypatch.setattr(Mnist, "servers", nobody)
    own = Mnist(root=tmp_path / "datasets")
    shutil.copytree(mnist.folder, own.folder)
    return own


def spoil(path):
    """Change one bit, and no size."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def check_numbers(source, of_train, of_test, first):
    train, test, attack = (source.load(split) for split in ("train", "test", "attack"))
    assert train.rows.shape == attack.rows.shape == (60000, 784)
    assert test.rows.shape == (10000, 784)
    assert train.rows.dtype == test.rows.dtype == np.uint8
    assert source.shape == (28, 28)
    assert np.bincount(train.labels).tolist() == of_train
    assert np.bincount(test.labels).tolist() == of_test
    assert train.labels[:10].tolist() == first


def test_shapes_and_label_counts_are_those_of_mnist(mnist):
    of_train = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    of_test = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    check_numbers(mnist, of_train, of_test, [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])


def test_the_mean_pixel_of_the_training_images_is_the_known_one(mnist):
    assert mnist.load("train").rows.mean() / 255 == pytest.approx(0.1306604, abs=1e-6)


@pytest.mark.slow  # fetches 30 MB
def test_fashion_mnist_is_fetched_and_has_the_known_numbers(mnist):
    fashion = FashionMnist(mnist.root)
    assert "MD5 sums right" in fashion.prepare()
    check_numbers(fashion, [6000] * 10, [1000] * 10, [9, 0, 0, 3, 0, 2, 7, 2, 5, 5])
    assert fashion.load("train").rows.mean() / 255 == pytest.approx(0.2860406, abs=1e-6)


def test_right_files_on_disk_are_used(copied):
    assert copied.prepare() == f"mnist: on disk in {copied.folder}, MD5 sums right"


def test_spoilt_files_are_refused_with_what_is_wrong(copied):
    spoil(copied.folder / IMAGES)
    with pytest.raises(DataUnavailable, match=rf"mnist is not .*\n.*{IMAGES} has the wrong MD5"):
        copied.prepare()


def test_a_file_that_is_spoilt_after_the_check_is_noticed_when_it_is_read(copied):
    copied.prepare()
    spoil(copied.folder / IMAGES)
    with pytest.raises(DataUnavailable, match=rf"{IMAGES} has the wrong MD5 sum"):
        copied.load("test")
    assert len(copied.load("train")) == 60000


def test_mnist_is_no_fashion_mnist(mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(FashionMnist, "servers", nobody)
    fashion = FashionMnist(tmp_path)
    shutil.copytree(mnist.folder, fashion.folder)
    with pytest.raises(DataUnavailable, match="train-images-idx3-ubyte has the wrong MD5 sum"):
        fashion.prepare()


def test_the_pictures_of_fashion_mnist_may_not_be_black(tmp_path, monkeypatch):
    monkeypatch.setattr(FashionMnist, "servers", nobody)
    fashion = FashionMnist(tmp_path)
    fashion.folder.mkdir(parents=True)
    for name in fashion.md5:
        (fashion.folder / name).write_bytes(bytes(16 + 784))
    with pytest.raises(DataUnavailable, match="train-images-idx3-ubyte has the wrong MD5 sum"):
        fashion.prepare()


@pytest.mark.parametrize("kind", [Mnist, FashionMnist])
def test_torchvision_s_mirrors_are_asked_before_the_package(kind, tmp_path):
    asked = list(kind(tmp_path).servers())
    assert asked == [*torchvision_mirrors(kind.dataset), kind.package[0]]
    assert all(name.startswith("http") for name in asked[:-1])
    assert len(asked) >= 2
