"""The read-back is the device's answer, whoever keeps the file in memory."""

import fcntl
import mmap
import os
import secrets

import pytest
from file_systems import maker, marked
from hypothesis import given
from hypothesis import strategies as st

from dan_bench.erase import Evidence, FastNoise, erase, plan_erasure
from dan_bench.erase.direct import NOT_DIRECT, DeviceReader
from dan_bench.erase.filesystem import extents


@pytest.fixture
def make(tmp_path):
    with maker(tmp_path) as of:
        yield of


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("reader") / "file"
    path.write_bytes(secrets.token_bytes(40_001))
    handle = os.open(path, os.O_RDONLY)
    yield handle, path.read_bytes()
    os.close(handle)


@given(start=st.integers(0, 45_000), n=st.integers(0, 45_000))
def test_any_piece_is_read_as_it_lies_there(content, start, n):
    handle, data = content
    with DeviceReader(handle, 1 << 16) as reader:
        assert bytes(reader.read(n, start)) == data[start : start + n]


def whole(reader):
    found = b""
    while piece := reader.read(1 << 20, len(found)):
        found += bytes(piece)
    return found


@pytest.mark.parametrize("most", [1, 4096, 5000, 1 << 20])
def test_the_whole_is_read_in_pieces_and_the_handle_left_as_it_was(content, most):
    handle, data = content
    with DeviceReader(handle, most) as reader:
        assert whole(reader) == data
    assert os.pread(handle, 5, 3) == data[3:8]


def test_where_memory_cannot_be_passed_by_it_says_so():
    """A file of /proc takes no O_DIRECT."""
    handle = os.open("/proc/version", os.O_RDONLY)
    try:
        with DeviceReader(handle) as reader:
            assert not reader.direct
            assert whole(reader).startswith(b"Linux")
    finally:
        os.close(handle)


def test_evidence_that_was_read_through_memory_is_in_doubt(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(secrets.token_bytes(9000))
    with Evidence.open([path]) as evidence:
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(9000))
        monkeypatch.setattr("dan_bench.erase.direct.fcntl.fcntl", without_direct)
        (survey,) = evidence.survey()
    assert NOT_DIRECT in survey.unverified
    assert survey.destroyed.value == 0


def without_direct(handle, what, how=0, real=fcntl.fcntl):
    """As of a file system that has no O_DIRECT."""
    if how & os.O_DIRECT:
        raise OSError(22, "Invalid argument")
    return real(handle, what, how)


class ForgetfulDisk:
    """An image that takes writes and then has what it had before, as if it had dropped them."""

    def __init__(self, system, path):
        os.sync()
        with path.open("rb") as file:
            self._places = [(e.physical, e.length) for e in extents(file.fileno())]
        self._image = os.open(system.image, os.O_RDWR)
        self._before = [os.pread(self._image, n, at) for at, n in self._places]

    def forget(self):
        for (at, _), data in zip(self._places, self._before, strict=True):
            os.pwrite(self._image, data, at)

    def close(self):
        os.close(self._image)


@pytest.fixture(params=["ext4", "xfs"])
def mapped(request, make):
    """A file that another handle keeps in memory, on a disk that forgets."""
    system = make(request.param)
    path = system.root / "file"
    token = marked(path)
    disk = ForgetfulDisk(system, path)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as held:
        sum(held[::4096])  # every page is mapped: dropping the page cache does not drop them
        yield system, path, disk, token
    disk.close()
    assert system.search(token) == 1


def test_a_disk_that_drops_writes_is_found_out_though_the_file_is_mapped(mapped, monkeypatch):
    _, path, disk, _ = mapped
    real = DeviceReader.__init__

    def forget_first(self, *args):
        disk.forget()
        real(self, *args)

    monkeypatch.setattr(DeviceReader, "__init__", forget_first)
    (result,) = erase(plan_erasure([path]), FastNoise()).files
    assert result.status == "failed"
    assert result.read_back is False
    assert result.survey.destroyed.high < 1


def test_the_old_bytes_are_looked_for_on_the_disk_though_the_file_is_mapped(mapped):
    _, path, disk, _ = mapped
    size = path.stat().st_size
    with Evidence.open([path]) as evidence:
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(size))
            os.fsync(file.fileno())
        disk.forget()
        (survey,) = evidence.survey()
    assert survey.destroyed.high < 1
